/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/pump.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/locked_memory.h"
#include "base/units.h"

/* Room for what locked_memory__touch_stack() touches, and for what the C library and sanitizers
 * keep of a thread in the same place. What is not touched costs nothing. */
#define STACK_BYTES (2 * MIB)

struct pump {
	struct live *live;
	struct queue *queue;
	void (*beat)(void *context);
	void *context;
	pthread_t thread;
	bool started;
	int stop_fd;
	uint64_t refused[EVENT_KIND_END]; /* the thread's own */
	bool put;                         /* since the queue was last woken */
	int error;                        /* of the thread; readable once it has ended */
	char why[256];
	_Atomic uint64_t events;
	_Atomic uint64_t written_bytes;
	_Atomic bool opened;
	_Atomic bool in_hurry;
	_Atomic bool ended;
};

static int put(void *context, const struct event_header *event)
{
	struct pump *pump = context;

	if (queue__put(pump->queue, event))
		pump->put = true;
	else
		pump->refused[event->kind < EVENT_KIND_END ? event->kind : 0]++;
	return 0;
}

static void wake(struct pump *pump)
{
	if (!pump->put)
		return;
	pump->put = false;
	queue__wake(pump->queue);
}

static bool busy(void *context)
{
	struct pump *pump = context;

	wake(pump);
	return queue__is_busy(pump->queue);
}

static uint64_t refused(void *context, uint32_t kind)
{
	return ((struct pump *)context)->refused[kind];
}

static uint64_t events(void *context)
{
	return atomic_load_explicit(&((struct pump *)context)->events, memory_order_relaxed);
}

static uint64_t written_bytes(void *context)
{
	return atomic_load_explicit(&((struct pump *)context)->written_bytes, memory_order_relaxed);
}

/* While the end is waited for, somebody else waits for our beat. */
static bool may_wait(void *context)
{
	struct pump *pump = context;

	if (pump->beat)
		pump->beat(pump->context);
	return !atomic_load_explicit(&pump->in_hurry, memory_order_relaxed);
}

int pump__new(struct pump **out, struct probe *probe, const struct pump_options *options, char *why,
	      size_t why_size)
{
	struct pump *pump = calloc(1, sizeof(*pump));
	struct live_options live = options->live;
	int error;

	if (!pump) {
		snprintf(why, why_size, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	pump->queue = options->queue;
	pump->beat = options->beat;
	pump->context = options->context;
	live.sink = put;
	live.context = pump;
	live.refused = refused;
	live.busy = busy;
	live.account = (struct live_account){events, written_bytes, pump};
	live.patience = (struct live_patience){may_wait, pump};
	pump->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	error = pump->stop_fd < 0 ? -errno : live__new(&pump->live, probe, &live);
	if (error)
		snprintf(why, why_size, "reading the rings: %s", strerror(-error));
	else
		error = live__attach(pump->live, why, why_size);
	if (error) {
		pump__free(pump);
		return error;
	}
	*out = pump;
	return 0;
}

static int turn(struct pump *pump)
{
	int error = live__run(pump->live);

	wake(pump);
	if (pump->beat)
		pump->beat(pump->context);
	return error;
}

static int run(struct pump *pump)
{
	struct pollfd fds[] = {{.fd = live__fd(pump->live), .events = POLLIN},
			       {.fd = pump->stop_fd, .events = POLLIN}};
	int error = live__open(pump->live, pump->why, sizeof(pump->why));

	wake(pump);
	atomic_store_explicit(&pump->opened, !error, memory_order_relaxed);
	while (!error && !fds[1].revents) {
		if (poll(fds, 2, live__timeout_ms(pump->live)) < 0 && errno != EINTR)
			return -errno;
		error = turn(pump);
	}
	return error;
}

static void *run_thread(void *context)
{
	struct pump *pump = context;
	int error, close_error;

	locked_memory__touch_stack();
	error = run(pump);
	close_error = live__close(pump->live);
	pump->error = error ? error : close_error;
	if (pump->error && !pump->why[0])
		snprintf(pump->why, sizeof(pump->why), "reading the rings: %s",
			 strerror(-pump->error));
	atomic_store_explicit(&pump->ended, true, memory_order_release);
	queue__wake(pump->queue);
	return NULL;
}

int pump__start(struct pump *pump)
{
	sigset_t all, before;
	pthread_attr_t attributes;
	int error;

	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	error = pthread_create(&pump->thread, &attributes, run_thread, pump);
	pthread_attr_destroy(&attributes);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pump->started = !error;
	return -error;
}

void pump__account(struct pump *pump, uint64_t events, uint64_t written_bytes)
{
	atomic_store_explicit(&pump->events, events, memory_order_relaxed);
	atomic_store_explicit(&pump->written_bytes, written_bytes, memory_order_relaxed);
}

bool pump__has_opened(const struct pump *pump)
{
	return atomic_load_explicit(&pump->opened, memory_order_relaxed);
}

void pump__stop(struct pump *pump)
{
	uint64_t one = 1;

	(void)!write(pump->stop_fd, &one, sizeof(one));
}

void pump__hurry(struct pump *pump)
{
	atomic_store_explicit(&pump->in_hurry, true, memory_order_relaxed);
	pump__stop(pump);
}

bool pump__has_ended(struct pump *pump, int *error, const char **why)
{
	if (!atomic_load_explicit(&pump->ended, memory_order_acquire))
		return false;
	*error = pump->error;
	*why = pump->why;
	return true;
}

void pump__free(struct pump *pump)
{
	if (!pump)
		return;
	if (pump->started) {
		pump__stop(pump);
		pthread_join(pump->thread, NULL);
	}
	live__free(pump->live);
	closep(&pump->stop_fd);
	free(pump);
}
