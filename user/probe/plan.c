/* SPDX-License-Identifier: GPL-2.0-only */
#include "probe/plan.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *capability__name(enum capability capability)
{
	static const char *const names[] = {
#define X(name, text) [CAPABILITY_##name] = text,
		CAPABILITIES(X)
#undef X
	};

	return names[capability];
}

static void use(struct plan *plan, const char *program)
{
	plan->programs[plan->program_count++] = program;
}

const char *const plan__deputies[DEPUTIZED_END][DEPUTY_LAST] = {
#define X(name, program) [DEPUTIZED_##name] = DEPUTY_NAMES(program),
	DEPUTIZED(X)
#undef X
};

/* With its deputies right behind it, where it is skipped while another task is in it. */
static void use_deputized(struct plan *plan, const struct facts *facts, enum deputized what)
{
	for (int i = 0; i < (facts->programs_preempted ? DEPUTY_LAST : 1); i++)
		use(plan, plan__deputies[what][i]);
}

static void take_way(struct plan *plan, enum capability capability, const char *way,
		     const char *why, ...) __attribute__((format(printf, 4, 5)));

static void take_way(struct plan *plan, enum capability capability, const char *way,
		     const char *why, ...)
{
	struct way_taken *taken = &plan->ways[capability];
	va_list arguments;

	taken->way = way;
	va_start(arguments, why);
	vsnprintf(taken->why, sizeof(taken->why), why, arguments);
	va_end(arguments);
}

/* What a refused trial means in words. */
static const char *reason(int result)
{
	switch (result) {
	case FACT_UNTRIED:
		return "not tried";
	case -EPERM:
	case -EACCES:
		return "this kernel refuses it (EPERM)";
	case -ENOENT:
	case -ESRCH:
		return "this kernel has none";
	case -524: /* ENOTSUPP, a kernel-internal number that escapes here (arm64 before 6.4) */
	case -EOPNOTSUPP:
		return "this kernel does not support it (ENOTSUPP)";
	case -EINVAL:
		return "this kernel does not know it (EINVAL)";
	default:
		return strerror(-result);
	}
}

static void plan_victim(struct plan *plan, const struct facts *facts)
{
	if (facts->mark_victim_has_task) {
		use(plan, "on_mark_victim");
		take_way(plan, CAPABILITY_VICTIM, "tp_btf mark_victim (task)", "%s", "");
		return;
	}
	use(plan, "on_mark_victim_pid");
	take_way(plan, CAPABILITY_VICTIM, "tp_btf mark_victim (thread id)",
		 "this kernel names the victim by number; the task is the one just sent SIGKILL");
}

static void plan_oom_context(struct plan *plan, const struct facts *facts,
			     const struct plan_options *options)
{
	const char *fentry =
		options->no_fentry ? "forbidden by option" : reason(facts->try_fentry_oom);
	const char *kprobe = options->no_kprobe ? "forbidden by option" : reason(facts->try_kprobe);

	const char *stack = options->no_stack ? "forbidden by option" : "no struct oom_control";
	const char *events = options->no_events ? "forbidden by option" : "this kernel has none";

	/* Victims that were exiting anyway never pass oom_kill_process(): the other ways stay open
	 * behind the best one. */
	plan->oom_stack = !options->no_stack && facts->oom_control;
	plan->oom_events = !options->no_events && facts->memcg_events;
	if (!options->no_fentry && facts->try_fentry_oom == 0) {
		use(plan, "on_oom_kill_process_fentry");
		take_way(plan, CAPABILITY_OOM_CONTEXT, "fentry oom_kill_process", "%s", "");
	} else if (!options->no_kprobe && facts->try_kprobe == 0) {
		use(plan, "on_oom_kill_process_kprobe");
		take_way(plan, CAPABILITY_OOM_CONTEXT, "kprobe oom_kill_process", "fentry: %s",
			 fentry);
	} else if (plan->oom_stack) {
		take_way(plan, CAPABILITY_OOM_CONTEXT, "oom_control on the trigger's stack",
			 "fentry: %s; kprobe: %s", fentry, kprobe);
	} else if (plan->oom_events) {
		take_way(plan, CAPABILITY_OOM_CONTEXT, "level by its count of OOM events",
			 "fentry: %s; kprobe: %s; stack: %s", fentry, kprobe, stack);
	} else {
		take_way(plan, CAPABILITY_OOM_CONTEXT, "",
			 "fentry: %s; kprobe: %s; stack: %s; event counts: %s", fentry, kprobe,
			 stack, events);
	}
}

