/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * What following all mappings costs: maps SECONDS [no-build-ids | none]. Follows as a recorder
 * would, drained every 100 ms, and prints a line when it begins and its figures at the end. With
 * "none" it only waits, to be compared with.
 */

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/units.h"
#include "maps/address_spaces.h"
#include "maps/perf_maps.h"

#define DRAIN_MS 100

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static int on_event(void *context, const struct map_event *event)
{
	return address_spaces__apply(context, event);
}

static uint64_t cpu_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

int main(int argc, char **argv)
{
	const char *how = argc > 2 ? argv[2] : "";
	const struct perf_maps_options options = {.no_build_ids = !strcmp(how, "no-build-ids")};
	const struct address_spaces_options spaces_options = {0};
	struct perf_maps *perf = NULL;
	struct address_spaces *spaces;
	uint64_t end_ns, begin_us, wakes = 0, early = 0;
	struct perf_maps_counts counts = {0};
	struct address_spaces_counts held;
	char why[256];

	if (argc < 2 || address_spaces__new(&spaces, &spaces_options))
		return 2;
	if (strcmp(how, "none") && perf_maps__open(&perf, &options, why, sizeof(why))) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	printf("following\n");
	fflush(stdout);
	begin_us = cpu_us();
	for (end_ns = now_ns() + strtoull(argv[1], NULL, 10) * NS_PER_S; now_ns() < end_ns;
	     wakes++) {
		struct pollfd readable = {.fd = perf ? perf_maps__fd(perf) : -1, .events = POLLIN};

		early += poll(&readable, 1, DRAIN_MS) > 0;
		if (!perf)
			continue;
		perf_maps__drain(perf);
		perf_maps__release(perf, now_ns(), on_event, spaces);
		address_spaces__tidy(spaces, now_ns());
	}
	if (perf)
		counts = perf_maps__counts(perf);
	held = address_spaces__counts(spaces);
	printf("cpu_us=%llu wakes=%llu early=%llu records=%llu events=%llu lost=%llu late=%llu "
	       "processes=%llu heap_bytes=%zu ring_bytes=%zu\n",
	       (unsigned long long)(cpu_us() - begin_us), (unsigned long long)wakes,
	       (unsigned long long)early, (unsigned long long)counts.records,
	       (unsigned long long)counts.events, (unsigned long long)counts.lost,
	       (unsigned long long)counts.late, (unsigned long long)held.processes, held.bytes,
	       counts.bytes);
	perf_maps__close(perf);
	address_spaces__free(spaces);
	return 0;
}
