/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Threads of other programs that stand still, and samples of them as bpf/sample.bpf.c takes them.
 */

#include "tests/unit/stacks/told.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "stacks/stacks.h"
#include "tests/workloads/chain.h"

#define CHAIN       "build/workloads/chain"
#define DEADLINE_NS (20 * NS_PER_S)

#if defined(__x86_64__)
#define STACK_POINTER 19
#define COUNTER       16
#define STACK_BELOW   128
#else
#define STACK_POINTER 31
#define COUNTER       32
#define STACK_BELOW   0
#endif

#define CAUGHT_PAGES 8

static inline uint64_t caught__now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

struct stander {
	pid_t pid;
	uint32_t tid; /* that stands, as we see it */
	uint64_t code;
};

/* What the child does before it becomes the program; false: it cannot. */
typedef bool (*stander_prepare)(const char *argument);

/* With fexecve(3): wherever `prepare` has taken its root and mounts. */
static inline pid_t stander__fork(const char *program, char *const argv[], stander_prepare prepare,
				  const char *argument, int out)
{
	int fd = open(program, O_RDONLY | O_CLOEXEC);
	pid_t pid;

	assert_true(fd >= 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(out, STDOUT_FILENO);
		if (!prepare || prepare(argument))
			fexecve(fd, argv, environ);
		_exit(1);
	}
	close(fd);
	return pid;
}

static inline struct stander stander__start(const char *program, char *const argv[],
					    stander_prepare prepare, const char *argument)
{
	struct chain_place place = {0};
	struct stander stander;
	struct pollfd there;
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	stander.pid = stander__fork(program, argv, prepare, argument, ends[1]);
	close(ends[1]);
	there = (struct pollfd){.fd = ends[0], .events = POLLIN};
	assert_int_equal(poll(&there, 1, (int)(DEADLINE_NS / NS_PER_MS)), 1);
	if (read(ends[0], &place, sizeof(place)) != sizeof(place))
		fail_msg("%s did not come to stand", program);
	close(ends[0]);
	stander.tid = place.tid;
	stander.code = place.code;
	return stander;
}

static inline struct stander stander__of(const char *mode, const char *argument)
{
	char *const argv[] = {"chain", (char *)mode, (char *)argument, NULL};

	return stander__start(CHAIN, argv, NULL, NULL);
}

static inline void stander__end(struct stander *stander)
{
	if (stander->pid) {
		kill(stander->pid, SIGKILL);
		waitpid(stander->pid, NULL, 0);
	}
	stander->pid = 0;
}

union caught {
	struct stack_sample sample;
	uint8_t bytes[sizeof(struct stack_sample) + CAUGHT_PAGES * STACK_PAGE_BYTES];
};

/* What can be read of it, page by page. */
static inline uint32_t caught__copy(union caught *caught, pid_t tid, uint64_t from)
{
	uint32_t inside = from & (STACK_PAGE_BYTES - 1), bytes = 0;

	while (inside + bytes < CAUGHT_PAGES * STACK_PAGE_BYTES) {
		size_t part = STACK_PAGE_BYTES - ((inside + bytes) & (STACK_PAGE_BYTES - 1));
		struct iovec local = {caught->sample.stack + inside + bytes, part};
		struct iovec remote = {(void *)(from + bytes), part};

		if (process_vm_readv(tid, &local, 1, &remote, 1, 0) != (ssize_t)part)
			break;
		bytes += (uint32_t)part;
	}
	return bytes;
}

/* Its thread at this moment; to be freed. */
static inline union caught *caught__take(pid_t pid, pid_t tid)
{
	static uint64_t last_id;
	union caught *caught = calloc(1, sizeof(*caught));
	struct stack_sample *sample = &caught->sample;
	struct iovec registers = {sample->registers, sizeof(sample->registers)};
	uint64_t user_registers[64];
	int status;

	assert_non_null(caught);
	assert_int_equal(ptrace(PTRACE_SEIZE, tid, NULL, NULL), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, tid, NULL, NULL), 0);
	assert_int_equal(waitpid(tid, &status, __WALL), tid);
	assert_true(WIFSTOPPED(status));
	registers = (struct iovec){user_registers, sizeof(user_registers)};
	assert_int_equal(ptrace(PTRACE_GETREGSET, tid, NT_PRSTATUS, &registers), 0);
	memcpy(sample->registers, user_registers, sizeof(sample->registers));
	sample->header = (struct stack_sample_header){
		.size_bytes = sizeof(*caught),
		.kind = STACK_SAMPLE_TAKEN,
		.time_ns = caught__now_ns(),
		.id = ++last_id,
	};
	sample->task = (struct task_ref){.pid = (uint32_t)pid, .tid = (uint32_t)tid};
	sample->mm_id = (uint64_t)pid;
	sample->address = 0x10000;
	sample->block_bytes = MIB;
	sample->pages[GROWTH_ANON] = 1;
	sample->stack_from = sample->registers[STACK_POINTER] - STACK_BELOW;
	sample->stack_bytes = caught__copy(caught, tid, sample->stack_from);
	if (!sample->stack_bytes) { /* nothing was there yet below its stack's page */
		sample->stack_from += STACK_BELOW;
		sample->stack_bytes = caught__copy(caught, tid, sample->stack_from);
	}
	if (sample->stack_bytes + (sample->stack_from & (STACK_PAGE_BYTES - 1)) ==
	    CAUGHT_PAGES * STACK_PAGE_BYTES)
		sample->flags |= STACK_SAMPLE_CUT;
	assert_int_equal(ptrace(PTRACE_DETACH, tid, NULL, NULL), 0);
	return caught;
}

/* NULL: this host does not let us, and the test is skipped with the reason. */
static inline struct stacks *caught__stacks(struct told *told, size_t queue_bytes)
{
	const struct stacks_options options = {.sink = told__sink(told),
					       .queue_bytes = queue_bytes};
	struct stacks *stacks = NULL;
	char why[256] = "";
	int error = stacks__new(&stacks, &options, why, sizeof(why));

	if (error) {
		assert_true(*why);
		print_message("skipped: %s\n", why);
		if (error != -EACCES && error != -EPERM && error != -ENOSYS)
			fail_msg("%s", why);
		skip();
	}
	return stacks;
}

/* "inner;middle;outer": innermost first, as the last sample was told; unnamed ones as "?". */
static inline const char *told__text(const struct told *told)
{
	static char text[65536];
	const struct told_chain *chain;
	size_t length = 0;

	assert_true(told->growth_count > 0);
	chain = told__chain(told, told->growths[told->growth_count - 1].stack);
	text[0] = '\0';
	for (size_t i = 0; chain && i < chain->chain.count; i++) {
		const struct told_frame *frame = told__frame(told, chain->frames[i]);

		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%s",
					   i ? ";" : "", *frame->name ? frame->name : "?");
		assert_true(length < sizeof(text));
	}
	return text;
}

static inline enum stack_end told__end(const struct told *told)
{
	return told__chain(told, told->growths[told->growth_count - 1].stack)->chain.end;
}

static inline void assert_begins(const char *text, const char *with)
{
	if (strncmp(text, with, strlen(with)) != 0)
		fail_msg("'%s' does not begin with '%s'", text, with);
}
