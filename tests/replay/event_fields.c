/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "bpf/events.h"
#include "tests/replay/event_fields.h"

/* Names of values. */

#define X(name, number, type) {#name, number},
static const struct value_name kinds[] = {EVENT_KINDS(X){NULL, 0}};
#undef X
#define X(name, text) {#name, OOM_WAY_##name},
static const struct value_name oom_ways[] = {OOM_WAYS(X){NULL, 0}};
#undef X
#define X(name, text) {#name, LOSS_##name},
static const struct value_name loss_reasons[] = {LOSSES(X){NULL, 0}};
#undef X
static const struct value_name limits[] = {{"none", EVENT_NO_LIMIT}, {NULL, 0}};
static const struct value_name constraints[] = {
	{"UNKNOWN", OOM_CONSTRAINT_UNKNOWN}, {"NONE", OOM_CONSTRAINT_NONE},
	{"CPUSET", OOM_CONSTRAINT_CPUSET},   {"MEMPOLICY", OOM_CONSTRAINT_MEMPOLICY},
	{"MEMCG", OOM_CONSTRAINT_MEMCG},     {NULL, 0},
};
static const struct value_name scopes[] = {
	{"ALL", FOLLOW_ALL},
	{"PROCESSES", FOLLOW_PROCESSES},
	{"CGROUP", FOLLOW_CGROUP},
	{NULL, 0},
};
static const struct value_name event_flags[] = {
	{"LATE", EVENT_LATE}, {"CLOSING", EVENT_CLOSING}, {NULL, 0}};
static const struct value_name process_flags[] = {
	{"SHARES_MM", PROCESS_SHARES_MM},
	{"NO_MM", PROCESS_NO_MM},
	{"MEMORY_EXACT", PROCESS_MEMORY_EXACT},
	{"EXITING", PROCESS_EXITING},
	{NULL, 0},
};
static const struct value_name argv_flags[] = {
	{"CUT", ARGV_CUT}, {"UNREADABLE", ARGV_UNREADABLE}, {NULL, 0}};
static const struct value_name rss_flags[] = {{"EXACT", RSS_EXACT}, {"GONE", RSS_GONE}, {NULL, 0}};
static const struct value_name state_flags[] = {
	{"BEGINS", STATE_BEGINS}, {"ENDS", STATE_ENDS}, {NULL, 0}};
static const struct value_name kept_process_flags[] = {{"BORN_HERE", KEPT_BORN_HERE},
						       {"EXIT_LOST", KEPT_EXIT_LOST},
						       {"KILLED", KEPT_KILLED},
						       {"OOM_KILLED", KEPT_OOM_KILLED},
						       {"ARGV", KEPT_ARGV},
						       {"MET", KEPT_MET},
						       {NULL, 0}};
static const struct value_name kept_cgroup_flags[] = {
	{"NAMED", KEPT_NAMED}, {"COUNTED", KEPT_COUNTED}, {NULL, 0}};
#define X(name, width) {#name, KEPT_SERIES_##name},
static const struct value_name series_of[] = {KEPT_SERIES_OF(X){NULL, 0}};
#undef X
#define X(name, text) {#name, FRAME_##name},
static const struct value_name frame_kinds[] = {FRAME_KINDS(X){NULL, 0}};
#undef X
#define X(name, text) {#name, STACK_END_##name},
static const struct value_name stack_ends[] = {STACK_ENDS(X){NULL, 0}};
#undef X
static const struct value_name file_flags[] = {{"DELETED", FILE_DELETED},     {"TMPFS", FILE_TMPFS},
					       {"MEMFD", FILE_MEMFD},         {"SYSV", FILE_SYSV},
					       {"ANONYMOUS", FILE_ANONYMOUS}, {NULL, 0}};
static const struct value_name growth_flags[] = {{"IN_KERNEL", GROWTH_IN_KERNEL}, {NULL, 0}};
static const struct value_name kept_growth_flags[] = {{"UNWATCHED", KEPT_GROWTH_UNWATCHED},
						      {NULL, 0}};
static const struct value_name signal_flags[] = {{"FROM_KERNEL", SIGNAL_FROM_KERNEL},
						 {"SENDER_EXITING", SIGNAL_SENDER_EXITING},
						 {"BY_WRITE", SIGNAL_BY_WRITE},
						 {"FORCED", SIGNAL_FORCED},
						 {"CPU_LIMITED", SIGNAL_CPU_LIMITED},
						 {"ASYNC", SIGNAL_ASYNC},
						 {NULL, 0}};