static void plan_resident(struct plan *plan, const struct facts *facts)
{
	use(plan, "on_rss_stat");
	take_way(plan, CAPABILITY_RESIDENT, "tp_btf rss_stat", "%s", "");
	plan->lru_address_spaces = !facts->exit_mmap_arguments;
	if (facts->exit_mmap_arguments)
		use_deputized(plan, facts, DEPUTIZED_EXIT_MMAP);
	if (facts->prepare_exec_arguments)
		use(plan, "on_prepare_exec");

	if (!facts->percpu_rss && facts->mm_owner) {
		plan->exact_sums = true;
		take_way(plan, CAPABILITY_EXACT, "per-thread parts summed",
			 "of up to %d threads, not of processes that share their memory",
			 PLAN_MAX_THREADS);
	} else if (!facts->percpu_rss) {
		take_way(plan, CAPABILITY_EXACT, "",
			 "shared counters only: of this kernel's address spaces the threads are "
			 "not known");
	} else if (facts->cpus > PLAN_MAX_CPUS) {
		take_way(plan, CAPABILITY_EXACT, "",
			 "folded counters only: of %u CPUs the parts of %d can be summed",
			 facts->cpus, PLAN_MAX_CPUS);
	} else if (facts->try_syscall_program == 0) {
		use(plan, "learn_cpu_offsets");
		plan->exact_sums = true;
		take_way(plan, CAPABILITY_EXACT, "per-CPU parts summed", "%s", "");
	} else {
		take_way(plan, CAPABILITY_EXACT, "",
			 "folded counters only: per-CPU areas could not be located: %s",
			 reason(facts->try_syscall_program));
	}
}

static void plan_life(struct plan *plan, const struct facts *facts)
{
	use_deputized(plan, facts, DEPUTIZED_FORK);
	use_deputized(plan, facts, DEPUTIZED_EXEC);
	use_deputized(plan, facts, DEPUTIZED_EXIT);
	if (facts->rename_arguments)
		use_deputized(plan, facts, DEPUTIZED_RENAME);
	take_way(plan, CAPABILITY_LIFE, "tp_btf fork, exec, exit",
		 facts->rename_arguments ? "%s" : "%sno task_rename: later names are missing", "");

	if (facts->try_iterator == 0) {
		use(plan, "iter_processes");
		use(plan, "iter_movers");
		plan->walks = true;
		take_way(plan, CAPABILITY_SNAPSHOT, "iter/task", "%s", "");
	} else {
		take_way(plan, CAPABILITY_SNAPSHOT, "",
			 "processes are known from their first event on: iter/task: %s",
			 reason(facts->try_iterator));
	}
}

static void plan_cgroups(struct plan *plan, const struct facts *facts)
{
	if (!facts->memcg) {
		take_way(plan, CAPABILITY_CGROUP, "", "this kernel has no memory controller");
		take_way(plan, CAPABILITY_STATISTICS, "", "this kernel has no memory controller");
		return;
	}
	if (facts->cgroup_mkdir_arguments)
		use(plan, "on_cgroup_mkdir");
	if (facts->cgroup_rmdir_arguments)
		use(plan, "on_cgroup_rmdir");
	if (facts->cgroup_attach_arguments)
		use(plan, "on_cgroup_attach_task");
	take_way(plan, CAPABILITY_CGROUP, "the memory controller's cgroup", "%s",
		 facts->cgroup_attach_arguments ? "" : "moves between cgroups are not seen");
	if (facts->cgroupfs.version)
		take_way(plan, CAPABILITY_STATISTICS,
			 facts->cgroupfs.version == 1 ? "memory.stat (cgroup v1)"
						      : "memory.stat (cgroup v2)",
			 "%s",
			 facts->cgroupfs.version == 1
				 ? "v1 has no rows for slab, page tables, sockets"
				 : "");
	else
		take_way(plan, CAPABILITY_STATISTICS, "",
			 "the memory controller is not mounted anywhere");
}

/* Which cgroups are slowed down or stopped at a limit that kills nobody. */
static void plan_held_back(struct plan *plan, const struct facts *facts)
{
	if (!facts->memcg)
		take_way(plan, CAPABILITY_HELD_BACK, "", "this kernel has no memory controller");
	else if (!facts->cgroupfs.version)
		take_way(plan, CAPABILITY_HELD_BACK, "",
			 "the memory controller is not mounted anywhere");
	else if (!facts->memcg_reclaim_arguments || !facts->direct_reclaim_arguments)
		take_way(plan, CAPABILITY_HELD_BACK, "",
			 "seen at the beginning only: this kernel has no vmscan tracepoints");
	else if (facts->cgroupfs.version == 1)
		take_way(plan, CAPABILITY_HELD_BACK, "memory.oom_control (cgroup v1)", "%s",
			 "v1 has no memory.high");
	else
		take_way(plan, CAPABILITY_HELD_BACK, "memory.events.local (cgroup v2)", "%s", "");
}

