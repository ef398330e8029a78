/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/stack_worker.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/news.h"
#include "base/units.h"
#include "source/observe.h"
#include "source/stack_inlet.h"
#include "source/stack_keeper.h"

#define DRAIN_BYTES (1 * MIB) /* at a time: the rings have to be emptied as well */
#define GREETING_NS (30 * NS_PER_S)
#define TURN_MS     100
/* Until another one is started. */
#define PAUSE_NS    (1 * NS_PER_S)
#define LONGEST_NS  (300 * NS_PER_S)
#define SILENT_NS   (60 * NS_PER_S) /* who says nothing for so long waits for what may never come */
#define PROVED_NS   (600 * NS_PER_S) /* who has lasted so long has not failed again */

enum stage {
	STAGE_NONE,    /* nobody runs; another one is started at next_ns */
	STAGE_RUNNING, /* as far as anybody knows */
	STAGE_ENDING,  /* it is not listened to any more; how it ended is still to come */
	STAGE_OVER     /* nobody will be started again */
};

struct stack_worker {
	struct stack_worker_options options;
	pid_t keeper; /* 0: it has ended and is reaped */
	int keeper_socket;
	int epoll_fd;
	enum stage stage;
	pid_t pid; /* 0: not known */
	int socket;
	bool finishing;
	bool reported; /* how it ended, while there may be more to listen to */
	struct stack_report end;
	uint64_t ends;
	uint64_t began_ns, next_ns, pause_ns;
	uint64_t heard_ns;           /* from it, last */
	uint64_t cpu_ns, peak_bytes; /* of those that have ended */
	struct news news;
	char failure[224]; /* why it is ended, if that was our will; "": it was not */
	struct stack_inlet inlet;
};

bool stack_worker__news(struct stack_worker *worker, char *out, size_t size)
{
	return news__take(&worker->news, out, size);
}

static int watch_fd(const struct stack_worker *worker, int fd)
{
	struct epoll_event readable = {.events = EPOLLIN};

	return epoll_ctl(worker->epoll_fd, EPOLL_CTL_ADD, fd, &readable) ? -errno : 0;
}

static void close_socket(int *socket)
{
	if (*socket >= 0)
		close(*socket);
	*socket = -1;
}

/* --- one that names ----------------------------------------------------------------------------
 */

static int start_one(struct stack_worker *worker)
{
	struct stack_order order = {
		.kind = STACK_ORDER_START,
		.options = {.ring_fd = worker->options.ring_fd,
			    .rooms_fd = worker->options.rooms_fd,
			    .frame_pointers = worker->options.frame_pointers,
			    .begins_pid = worker->options.begins_pid,
			    .memory_bytes = worker->options.memory_bytes,
			    .numbers = worker->inlet.numbers},
	};
	int sockets[2], error;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets))
		return -errno;
	error = stack_keeper__order(worker->keeper_socket, &order, sockets[1]);
	close(sockets[1]);
	if (!error)
		error = watch_fd(worker, sockets[0]);
	if (error) {
		close(sockets[0]);
		return error;
	}
	stack_inlet__begin(&worker->inlet);
	worker->socket = sockets[0];
	worker->stage = STAGE_RUNNING;
	worker->reported = false;
	worker->failure[0] = '\0';
	worker->began_ns = worker->heard_ns = observe__now_ns();
	return 0;
}

/* It is not listened to any more. */
static void end_one(struct stack_worker *worker, const char *failure)
{
	const struct stack_order order = {.kind = STACK_ORDER_KILL};

	if (worker->stage != STAGE_RUNNING)
		return;
	if (failure)
		snprintf(worker->failure, sizeof(worker->failure), "%s", failure);
	close_socket(&worker->socket);
	worker->stage = STAGE_ENDING;
	(void)stack_keeper__order(worker->keeper_socket, &order, -1);
}

