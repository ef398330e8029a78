/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * A recording of a busy host, to measure replay with: synthesise FILE EVENTS. 10,000 processes in
 * 1,000 cgroups, their growth, births and deaths; no claim to be real beyond that.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "recording/writer.h"

#define PROCESSES 10000
#define CGROUPS   1000
#define FIRST_PID 1000
#define TICK_NS   20000 /* between events */

static void cgroup(struct writer *writer, uint64_t now_ns, uint64_t id)
{
	struct event_cgroup event = {
		.header = {sizeof(event), EVENT_CGROUP, 0, now_ns},
		.cgroup_id = id,
		.parent_id = id == 1 ? 0 : 1,
		.counters = {.usage_bytes = 1 << 20, .max_bytes = EVENT_NO_LIMIT},
	};

	snprintf(event.name, sizeof(event.name), "%s%lu", id == 1 ? "" : "service-",
		 (unsigned long)id);
	if (id == 1)
		event.name[0] = '\0';
	writer__append(writer, &event.header);
}

static struct process_state process(uint32_t number, uint64_t start_ns)
{
	struct process_state state = {
		.task = {FIRST_PID + number, FIRST_PID + number, start_ns},
		.parent = {1, 1, 0},
		.mm_id = start_ns * PROCESSES + number + 1,
		.cgroup_id = 2 + number % (CGROUPS - 1),
		.memory = {.anon_bytes = 4 << 20, .file_bytes = 1 << 20},
	};

	snprintf(state.comm, sizeof(state.comm), "worker-%u", number);
	return state;
}

int main(int argc, char **argv)
{
	unsigned long events = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	static struct process_state processes[PROCESSES];
	struct writer *writer;
	uint64_t now_ns = 1000000000;
	uint32_t random = 1;

	if (!events || writer__new(&writer, argv[1])) {
		fprintf(stderr, "usage: synthesise FILE EVENTS\n");
		return 2;
	}
	for (uint64_t id = 1; id <= CGROUPS; id++)
		cgroup(writer, now_ns, id);
	for (uint32_t i = 0; i < PROCESSES; i++) {
		struct event_process event = {.header = {sizeof(event), EVENT_PROCESS, 0, now_ns}};

		processes[i] = event.process = process(i, 1000 + i);
		writer__append(writer, &event.header);
	}
	for (unsigned long i = 0; i < events; i++) {
		struct process_state *state;
		struct event_rss event = {.header = {sizeof(event), EVENT_RSS, 0, now_ns}};

		random = random * 1664525 + 1013904223;
		state = &processes[(random >> 8) % PROCESSES];
		state->memory.anon_bytes += (random >> 30) ? 256 << 10 : -(512 << 10);
		if (state->memory.anon_bytes < 0)
			state->memory.anon_bytes = 0;
		event.owner = state->task;
		event.mm_id = state->mm_id;
		event.cgroup_id = state->cgroup_id;
		event.memory = state->memory;
		if (writer__append(writer, &event.header)) {
			perror(argv[1]);
			return 1;
		}
		now_ns += TICK_NS;
	}
	if (writer__close(writer))
		return 1;
	printf("bytes=%lu\nevents=%lu\n", (unsigned long)writer__bytes(writer),
	       (unsigned long)writer__events(writer));
	writer__free(writer);
	return 0;
}
