/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/stack_worker.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/oom_score.h"
#include "base/close_others.h"
#include "base/privileges.h"
#include "base/units.h"
#include "recording/reader.h"
#include "source/observe.h"
#include "source/stack_events.h"
#include "stacks/stacks.h"

#define MEMORY_BYTES (256 * MIB)
#define TURN_MS      100
#define OUT_BYTES    (64 * KIB)
#define IN_BYTES     (256 * KIB)
#define DRAIN_BYTES  (1 * MIB) /* at a time: the rings have to be emptied as well */
#define REAP_NS      (1 * NS_PER_S)

/* The worker's first words. */
struct greeting {
	int error;
	char why[252];
};

/* ============================================================================================= *
 * The worker's side.
 * ============================================================================================= */

struct work {
	int socket;
	int rooms_fd;
	struct stacks *stacks;
	struct ring_buffer *ring;
	struct stack_events events;
	uint64_t told_losses[LOSS_END];
	size_t out_bytes;
	char out[OUT_BYTES];
};

static int send_all(int socket, const void *data, size_t bytes)
{
	const char *at = data;

	while (bytes) {
		ssize_t sent = send(socket, at, bytes, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return -EPIPE;
		at += sent;
		bytes -= (size_t)sent;
	}
	return 0;
}

static int flush(struct work *work)
{
	int error = send_all(work->socket, work->out, work->out_bytes);

	work->out_bytes = 0;
	return error;
}

static int put(void *context, const struct event_header *event)
{
	struct work *work = context;
	int error = 0;

	if (work->out_bytes + event->size_bytes > sizeof(work->out))
		error = flush(work);
	memcpy(work->out + work->out_bytes, event, event->size_bytes);
	work->out_bytes += event->size_bytes;
	return error;
}

static int take_sample(void *context, void *data, size_t bytes)
{
	stacks__take(((struct work *)context)->stacks, data, bytes);
	return 0;
}

/* The next larger one, as far as there is any; without the privilege for it stacks stay cut. */
static void give_room(void *context, uint32_t pid, size_t room_bytes)
{
	static const size_t rooms_bytes[] = {
#define X(class, pages) [class] = (pages)*STACK_PAGE_BYTES,
		STACK_CLASSES(X)
#undef X
	};
	const struct work *work = context;
	uint32_t class = 0, given = 0;

	while (class < STACK_CLASS_LAST && rooms_bytes[class] <= room_bytes)
		class ++;
	(void)bpf_map_lookup_elem(work->rooms_fd, &pid, &given);
	if (class > given)
		(void)bpf_map_update_elem(work->rooms_fd, &pid, &class, BPF_ANY);
}

/* The highest count so far. */
static int tell_loss(struct work *work, enum loss_reason reason, enum event_kind kind,
		     uint64_t count)
{
	struct event_loss event = {.reason = reason, .kind = kind, .count = count};

	if (count <= work->told_losses[reason])
		return 0;
	work->told_losses[reason] = count;
	observe__header(&event.header, EVENT_LOSS, sizeof(event));
	return put(work, &event.header);
}

static int tell_losses(struct work *work)
{
	const struct stacks_counts counts = stacks__counts(work->stacks);
	const struct {
		enum loss_reason reason;
		enum event_kind kind; /* whose numbers it touches */
		uint64_t count;
	} losses[] = {
		{LOSS_SAMPLE_QUEUE, EVENT_GROWTH, counts.refused},
		{LOSS_MALFORMED, EVENT_GROWTH, counts.torn},
		{LOSS_SAMPLE_LATE, EVENT_GROWTH, counts.late_more},
		{LOSS_SAMPLE_UNSEEN, EVENT_GROWTH, counts.may_have_come},
		{LOSS_MAPS_LOST, EVENT_FRAME, counts.maps_lost},
		{LOSS_CPU_UNWATCHED, EVENT_FRAME, counts.cpus_unwatched},
		{LOSS_PAGE_TABLE_FULL, EVENT_GROWTH_GONE, counts.pages_refused},
		{LOSS_OBSERVATION, EVENT_GROWTH_GONE, counts.pages_unreadable},
	};
	int error = 0;

	for (size_t i = 0; i < sizeof(losses) / sizeof(*losses) && !error; i++)
		error = tell_loss(work, losses[i].reason, losses[i].kind, losses[i].count);
	return error;
}

/* Until the recorder wants no more, or has gone. */
static int run(struct work *work)
{
	struct pollfd fds[] = {{.fd = work->socket, .events = POLLIN},
			       {.fd = ring_buffer__epoll_fd(work->ring), .events = POLLIN},
			       {.fd = stacks__fd(work->stacks), .events = POLLIN},
			       {.events = POLLIN}};
	int error = 0;

	while (!error && !fds[0].revents) {
		fds[3].fd = stacks__lines_fd(work->stacks);
		if (poll(fds, 4, TURN_MS) < 0 && errno != EINTR)
			return -errno;
		ring_buffer__consume(work->ring);
		error = stacks__turn(work->stacks, observe__now_ns());
		if (!error)
			error = tell_losses(work);
		if (!error)
			error = flush(work);
	}
	if (error)
		return error;
	ring_buffer__consume(work->ring);
	error = stacks__finish(work->stacks);
	if (!error)
		error = tell_losses(work);
	return error ? error : flush(work);
}

static int begin(struct work *work, const struct stack_worker_options *options, char *why,
		 size_t why_size)
{
	struct stacks_options stacks = {.sink = stack_events__sink(&work->events),
					.frame_pointers = options->frame_pointers,
					.cut = give_room,
					.cut_context = work};

	work->rooms_fd = options->rooms_fd;
	work->events.sink = put;
	work->events.context = work;
	work->ring = ring_buffer__new(options->ring_fd, take_sample, work, NULL);
	if (!work->ring) {
		snprintf(why, why_size, "reading the samples: %s", strerror(errno));
		return -errno;
	}
	return stacks__new(&work->stacks, &stacks, why, why_size);
}

static void bound(uint64_t memory_bytes)
{
	struct rlimit limit = {.rlim_cur = memory_bytes, .rlim_max = memory_bytes};

	setrlimit(RLIMIT_DATA, &limit);
}

static void __attribute__((noreturn))
be_worker(const struct stack_worker_options *options, int socket, pid_t recorder)
{
	const int kept[] = {options->ring_fd, options->rooms_fd, socket, STDERR_FILENO};
	struct greeting greeting = {0};
	struct work *work;

	prctl(PR_SET_NAME, "oomtrail-stacks");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != recorder)
		_exit(1);
	/* What it reads others made, and it may take much memory for it: no exemption is for it
	 * that the recorder was given. */
	oom_score__set_adj(0, 0);
	/* Nothing of the recorder's but what it is handed, and stderr. */
	close_others(kept, sizeof(kept) / sizeof(*kept));
	bound(options->memory_bytes ? options->memory_bytes : MEMORY_BYTES);
	work = calloc(1, sizeof(*work));
	if (!work)
		_exit(1);
	work->socket = socket;
	greeting.error = begin(work, options, greeting.why, sizeof(greeting.why));
	if (!greeting.error)
		greeting.error =
			privileges__drop(PRIVILEGES_STACKS, greeting.why, sizeof(greeting.why));
	if (send_all(socket, &greeting, sizeof(greeting)) || greeting.error)
		_exit(1);
	_exit(run(work) ? 1 : 0);
}

