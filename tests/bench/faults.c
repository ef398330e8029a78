/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Page faults below a stack of a given size, timed one by one: faults STACK_BYTES. Tells pid=PID;
 * then, for each line of stdin, touches as many new pages as it says, some at a time, and tells
 * median_ns= of one touch.
 */

#include <signal.h>

#include "tests/workloads/workload.h"

#define PAGES_MAX  20000
#define AT_A_TIME  4
#define PAUSE_NS   2000000
#define PAGE_BYTES 4096

static uint32_t took_ns[PAGES_MAX];

static int by_value(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return (a > b) - (a < b);
}

static void touch(unsigned int pages)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	char *memory = mmap(NULL, (size_t)pages * PAGE_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED || madvise(memory, (size_t)pages * PAGE_BYTES, MADV_NOHUGEPAGE))
		die("mmap");
	for (unsigned int i = 0; i < pages; i++) {
		uint64_t begin;

		if (i % AT_A_TIME == 0)
			nanosleep(&pause, NULL);
		begin = now_ns();
		*(volatile char *)(memory + (size_t)i * PAGE_BYTES) = 1;
		took_ns[i] = (uint32_t)(now_ns() - begin);
	}
	munmap(memory, (size_t)pages * PAGE_BYTES);
	qsort(took_ns, pages, sizeof(*took_ns), by_value);
	tell("median_ns=%u", took_ns[pages / 2]);
}

static __attribute__((noinline, noclone)) void below(unsigned long stack_bytes)
{
	volatile char room[960];
	char line[32];

	room[0] = 1;
	if (stack_bytes > 1024) {
		below(stack_bytes - 1024);
	} else {
		while (fgets(line, sizeof(line), stdin)) {
			unsigned long pages = strtoul(line, NULL, 10);

			if (!pages || pages > PAGES_MAX)
				exit(2);
			touch((unsigned int)pages);
		}
	}
	room[1] = room[0];
}

int main(int argc, char **argv)
{
	unsigned long stack_bytes = argc > 1 ? parse_size(argv[1]) : 1024;

	if (stack_bytes > MIB)
		return 2;
	hard_stop((unsigned long)PAGES_MAX * PAGE_BYTES, 120);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	tell("pid=%d", getpid());
	below(stack_bytes);
	return 0;
}