/* What the statistics of the full cgroup are read by. */
static void plan_ledger(struct plan *plan, const struct facts *facts)
{
	const bool learns =
		!facts->try_syscall_program && facts->percpu_lookup && facts->cpus <= PLAN_MAX_CPUS;
	const char *late = learns ? "" : "without what CPUs hold back";

	if (learns && !facts->percpu_rss)
		use(plan, "learn_cpu_offsets");
	if (!facts->memcg) {
		take_way(plan, CAPABILITY_LEDGER, "", "this kernel has no memory controller");
	} else if (facts->ledger_numbered) {
		take_way(plan, CAPABILITY_LEDGER, "statistics by number", "%s", late);
	} else if (!facts->try_syscall_program) {
		use(plan, "learn_ledger");
		take_way(plan, CAPABILITY_LEDGER, "statistics by the kernel's table or lists", "%s",
			 late);
	} else {
		take_way(plan, CAPABILITY_LEDGER, "", "the kernel's table could not be read: %s",
			 reason(facts->try_syscall_program));
	}
}

static void plan_rest(struct plan *plan, const struct facts *facts)
{
	if (facts->memcg_reclaim_arguments && facts->direct_reclaim_arguments) {
		use(plan, "on_memcg_reclaim_begin");
		use(plan, "on_memcg_reclaim_end");
		use(plan, "on_direct_reclaim_begin");
		use(plan, "on_direct_reclaim_end");
		use_deputized(plan, facts, DEPUTIZED_RECLAIMER_EXIT);
		take_way(plan, CAPABILITY_RECLAIM, "tp_btf vmscan begin and end", "%s", "");
	} else {
		take_way(plan, CAPABILITY_RECLAIM, "", "this kernel has no vmscan tracepoints");
	}
	if (facts->signal_arguments) {
		use(plan, "on_signal_generate");
		take_way(plan, CAPABILITY_SIGNAL, "tp_btf signal_generate", "%s", "");
	} else {
		take_way(plan, CAPABILITY_SIGNAL, "", "this kernel has no signal_generate");
	}
	if (facts->psi == 0)
		take_way(plan, CAPABILITY_PRESSURE, "PSI", "%s", "");
	else
		take_way(plan, CAPABILITY_PRESSURE, "", "PSI: %s",
			 facts->psi == -EOPNOTSUPP ? "switched off on this host (boot with psi=1)"
						   : reason(facts->psi));
}

/*
 * Where the counters of each CPU tell of every page, a sample is one that has come. Elsewhere it is
 * taken before: the thread's own counters say at its next page fault what has come, or user space
 * looks.
 */
static void plan_faults(struct plan *plan, const struct facts *facts,
			const struct plan_options *options, const char *tracepoints)
{
	enum { TOLD, BY_THREAD, LOOKED_AT };
	static const char *const ways[][2] = {
		[TOLD] = {"tp_btf page_fault and rss_stat", "perf page-faults and rss_stat"},
		[BY_THREAD] = {"tp_btf page_fault and thread counters",
			       "perf page-faults and thread counters"},
		[LOOKED_AT] = {"tp_btf page_fault and pagemap", "perf page-faults and pagemap"},
	};
	static const char *const known[] = {
		[TOLD] = "",
		[BY_THREAD] =
			"what came is known at the thread's next page fault; elsewhere pagemap "
			"is asked",
		[LOOKED_AT] = "when a page has come rss_stat does not tell; what comes back from "
			      "swap may count as new",
	};
	const bool told = facts->percpu_rss && plan->exact_sums && !options->no_rss_stat;
	const int by = told                                      ? TOLD
		       : !facts->percpu_rss && facts->thread_rss ? BY_THREAD
								 : LOOKED_AT;
	const char *way = ways[by][*tracepoints != '\0'];

	if (*tracepoints) {
		plan->fault_event = told ? "on_fault_event" : "on_early_fault_event";
		use(plan, plan->fault_event);
		take_way(plan, CAPABILITY_GROWTH, way, "page_fault tracepoints: %s%s%s",
			 tracepoints, told ? "" : "; ", known[by]);
		return;
	}
	use(plan, told ? "on_page_fault_user" : "on_early_fault_user");
	use(plan, told ? "on_page_fault_kernel" : "on_early_fault_kernel");
	take_way(plan, CAPABILITY_GROWTH, way, "%s", known[by]);
}

