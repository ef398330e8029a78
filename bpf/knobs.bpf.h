/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "vmlinux.h"

/* What user space decides before loading (user/probe/load.c). Read-only, so branches on them
 * vanish in the verifier. Defined in emit.bpf.c. */
extern const volatile __u32 knob_page_bytes;
extern const volatile __u32 knob_page_shift;
extern const volatile __u32 knob_cpus;             /* possible CPUs, at most MAX_CPUS are summed */
extern const volatile __u64 knob_step_bytes;       /* smallest movement of an mm that is told */
extern const volatile __u64 knob_memcg_step_bytes; /* of a cgroup: no CPU holds much of it back */
extern const volatile __u64 knob_step_pages;       /* the same in pages */
extern const volatile __u32 knob_follow;           /* enum follow_scope */
extern const volatile __u64 knob_follow_cgroup;    /* kernfs id, for FOLLOW_CGROUP */
extern const volatile bool knob_addresses_reused;  /* no exit_mmap: see rss.bpf.h */
extern const volatile __u64 knob_host_pages; /* half of what the host has: less is not "all" */
extern const volatile bool knob_oom_stack;   /* may look for oom_control on the kernel stack */
extern const volatile bool knob_oom_events;  /* may go by the counts of OOM events */
extern const volatile bool knob_signals;     /* SIGKILLs are seen */
extern const volatile bool knob_deputies;    /* some programs have: see deputy.h */
extern const volatile __u64
	knob_sample_bytes; /* one growth sample for so much; 0: none are taken */
extern const volatile __u32 knob_sample_shift;
extern const volatile __u32 knob_moment_samples; /* of a CPU, before they are thinned; 0: never */
extern const volatile __u64 knob_stacks_bytes;   /* size of the ring of growth samples */
extern const volatile __u64 knob_huge_bytes;     /* of a huge page; 0: none come by page faults */
extern const volatile __u32 knob_huge_shift;
extern const volatile bool knob_huge_in_parts; /* a CPU may hold back as much as a huge page */

#define MAX_CPUS    512

/* Of a process, whose parts of the counters are summed (until 6.1). */
#define MAX_THREADS 512