/* ============================================================================================= *
 * The recorder's side.
 * ============================================================================================= */

struct stack_worker {
	pid_t pid; /* 0: it has ended and is reaped */
	int socket;
	bool finishing;
	char failure[160];
	struct rusage usage; /* once it is reaped */
	size_t in_bytes;
	_Alignas(8) char in[IN_BYTES];
};

static void reap(struct stack_worker *worker, int options)
{
	int status;

	if (!worker->pid || wait4(worker->pid, &status, options, &worker->usage) != worker->pid)
		return;
	worker->pid = 0;
	if (worker->failure[0] || (worker->finishing && !status))
		return;
	if (WIFSIGNALED(status))
		snprintf(worker->failure, sizeof(worker->failure), "killed by signal %d (%s)",
			 WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(worker->failure, sizeof(worker->failure), "ended with status %d",
			 WEXITSTATUS(status));
}

/* One that waits for a file system that does not answer cannot even be killed: whoever reaps us
 * reaps it. */
static void reap_soon(struct stack_worker *worker)
{
	const uint64_t until_ns = observe__now_ns() + REAP_NS;

	for (;;) {
		reap(worker, WNOHANG);
		if (!worker->pid || observe__now_ns() >= until_ns)
			return;
		poll(NULL, 0, 1);
	}
}

static void end(struct stack_worker *worker, const char *failure)
{
	if (failure && !worker->failure[0])
		snprintf(worker->failure, sizeof(worker->failure), "%s", failure);
	closep(&worker->socket);
	worker->socket = -1;
	if (worker->pid)
		kill(worker->pid, SIGKILL);
	reap_soon(worker);
}

static int receive_greeting(struct stack_worker *worker, char *why, size_t why_size)
{
	struct greeting greeting;
	ssize_t got = recv(worker->socket, &greeting, sizeof(greeting), MSG_WAITALL);

	if (got == sizeof(greeting) && !greeting.error)
		return 0;
	end(worker, NULL);
	if (got == sizeof(greeting)) {
		snprintf(why, why_size, "%.*s", (int)sizeof(greeting.why), greeting.why);
		return greeting.error < 0 ? greeting.error : -EIO;
	}
	snprintf(why, why_size, "the process that names stacks: %s",
		 worker->failure[0] ? worker->failure : "no answer");
	return -EIO;
}

int stack_worker__start(struct stack_worker **out, const struct stack_worker_options *options,
			char *why, size_t why_size)
{
	struct stack_worker *worker = calloc(1, sizeof(*worker));
	pid_t recorder = getpid();
	int sockets[2], error;

	if (!worker || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets)) {
		error = worker ? -errno : -ENOMEM;
		snprintf(why, why_size, "%s", strerror(-error));
		free(worker);
		return error;
	}
	worker->socket = sockets[0];
	worker->pid = fork();
	if (worker->pid == 0)
		be_worker(options, sockets[1], recorder);
	error = worker->pid < 0 ? -errno : 0;
	close(sockets[1]);
	if (error) {
		worker->pid = 0;
		snprintf(why, why_size, "%s", strerror(-error));
	} else {
		error = receive_greeting(worker, why, why_size);
	}
	if (error) {
		stack_worker__free(worker);
		return error;
	}
	*out = worker;
	return 0;
}