/* Then the name of the system call stands alone. */
static void add_kernel_frames(struct way_taken *taken, int error)
{
	const size_t length = strlen(taken->why);
	char what[80];

	if (!error)
		return;
	switch (error) {
	case -ENOSYS:
		snprintf(what, sizeof(what), "no bpf_get_current_task_btf");
		break;
	case -EPERM:
		snprintf(what, sizeof(what), "hidden (kernel.kptr_restrict, CAP_SYSLOG)");
		break;
	case -ENODATA: /* a service may find an empty file in its place */
		snprintf(what, sizeof(what), "/proc/kallsyms is empty (ProtectKernelTunables=)");
		break;
	default:
		snprintf(what, sizeof(what), "/proc/kallsyms: %s", strerror(-error));
	}
	snprintf(taken->why + length, sizeof(taken->why) - length, "%sno frames of the kernel: %s",
		 length ? "; " : "", what);
}

static void plan_growth(struct plan *plan, const struct facts *facts,
			const struct plan_options *options)
{
	const char *tracepoints = "";

	if (options->no_page_fault)
		tracepoints = "forbidden by option";
	else if (!facts->page_fault_arguments)
		tracepoints = "this kernel has none";
	if (options->no_samples) {
		take_way(plan, CAPABILITY_GROWTH, "", "not asked for");
	} else if (facts->try_mapping_events) {
		take_way(plan, CAPABILITY_GROWTH, "", "mappings cannot be followed: %s",
			 reason(facts->try_mapping_events));
	} else if (*tracepoints && facts->try_fault_events) {
		take_way(plan, CAPABILITY_GROWTH, "",
			 "page_fault tracepoints: %s; perf's events: %s", tracepoints,
			 reason(facts->try_fault_events));
	} else {
		plan->samples = true;
		if (facts->unmapped_area_arguments)
			use(plan, "on_place_found");
		if (facts->huge_bytes && !facts->try_syscall_program)
			use(plan, "learn_huge_fault");
		plan_faults(plan, facts, options, tracepoints);
		add_kernel_frames(&plan->ways[CAPABILITY_GROWTH], facts->kernel_frames);
	}
}

static int refuse(char *refusal, size_t size, int error, const char *sentence)
{
	snprintf(refusal, size, "%s", sentence);
	return error;
}

int plan__make(struct plan *out, const struct facts *facts, const struct plan_options *options,
	       char *refusal, size_t refusal_size)
{
	if (!strcmp(facts->lockdown, "confidentiality"))
		return refuse(
			refusal, refusal_size, -EPERM,
			"kernel lockdown is \"confidentiality\", which forbids reading kernel "
			"memory; boot with lockdown=integrity or none");
	if (!facts->may_bpf)
		return refuse(refusal, refusal_size, -EPERM,
			      "needs root (CAP_SYS_ADMIN, or CAP_BPF with CAP_PERFMON); try sudo");
	if (facts->btf)
		return refuse(
			refusal, refusal_size, -ENOTSUP,
			"this kernel offers no type information (/sys/kernel/btf/vmlinux); it "
			"needs CONFIG_DEBUG_INFO_BTF=y, which distribution kernels since 5.10 "
			"have");
	if (!facts->rss_stat_arguments || !facts->mark_victim_arguments || !facts->fork_arguments ||
	    !facts->exec_arguments || !facts->exit_arguments)
		return refuse(refusal, refusal_size, -ENOTSUP,
			      "this kernel lacks the rss_stat, mark_victim or sched tracepoints; "
			      "Linux 5.10 or later has them");
	if (facts->try_tracepoint) {
		snprintf(refusal, refusal_size,
			 "the kernel refuses BPF programs on tracepoints (%s)%s",
			 strerror(-facts->try_tracepoint),
			 facts->try_tracepoint == -EPERM
				 ? "; a container needs --privileged, a locked-down host a rule"
				 : "");
		return facts->try_tracepoint;
	}
	memset(out, 0, sizeof(*out));
	plan_resident(out, facts);
	plan_life(out, facts);
	plan_cgroups(out, facts);
	plan_rest(out, facts);
	plan_held_back(out, facts);
	plan_ledger(out, facts);
	plan_growth(out, facts, options);
	plan_oom_context(out, facts, options);
	plan_victim(out, facts);
	return 0;
}
