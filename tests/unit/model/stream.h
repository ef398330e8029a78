/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* Small constructors: one call, one event, straight into a model. Times are in milliseconds,
 * process N began at N us, and its mm is N as well unless said otherwise. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "model/model.h"

#define SIGKILL_NUMBER 9

static inline struct model *new_model(void)
{
	struct model *model = NULL;

	assert_int_equal(model__new(&model), 0);
	return model;
}

static inline struct event_header header(enum event_kind kind, size_t size, uint64_t ms)
{
	return (struct event_header){
		.size_bytes = (uint32_t)size, .kind = (uint16_t)kind, .time_ns = ms * NS_PER_MS};
}

static inline void apply(struct model *model, const void *event)
{
	assert_int_equal(model__apply(model, event), 0);
}

static inline struct task_ref task(uint32_t pid)
{
	return (struct task_ref){.pid = pid, .tid = pid, .start_ns = pid * 1000ULL};
}

static inline struct memory anon(int64_t bytes)
{
	return (struct memory){.anon_bytes = bytes};
}

static inline struct memory memory_unknown(void)
{
	return (struct memory){-1, -1, -1, -1, -1, -1};
}

/* NUL-padded, and without a NUL when it just fits. */
static inline void set_name(char *to, size_t size, const char *name)
{
	size_t length = strlen(name);

	memset(to, 0, size);
	memcpy(to, name, length < size ? length : size);
}

static inline struct process_state state_of(uint32_t pid, uint32_t parent, const char *comm,
					    uint64_t cgroup, int64_t bytes)
{
	struct process_state state = {
		.task = task(pid),
		.parent = parent ? task(parent) : (struct task_ref){0},
		.mm_id = pid,
		.cgroup_id = cgroup,
		.ns_pid = pid,
		.memory = anon(bytes),
	};

	set_name(state.comm, sizeof(state.comm), comm);
	return state;
}

static inline void process(struct model *model, uint64_t ms, struct process_state state)
{
	struct event_process event = {header(EVENT_PROCESS, sizeof(event), ms), state};

	apply(model, &event);
}

static inline void fork_of(struct model *model, uint64_t ms, struct process_state state)
{
	struct event_fork event = {header(EVENT_FORK, sizeof(event), ms), state};

	apply(model, &event);
}

static inline void exec_of(struct model *model, uint64_t ms, struct process_state state,
			   const char *argv, size_t bytes)
{
	size_t size = (sizeof(struct event_exec) + bytes + 7) & ~(size_t)7;
	struct event_exec *event = calloc(1, size);

	assert_non_null(event);
	event->header = header(EVENT_EXEC, size, ms);
	event->process = state;
	event->argv_bytes = (uint32_t)bytes;
	memcpy(event->argv, argv, bytes);
	apply(model, event);
	free(event);
}

static inline void argv_of(struct model *model, uint64_t ms, uint32_t pid, const char *argv,
			   size_t bytes)
{
	size_t size = (sizeof(struct event_argv) + bytes + 7) & ~(size_t)7;
	struct event_argv *event = calloc(1, size);

	assert_non_null(event);
	event->header = header(EVENT_ARGV, size, ms);
	event->task = task(pid);
	event->argv_bytes = (uint32_t)bytes;
	memcpy(event->argv, argv, bytes);
	apply(model, event);
	free(event);
}

static inline void exit_of(struct model *model, uint64_t ms, uint32_t pid, uint32_t code)
{
	struct event_exit event = {
		.header = header(EVENT_EXIT, sizeof(event), ms),
		.task = task(pid),
		.memory = memory_unknown(),
		.peak_rss_bytes = 123 * (int64_t)MIB,
		.exit_code = code,
	};

	apply(model, &event);
}

static inline void rss_flagged(struct model *model, uint64_t ms, uint32_t pid, uint64_t mm_id,
			       int64_t bytes, uint32_t flags)
{
	struct event_rss event = {
		.header = header(EVENT_RSS, sizeof(event), ms),
		.owner = pid ? task(pid) : (struct task_ref){0},
		.mm_id = mm_id,
		.memory = anon(bytes),
		.flags = flags,
	};

	apply(model, &event);
}

