/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "probe/ledger_places.h"
#include "sysfs/cgroupfs.h"

/* How an attempt ended: 0 it works, -errno it was refused. FACT_UNTRIED: it was not tried, because
 * an earlier fact already settles it. */
#define FACT_UNTRIED 1

/* What this host is and allows, as found by looking and trying. plan__make() decides from it. */
struct facts {
	char kernel[72];   /* "6.18.0 x86_64" */
	char lockdown[32]; /* "none", "integrity", "confidentiality"; "" when there is no lockdown
			    */
	bool may_bpf;      /* CAP_SYS_ADMIN, or CAP_BPF and CAP_PERFMON, is effective */
	int btf;           /* /sys/kernel/btf/vmlinux could be parsed */
	bool tracefs;
	uint32_t page_bytes;
	uint64_t huge_bytes; /* of a page that one page fault may bring; 0: the kernel has none */
	uint32_t cpus;       /* possible */
	uint32_t online_cpus;
	uint64_t memory_bytes; /* of the host */
	struct cgroupfs cgroupfs;
	int psi; /* of /proc/pressure/memory */

	/* Tracepoints with BTF, by argument count; 0: this kernel has no such tracepoint. */
	int mark_victim_arguments;
	bool mark_victim_has_task; /* since 6.8; earlier it names a thread id */
	int rss_stat_arguments;
	int exit_mmap_arguments;
	int fork_arguments;
	int exec_arguments;
	int prepare_exec_arguments; /* since 6.10 */
	int exit_arguments;
	int rename_arguments;
	int signal_arguments;
	int cgroup_mkdir_arguments;
	int cgroup_rmdir_arguments;
	int cgroup_attach_arguments;
	int memcg_reclaim_arguments;
	int direct_reclaim_arguments;
	int page_fault_arguments; /* x86 only */
	int unmapped_area_arguments;
	bool mm_owner;   /* struct mm_struct names a task (CONFIG_MEMCG) */
	bool percpu_rss; /* struct mm_struct has percpu_counters for resident pages (6.2) */
	bool thread_rss; /* threads count pages for themselves (until 6.1, where CPUs may be many)
			  */
	bool programs_preempted; /* a program on a tracepoint may lose its CPU to another task (7.0)
				  */
	bool memcg;              /* struct mem_cgroup exists */
	bool oom_control;        /* struct oom_control exists */
	bool memcg_events;       /* struct mem_cgroup counts the events of its own level (5.2) */
	bool percpu_lookup;      /* BPF programs may look at other CPUs' elements (5.19) */
	bool ledger_numbered;    /* a cgroup's statistics lie where their numbers say */
	struct ledger_places ledger_places; /* where they may lie otherwise */

	/* Trial loads and attachments of empty programs. */
	int try_tracepoint;
	int try_fentry_oom;
	int try_kprobe;
	int try_iterator;
	int try_syscall_program; /* what finds things out in the kernel, once */
	int try_mapping_events;  /* perf's records of what is mapped, of all processes */
	int try_fault_events;    /* perf's event for each page fault */

	/* Frames of page faults in the kernel. 0: they can be had and named; -ENOSYS: BPF programs
	 * cannot ask for them here; -EPERM: /proc/kallsyms hides its addresses from us; -ENODATA:
	 * it is empty; or why it cannot be read. */
	int kernel_frames;
};

/* Looks and tries. Files are read below `root` ("" on a live host). Only what cannot be found out
 * at all is an error; a refusal is a fact. */
int facts__gather(struct facts *out, const char *root);

/* As facts->try_mapping_events, by whoever asks. */
int facts__try_mapping_events(void);
