/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Another profiler: takes the stack of whoever has a page fault, by frame pointers, on every
 * processor. It tells "ready=1" once it does and, upon SIGTERM, how much it has been told.
 */

#include <linux/perf_event.h>
#include <signal.h>
#include <sys/syscall.h>

#include "workload.h"

#define CPUS_MAX   256
#define RING_PAGES 16

static volatile sig_atomic_t asked;

static void stop(int signal)
{
	(void)signal;
	asked = 1;
}

static struct perf_event_mmap_page *follow(int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_PAGE_FAULTS,
		.sample_period = 1,
		.sample_type = PERF_SAMPLE_IP | PERF_SAMPLE_CALLCHAIN,
		.wakeup_events = 1000,
	};
	void *ring;
	const int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0)
		die("perf_event_open");
	ring = mmap(NULL, (RING_PAGES + 1) * (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
		    MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED)
		die("mmap");
	return ring;
}

int main(void)
{
	struct perf_event_mmap_page *rings[CPUS_MAX];
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	const struct timespec while_ = {.tv_nsec = 10000000};
	struct sigaction action = {.sa_handler = stop};
	unsigned long long bytes = 0;

	sigaction(SIGTERM, &action, NULL);
	for (long cpu = 0; cpu < cpus && cpu < CPUS_MAX; cpu++)
		rings[cpu] = follow((int)cpu);
	printf("ready=1\n");
	fflush(stdout);
	while (!asked) {
		for (long cpu = 0; cpu < cpus && cpu < CPUS_MAX; cpu++) {
			const unsigned long long head =
				__atomic_load_n(&rings[cpu]->data_head, __ATOMIC_ACQUIRE);

			bytes += head - rings[cpu]->data_tail;
			__atomic_store_n(&rings[cpu]->data_tail, head, __ATOMIC_RELEASE);
		}
		nanosleep(&while_, NULL);
	}
	printf("bytes=%llu\n", bytes);
	return 0;
}
