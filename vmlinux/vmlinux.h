/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * The kernel types our BPF programs read, and of each only the members they read. Written by hand
 * from the BTF of the kernels in the README's table (5.10 to 7.2): libbpf relocates every access
 * to the running kernel (CO-RE), so order, gaps and sizes here mean nothing, and one file serves
 * all architectures. A missing member is one added line; `bpftool btf dump file
 * /sys/kernel/btf/vmlinux format c` shows what there is.
 *
 * Members that moved or changed type between kernels are not here but in
 * bpf/kernel_compat.bpf.h, with the commit that moved them.
 */

/* Tells <bpf/bpf_tracing.h> that struct pt_regs is the kernel's own. */
#define __VMLINUX_H__

#include <stdbool.h>
#include <linux/types.h>
#include <linux/bpf.h>

typedef int pid_t;
typedef unsigned int gfp_t;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	__s64 counter;
} atomic64_t;

typedef atomic64_t atomic_long_t;

typedef struct {
	unsigned int val;
} kuid_t;

struct cred {
	kuid_t uid;
};

struct upid {
	int nr;
};

struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct list_head {
	struct list_head *next;
};

struct rlimit {
	unsigned long rlim_max;
};

struct signal_struct {
	atomic_t live;
	struct list_head thread_head;
	int nr_threads;
	int group_exit_code;
	unsigned long maxrss; /* pages */
	short oom_score_adj;
	struct rlimit rlim[1];
};

enum cgroup_subsys_id {
	memory_cgrp_id = 4, /* the real value is asked for at load time */
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
	struct list_head sibling;
	struct list_head children;
	unsigned int flags;
};

enum {
	CSS_ONLINE = 1 << 1, /* has never moved */
};

struct css_set {
	struct cgroup_subsys_state *subsys[1];
};

struct kernfs_node {
	const char *name;
	__u64 id;
};

struct cgroup {
	struct kernfs_node *kn;
	struct cgroup_subsys_state *subsys[1];
};

struct page_counter {
	atomic_long_t usage;
	unsigned long max;
	unsigned long high;
	unsigned long watermark;
	unsigned long failcnt;
};

enum memcg_memory_event {
	MEMCG_OOM = 3, /* the real value is asked for at load time */
};

/* Real values are asked for at load time; some kernels lack some of them. */
enum node_stat_item {
	NR_INACTIVE_ANON,
	NR_ACTIVE_ANON,
	NR_INACTIVE_FILE,
	NR_ACTIVE_FILE,
	NR_UNEVICTABLE,
	NR_SLAB_RECLAIMABLE_B,
	NR_SLAB_UNRECLAIMABLE_B,
	NR_ISOLATED_ANON,
	NR_ANON_MAPPED,
	NR_FILE_MAPPED,
	NR_FILE_PAGES,
	NR_SHMEM,
	NR_KERNEL_STACK_KB,
	NR_PAGETABLE,
	NR_SECONDARY_PAGETABLE,
	NR_SWAPCACHE,
	NR_VMALLOC,
	NR_HUGETLB,
};

enum memcg_stat_item {
	MEMCG_SWAP = 64,
	MEMCG_SOCK,
	MEMCG_PERCPU_B,
	MEMCG_VMALLOC,
	MEMCG_KMEM,
	MEMCG_ZSWAP_B,
	MEMCG_NR_STAT,
};

struct memcg_vmstats {
	long state[1];
	long state_pending[1];
};

struct memcg_vmstats_percpu {
	long state[1];
	long state_prev[1];
};

struct mem_cgroup {
	struct cgroup_subsys_state css;
	struct page_counter memory;
	struct page_counter memsw; /* in a union with v2's swap since 5.10 */
	struct page_counter kmem;
	struct memcg_vmstats *vmstats;
	struct memcg_vmstats_percpu *vmstats_percpu;
	bool oom_group;
	atomic_long_t memory_events_local[1];
};

struct percpu_counter {
	__s64 count;
	__s32 *counters;
};

struct vm_unmapped_area_info {
	unsigned long flags;
	unsigned long length;
};

struct mm_struct {
	struct percpu_counter rss_stat[4];
	atomic_long_t pgtables_bytes;
	atomic_long_t hugetlb_usage;
	atomic_t mm_users;
	struct task_struct *owner;
	unsigned long start_stack;
	unsigned long arg_start;
	unsigned long arg_end;
};

typedef struct {
	unsigned long bits[1]; /* one for each 64 nodes that the kernel is built for */
} nodemask_t;

struct task_struct {
	unsigned int flags;
	pid_t pid;
	pid_t tgid;
	__u64 start_time;
	int exit_code;
	int pagefault_disabled;
	void *stack;
	unsigned long nvcsw;
	unsigned long nivcsw;
	unsigned long min_flt;
	unsigned long maj_flt;
	unsigned int in_execve : 1;
	struct mm_struct *mm;
	struct task_struct *group_leader;
	struct task_struct *real_parent;
	struct pid *thread_pid;
	const struct cred *cred;
	struct signal_struct *signal;
	struct list_head thread_node;
	struct css_set *cgroups;
	nodemask_t mems_allowed;
	char comm[16];
};

struct kernel_siginfo {
	int si_code;
};

struct zonelist;

enum oom_constraint {
	CONSTRAINT_NONE,
	CONSTRAINT_CPUSET,
	CONSTRAINT_MEMORY_POLICY,
	CONSTRAINT_MEMCG,
};

struct oom_control {
	struct zonelist *zonelist;
	nodemask_t *nodemask;
	struct mem_cgroup *memcg;
	gfp_t gfp_mask;
	int order;
	unsigned long totalpages;
	struct task_struct *chosen;
	long chosen_points;
	enum oom_constraint constraint;
};

struct bpf_array {
	void *pptrs[1];
};

struct linux_binprm;

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long di;
	unsigned long sp;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	__u64 regs[31];
};

struct pt_regs {
	__u64 sp;
};
#endif

#pragma clang attribute pop

/* The context of a program on a perf event: no kernel type, but a promise to user space. */
struct bpf_perf_event_data {
#if defined(__TARGET_ARCH_x86)
	__u64 regs[21]; /* r15 ... rip, cs, eflags, rsp, ss */
#else
	__u64 regs[34]; /* x0 ... x30, sp, pc, pstate */
#endif
	__u64 sample_period;
	__u64 addr;
};
