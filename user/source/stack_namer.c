/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/stack_namer.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/close_others.h"
#include "base/oom_score.h"
#include "base/privileges.h"
#include "base/units.h"
#include "source/observe.h"
#include "source/perf_asking.h"
#include "stacks/stack_calls.h"
#include "source/stack_events.h"
#include "stacks/stacks.h"

#define MEMORY_BYTES (256 * MIB)
#define LARGE_BYTES  (128 * 1024)
#define TURN_MS      100
#define BEAT_NS      (1 * NS_PER_S)
#define OUT_BYTES    (64 * KIB)

struct work {
	int socket;
	struct perf_asking asking;
	uint64_t *rooms; /* STACK_ROOMS of them */
	struct stacks *stacks;
	struct ring_buffer *ring;
	struct stack_events events;
	uint64_t told_losses[LOSS_END];
	uint64_t beat_ns; /* the last one */
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

/* The next larger one, as far as there is any; without the privilege for it stacks stay cut. For a
 * first thread the largest: of its stack no more is copied than there is. */
static void give_room(void *context, const struct task_ref *thread, size_t room_bytes)
{
	static const size_t rooms_bytes[] = {
#define X(class, pages) [class] = (pages)*STACK_PAGE_BYTES,
		STACK_CLASSES(X)
#undef X
	};
	const struct work *work = context;
	uint64_t *room = &work->rooms[thread->pid % STACK_ROOMS];
	uint32_t class = thread->tid == thread->pid ? STACK_CLASS_LAST : 0;

	while (class < STACK_CLASS_LAST && rooms_bytes[class] <= room_bytes)
		class ++;
	if (*room >> 32 != thread->pid || class > (uint32_t)*room)
		__atomic_store_n(room, stack_room(thread->pid, class), __ATOMIC_RELAXED);
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
		{LOSS_MODEL_FULL, EVENT_FRAME, counts.too_large},
		{LOSS_FILE_SLOW, EVENT_FRAME, counts.too_slow},
		{LOSS_CALL_REFUSED, EVENT_FRAME, stack_calls__refused()},
		{LOSS_PAGE_TABLE_FULL, EVENT_GROWTH_GONE, counts.pages_refused},
		{LOSS_OBSERVATION, EVENT_GROWTH_GONE, counts.pages_unreadable},
	};
	int error = 0;

	for (size_t i = 0; i < sizeof(losses) / sizeof(*losses) && !error; i++)
		error = tell_loss(work, losses[i].reason, losses[i].kind, losses[i].count);
	return error;
}

static int tell_life(struct work *work, uint64_t now_ns)
{
	struct event_header beat = {.kind = STACK_BEAT, .size_bytes = sizeof(beat)};

	if (now_ns - work->beat_ns < BEAT_NS)
		return 0;
	work->beat_ns = now_ns;
	return put(work, &beat);
}

/* In the middle of what takes long. A recorder that has gone is seen by the next turn. */
static void go_on_meanwhile(void *context)
{
	struct work *work = context;

	ring_buffer__consume(work->ring);
	if (work->stacks)
		stacks__meanwhile(work->stacks, observe__now_ns());
	if (!tell_life(work, observe__now_ns()))
		(void)flush(work);
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
		if (poll(fds, 4, stacks__is_behind(work->stacks) ? 0 : TURN_MS) < 0 &&
		    errno != EINTR)
			return -errno;
		ring_buffer__consume(work->ring);
		error = stacks__turn(work->stacks, observe__now_ns());
		if (!error)
			error = tell_losses(work);
		if (!error)
			error = tell_life(work, observe__now_ns());
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

static int begin(struct work *work, const struct stack_namer_options *options, char *why,
		 size_t why_size)
{
	struct stacks_options stacks = {.sink = stack_events__sink(&work->events),
					.frame_pointers = options->frame_pointers,
					.heap_bytes = options->memory_bytes / 4 * 3,
					.kallsyms_fd = options->kallsyms_fd,
					.numbers = options->numbers,
					.opener = perf_asking__opener(&work->asking),
					.cut = give_room,
					.cut_context = work,
					.meanwhile = go_on_meanwhile,
					.meanwhile_context = work};
	int error;

	work->rooms = mmap(NULL, STACK_ROOMS * sizeof(*work->rooms), PROT_READ | PROT_WRITE,
			   MAP_SHARED, options->rooms_fd, 0);
	if (work->rooms == MAP_FAILED) {
		snprintf(why, why_size, "mapping the room for stacks: %s", strerror(errno));
		return -errno;
	}
	work->events.sink = put;
	work->events.context = work;
	work->ring = ring_buffer__new(options->ring_fd, take_sample, work, NULL);
	if (!work->ring) {
		snprintf(why, why_size, "reading the samples: %s", strerror(errno));
		return -errno;
	}
	error = stacks__new(&work->stacks, &stacks, why, why_size);
	if (!error && options->begins_pid)
		stacks__look_at(work->stacks, options->begins_pid, observe__now_ns());
	return error;
}

static void confine(int answers_fd)
{
	int error = stack_calls__confine(answers_fd);

	if (error)
		fprintf(stderr, "oomtrail: stacks are named without a filter of system calls: %s\n",
			strerror(-error));
}

static int drop_privileges(char *why, size_t why_size)
{
	int error = privileges__drop(PRIVILEGES_STACKS, why, why_size);

#if defined(__SANITIZE_THREAD__)
	if (error == -EBUSY)
		error = 0; /* the sanitizer has a thread of its own */
#endif
	return error;
}

static void bound(uint64_t memory_bytes)
{
	struct rlimit limit = {.rlim_cur = memory_bytes, .rlim_max = memory_bytes};

	/* Of what it holds, others' stacks, nothing goes to a disk when it ends early. */
	prctl(PR_SET_DUMPABLE, 0);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return; /* a sanitizer takes what it likes */
#endif
	setrlimit(RLIMIT_DATA, &limit);
	/* What is freed is to be of use for whatever comes next: large pieces go back. */
	mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
}

void stack_namer__run(const struct stack_namer_options *options, int socket, pid_t parent)
{
	const int kept[] = {options->ring_fd, options->rooms_fd,
			    options->asks_fd, options->kallsyms_fd ?: socket,
			    socket,           STDERR_FILENO};
	struct stack_greeting greeting = {0};
	struct work *work;

	prctl(PR_SET_NAME, "oomtrail-stacks");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	/* What it reads others made, and it may take much memory for it: its starter's
	 * exemption is not for it. */
	oom_score__be_ordinary();
	close_others(kept, sizeof(kept) / sizeof(*kept));
	bound(options->memory_bytes ? options->memory_bytes : MEMORY_BYTES);
	work = calloc(1, sizeof(*work));
	if (!work)
		_exit(1);
	work->socket = socket;
	work->asking.socket = options->asks_fd;
	greeting.error = begin(work, options, greeting.why, sizeof(greeting.why));
	if (!greeting.error)
		greeting.error = drop_privileges(greeting.why, sizeof(greeting.why));
	if (!greeting.error)
		confine(options->asks_fd);
	if (send_all(socket, &greeting, sizeof(greeting)) || greeting.error)
		_exit(1);
	_exit(run(work) ? 1 : 0);
}