static const struct value_name ledger_flags[] = {{"TAKEN", LEDGER_TAKEN},
						 {"SUMMED", LEDGER_SUMMED},
						 {"CUT", LEDGER_CUT},
						 {"BOUNDED", LEDGER_BOUNDED},
						 {NULL, 0}};
static const struct value_name reclaim_flags[] = {{"MEMCG", RECLAIM_MEMCG}, {NULL, 0}};

/*
 * Fields, in one list per struct. Each is one of
 *     N(struct, field, otherwise, names)  a number
 *     G(struct, field, names)             flags
 *     P(struct, field)                    a number that repeats the one before it unless given
 * (first of all, the time) T(struct, field)                    text S(struct, field, prefix,
 * layout)    a struct H(struct, field)                    hidden
 */

#define UNKNOWN EVENT_UNKNOWN

#define FIELDS_event_header(N, G, P, T, S, H) \
	H(event_header, size_bytes)           \
	H(event_header, kind)                 \
	G(event_header, flags, event_flags)   \
	H(event_header, time_ns)

#define HEADER(S, type) S(type, header, "header.", event_header)

#define FIELDS_task_ref(N, G, P, T, S, H) \
	N(task_ref, pid, 0, NULL)         \
	P(task_ref, tid)                  \
	N(task_ref, start_ns, 0, NULL)

#define FIELDS_memory(N, G, P, T, S, H)            \
	N(memory, anon_bytes, UNKNOWN, NULL)       \
	N(memory, file_bytes, UNKNOWN, NULL)       \
	N(memory, shmem_bytes, UNKNOWN, NULL)      \
	N(memory, swap_bytes, UNKNOWN, NULL)       \
	N(memory, page_table_bytes, UNKNOWN, NULL) \
	N(memory, hugetlb_bytes, UNKNOWN, NULL)

#define FIELDS_process_state(N, G, P, T, S, H)        \
	S(process_state, task, "", task_ref)          \
	S(process_state, parent, "parent.", task_ref) \
	N(process_state, mm_id, 0, NULL)              \
	N(process_state, cgroup_id, 0, NULL)          \
	N(process_state, uid, 0, NULL)                \
	N(process_state, ns_pid, 0, NULL)             \
	N(process_state, oom_score_adj, 0, NULL)      \
	G(process_state, flags, process_flags)        \
	T(process_state, comm)                        \
	S(process_state, memory, "", memory)

#define FIELDS_memcg_counters(N, G, P, T, S, H)                   \
	N(memcg_counters, usage_bytes, UNKNOWN, NULL)             \
	N(memcg_counters, max_bytes, EVENT_NO_LIMIT, limits)      \
	N(memcg_counters, high_bytes, EVENT_NO_LIMIT, limits)     \
	N(memcg_counters, watermark_bytes, UNKNOWN, NULL)         \
	N(memcg_counters, failures, UNKNOWN, NULL)                \
	N(memcg_counters, swap_usage_bytes, UNKNOWN, NULL)        \
	N(memcg_counters, swap_max_bytes, EVENT_NO_LIMIT, limits) \
	N(memcg_counters, kmem_usage_bytes, UNKNOWN, NULL)        \
	N(memcg_counters, oom_group, UNKNOWN, NULL)               \
	H(memcg_counters, reserved)

