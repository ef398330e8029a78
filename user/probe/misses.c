/* SPDX-License-Identifier: GPL-2.0-only */
#include "probe/misses.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdbool.h>
#include <string.h>

#include "bpf/events.h"
#include "bpf/deputy.h"
#include "probe/plan.h"

/*
 * What each of them tells. Not the one on page faults of the kernel: a page fault inside it is its
 * own look at a stack that ends there, by which nothing comes, and nothing is missed.
 */
static const struct {
	const char *program;
	enum event_kind kind;
} tells[] = {
	{"on_fork", EVENT_FORK},
	{"on_exec", EVENT_EXEC},
	{"on_exit", EVENT_EXIT},
	{"on_rename", EVENT_RENAME},
	{"on_rss_stat", EVENT_RSS},
	{"on_exit_mmap", EVENT_RSS},
	{"on_prepare_exec", EVENT_RSS},
	{"on_mark_victim", EVENT_OOM_KILL},
	{"on_mark_victim_pid", EVENT_OOM_KILL},
	{"on_oom_kill_process_fentry", EVENT_OOM_KILL},
	{"on_oom_kill_process_kprobe", EVENT_OOM_KILL},
	{"on_cgroup_mkdir", EVENT_CGROUP},
	{"on_cgroup_rmdir", EVENT_CGROUP_GONE},
	{"on_cgroup_attach_task", EVENT_ATTACH},
	{"on_signal_generate", EVENT_SIGNAL},
	{"on_memcg_reclaim_begin", EVENT_RECLAIM},
	{"on_memcg_reclaim_end", EVENT_RECLAIM},
	{"on_direct_reclaim_begin", EVENT_RECLAIM},
	{"on_direct_reclaim_end", EVENT_RECLAIM},
	{"on_reclaimer_exit", EVENT_RECLAIM},
	{"on_place_found", EVENT_GROWTH_GONE},
	{"on_page_fault_user", EVENT_GROWTH},
	{"on_early_fault_user", EVENT_GROWTH},
	{"on_fault_event", EVENT_GROWTH},
	{"on_early_fault_event", EVENT_GROWTH},
};

static bool is_loaded(const struct bpf_object *object, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, name);

	return program && bpf_program__autoload(program);
}

static uint64_t misses_of(const struct bpf_object *object, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, name);
	struct bpf_prog_info info = {};
	uint32_t size = sizeof(info);

	if (!is_loaded(object, name) ||
	    bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
		return 0;
	return info.recursion_misses;
}

/* Of a program that has deputies it is lost what the last of them has missed as well, and none
 * stood in for: the latter alone would be too much in the moment before one does. */
static uint64_t lost_by(const struct bpf_object *object, const __u64 *stood_in, const char *name)
{
	uint64_t missed = misses_of(object, name), made_up, by_last;

	for (int what = 0; missed && what < DEPUTIZED_END; what++) {
		if (strcmp(plan__deputies[what][0], name) != 0)
			continue;
		if (!is_loaded(object, plan__deputies[what][DEPUTY_LAST - 1]))
			return missed;
		by_last = misses_of(object, plan__deputies[what][DEPUTY_LAST - 1]);
		made_up = *(const volatile __u64 *)&stood_in[what];
		missed = missed > made_up ? missed - made_up : 0;
		return missed < by_last ? missed : by_last;
	}
	return missed;
}

uint64_t misses__of(const struct bpf_object *object, const __u64 *stood_in, uint32_t kind)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < sizeof(tells) / sizeof(tells[0]); i++) {
		if (tells[i].kind == kind)
			lost += lost_by(object, stood_in, tells[i].program);
	}
	return lost;
}