static inline void rss(struct model *model, uint64_t ms, uint32_t pid, int64_t bytes)
{
	rss_flagged(model, ms, pid, pid, bytes, 0);
}

static inline void attach(struct model *model, uint64_t ms, uint32_t pid, uint64_t cgroup)
{
	struct event_attach event = {header(EVENT_ATTACH, sizeof(event), ms), task(pid), cgroup};

	apply(model, &event);
}

static inline struct memcg_counters counters(int64_t usage, int64_t max, int64_t failures)
{
	return (struct memcg_counters){.usage_bytes = usage,
				       .max_bytes = max,
				       .high_bytes = EVENT_NO_LIMIT,
				       .failures = failures,
				       .swap_max_bytes = EVENT_NO_LIMIT,
				       .kmem_usage_bytes = -1,
				       .oom_group = 0};
}

static inline void cgroup(struct model *model, uint64_t ms, uint64_t id, uint64_t parent,
			  const char *name, struct memcg_counters now)
{
	struct event_cgroup event = {.header = header(EVENT_CGROUP, sizeof(event), ms),
				     .cgroup_id = id,
				     .parent_id = parent,
				     .counters = now};

	set_name(event.name, sizeof(event.name), name);
	apply(model, &event);
}

static inline void memcg(struct model *model, uint64_t ms, uint64_t id, struct memcg_counters now)
{
	struct event_memcg event = {header(EVENT_MEMCG, sizeof(event), ms), id, now};

	apply(model, &event);
}

static inline void reclaim(struct model *model, uint64_t first_ms, uint64_t ms, uint32_t pid,
			   uint64_t cgroup, uint64_t bytes, uint64_t stall_ms)
{
	struct event_reclaim event = {
		.header = header(EVENT_RECLAIM, sizeof(event), ms),
		.task = task(pid),
		.cgroup_id = cgroup,
		.first_ns = first_ms * NS_PER_MS,
		.stall_ns = stall_ms * NS_PER_MS,
		.reclaimed_bytes = bytes,
		.runs = 1,
		.flags = RECLAIM_MEMCG,
	};

	apply(model, &event);
}

static inline void sigkill(struct model *model, uint64_t ms, uint32_t sender, uint32_t target,
			   uint32_t from_kernel)
{
	struct event_signal event = {
		.header = header(EVENT_SIGNAL, sizeof(event), ms),
		.sender = task(sender),
		.target = task(target),
		.signal = SIGKILL_NUMBER,
		.flags = from_kernel,
		.sender_comm = "sender",
		.target_comm = "target",
	};

	apply(model, &event);
}

/* A kill in a memory cgroup whose counters are `now`. */
static inline void oom_kill(struct model *model, uint64_t ms, struct process_state victim,
			    struct process_state trigger, uint64_t domain,
			    struct memcg_counters now)
{
	struct event_oom_kill event = {
		.header = header(EVENT_OOM_KILL, sizeof(event), ms),
		.victim = victim,
		.trigger = trigger,
		.domain_cgroup_id = domain,
		.domain = now,
		.domain_total_bytes = now.max_bytes,
		.chosen_points = 1000,
		.order = 0,
		.constraint = domain ? OOM_CONSTRAINT_MEMCG : OOM_CONSTRAINT_NONE,
		.way = OOM_WAY_STACK,
	};

	event.victim.flags |= PROCESS_MEMORY_EXACT;
	apply(model, &event);
}

static inline void host(struct model *model, uint64_t ms, uint32_t scope, int64_t offset_ns)
{
	struct event_host event = {
		.header = header(EVENT_HOST, sizeof(event), ms),
		.page_bytes = 4096,
		.cpus = 2,
		.cgroup_version = 2,
		.scope = scope,
		.memory_bytes = 8 * GIB,
		.realtime_offset_ns = offset_ns,
	};

	apply(model, &event);
}

/* Something of no consequence that lets time pass. */
static inline void tick(struct model *model, uint64_t ms)
{
	struct event_psi event = {
		.header = header(EVENT_PSI, sizeof(event), ms), .some_us = -1, .full_us = -1};

	apply(model, &event);
}