static void say_how_it_ended(const struct stack_worker *worker, char *out, size_t size)
{
	const int status = worker->end.status;

	if (worker->failure[0])
		snprintf(out, size, "%s", worker->failure);
	else if (worker->inlet.greeted && worker->inlet.greeting.error)
		snprintf(out, size, "%s", worker->inlet.greeting.why);
	else if (worker->end.error)
		snprintf(out, size, "%s", strerror(worker->end.error));
	else if (WIFSIGNALED(status))
		snprintf(out, size, "killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(out, size, "ended with status %d", WEXITSTATUS(status));
}

static void fail(struct stack_worker *worker, const char *how)
{
	char news[320], then[64] = "growth since then has no stacks";

	worker->ends++;
	if (worker->finishing)
		snprintf(then, sizeof(then), "the stacks that were left are lost");
	else if (worker->stage != STAGE_OVER)
		snprintf(then, sizeof(then), "another one is started in %llu s",
			 (unsigned long long)(worker->pause_ns / NS_PER_S));
	snprintf(news, sizeof(news), "the process that names stacks ended early (%s): %s", how,
		 then);
	news__tell(&worker->news, news);
}

/* Its end is known, and nothing of it is left to be read. */
static void conclude(struct stack_worker *worker)
{
	const uint64_t now_ns = observe__now_ns();
	char how[sizeof(worker->failure)];

	say_how_it_ended(worker, how, sizeof(how));
	worker->pid = 0;
	worker->stage = worker->finishing ? STAGE_OVER : STAGE_NONE;
	if (now_ns - worker->began_ns >= PROVED_NS || !worker->pause_ns)
		worker->pause_ns = PAUSE_NS;
	else if (worker->pause_ns < LONGEST_NS)
		worker->pause_ns *= 2;
	worker->next_ns = now_ns + worker->pause_ns;
	if (!worker->finishing || worker->failure[0] || worker->end.status || worker->end.error)
		fail(worker, how);
}

static void lose_keeper(struct stack_worker *worker)
{
	if (worker->stage == STAGE_OVER)
		return;
	close_socket(&worker->socket);
	close_socket(&worker->keeper_socket);
	worker->stage = STAGE_OVER;
	worker->pid = 0;
	fail(worker, "so did the one that starts it");
}

static void hear_keeper(struct stack_worker *worker)
{
	struct stack_report report;
	ssize_t got;

	while (worker->keeper_socket >= 0) {
		got = recv(worker->keeper_socket, &report, sizeof(report), MSG_DONTWAIT);
		if (got < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (got != sizeof(report)) {
			lose_keeper(worker);
			return;
		}
		worker->pid = report.ended ? 0 : report.pid;
		if (!report.ended)
			continue;
		worker->cpu_ns +=
			(uint64_t)(report.usage.ru_utime.tv_sec + report.usage.ru_stime.tv_sec) *
				NS_PER_S +
			(uint64_t)(report.usage.ru_utime.tv_usec + report.usage.ru_stime.tv_usec) *
				1000;
		if ((uint64_t)report.usage.ru_maxrss * KIB > worker->peak_bytes)
			worker->peak_bytes = (uint64_t)report.usage.ru_maxrss * KIB;
		worker->end = report;
		worker->reported = true;
	}
}

/* --- life --------------------------------------------------------------------------------------
 */

int stack_worker__new(struct stack_worker **out, char *why, size_t why_size)
{
	struct stack_worker *worker = calloc(1, sizeof(*worker));
	int error = -ENOMEM;

	if (worker) {
		news__init(&worker->news);
		worker->socket = worker->keeper_socket = -1;
		worker->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
		error = worker->epoll_fd < 0 ? -errno : 0;
	}
	if (!error)
		error = stack_keeper__start(&worker->keeper, &worker->keeper_socket);
	if (!error)
		error = watch_fd(worker, worker->keeper_socket);
	if (error) {
		snprintf(why, why_size, "%s", strerror(-error));
		stack_worker__free(worker);
		return error;
	}
	*out = worker;
	return 0;
}

static int say_nothing(void *context, const struct event_header *event)
{
	(void)context;
	(void)event;
	return 0;
}

int stack_worker__start(struct stack_worker *worker, const struct stack_worker_options *options,
			char *why, size_t why_size)
{
	const uint64_t until_ns = observe__now_ns() + GREETING_NS;
	int error;

	worker->options = *options;
	error = start_one(worker);
	if (error) {
		snprintf(why, why_size, "%s", strerror(-error));
		return error;
	}
	while (worker->stage == STAGE_RUNNING && !worker->inlet.greeted &&
	       observe__now_ns() < until_ns) {
		struct pollfd fd = {.fd = worker->epoll_fd, .events = POLLIN};

		(void)poll(&fd, 1, TURN_MS);
		stack_worker__drain(worker, say_nothing, NULL);
	}
	if (worker->inlet.greeted && !worker->inlet.greeting.error)
		return 0;
	if (worker->inlet.greeted)
		snprintf(why, why_size, "%s", worker->inlet.greeting.why);
	else if (!stack_worker__news(worker, why, why_size))
		snprintf(why, why_size, "the process that names stacks: no answer");
	return worker->inlet.greeted && worker->inlet.greeting.error < 0
		       ? worker->inlet.greeting.error
		       : -EIO;
}

int stack_worker__fd(const struct stack_worker *worker)
{
	return worker->epoll_fd;
}

/* As much as has come, up to DRAIN_BYTES. */
static int listen_to_it(struct stack_worker *worker, order_sink sink, void *context)
{
	for (size_t i = 0; i < DRAIN_BYTES / STACK_INLET_BYTES; i++) {
		int error, got;

		if (worker->stage != STAGE_RUNNING)
			return 0;
		got = stack_inlet__receive(&worker->inlet, worker->socket);
		if (got == -EAGAIN)
			return 0;
		if (got <= 0) {
			end_one(worker, NULL);
			return 0;
		}
		worker->heard_ns = observe__now_ns();
		error = stack_inlet__pass_on(&worker->inlet, sink, context);
		if (error == -EBADMSG)
			end_one(worker, "it said what makes no sense");
		else if (error)
			return error;
	}
	return 0;
}

/* A file system that does not answer, say. In the end it has as long as it is waited for. */
static void end_if_silent(struct stack_worker *worker)
{
	if (worker->stage == STAGE_RUNNING && !worker->finishing &&
	    observe__now_ns() - worker->heard_ns > SILENT_NS)
		end_one(worker, "it has said nothing for 60 s");
}

int stack_worker__drain(struct stack_worker *worker, order_sink sink, void *context)
{
	int error = listen_to_it(worker, sink, context);

	end_if_silent(worker);
	hear_keeper(worker);
	if (worker->stage == STAGE_ENDING && worker->reported)
		conclude(worker);
	if (worker->stage == STAGE_NONE && worker->ends && !worker->finishing &&
	    observe__now_ns() >= worker->next_ns) {
		if (start_one(worker))
			worker->next_ns = observe__now_ns() + worker->pause_ns;
		else
			news__tell(&worker->news, "the process that names stacks is started again");
	}
	return error;
}

int stack_worker__finish(struct stack_worker *worker, order_sink sink, void *context,
			 bool (*wait)(void *context), void *wait_context)
{
	int error = 0;

	worker->finishing = true;
	if (worker->stage == STAGE_RUNNING)
		shutdown(worker->socket, SHUT_WR);
	while (!error && (worker->stage == STAGE_RUNNING || worker->stage == STAGE_ENDING)) {
		struct pollfd fd = {.fd = worker->epoll_fd, .events = POLLIN};

		(void)poll(&fd, 1, TURN_MS);
		error = stack_worker__drain(worker, sink, context);
		if (wait(wait_context) ||
		    (worker->stage != STAGE_RUNNING && worker->stage != STAGE_ENDING))
			continue;
		worker->stage = STAGE_OVER;
		fail(worker, "it was not waited for any longer");
	}
	return error;
}

uint64_t stack_worker__ends(const struct stack_worker *worker)
{
	return worker->ends;
}

uint64_t stack_worker__cpu_ns(const struct stack_worker *worker)
{
	struct timespec time;
	clockid_t clock;

	if (!worker->pid || clock_getcpuclockid(worker->pid, &clock) || clock_gettime(clock, &time))
		return worker->cpu_ns;
	return worker->cpu_ns + (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

uint64_t stack_worker__peak_bytes(const struct stack_worker *worker)
{
	return worker->peak_bytes;
}

void stack_worker__free(struct stack_worker *worker)
{
	if (!worker)
		return;
	close_socket(&worker->socket);
	close_socket(&worker->keeper_socket);
	stack_keeper__reap(worker->keeper);
	close_socket(&worker->epoll_fd);
	news__destroy(&worker->news);
	free(worker);
}
