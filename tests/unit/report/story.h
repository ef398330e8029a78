/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Short recordings for tests of the reports, told to a model event by event. Times are in
 * milliseconds; a process is its pid, its mm and its start as well. */

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "base/units.h"
#include "bpf/events.h"
#include "model/model.h"

#define MS(ms) ((uint64_t)(ms)*NS_PER_MS)

static inline struct event_header story__header(uint16_t kind, size_t size, uint64_t ms)
{
	return (struct event_header){.size_bytes = (uint32_t)size, .kind = kind, .time_ns = MS(ms)};
}

#define STORY_HEADER(name, type, ms) story__header(EVENT_##name, sizeof(struct type), ms)

static inline void story__tell(struct model *model, const void *event)
{
	assert_int_equal(model__apply(model, event), 0);
}

static inline struct task_ref story__task(uint32_t pid)
{
	return (struct task_ref){.pid = pid, .tid = pid, .start_ns = pid};
}

static inline struct memory story__memory(int64_t anon_bytes)
{
	return (struct memory){.anon_bytes = anon_bytes};
}

static inline struct process_state story__state(uint32_t pid, const char *comm, uint64_t cgroup,
						int64_t anon_bytes)
{
	struct process_state state = {
		.task = story__task(pid),
		.mm_id = pid,
		.cgroup_id = cgroup,
		.memory = story__memory(anon_bytes),
		.flags = PROCESS_MEMORY_EXACT,
	};

	strncpy(state.comm, comm, sizeof(state.comm));
	return state;
}

static inline struct memcg_counters story__counters(int64_t usage, int64_t limit, int64_t failures)
{
	return (struct memcg_counters){
		.usage_bytes = usage,
		.max_bytes = limit,
		.high_bytes = EVENT_NO_LIMIT,
		.watermark_bytes = usage,
		.failures = failures,
		.swap_max_bytes = EVENT_NO_LIMIT,
		.kmem_usage_bytes = EVENT_UNKNOWN,
	};
}

/* A host of 8 GiB whose wall clock says 2026-11-20T22:40:00Z at time 0. */
static inline struct model *story__begin(uint32_t cgroup_version, enum follow_scope scope)
{
	struct event_host host = {
		.header = STORY_HEADER(HOST, event_host, 0),
		.page_bytes = 4096,
		.cpus = 2,
		.cgroup_version = cgroup_version,
		.scope = scope,
		.memory_bytes = 8ULL << 30,
		.swap_bytes = 1ULL << 30,
		.realtime_offset_ns = 1795214400000000000,
		.step_bytes = 256 << 10,
		.recording_id = "r-1",
		.boot_id = "b-1",
		.name = "web-1",
		.kernel = "6.12.0",
		.version = "0.1.0",
		.followed = "pid 7 and its children",
	};
	struct model *model = NULL;

	assert_int_equal(model__new(&model), 0);
	story__tell(model, &host);
	return model;
}

static inline void story__opened(struct model *model, uint64_t ms)
{
	const struct event_opened opened = {STORY_HEADER(OPENED, event_opened, ms), 0};

	story__tell(model, &opened);
}

static inline void story__cgroup(struct model *model, uint64_t id, uint64_t parent,
				 const char *name, int64_t usage, int64_t limit)
{
	struct event_cgroup cgroup = {
		.header = STORY_HEADER(CGROUP, event_cgroup, 0),
		.cgroup_id = id,
		.parent_id = parent,
		.counters = story__counters(usage, limit, 0),
	};

	strncpy(cgroup.name, name, sizeof(cgroup.name) - 1);
	story__tell(model, &cgroup);
}

static inline void story__process(struct model *model, uint32_t pid, const char *comm,
				  uint64_t cgroup, int64_t anon_bytes)
{
	const struct event_process process = {
		.header = STORY_HEADER(PROCESS, event_process, 0),
		.process = story__state(pid, comm, cgroup, anon_bytes),
	};

	story__tell(model, &process);
}

static inline void story__argv(struct model *model, uint32_t pid, const char *argv, uint32_t bytes)
{
	struct {
		struct event_argv event;
		char argv[64];
	} told = {
		.event = {.header = story__header(EVENT_ARGV, sizeof(told), 0),
			  .task = story__task(pid),
			  .argv_bytes = bytes},
	};

	assert_true(bytes <= sizeof(told.argv));
	memcpy(told.event.argv, argv, bytes);
	story__tell(model, &told);
}

static inline void story__rss(struct model *model, uint64_t ms, uint32_t pid, uint64_t cgroup,
			      int64_t anon_bytes)
{
	const struct event_rss rss = {
		.header = STORY_HEADER(RSS, event_rss, ms),
		.owner = story__task(pid),
		.mm_id = pid,
		.cgroup_id = cgroup,
		.memory = story__memory(anon_bytes),
	};

	story__tell(model, &rss);
}

static inline void story__usage(struct model *model, uint64_t ms, uint64_t cgroup,
				struct memcg_counters counters)
{
	const struct event_memcg memcg = {
		.header = STORY_HEADER(MEMCG, event_memcg, ms),
		.cgroup_id = cgroup,
		.counters = counters,
	};

	story__tell(model, &memcg);
}

/* To be changed before it is told. A constraint of a cgroup when domain is not 0. */
static inline struct event_oom_kill story__oom(uint64_t ms, struct process_state victim,
					       struct process_state trigger, uint64_t domain,
					       struct memcg_counters counters)
{
	return (struct event_oom_kill){
		.header = STORY_HEADER(OOM_KILL, event_oom_kill, ms),
		.victim = victim,
		.trigger = trigger,
		.domain_cgroup_id = domain,
		.domain = counters,
		.domain_total_bytes = 9LL << 30,
		.chosen_points = 1000,
		.gfp_mask = 0xcc0,
		.constraint = domain ? OOM_CONSTRAINT_MEMCG : OOM_CONSTRAINT_NONE,
		.way = OOM_WAY_FENTRY,
	};
}

static inline void story__exec(struct model *model, uint64_t ms, uint32_t pid, const char *comm,
			       uint64_t cgroup, int64_t anon_bytes)
{
	struct event_exec exec = {
		.header = STORY_HEADER(EXEC, event_exec, ms),
		.process = story__state(pid, comm, cgroup, anon_bytes),
	};

	exec.process.mm_id += 1000;
	story__tell(model, &exec);
}

static inline void story__exit(struct model *model, uint64_t ms, uint32_t pid, const char *comm,
			       uint32_t code)
{
	struct event_exit exit = {
		.header = STORY_HEADER(EXIT, event_exit, ms),
		.task = story__task(pid),
		.peak_rss_bytes = EVENT_UNKNOWN,
		.exit_code = code,
	};

	memset(&exit.memory, 0xff, sizeof(exit.memory));
	strncpy(exit.comm, comm, sizeof(exit.comm));
	story__tell(model, &exit);
}

static inline void story__end(struct model *model, uint64_t ms)
{
	struct event_recorder recorder = {
		.header = STORY_HEADER(RECORDER, event_recorder, ms),
		.wall_ns = MS(ms),
		.cpu_ns = MS(ms) / 1000,
		.start_cpu_ns = MS(290),
		.peak_rss_bytes = 11 << 20,
		.kernel_bytes = 4 << 20,
	};

	recorder.header.flags = EVENT_CLOSING;
	story__tell(model, &recorder);
	assert_int_equal(model__finish(model), 0);
}