int stack_worker__fd(const struct stack_worker *worker)
{
	return worker->socket;
}

/* It reads what others made: what it says is checked like a file. */
static bool is_sound(const struct event_header *event, size_t available)
{
	if (event__check(event, available))
		return false;
	switch (event->kind) {
	case EVENT_MODULE:
	case EVENT_FRAME:
	case EVENT_FRAME_LINE:
	case EVENT_STACK:
	case EVENT_FILE:
	case EVENT_GROWTH:
	case EVENT_GROWTH_GONE:
	case EVENT_LOSS:
		return true;
	default:
		return false;
	}
}

/* Whole events; what is left of one stays for the next time. */
static int pass_on(struct stack_worker *worker, order_sink sink, void *context)
{
	size_t at = 0;
	int error = 0;

	while (!error && worker->in_bytes - at >= sizeof(struct event_header)) {
		const struct event_header *event = (const void *)(worker->in + at);

		if (event->size_bytes <= EVENT_MAX_BYTES &&
		    event->size_bytes > worker->in_bytes - at)
			break;
		if (!is_sound(event, worker->in_bytes - at)) {
			end(worker, "it said what makes no sense");
			return 0;
		}
		error = sink(context, event);
		at += event->size_bytes;
	}
	memmove(worker->in, worker->in + at, worker->in_bytes - at);
	worker->in_bytes -= at;
	return error;
}

/* 1: something has come; 0: nothing, or it has ended. */
static int receive(struct stack_worker *worker, int flags)
{
	ssize_t got;

	if (worker->socket < 0)
		return 0;
	got = recv(worker->socket, worker->in + worker->in_bytes,
		   sizeof(worker->in) - worker->in_bytes, flags);
	if (got > 0) {
		worker->in_bytes += (size_t)got;
		return 1;
	}
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	/* It has ended and its status is set; or it only says so, and is not waited for. */
	end(worker, NULL);
	if (!worker->finishing && !worker->failure[0])
		snprintf(worker->failure, sizeof(worker->failure), "it is silent");
	return 0;
}

int stack_worker__drain(struct stack_worker *worker, order_sink sink, void *context)
{
	int error = 0;

	/* A receive is of IN_BYTES at most, and what is left wakes us again. */
	for (size_t i = 0; i < DRAIN_BYTES / IN_BYTES && !error; i++) {
		if (!receive(worker, MSG_DONTWAIT))
			break;
		error = pass_on(worker, sink, context);
	}
	return error;
}

int stack_worker__finish(struct stack_worker *worker, uint64_t wait_ns, order_sink sink,
			 void *context)
{
	uint64_t until_ns = observe__now_ns() + wait_ns;
	int error = 0;

	worker->finishing = true;
	if (worker->socket >= 0)
		shutdown(worker->socket, SHUT_WR);
	while (!error && worker->socket >= 0) {
		struct pollfd fd = {.fd = worker->socket, .events = POLLIN};
		uint64_t now_ns = observe__now_ns();

		if (now_ns >= until_ns) {
			end(worker, "it did not end in time");
			break;
		}
		if (poll(&fd, 1, (int)((until_ns - now_ns) / NS_PER_MS) + 1) > 0 &&
		    receive(worker, MSG_DONTWAIT))
			error = pass_on(worker, sink, context);
	}
	return error;
}

const char *stack_worker__failure(const struct stack_worker *worker)
{
	return worker->failure[0] ? worker->failure : NULL;
}

uint64_t stack_worker__cpu_ns(const struct stack_worker *worker)
{
	const struct rusage *usage = &worker->usage;
	struct timespec time;
	clockid_t clock;

	if (worker->pid && !clock_getcpuclockid(worker->pid, &clock) &&
	    !clock_gettime(clock, &time))
		return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
	return (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * NS_PER_S +
	       (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) * 1000;
}

uint64_t stack_worker__peak_bytes(const struct stack_worker *worker)
{
	return (uint64_t)worker->usage.ru_maxrss * KIB;
}

void stack_worker__free(struct stack_worker *worker)
{
	if (!worker)
		return;
	worker->finishing = true;
	end(worker, NULL);
	free(worker);
}
