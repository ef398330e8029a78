/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Short windows for tests: what is told goes into a recording and a model alike. Times are in
 * milliseconds; process N began at N ms, its mm is N; the clock says 2026-11-20T22:40:00Z at 0.
 */

#include "base/units.h"
#include "bpf/events.h"
#include "folder.h"
#include "model/model.h"
#include "recording/writer.h"
#include "source/capture.h"

#define TRAIL_REALTIME_NS 1795214400000000000LL
#define TRAIL_CGROUP      77

struct trail {
	struct writer *writer;
	struct model *model;
	struct capture *capture;
};

static inline void trail__begin(struct trail *trail, const char *path)
{
	*trail = (struct trail){0};
	assert_int_equal(writer__new(&trail->writer, path), 0);
	assert_int_equal(model__new(&trail->model), 0);
	assert_int_equal(capture__new(&trail->capture, trail->writer, trail->model), 0);
}

static inline void trail__begin_chunk(struct trail *trail, const struct folder *folder,
				      uint64_t number)
{
	char path[64];

	store__chunk_path(folder->store, number, path, sizeof(path));
	trail__begin(trail, path);
}

static inline void trail__tell(struct trail *trail, const void *event)
{
	assert_int_equal(capture__admit(trail->capture, event), 0);
	assert_int_equal(capture__write_error(trail->capture), 0);
}

/* The model stays, finished; the file is closed properly, or as a crash leaves it. */
static inline void trail__end(struct trail *trail, bool closed)
{
	if (closed) {
		assert_int_equal(capture__digest(trail->capture), 0);
		assert_int_equal(writer__close(trail->writer), 0);
	} else {
		assert_int_equal(writer__flush(trail->writer), 0);
	}
	capture__free(trail->capture);
	writer__free(trail->writer);
	trail->writer = NULL;
	trail->capture = NULL;
	assert_int_equal(model__finish(trail->model), 0);
}

static inline void trail__free(struct trail *trail)
{
	capture__free(trail->capture);
	writer__free(trail->writer);
	model__free(trail->model);
}

static inline struct event_header trail__header(uint16_t kind, size_t size, uint64_t ms)
{
	return (struct event_header){
		.size_bytes = (uint32_t)size, .kind = kind, .time_ns = ms * NS_PER_MS};
}

static inline struct event_host trail__host(const char *name, uint64_t ms)
{
	struct event_host host = {
		.header = trail__header(EVENT_HOST, sizeof(host), ms),
		.page_bytes = 4096,
		.cpus = 2,
		.cgroup_version = 2,
		.scope = FOLLOW_ALL,
		.memory_bytes = 8ULL << 30,
		.realtime_offset_ns = TRAIL_REALTIME_NS,
		.step_bytes = 256 << 10,
	};

	strncpy(host.name, name, sizeof(host.name) - 1);
	return host;
}

static inline struct event_cgroup trail__cgroup(void)
{
	return (struct event_cgroup){
		.header = trail__header(EVENT_CGROUP, sizeof(struct event_cgroup), 0),
		.cgroup_id = TRAIL_CGROUP,
		.parent_id = 1,
		.counters = {.usage_bytes = 32 << 20, .max_bytes = 64 << 20},
		.name = "shop",
	};
}

static inline struct process_state trail__state(uint32_t pid, const char *comm, int64_t anon_bytes)
{
	struct process_state state = {
		.task = {.pid = pid, .tid = pid, .start_ns = pid * NS_PER_MS},
		.mm_id = pid,
		.cgroup_id = TRAIL_CGROUP,
		.memory = {.anon_bytes = anon_bytes},
		.flags = PROCESS_MEMORY_EXACT,
	};

	memccpy(state.comm, comm, 0, sizeof(state.comm));
	return state;
}

static inline struct event_process trail__process(uint64_t ms, uint32_t pid, const char *comm)
{
	return (struct event_process){
		.header = trail__header(EVENT_PROCESS, sizeof(struct event_process), ms),
		.process = trail__state(pid, comm, 1 << 20),
	};
}

static inline struct event_oom_kill trail__oom(uint64_t ms, uint32_t pid, const char *comm)
{
	const struct process_state state = trail__state(pid, comm, 60 << 20);

	return (struct event_oom_kill){
		.header = trail__header(EVENT_OOM_KILL, sizeof(struct event_oom_kill), ms),
		.victim = state,
		.trigger = state,
		.domain_cgroup_id = TRAIL_CGROUP,
		.domain = {.usage_bytes = 64 << 20, .max_bytes = 64 << 20, .failures = 9},
		.domain_total_bytes = 64 << 20,
		.chosen_points = 1000,
		.gfp_mask = 0xcc0,
		.constraint = OOM_CONSTRAINT_MEMCG,
		.way = OOM_WAY_FENTRY,
	};
}

/* A host and a process that is there from the beginning. */
static inline void trail__open(struct trail *trail, uint32_t pid, const char *comm)
{
	const struct event_host host = trail__host("web-1", 0);
	const struct event_cgroup cgroup = trail__cgroup();
	const struct event_process process = trail__process(1000, pid, comm);

	trail__tell(trail, &host);
	trail__tell(trail, &cgroup);
	trail__tell(trail, &process);
}

static inline void trail__kill(struct trail *trail, uint64_t ms, uint32_t pid, const char *comm)
{
	const struct event_oom_kill kill = trail__oom(ms, pid, comm);

	trail__tell(trail, &kill);
}
