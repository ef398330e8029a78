/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Stands still inside a known chain of callers, to have its stack taken:
 *
 *   chain plain             main outer middle inner
 *   chain thread            a second thread: body outer middle inner
 *   chain deep N            N frames of deeper(), below outer
 *   chain jit [NAME]        with code made at run time between middle and inner; NAME: what the
 *                           program calls it in /tmp/perf-PID.map
 *
 * Tells a struct chain_place when it is there (raw bytes).
 */

#include "chain.h"
#include "workload.h"

#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>

#define APART __attribute__((noinline, noipa))

static const char *mode;
static const char *name;
static uint64_t code;
static long left;

/* Not in a function of libc: the innermost frame is ours. */
static inline long call(long number, long a, long b, long c, long d)
{
#if defined(__x86_64__)
	register long r10 __asm__("r10") = d;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return result;
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
#endif
}

APART void inner(void)
{
	struct chain_place place = {.code = code};

	place.tid = (uint32_t)call(SYS_gettid, 0, 0, 0, 0);
	call(SYS_write, STDOUT_FILENO, (long)&place, sizeof(place), 0);
	for (;;)
		call(SYS_ppoll, 0, 0, 0, 0);
}

/* On arm64 that code leads on only to a caller that keeps a frame pointer, too. */
#if defined(__aarch64__)
#define FRAMED __attribute__((optimize("no-omit-frame-pointer")))
#else
#define FRAMED
#endif

/* A frame with a frame pointer, as compilers at run time make them, around a call of inner(). */
FRAMED APART void through_code(void)
{
#if defined(__x86_64__)
	static const uint8_t frame[] = {0x55, 0x48, 0x89, 0xe5, 0xff, 0xd7, 0x5d, 0xc3};
#elif defined(__aarch64__)
	static const uint32_t frame[] = {0xa9bf7bfd, 0x910003fd, 0xd63f0000, 0xa8c17bfd,
					 0xd65f03c0};
#endif
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void (*made)(void (*)(void));
	char path[64];
	FILE *map;

	if (page == MAP_FAILED)
		die("mmap");
	memcpy(page, frame, sizeof(frame));
	__builtin___clear_cache(page, (char *)page + sizeof(frame));
	if (mprotect(page, 4096, PROT_READ | PROT_EXEC))
		die("mprotect");
	code = (uintptr_t)page;
	if (name) {
		snprintf(path, sizeof(path), "/tmp/perf-%d.map", getpid());
		map = fopen(path, "w");
		if (!map ||
		    fprintf(map, "%lx %zx %s\n", (unsigned long)page, sizeof(frame), name) < 0 ||
		    fclose(map))
			die(path);
	}
	memcpy(&made, &page, sizeof(made));
	made(inner);
	__asm__ volatile("");
}

APART void deeper(long more)
{
	if (more > 1)
		deeper(more - 1);
	else
		inner();
	__asm__ volatile("");
}

APART void middle(void)
{
	if (left)
		deeper(left);
	else if (!strcmp(mode, "jit"))
		through_code();
	else
		inner();
	__asm__ volatile("");
}

APART void outer(void)
{
	middle();
	__asm__ volatile("");
}

APART void *body(void *nothing)
{
	outer();
	return nothing;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	hard_stop(16 * MIB, 60);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc < 2)
		return 2;
	mode = argv[1];
	if (!strcmp(mode, "deep") && argc > 2)
		left = atol(argv[2]);
	else if (argc > 2)
		name = argv[2];
	if (!strcmp(mode, "thread")) {
		if (pthread_create(&thread, NULL, body, NULL))
			die("pthread_create");
		pthread_join(thread, NULL);
	}
	outer();
	return 0;
}