#define FIELDS_ledger(N, G, P, T, S, H)       \
	G(ledger, flags, ledger_flags)        \
	N(ledger, cgroups, 1, NULL)           \
	N(ledger, usage_bytes, UNKNOWN, NULL) \
	N(ledger, dying_bytes, 0, NULL)       \
	LEDGER_ITEMS(N##_LEDGER)

#define FIELDS_event_fork(N, G, P, T, S, H) \
	HEADER(S, event_fork)               \
	S(event_fork, child, "", process_state)

#define FIELDS_event_exec(N, G, P, T, S, H)       \
	HEADER(S, event_exec)                     \
	S(event_exec, process, "", process_state) \
	G(event_exec, argv_flags, argv_flags)     \
	H(event_exec, argv_bytes)

#define FIELDS_event_exit(N, G, P, T, S, H)          \
	HEADER(S, event_exit)                        \
	S(event_exit, task, "", task_ref)            \
	S(event_exit, memory, "", memory)            \
	N(event_exit, peak_rss_bytes, UNKNOWN, NULL) \
	N(event_exit, exit_code, 0, NULL)            \
	H(event_exit, reserved)                      \
	T(event_exit, comm)

#define FIELDS_event_rename(N, G, P, T, S, H) \
	HEADER(S, event_rename)               \
	S(event_rename, task, "", task_ref)   \
	T(event_rename, comm)

#define FIELDS_event_cgroup(N, G, P, T, S, H)         \
	HEADER(S, event_cgroup)                       \
	N(event_cgroup, cgroup_id, 0, NULL)           \
	N(event_cgroup, parent_id, 0, NULL)           \
	S(event_cgroup, counters, "", memcg_counters) \
	T(event_cgroup, name)

#define FIELDS_event_cgroup_gone(N, G, P, T, S, H) \
	HEADER(S, event_cgroup_gone)               \
	N(event_cgroup_gone, cgroup_id, 0, NULL)

#define FIELDS_event_attach(N, G, P, T, S, H) \
	HEADER(S, event_attach)               \
	S(event_attach, task, "", task_ref)   \
	N(event_attach, cgroup_id, 0, NULL)

#define FIELDS_event_rss(N, G, P, T, S, H) \
	HEADER(S, event_rss)               \
	S(event_rss, owner, "", task_ref)  \
	N(event_rss, mm_id, 0, NULL)       \
	N(event_rss, cgroup_id, 0, NULL)   \
	S(event_rss, memory, "", memory)   \
	G(event_rss, flags, rss_flags)     \
	N(event_rss, by_pid, 0, NULL)

#define FIELDS_event_memcg(N, G, P, T, S, H) \
	HEADER(S, event_memcg)               \
	N(event_memcg, cgroup_id, 0, NULL)   \
	S(event_memcg, counters, "", memcg_counters)

#define FIELDS_event_reclaim(N, G, P, T, S, H)     \
	HEADER(S, event_reclaim)                   \
	S(event_reclaim, task, "", task_ref)       \
	N(event_reclaim, cgroup_id, 0, NULL)       \
	N(event_reclaim, first_ns, 0, NULL)        \
	N(event_reclaim, stall_ns, 0, NULL)        \
	N(event_reclaim, reclaimed_bytes, 0, NULL) \
	N(event_reclaim, runs, 1, NULL)            \
	G(event_reclaim, flags, reclaim_flags)     \
	T(event_reclaim, comm)

#define FIELDS_event_signal(N, G, P, T, S, H)        \
	HEADER(S, event_signal)                      \
	S(event_signal, sender, "sender.", task_ref) \
	S(event_signal, target, "target.", task_ref) \
	N(event_signal, signal, 9, NULL)             \
	N(event_signal, code, 0, NULL)               \
	N(event_signal, result, 0, NULL)             \
	G(event_signal, flags, signal_flags)         \
	T(event_signal, sender_comm)                 \
	T(event_signal, target_comm)

#define FIELDS_event_oom_kill(N, G, P, T, S, H)                            \
	HEADER(S, event_oom_kill)                                          \
	S(event_oom_kill, victim, "victim.", process_state)                \
	S(event_oom_kill, trigger, "trigger.", process_state)              \
	N(event_oom_kill, domain_cgroup_id, 0, NULL)                       \
	S(event_oom_kill, domain, "domain.", memcg_counters)               \
	N(event_oom_kill, domain_total_bytes, UNKNOWN, NULL)               \
	N(event_oom_kill, chosen_points, UNKNOWN, NULL)                    \
	N(event_oom_kill, gfp_mask, 0, NULL)                               \
	N(event_oom_kill, order, -1, NULL)                                 \
	N(event_oom_kill, constraint, OOM_CONSTRAINT_UNKNOWN, constraints) \
	N(event_oom_kill, way, OOM_WAY_NONE, oom_ways)                     \
	N(event_oom_kill, nodes, 0, NULL)                                  \
	S(event_oom_kill, ledger, "ledger.", ledger)

#define FIELDS_event_process(N, G, P, T, S, H) \
	HEADER(S, event_process)               \
	S(event_process, process, "", process_state)

#define FIELDS_event_host(N, G, P, T, S, H)        \
	HEADER(S, event_host)                      \
	N(event_host, page_bytes, 4096, NULL)      \
	N(event_host, cpus, 0, NULL)               \
	N(event_host, cgroup_version, 2, NULL)     \
	N(event_host, scope, FOLLOW_ALL, scopes)   \
	N(event_host, memory_bytes, 0, NULL)       \
	N(event_host, swap_bytes, 0, NULL)         \
	N(event_host, realtime_offset_ns, 0, NULL) \
	N(event_host, step_bytes, 0, NULL)         \
	T(event_host, recording_id)                \
	T(event_host, boot_id)                     \
	T(event_host, name)                        \
	T(event_host, kernel)                      \
	T(event_host, version)                     \
	T(event_host, followed)                    \
	N(event_host, rest_error_bytes, 0, NULL)

#define FIELDS_event_probe(N, G, P, T, S, H) \
	HEADER(S, event_probe)               \
	T(event_probe, capability)           \
	T(event_probe, way)                  \
	T(event_probe, why)

#define FIELDS_event_clock(N, G, P, T, S, H) \
	HEADER(S, event_clock)               \
	N(event_clock, realtime_offset_ns, 0, NULL)

#define FIELDS_event_argv(N, G, P, T, S, H)   \
	HEADER(S, event_argv)                 \
	S(event_argv, task, "", task_ref)     \
	G(event_argv, argv_flags, argv_flags) \
	H(event_argv, argv_bytes)

#define FIELDS_event_opened(N, G, P, T, S, H) \
	HEADER(S, event_opened)               \
	N(event_opened, walk_ns, 0, NULL)

/* The lists of events.h itself, whose X takes no further argument: N is spelled out. */
#define FIELDS_memcg_stat(N, G, P, T, S, H) MEMCG_STATS(N##_MEMCG_STAT)
#define FIELDS_meminfo(N, G, P, T, S, H)    MEMINFO(N##_MEMINFO)

#define FIELDS_event_memcg_stat(N, G, P, T, S, H) \
	HEADER(S, event_memcg_stat)               \
	N(event_memcg_stat, cgroup_id, 0, NULL)   \
	S(event_memcg_stat, stat, "", memcg_stat)

#define FIELDS_memcg_events(N, G, P, T, S, H) MEMCG_EVENTS(N##_MEMCG_EVENTS)

#define FIELDS_event_memcg_events(N, G, P, T, S, H)             \
	HEADER(S, event_memcg_events)                           \
	N(event_memcg_events, cgroup_id, 0, NULL)               \
	S(event_memcg_events, events, "", memcg_events)         \
	N(event_memcg_events, usage_bytes, UNKNOWN, NULL)       \
	N(event_memcg_events, max_bytes, UNKNOWN, limits)       \
	N(event_memcg_events, high_bytes, UNKNOWN, limits)      \
	N(event_memcg_events, memsw_usage_bytes, UNKNOWN, NULL) \
	N(event_memcg_events, memsw_max_bytes, UNKNOWN, limits)

#define FIELDS_event_psi(N, G, P, T, S, H)   \
	HEADER(S, event_psi)                 \
	N(event_psi, cgroup_id, 0, NULL)     \
	N(event_psi, some_us, UNKNOWN, NULL) \
	N(event_psi, full_us, UNKNOWN, NULL)

#define FIELDS_event_meminfo(N, G, P, T, S, H) \
	HEADER(S, event_meminfo)               \
	S(event_meminfo, meminfo, "", meminfo)

#define FIELDS_event_oom_counter(N, G, P, T, S, H) \
	HEADER(S, event_oom_counter)               \
	N(event_oom_counter, kills, UNKNOWN, NULL)

#define FIELDS_event_loss(N, G, P, T, S, H)    \
	HEADER(S, event_loss)                  \
	N(event_loss, reason, 0, loss_reasons) \
	N(event_loss, kind, 0, kinds)          \
	N(event_loss, count, 0, NULL)

#define FIELDS_event_recorder(N, G, P, T, S, H)    \
	HEADER(S, event_recorder)                  \
	N(event_recorder, wall_ns, 0, NULL)        \
	N(event_recorder, cpu_ns, 0, NULL)         \
	N(event_recorder, peak_rss_bytes, 0, NULL) \
	N(event_recorder, kernel_bytes, 0, NULL)   \
	N(event_recorder, events, 0, NULL)         \
	N(event_recorder, written_bytes, 0, NULL)  \
	N(event_recorder, start_cpu_ns, 0, NULL)

#define FIELDS_event_program(N, G, P, T, S, H) \
	HEADER(S, event_program)               \
	T(event_program, name)                 \
	N(event_program, runs, 0, NULL)        \
	N(event_program, run_ns, 0, NULL)

#define FIELDS_event_digest(N, G, P, T, S, H) \
	HEADER(S, event_digest)               \
	N(event_digest, events, 0, NULL)      \
	N(event_digest, digest, 0, NULL)

#define FIELDS_event_state(N, G, P, T, S, H)         \
	HEADER(S, event_state)                       \
	N(event_state, chunk, 0, NULL)               \
	G(event_state, flags, state_flags)           \
	N(event_state, processes_max, 0, NULL)       \
	N(event_state, series_max_bytes, 0, NULL)    \
	N(event_state, argv_max_bytes, 0, NULL)      \
	N(event_state, first_ns, 0, NULL)            \
	N(event_state, last_ns, 0, NULL)             \
	N(event_state, opened_ns, 0, NULL)           \
	N(event_state, events, 0, NULL)              \
	N(event_state, late_events, 0, NULL)         \
	N(event_state, forgotten_processes, 0, NULL) \
	N(event_state, forgotten_early, 0, NULL)     \
	N(event_state, forgotten_cgroups, 0, NULL)   \
	N(event_state, forgotten_series, 0, NULL)    \
	N(event_state, storm_ns, 0, NULL)

#define FIELDS_event_kept_process(N, G, P, T, S, H)           \
	HEADER(S, event_kept_process)                         \
	S(event_kept_process, process, "", process_state)     \
	S(event_kept_process, first, "first.", memory)        \
	N(event_kept_process, exec_ns, 0, NULL)               \
	N(event_kept_process, exit_ns, 0, NULL)               \
	N(event_kept_process, peak_rss_bytes, UNKNOWN, NULL)  \
	S(event_kept_process, argv_of, "argv_of.", task_ref)  \
	N(event_kept_process, exit_code, 0, NULL)             \
	G(event_kept_process, kept_flags, kept_process_flags) \
	G(event_kept_process, argv_flags, argv_flags)         \
	H(event_kept_process, argv_bytes)

#define FIELDS_kept_limit(N, G, P, T, S, H)  \
	N(kept_limit, time_ns, 0, NULL)      \
	N(kept_limit, from_bytes, 0, limits) \
	N(kept_limit, to_bytes, 0, limits)   \
	N(kept_limit, high, 0, NULL)         \
	H(kept_limit, reserved)

#define FIELDS_kept_reclaim(N, G, P, T, S, H)     \
	N(kept_reclaim, first_ns, 0, NULL)        \
	N(kept_reclaim, last_ns, 0, NULL)         \
	N(kept_reclaim, stall_ns, 0, NULL)        \
	N(kept_reclaim, reclaimed_bytes, 0, NULL) \
	N(kept_reclaim, runs, 0, NULL)

#define FIELDS_event_kept_cgroup(N, G, P, T, S, H)                   \
	HEADER(S, event_kept_cgroup)                                 \
	N(event_kept_cgroup, cgroup_id, 0, NULL)                     \
	N(event_kept_cgroup, parent_id, 0, NULL)                     \
	N(event_kept_cgroup, gone_ns, 0, NULL)                       \
	N(event_kept_cgroup, stat_ns, 0, NULL)                       \
	N(event_kept_cgroup, peak_usage_bytes, UNKNOWN, NULL)        \
	S(event_kept_cgroup, first, "first.", memcg_counters)        \
	S(event_kept_cgroup, now, "", memcg_counters)                \
	S(event_kept_cgroup, stat, "stat.", memcg_stat)              \
	G(event_kept_cgroup, flags, kept_cgroup_flags)               \
	N(event_kept_cgroup, limit_count, 0, NULL)                   \
	N(event_kept_cgroup, reclaim_count, 0, NULL)                 \
	H(event_kept_cgroup, reserved)                               \
	S(event_kept_cgroup, limits[0], "limit0.", kept_limit)       \
	S(event_kept_cgroup, limits[1], "limit1.", kept_limit)       \
	S(event_kept_cgroup, limits[2], "limit2.", kept_limit)       \
	S(event_kept_cgroup, limits[3], "limit3.", kept_limit)       \
	S(event_kept_cgroup, limits[4], "limit4.", kept_limit)       \
	S(event_kept_cgroup, limits[5], "limit5.", kept_limit)       \
	S(event_kept_cgroup, limits[6], "limit6.", kept_limit)       \
	S(event_kept_cgroup, limits[7], "limit7.", kept_limit)       \
	S(event_kept_cgroup, reclaims[0], "reclaim0.", kept_reclaim) \
	S(event_kept_cgroup, reclaims[1], "reclaim1.", kept_reclaim) \
	S(event_kept_cgroup, reclaims[2], "reclaim2.", kept_reclaim) \
	S(event_kept_cgroup, reclaims[3], "reclaim3.", kept_reclaim) \
	T(event_kept_cgroup, name)

#define FIELDS_event_kept_series(N, G, P, T, S, H) \
	HEADER(S, event_kept_series)               \
	S(event_kept_series, task, "", task_ref)   \
	N(event_kept_series, cgroup_id, 0, NULL)   \
	N(event_kept_series, of, 0, series_of)     \
	N(event_kept_series, thinning, 0, NULL)    \
	H(event_kept_series, reserved)             \
	H(event_kept_series, rows_bytes)

#define FIELDS_event_kept_attach(N, G, P, T, S, H) \
	HEADER(S, event_kept_attach)               \
	S(event_kept_attach, task, "", task_ref)   \
	N(event_kept_attach, from_id, 0, NULL)     \
	N(event_kept_attach, to_id, 0, NULL)

#define FIELDS_kept_hold(N, G, P, T, S, H)   \
	N(kept_hold, from_ns, 0, NULL)       \
	N(kept_hold, to_ns, 0, NULL)         \
	N(kept_hold, ended_ns, 0, NULL)      \
	N(kept_hold, times, 0, NULL)         \
	N(kept_hold, usage_bytes, 0, NULL)   \
	N(kept_hold, limit_bytes, 0, limits) \
	N(kept_hold, from_first, 0, NULL)    \
	N(kept_hold, memsw, 0, NULL)

#define FIELDS_event_kept_held(N, G, P, T, S, H)     \
	HEADER(S, event_kept_held)                   \
	N(event_kept_held, cgroup_id, 0, NULL)       \
	S(event_kept_held, events, "", memcg_events) \
	S(event_kept_held, high, "high.", kept_hold) \
	S(event_kept_held, full, "full.", kept_hold)

#define FIELDS_event_module(N, G, P, T, S, H)    \
	HEADER(S, event_module)                  \
	N(event_module, module_id, 0, NULL)      \
	N(event_module, build_id_bytes, 0, NULL) \
	T(event_module, build_id)                \
	H(event_module, path_bytes)              \
	H(event_module, reserved)

#define FIELDS_event_frame(N, G, P, T, S, H)            \
	HEADER(S, event_frame)                          \
	N(event_frame, frame_id, 0, NULL)               \
	N(event_frame, module_id, 0, NULL)              \
	N(event_frame, address, 0, NULL)                \
	N(event_frame, start, 0, NULL)                  \
	N(event_frame, kind, FRAME_NATIVE, frame_kinds) \
	H(event_frame, name_bytes)

#define FIELDS_event_frame_line(N, G, P, T, S, H) \
	HEADER(S, event_frame_line)               \
	N(event_frame_line, frame_id, 0, NULL)    \
	N(event_frame_line, line, 0, NULL)        \
	H(event_frame_line, file_bytes)           \
	H(event_frame_line, reserved)

#define FIELDS_event_stack(N, G, P, T, S, H)                \
	HEADER(S, event_stack)                              \
	N(event_stack, stack_id, 0, NULL)                   \
	N(event_stack, end, STACK_END_COMPLETE, stack_ends) \
	H(event_stack, frame_count)                         \
	H(event_stack, reserved)

/* Arrays of events.h whose members have names here. */
struct growth_pages {
	__s32 file;
	__s32 anon;
	__s32 swap;
	__s32 shmem;
};
struct growth_bytes {
	__s64 file_bytes;
	__s64 anon_bytes;
	__s64 swap_bytes;
	__s64 shmem_bytes;
};
_Static_assert(GROWTH_FILE == 0 && GROWTH_ANON == 1 && GROWTH_SWAP == 2 && GROWTH_SHMEM == 3 &&
		       GROWTH_MEMBERS == 4,
	       "members of growth as they are named here");

#define FIELDS_growth_pages(N, G, P, T, S, H) \
	N(growth_pages, file, 0, NULL)        \
	N(growth_pages, anon, 0, NULL)        \
	N(growth_pages, swap, 0, NULL)        \
	N(growth_pages, shmem, 0, NULL)

#define FIELDS_growth_bytes(N, G, P, T, S, H) \
	N(growth_bytes, file_bytes, 0, NULL)  \
	N(growth_bytes, anon_bytes, 0, NULL)  \
	N(growth_bytes, swap_bytes, 0, NULL)  \
	N(growth_bytes, shmem_bytes, 0, NULL)

#define FIELDS_event_growth(N, G, P, T, S, H)          \
	HEADER(S, event_growth)                        \
	P(event_growth, came_ns)                       \
	S(event_growth, task, "", task_ref)            \
	N(event_growth, mm_id, 0, NULL)                \
	N(event_growth, address, 0, NULL)              \
	N(event_growth, block_bytes, 4096, NULL)       \
	S(event_growth, pages, "pages.", growth_pages) \
	N(event_growth, stack_id, 0, NULL)             \
	G(event_growth, flags, growth_flags)           \
	N(event_growth, file_id, 0, NULL)              \
	H(event_growth, reserved2)

#define FIELDS_event_file(N, G, P, T, S, H) \
	HEADER(S, event_file)               \
	N(event_file, file_id, 0, NULL)     \
	G(event_file, flags, file_flags)    \
	H(event_file, names_bytes)          \
	H(event_file, reserved)

#define FIELDS_event_growth_gone(N, G, P, T, S, H)    \
	HEADER(S, event_growth_gone)                  \
	S(event_growth_gone, task, "", task_ref)      \
	N(event_growth_gone, samples, 1, NULL)        \
	S(event_growth_gone, bytes, "", growth_bytes) \
	N(event_growth_gone, stack_id, 0, NULL)       \
	N(event_growth_gone, file_id, 0, NULL)

#define FIELDS_event_kept_growth(N, G, P, T, S, H)              \
	HEADER(S, event_kept_growth)                            \
	S(event_kept_growth, task, "", task_ref)                \
	N(event_kept_growth, first_ns, 0, NULL)                 \
	N(event_kept_growth, samples, 0, NULL)                  \
	S(event_kept_growth, bytes, "", growth_bytes)           \
	N(event_kept_growth, in_kernel_bytes, 0, NULL)          \
	N(event_kept_growth, rose_bytes, 0, NULL)               \
	N(event_kept_growth, variance_pages, 0, NULL)           \
	N(event_kept_growth, stack_id, 0, NULL)                 \
	G(event_kept_growth, flags, kept_growth_flags)          \
	N(event_kept_growth, gone_samples, 0, NULL)             \
	S(event_kept_growth, gone_bytes, "gone_", growth_bytes) \
	N(event_kept_growth, looked_ns, 0, NULL)                \
	N(event_kept_growth, file_id, 0, NULL)                  \
	H(event_kept_growth, reserved2)

/* Every struct, those that others contain first. X(struct tag, what is behind it: 1 argv, 2 rows,
 * 3 path, 4 name, 5 frames, 6 names, 7 file) */
#define STRUCTS(X)               \
	X(event_header, 0)       \
	X(task_ref, 0)           \
	X(memory, 0)             \
	X(memcg_counters, 0)     \
	X(memcg_stat, 0)         \
	X(ledger, 0)             \
	X(memcg_events, 0)       \
	X(meminfo, 0)            \
	X(process_state, 0)      \
	X(event_fork, 0)         \
	X(event_exec, 1)         \
	X(event_exit, 0)         \
	X(event_rename, 0)       \
	X(event_cgroup, 0)       \
	X(event_cgroup_gone, 0)  \
	X(event_attach, 0)       \
	X(event_rss, 0)          \
	X(event_memcg, 0)        \
	X(event_reclaim, 0)      \
	X(event_signal, 0)       \
	X(event_oom_kill, 0)     \
	X(event_process, 0)      \
	X(event_host, 0)         \
	X(event_probe, 0)        \
	X(event_clock, 0)        \
	X(event_argv, 1)         \
	X(event_opened, 0)       \
	X(event_memcg_stat, 0)   \
	X(event_psi, 0)          \
	X(event_meminfo, 0)      \
	X(event_oom_counter, 0)  \
	X(event_loss, 0)         \
	X(event_recorder, 0)     \
	X(event_program, 0)      \
	X(event_digest, 0)       \
	X(event_state, 0)        \
	X(event_kept_process, 1) \
	X(kept_limit, 0)         \
	X(kept_reclaim, 0)       \
	X(event_kept_cgroup, 0)  \
	X(event_kept_series, 2)  \
	X(event_kept_attach, 0)  \
	X(event_memcg_events, 0) \
	X(kept_hold, 0)          \
	X(event_kept_held, 0)    \
	X(event_module, 3)       \
	X(event_frame, 4)        \
	X(event_frame_line, 7)   \
	X(event_stack, 5)        \
	X(growth_pages, 0)       \
	X(growth_bytes, 0)       \
	X(event_growth, 0)       \
	X(event_growth_gone, 0)  \
	X(event_kept_growth, 0)  \
	X(event_file, 6)

/* First pass: the sizes add up. */

#define SIZE(s, f)                         +sizeof(((struct s *)0)->f)
#define SIZE_N(s, f, otherwise, names)     SIZE(s, f)
#define SIZE_G(s, f, names)                SIZE(s, f)
#define SIZE_S(s, f, prefix, layout)       SIZE(s, f)
#define SIZE_N_MEMCG_STAT(f, v2, v1)       SIZE(memcg_stat, f##_bytes)
#define SIZE_N_MEMCG_EVENTS(f, v2, v1)     SIZE(memcg_events, f)
#define SIZE_N_LEDGER(f, kind, item, unit) SIZE(ledger, f##_bytes)
#define SIZE_N_MEMINFO(f, key)             SIZE(meminfo, f##_bytes)
#define X(s, argv)                                                                               \
	_Static_assert(FIELDS_##s(SIZE_N, SIZE_G, SIZE, SIZE, SIZE_S, SIZE) == sizeof(struct s), \
		       #s ": the list of fields is not the struct");
STRUCTS(X)
#undef X

/* Second pass: the table. */

#define MEMBER(s, f) ((struct s *)0)->f
#define AT(s, f)     .offset = offsetof(struct s, f), .size = sizeof(MEMBER(s, f))
#define NUMBER(s, f) \
	.name = #f, .type = FIELD_NUMBER, .is_signed = (__typeof__(MEMBER(s, f)))-1 < 1, AT(s, f)

#define ROW_N(s, f, value, value_names)   {NUMBER(s, f), .otherwise = value, .names = value_names},
#define ROW_G(s, f, value_names)          {NUMBER(s, f), .is_flags = true, .names = value_names},
#define ROW_P(s, f)                       {NUMBER(s, f), .repeats_previous = true},
#define ROW_T(s, f)                       {.name = #f, .type = FIELD_TEXT, AT(s, f)},
#define ROW_H(s, f)                       {.name = #f, .type = FIELD_HIDDEN, AT(s, f)},
#define ROW_N_MEMCG_STAT(f, v2, v1)       ROW_N(memcg_stat, f##_bytes, UNKNOWN, NULL)
#define ROW_N_MEMCG_EVENTS(f, v2, v1)     ROW_N(memcg_events, f, UNKNOWN, NULL)
#define ROW_N_LEDGER(f, kind, item, unit) ROW_N(ledger, f##_bytes, UNKNOWN, NULL)
#define ROW_N_MEMINFO(f, key)             ROW_N(meminfo, f##_bytes, UNKNOWN, NULL)
#define ROW_S(s, f, prefix, of) \
	{.name = prefix, .type = FIELD_STRUCT, .layout = &layout_##of, AT(s, f)},
#define ROW_ARGV_0(s)
#define ROW_TAIL(s, tail_name, tail_type, length) \
	{.name = tail_name,                       \
	 .type = tail_type,                       \
	 .offset = sizeof(struct s),              \
	 .length_offset = offsetof(struct s, length)},
#define ROW_ARGV_1(s) ROW_TAIL(s, "argv", FIELD_ARGV, argv_bytes)
#define ROW_ARGV_2(s) ROW_TAIL(s, "rows", FIELD_ROWS, rows_bytes)
#define ROW_ARGV_3(s) ROW_TAIL(s, "path", FIELD_ARGV, path_bytes)
#define ROW_ARGV_4(s) ROW_TAIL(s, "name", FIELD_ARGV, name_bytes)
#define ROW_ARGV_5(s) ROW_TAIL(s, "frames", FIELD_NUMBERS, frame_count)
#define ROW_ARGV_6(s) ROW_TAIL(s, "names", FIELD_ARGV, names_bytes)
#define ROW_ARGV_7(s) ROW_TAIL(s, "file", FIELD_ARGV, file_bytes)

#define X(s, argv)                                                                        \
	static const struct field fields_##s[] = {                                        \
		FIELDS_##s(ROW_N, ROW_G, ROW_P, ROW_T, ROW_S, ROW_H) ROW_ARGV_##argv(s)}; \
	static const struct struct_layout layout_##s = {                                  \
		#s, fields_##s, sizeof(fields_##s) / sizeof(fields_##s[0]), sizeof(struct s)};
STRUCTS(X)
#undef X

const struct event_layout event_layouts[] = {
#define X(name, number, type) {#name, number, &layout_##type},
	EVENT_KINDS(X)
#undef X
};
const size_t event_layout_count = sizeof(event_layouts) / sizeof(event_layouts[0]);

unsigned int event__series_width(const struct event_header *event)
{
	static const unsigned int widths[] = {
#define X(name, width) [KEPT_SERIES_##name] = width,
		KEPT_SERIES_OF(X)
#undef X
	};

	return widths[((const struct event_kept_series *)event)->of];
}

int64_t field__load(const struct field *field, const char *base)
{
	const char *at = base + field->offset;
	int64_t value = 0;

	memcpy(&value, at, field->size); /* little-endian */
	if (field->is_signed && field->size == 4)
		value = (int32_t)value;
	return value;
}

const struct field *field__repeated(const struct field *field)
{
	const struct field *previous = field - 1;

	return previous->type == FIELD_STRUCT
		       ? &previous->layout->fields[previous->layout->count - 1]
		       : previous;
}

bool field__store(const struct field *field, char *base, int64_t value)
{
	memcpy(base + field->offset, &value, field->size);
	return field__load(field, base) == value;
}

bool field__is_in(const struct field *field, const char *unit)
{
	size_t length = strlen(field->name);

	return length >= strlen(unit) && strcmp(field->name + length - strlen(unit), unit) == 0;
}
