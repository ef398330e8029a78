/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * The wire format: every event that enters the stream, from the kernel's ring buffers or from
 * user space, and therefore also what a recording stores (user/recording/format.h).
 *
 * Shared by the BPF programs and user space; needs nothing but <linux/types.h>.
 *
 * Rules:
 *  - little-endian, natural alignment, no implicit padding; every size is a multiple of 8.
 *  - a new field goes to the end of its struct; an event may be longer than the reader's struct.
 *  - units are in the names: _bytes, _ns, _us. Times are CLOCK_MONOTONIC, the clock of
 *    bpf_ktime_get_ns() and of task_struct.start_time.
 *  - signed quantities: UNKNOWN (-1) means "this kernel or this moment cannot tell", never zero.
 *  - char arrays hold what a program chose to call itself: any bytes, NUL-padded, and
 *    not necessarily NUL-terminated.
 */

#include <linux/types.h>

#define EVENT_UNKNOWN    ((__s64)-1)
#define EVENT_NO_LIMIT   ((__s64)0x7fffffffffffffffLL) /* a memcg limit that is not set */
#define EVENT_COMM_BYTES 16                            /* TASK_COMM_LEN */
#define EVENT_NAME_BYTES 256                           /* NAME_MAX + 1: one cgroup path component */
#define EVENT_ARGV_BYTES 4096  /* longer command lines are cut and flagged */
#define EVENT_PATH_BYTES 4096  /* PATH_MAX; longer names of functions are cut at this, too */
#define EVENT_MAX_BYTES  65536 /* no event is longer */

/*
 * X(NAME, number, struct tag). Numbers are for ever: a recording made today must still be read
 * when more kinds exist. 1-31 come from the kernel, 32-63 from user space.
 */
#define EVENT_KINDS(X)                          \
	X(FORK, 1, event_fork)                  \
	X(EXEC, 2, event_exec)                  \
	X(EXIT, 3, event_exit)                  \
	X(RENAME, 4, event_rename)              \
	X(CGROUP, 5, event_cgroup)              \
	X(CGROUP_GONE, 6, event_cgroup_gone)    \
	X(ATTACH, 7, event_attach)              \
	X(RSS, 8, event_rss)                    \
	X(MEMCG, 9, event_memcg)                \
	X(RECLAIM, 10, event_reclaim)           \
	X(SIGNAL, 11, event_signal)             \
	X(OOM_KILL, 12, event_oom_kill)         \
	X(PROCESS, 13, event_process)           \
	X(HOST, 32, event_host)                 \
	X(PROBE, 33, event_probe)               \
	X(CLOCK, 34, event_clock)               \
	X(ARGV, 35, event_argv)                 \
	X(OPENED, 36, event_opened)             \
	X(MEMCG_STAT, 37, event_memcg_stat)     \
	X(PSI, 38, event_psi)                   \
	X(MEMINFO, 39, event_meminfo)           \
	X(OOM_COUNTER, 40, event_oom_counter)   \
	X(LOSS, 41, event_loss)                 \
	X(RECORDER, 42, event_recorder)         \
	X(DIGEST, 43, event_digest)             \
	X(STATE, 44, event_state)               \
	X(KEPT_PROCESS, 45, event_kept_process) \
	X(KEPT_CGROUP, 46, event_kept_cgroup)   \
	X(KEPT_SERIES, 47, event_kept_series)   \
	X(KEPT_ATTACH, 48, event_kept_attach)   \
	X(PROGRAM, 49, event_program)           \
	X(MEMCG_EVENTS, 50, event_memcg_events) \
	X(KEPT_HELD, 51, event_kept_held)       \
	X(MODULE, 52, event_module)             \
	X(FRAME, 53, event_frame)               \
	X(STACK, 54, event_stack)               \
	X(GROWTH, 55, event_growth)             \
	X(KEPT_GROWTH, 56, event_kept_growth)   \
	X(GROWTH_GONE, 57, event_growth_gone)   \
	X(FRAME_LINE, 58, event_frame_line)     \
	X(FILE, 59, event_file)

enum event_kind {
#define X(name, number, type) EVENT_##name = number,
	EVENT_KINDS(X)
#undef X
		EVENT_KIND_END =
			64, /* array bound; kinds at or above it are unknown to this version */
};

/*
 * Kinds that have grown since their first recordings. X(NAME, first size): one of fewer bytes than
 * its struct today has 0 in what it lacks.
 */
#define EVENTS_GROWN(X) X(OPENED, 16) X(STATE, 120) X(OOM_KILL, 384) X(HOST, 568)

enum event_first_bytes {
#define X(name, first_bytes) EVENT_##name##_FIRST_BYTES = first_bytes,
	EVENTS_GROWN(X)
#undef X
};

enum event_flag {
	EVENT_LATE = 1 << 0,   /* admitted after a younger event had already been passed on */
	EVENT_CLOSING = 1 << 1 /* of a RECORDER: the recording ends here and was not cut off */
};

struct event_header {
	__u32 size_bytes; /* of the whole event, this header included */
	__u16 kind;       /* enum event_kind */
	__u16 flags;      /* enum event_flag */
	__u64 time_ns;
};

/* A process for ever: the pid alone is reused. A thread's tid is for the reader's eyes. */
struct task_ref {
	__u32 pid;      /* thread group id in the initial pid namespace; 0 = none */
	__u32 tid;      /* the thread that acted, or the pid again */
	__u64 start_ns; /* the thread group leader's start_time */
};

/* What one mm holds. Resident = anon + file + shmem. */
struct memory {
	__s64 anon_bytes;
	__s64 file_bytes;
	__s64 shmem_bytes;
	__s64 swap_bytes;
	__s64 page_table_bytes;
	__s64 hugetlb_bytes;
};

enum process_flag {
	PROCESS_SHARES_MM = 1 << 0,    /* runs on its parent's mm (CLONE_VM without CLONE_THREAD) */
	PROCESS_NO_MM = 1 << 1,        /* the mm was already gone when we looked */
	PROCESS_MEMORY_EXACT = 1 << 2, /* as RSS_EXACT */
	PROCESS_EXITING = 1 << 3 /* of a victim: it was exiting already, so no SIGKILL was sent */
};

struct process_state {
	struct task_ref task;
	struct task_ref parent; /* pid 0: none or not visible */
	__u64 mm_id;            /* names one mm for the length of a recording; 0 = not known */
	__u64 cgroup_id;        /* the memory controller's cgroup; 0 = not known */
	__u32 uid;              /* in the initial user namespace */
	__u32 ns_pid;           /* the pid inside the innermost pid namespace */
	__s32 oom_score_adj;
	__u32 flags; /* enum process_flag */
	char comm[EVENT_COMM_BYTES];
	struct memory memory;
};

struct event_fork {
	struct event_header header;
	struct process_state child;
};

enum argv_flag {
	ARGV_CUT = 1 << 0,       /* longer than EVENT_ARGV_BYTES */
	ARGV_UNREADABLE = 1 << 1 /* the pages could not be read; argv is empty, not known */
};

struct event_exec {
	struct event_header header;
	struct process_state process;
	__u32 argv_flags; /* enum argv_flag */
	__u32 argv_bytes; /* of argv that count; the event is padded to 8 bytes with NULs */
	char argv[];      /* NUL-separated, as in /proc/PID/cmdline */
};

/* The last thread of a process has left. */
struct event_exit {
	struct event_header header;
	struct task_ref task;
	struct memory memory; /* at the exit; UNKNOWN where the kernel has dropped the mm by then */
	__s64 peak_rss_bytes; /* of the whole life, the kernel's own high-water mark */
	__u32 exit_code;      /* as wait(2) reports it: low 7 bits the signal, bits 8-15 the code */
	__u32 reserved;
	char comm[EVENT_COMM_BYTES];
};

struct event_rename {
	struct event_header header;
	struct task_ref task;
	char comm[EVENT_COMM_BYTES];
};

/* page_counters of one memory cgroup. EVENT_NO_LIMIT where a limit is not set. */
struct memcg_counters {
	__s64 usage_bytes;
	__s64 max_bytes;
	__s64 high_bytes;
	__s64 watermark_bytes;  /* the highest usage so far */
	__s64 failures;         /* times the limit was hit, descendants included where v1 does so */
	__s64 swap_usage_bytes; /* v2: swap alone; v1: memory plus swap ("memsw") */
	__s64 swap_max_bytes;
	__s64 kmem_usage_bytes; /* v1 only */
	__s32 oom_group;        /* 0, 1 or -1 */
	__s32 reserved;
};

/* A memory cgroup seen for the first time. The path is the chain of names up to the root. */
struct event_cgroup {
	struct event_header header;
	__u64 cgroup_id; /* kernfs node id: the inode number of its folder */
	__u64 parent_id; /* 0 for the root */
	struct memcg_counters counters;
	char name[EVENT_NAME_BYTES];
};

struct event_cgroup_gone {
	struct event_header header;
	__u64 cgroup_id;
};

struct event_attach {
	struct event_header header;
	struct task_ref task;
	__u64 cgroup_id; /* where it is now */
};

/* What a pass over resting processes finds worth an event: a step over RSS_REST_STEPS, and at least
 * the RSS_REST_SHAREth part of its size. */
#define RSS_REST_STEPS 4
#define RSS_REST_SHARE 1024

enum rss_flag {
	RSS_EXACT = 1 << 0, /* all parts summed; otherwise off by what CPUs or threads hold back */
	RSS_GONE = 1 << 1   /* the mm was torn down: all zero from here on */
};

struct event_rss {
	struct event_header header;
	struct task_ref owner;
	__u64 mm_id;
	__u64 cgroup_id; /* of the owner, now */
	struct memory memory;
	__u32 flags;  /* enum rss_flag */
	__u32 by_pid; /* whoever moved it, when that was another process (reclaim, oom reaper) */
};

struct event_memcg {
	struct event_header header;
	__u64 cgroup_id;
	struct memcg_counters counters;
};

enum reclaim_flag {
	RECLAIM_MEMCG = 1 << 0 /* to stay below a cgroup's limit; otherwise the host was short */
};

/* Direct reclaim by one thread, runs that follow closely told as one. */
struct event_reclaim {
	struct event_header header; /* time: when it was told; the runs lie before */
	struct task_ref task;
	__u64 cgroup_id; /* of the reclaiming task */
	__u64 first_ns;  /* begin of the first run */
	__u64 stall_ns;  /* time inside reclaim, summed */
	__u64 reclaimed_bytes;
	__u32 runs;
	__u32 flags; /* enum reclaim_flag */
	char comm[EVENT_COMM_BYTES];
};

enum signal_flag {
	SIGNAL_FROM_KERNEL = 1 << 0,    /* by the kernel itself (SEND_SIG_PRIV), whoever ran */
	SIGNAL_SENDER_EXITING = 1 << 1, /* without details, by whom was on its way out */
	SIGNAL_BY_WRITE = 1 << 2,       /* without details, within write(2): to cgroup.kill */
	SIGNAL_FORCED = 1 << 3,         /* by the kernel upon who ran, for what it had done */
	SIGNAL_CPU_LIMITED = 1 << 4,    /* upon itself, and it has a limit of processor time */
	SIGNAL_ASYNC = 1 << 5,          /* a timer's or a file's: who ran has not sent it */
};

/* SIGKILL sent. */
struct event_signal {
	struct event_header header;
	struct task_ref sender;
	struct task_ref target;
	__s32 signal;
	__s32 code;   /* si_code; SI_USER is 0, SI_KERNEL 0x80 */
	__u32 result; /* TRACE_SIGNAL_*: 0 delivered, 2 already pending */
	__u32 flags;  /* enum signal_flag */
	char sender_comm[EVENT_COMM_BYTES];
	char target_comm[EVENT_COMM_BYTES];
};

/* How the kernel's struct oom_control was reached. X(NAME, text of the report) */
#define OOM_WAYS(X)                                                       \
	X(NONE, "not determined")                                         \
	X(FENTRY, "fentry oom_kill_process")                              \
	X(KPROBE, "kprobe oom_kill_process")                              \
	X(STACK, "the trigger's kernel stack")                            \
	X(REMEMBERED, "an earlier kill of the same out_of_memory() call") \
	X(EVENTS, "the one level whose count of OOM events rose")

enum oom_way {
#define X(name, text) OOM_WAY_##name,
	OOM_WAYS(X)
#undef X
		OOM_WAY_END
};

/* Kernel's enum oom_constraint, plus "not determined". */
enum oom_constraint_kind {
	OOM_CONSTRAINT_UNKNOWN = -1,
	OOM_CONSTRAINT_NONE = 0, /* the whole host */
	OOM_CONSTRAINT_CPUSET = 1,
	OOM_CONSTRAINT_MEMPOLICY = 2,
	OOM_CONSTRAINT_MEMCG = 3,
};

#define OOM_ORDER_UNKNOWN (-2) /* then gfp_mask is unknown as well */

/*
 * What the kernel counts of a memory cgroup with all below it. X(field, enum of the kernel, item,
 * LEDGER_PAGES or the bytes of its unit). Not disjoint: user/verdict/ledger.h divides them.
 */
#define LEDGER_PAGES      0
#define LEDGER_ITEMS(X)                                                                   \
	X(anon_mapped, node_stat_item, NR_ANON_MAPPED, LEDGER_PAGES)                      \
	X(file, node_stat_item, NR_FILE_PAGES, LEDGER_PAGES) /* with shmem, swap cache */ \
	X(file_mapped, node_stat_item, NR_FILE_MAPPED, LEDGER_PAGES)                      \
	X(shmem, node_stat_item, NR_SHMEM, LEDGER_PAGES)                                  \
	X(swap_cache, node_stat_item, NR_SWAPCACHE, LEDGER_PAGES)                         \
	X(inactive_anon, node_stat_item, NR_INACTIVE_ANON, LEDGER_PAGES)                  \
	X(active_anon, node_stat_item, NR_ACTIVE_ANON, LEDGER_PAGES)                      \
	X(inactive_file, node_stat_item, NR_INACTIVE_FILE, LEDGER_PAGES)                  \
	X(active_file, node_stat_item, NR_ACTIVE_FILE, LEDGER_PAGES)                      \
	X(unevictable, node_stat_item, NR_UNEVICTABLE, LEDGER_PAGES)                      \
	X(kernel, memcg_stat_item, MEMCG_KMEM, LEDGER_PAGES) /* with all that follow */   \
	X(slab_reclaimable, node_stat_item, NR_SLAB_RECLAIMABLE_B, 1)                     \
	X(slab_unreclaimable, node_stat_item, NR_SLAB_UNRECLAIMABLE_B, 1)                 \
	X(page_tables, node_stat_item, NR_PAGETABLE, LEDGER_PAGES)                        \
	X(guest_page_tables, node_stat_item, NR_SECONDARY_PAGETABLE, LEDGER_PAGES)        \
	X(kernel_stacks, node_stat_item, NR_KERNEL_STACK_KB, 1024)                        \
	X(per_cpu, memcg_stat_item, MEMCG_PERCPU_B, 1)                                    \
	X(vmalloc, memcg_stat_item, MEMCG_VMALLOC, LEDGER_PAGES)                          \
	X(vmalloc_of_nodes, node_stat_item, NR_VMALLOC, LEDGER_PAGES) /* since 7.2 */     \
	X(zswap, memcg_stat_item, MEMCG_ZSWAP_B, 1)                                       \
	X(sockets, memcg_stat_item, MEMCG_SOCK, LEDGER_PAGES) /* not in kernel */         \
	X(hugetlb, node_stat_item, NR_HUGETLB, LEDGER_PAGES)  /* where it is charged */   \
	X(swap, memcg_stat_item, MEMCG_SWAP, LEDGER_PAGES)    /* not in usage */

enum ledger_item {
#define X(field, kind, item, unit) LEDGER_ITEM_##field,
	LEDGER_ITEMS(X)
#undef X
		LEDGER_ITEM_COUNT
};

enum ledger_flag {
	LEDGER_TAKEN = 1 << 0,
	LEDGER_SUMMED = 1 << 1,  /* with what CPUs hold back */
	LEDGER_CUT = 1 << 2,     /* there are more cgroups below it than were gone through */
	LEDGER_BOUNDED = 1 << 3, /* what CPUs hold back has a bound of its own (until 5.12) */
};

/* Bytes, EVENT_UNKNOWN where this kernel does not count, or nobody knows where. */
struct ledger {
	__u32 flags;       /* enum ledger_flag; 0: nothing was taken */
	__u32 cgroups;     /* it and those below it */
	__s64 usage_bytes; /* of its counter, at that moment */
	__s64 dying_bytes; /* usage of those below it that were removed already */
#define X(field, kind, item, unit) __s64 field##_bytes;
	LEDGER_ITEMS(X)
#undef X
};

/* The kernel's OOM killer has marked a victim. current, the trigger, asked for the page. */
struct event_oom_kill {
	struct event_header header;
	struct process_state victim;
	struct process_state trigger;
	__u64 domain_cgroup_id; /* the level that was full; 0: host-wide or not determined */
	struct memcg_counters domain;
	__s64 domain_total_bytes; /* oc->totalpages: size of the domain, NOT the victim's memory */
	__s64 chosen_points;      /* badness in pages; UNKNOWN without oom_control */
	__u32 gfp_mask;
	__s32 order;      /* -1: asked for by hand (sysrq); OOM_ORDER_UNKNOWN */
	__s32 constraint; /* enum oom_constraint_kind */
	__u32 way;        /* enum oom_way */
	__u64 nodes;      /* of a cpuset or policy: bit n is memory node n; 0: not known, or all */
	struct ledger ledger; /* of the domain, before anything is given back */
};

/* The iterator's word on one process: the opening snapshot. */
struct event_process {
	struct event_header header;
	struct process_state process;
};

struct event_host {
	struct event_header header;
	__u32 page_bytes;
	__u32 cpus;           /* possible */
	__u32 cgroup_version; /* of the memory controller: 1, 2, or 0 for none */
	__u32 scope;          /* enum follow_scope */
	__u64 memory_bytes;
	__u64 swap_bytes;
	__s64 realtime_offset_ns; /* CLOCK_REALTIME - CLOCK_MONOTONIC at this event */
	__u64 step_bytes;         /* smallest movement that is told */
	char recording_id[40];
	char boot_id[40];
	char name[64];
	char kernel[72];
	char version[32];   /* oomtrail's */
	char followed[256]; /* what was asked for, in words: "pid 4711", "/system.slice/x.service"
			     */
	/* Resident memory of a process that does not move may be off by so much, or by the
	 * RSS_REST_SHAREth part of it; 0: not known. */
	__u64 rest_error_bytes;
};

enum follow_scope {
	FOLLOW_ALL = 0,
	FOLLOW_PROCESSES = 1, /* a process and all its descendants to come */
	FOLLOW_CGROUP = 2     /* a cgroup and everything below it */
};

/* One capability and the way taken: doctor's table, carried by every recording. */
struct event_probe {
	struct event_header header;
	char capability[32];
	char way[48]; /* empty: none, the capability is missing */
	char why[200];
};

/* The wall clock was found set to another offset. */
struct event_clock {
	struct event_header header;
	__s64 realtime_offset_ns;
};

/* Command line of a process that was already running. */
struct event_argv {
	struct event_header header;
	struct task_ref task;
	__u32 argv_flags;
	__u32 argv_bytes;
	char argv[];
};

/*
 * The opening snapshot is complete: whoever is not in it was born later.
 *
 * After births or deaths were lost all processes are walked again, between two of these that carry
 * the time of the first one: from then until the second everybody is told who is alive, and whoever
 * is not has gone unseen. A walk that is not closed, or another one was begun, says nothing.
 */
struct event_opened {
	struct event_header header;
	__u64 walk_ns; /* 0: the opening snapshot; the event's own time: a walk begins */
};

/*
 * Rows of a memory.stat, in bytes. X(field, v2 key, v1 key); "" where that version has none.
 * v1 keys are the hierarchical total_ ones; v2's memory.stat is hierarchical by itself.
 */
#define MEMCG_STATS(X)                                     \
	X(anon, "anon", "total_rss")                       \
	X(file, "file", "total_cache")                     \
	X(file_mapped, "file_mapped", "total_mapped_file") \
	X(shmem, "shmem", "total_shmem")                   \
	X(dirty, "file_dirty", "total_dirty")              \
	X(swap, "", "total_swap")                          \
	X(swap_cache, "swapcached", "total_swapcached")    \
	X(kernel, "kernel", "")                            \
	X(slab, "slab", "")                                \
	X(kernel_stack, "kernel_stack", "")                \
	X(page_tables, "pagetables", "")                   \
	X(per_cpu, "percpu", "")                           \
	X(sockets, "sock", "")                             \
	X(vmalloc, "vmalloc", "")                          \
	X(zswap, "zswap", "")

struct memcg_stat {
#define X(field, v2, v1) __s64 field##_bytes;
	MEMCG_STATS(X)
#undef X
};

struct event_memcg_stat {
	struct event_header header;
	__u64 cgroup_id;
	struct memcg_stat stat;
};

/*
 * What a cgroup's limits have done, at its own level. X(field, key of v2's memory.events.local, key
 * of v1's memory.oom_control); "" where that version has none. v2 counts; on v1 all but the kills
 * are 0 or 1.
 */
#define MEMCG_EVENTS(X)                                \
	X(low, "low", "")                              \
	X(high, "high", "") /* throttled */            \
	X(max, "max", "")                              \
	X(oom, "oom", "")                              \
	X(oom_kill, "oom_kill", "oom_kill")            \
	X(under_oom, "", "under_oom") /* tasks wait */ \
	X(oom_kill_disable, "", "oom_kill_disable")

struct memcg_events {
#define X(field, v2, v1) __s64 field;
	MEMCG_EVENTS(X)
#undef X
};

/* Looked at as long as the cgroup is short of memory, told when it has changed. */
struct event_memcg_events {
	struct event_header header;
	__u64 cgroup_id;
	struct memcg_events events;
	__s64 usage_bytes;
	__s64 max_bytes;         /* EVENT_NO_LIMIT: there is none */
	__s64 high_bytes;        /* v2 */
	__s64 memsw_usage_bytes; /* v1, and only where tasks wait */
	__s64 memsw_max_bytes;
};

/* Pressure stall totals; all UNKNOWN when PSI is absent or switched off. */
struct event_psi {
	struct event_header header;
	__u64 cgroup_id; /* 0: the host */
	__s64 some_us;
	__s64 full_us;
};

/* X(field, key in /proc/meminfo) */
#define MEMINFO(X)                          \
	X(total, "MemTotal")                \
	X(free, "MemFree")                  \
	X(available, "MemAvailable")        \
	X(buffers, "Buffers")               \
	X(cached, "Cached")                 \
	X(shmem, "Shmem")                   \
	X(anon, "AnonPages")                \
	X(slab_reclaimable, "SReclaimable") \
	X(slab_unreclaimable, "SUnreclaim") \
	X(page_tables, "PageTables")        \
	X(kernel_stack, "KernelStack")      \
	X(swap_total, "SwapTotal")          \
	X(swap_free, "SwapFree")            \
	X(hugetlb, "Hugetlb")

struct meminfo {
#define X(field, key) __s64 field##_bytes;
	MEMINFO(X)
#undef X
};

struct event_meminfo {
	struct event_header header;
	struct meminfo meminfo;
};

/* The kernel's own count of OOM kills (/proc/vmstat oom_kill), to hold ours against. */
struct event_oom_counter {
	struct event_header header;
	__s64 kills; /* since boot */
};

/*
 * What can be lost. X(NAME, text of the report); RING_* and LATE also name the event kind.
 * KILLS_COUNTED is of an incident's storm.trail alone: further kills of its cause by the time of
 * the event, of kind OOM_KILL, that could not be kept there.
 */
#define LOSSES(X)                                                                           \
	X(RING_FULL, "ring buffer full")                                                    \
	X(MM_TABLE_FULL, "table of address spaces full")                                    \
	X(CGROUP_TABLE_FULL, "table of cgroups full")                                       \
	X(RECLAIM_TABLE_FULL, "table of reclaiming threads full")                           \
	X(FOLLOWED_TABLE_FULL, "table of followed processes full")                          \
	X(RECURSION, "program skipped by the kernel: it was already running")               \
	X(MALFORMED, "event of impossible size")                                            \
	X(OBSERVATION, "file of /proc or the cgroup could not be read")                     \
	X(MODEL_FULL, "more than the report keeps track of")                                \
	X(QUEUE_FULL, "queue to the writer full")                                           \
	X(HISTORY, "history of ended processes given up for room")                          \
	X(KILLS_COUNTED, "later kill known by its number only")                             \
	X(VICTIM_NOT_FOUND, "OOM victim whose task could not be found by its number")       \
	X(SAMPLE_QUEUE, "growth sample without room: naming stacks was slower than growth") \
	X(STACK_WORKER, "process that names stacks ended early")                            \
	X(PAGE_TABLE_FULL, "table of sampled pages full")                                   \
	X(CALL_REFUSED, "system call refused to the process that names stacks")             \
	X(NOTE_TABLE_FULL, "table of page faults under way full")                           \
	X(SAMPLE_LATE, "part of a growth sample came when the rest had been told")          \
	X(SAMPLE_UNSEEN, "growth sample of which nobody saw whether its page had come")     \
	X(MAPS_LOST, "record of what is mapped lost")                                       \
	X(CPU_UNWATCHED, "CPU that came online later and is not followed")                  \
	X(FILE_SLOW, "stack for which a file was not read: those of its process took too long")

enum loss_reason {
#define X(name, text) LOSS_##name,
	LOSSES(X)
#undef X
		LOSS_END
};

struct event_loss {
	struct event_header header;
	__u32 reason; /* enum loss_reason */
	__u32 kind;   /* enum event_kind that was lost; 0 when the reason says it all */
	__u64 count;  /* since the recording began */
};

/* What the recorder itself cost so far; the latest counts. The last one, flagged EVENT_CLOSING, is
 * the last event before the digest that closes a recording. */
struct event_recorder {
	struct event_header header;
	__u64 wall_ns; /* since the opening snapshot was complete */
	__u64 cpu_ns;  /* user and system time of the recorder process, since then */
	__u64 peak_rss_bytes;
	__u64 kernel_bytes; /* rings and maps */
	__u64 events;       /* admitted before this one */
	__u64 written_bytes;
	__u64 start_cpu_ns; /* spent before: looking at the host, loading, the snapshot */
};

/* What one BPF program cost so far, by the kernel's own measuring (bpf_stats) while that was on;
 * the latest counts. Without measuring there is none. */
struct event_program {
	struct event_header header;
	char name[32];
	__u64 runs; /* that were measured */
	__u64 run_ns;
};

/* The model's state after all events before this one: what a replay must arrive at too. */
struct event_digest {
	struct event_header header;
	__u64 events; /* admitted before this one */
	__u64 digest; /* FNV-1a 64 over the model (user/model/digest.c) */
};

/*
 * Which code grew it. Modules, frames and stacks are told once, before what refers to them by its
 * number, and numbers begin with 1: 0 is none. A definition that nothing referred to for
 * STACK_RETELL_NS is told again, under whatever number, before it is referred to: whoever listens
 * may forget it then. A number that is told again says what it said before.
 *
 * But for what refers to growth that was told long ago (EVENT_GROWTH_GONE): the stacks and
 * files of a process's growth are known by their latest numbers for as long as the growth is.
 */
#define STACK_RETELL_NS      60000000000ULL

#define EVENT_BUILD_ID_BYTES 32
#define EVENT_STACK_FRAMES   512 /* deeper stacks lack their outermost ones */

/* An ELF file. */
struct event_module {
	struct event_header header;
	__u32 module_id;
	__u32 build_id_bytes; /* of build_id; 0: it has none */
	__u8 build_id[EVENT_BUILD_ID_BYTES];
	__u32 path_bytes; /* of path; the event is padded to 8 bytes with NULs */
	__u32 reserved;
	char path[]; /* as its process sees it: any bytes */
};

/* X(NAME, word of the report) */
#define FRAME_KINDS(X)                                          \
	X(NATIVE, "native")                                     \
	X(JIT, "jit") /* code made at run time */               \
	X(KERNEL, "kernel")                                     \
	X(VDSO, "vdso")       /* the kernel's in the process */ \
	X(UNKNOWN, "unknown") /* nothing was known to be mapped there */

enum frame_kind {
#define X(name, text) FRAME_##name,
	FRAME_KINDS(X)
#undef X
		FRAME_KIND_END
};

/* A place in code: of a call, or of the page fault itself. */
struct event_frame {
	struct event_header header;
	__u32 frame_id;
	__u32 module_id;  /* 0: none */
	__u64 address;    /* link-time address in the module; without one, in the process */
	__u64 start;      /* of the function, likewise; 0: it has no name */
	__u32 kind;       /* enum frame_kind */
	__u32 name_bytes; /* of name; 0: it has none. Padded likewise */
	char name[];      /* readable, of a function */
};

/*
 * Where a frame is in the source, by the debug information of its module: looked for once its
 * stacks have become large, and therefore told later than the frame, or never. A frame that is told
 * again has its line told again. What its number means may have been forgotten by then: it is
 * passed over.
 */
struct event_frame_line {
	struct event_header header;
	__u32 frame_id;
	__u32 line;       /* 0: none in particular */
	__u32 file_bytes; /* of file, never 0; padded likewise */
	__u32 reserved;
	char file[]; /* as the compiler noted it, also relative: any bytes */
};

/* How far the callers could be followed. X(NAME, text of the report) */
#define STACK_ENDS(X)                                                            \
	X(COMPLETE, "complete: at the function that nobody called")              \
	X(CUT, "the next caller is beyond what was copied of the stack")         \
	X(NO_MEMORY, "the next caller is told by memory that could not be read") \
	X(NO_RULE, "neither unwinding rules nor a frame pointer lead on")        \
	X(NO_MAPPING, "the next return address is in no mapping")                \
	X(CYCLE, "the stack pointer did not move up")                            \
	X(TOO_DEEP, "deeper than what is kept of a stack")

enum stack_end {
#define X(name, text) STACK_END_##name,
	STACK_ENDS(X)
#undef X
		STACK_END_COUNT
};

struct event_stack {
	struct event_header header;
	__u32 stack_id;
	__u32 end; /* enum stack_end */
	__u32 frame_count;
	__u32 reserved;
	__u32 frames[]; /* innermost first; padded to 8 bytes with 0 */
};

enum file_flag {
	FILE_DELETED = 1 << 0,  /* no path led to it any more */
	FILE_TMPFS = 1 << 1,    /* in a tmpfs: shared memory with a path */
	FILE_MEMFD = 1 << 2,    /* memfd_create(2); the path is "memfd:NAME" */
	FILE_SYSV = 1 << 3,     /* shmget(2); the path is "SYSV" and the key, hexadecimal */
	FILE_ANONYMOUS = 1 << 4 /* shared memory without a name; the path is the kernel's for it */
};

/* What pages of a file or of shared memory are of. Told as modules, frames and stacks are. */
struct event_file {
	struct event_header header;
	__u32 file_id;
	__u32 flags;       /* enum file_flag */
	__u32 names_bytes; /* of names; the event is padded to 8 bytes with NULs */
	__u32 reserved;
	/* The path as its process sees it; of a file in a tmpfs a NUL and where that is mounted. */
	char names[];
};

enum growth_flag {
	GROWTH_IN_KERNEL = 1 << 0 /* the page fault was taken in a system call */
};

/* What one sample may say. */
#define GROWTH_BLOCK_MIN 4096ULL
#define GROWTH_BLOCK_MAX (1ULL << 30)
#define GROWTH_PAGES_MAX (1 << 20) /* of a member, either way */

/* Members of the kernel's resident memory, in its order. */
enum growth_member { GROWTH_FILE, GROWTH_ANON, GROWTH_SWAP, GROWTH_SHMEM, GROWTH_MEMBERS };

/* A sample of growth: pages have come at a chosen address, and it stands for others. */
struct event_growth {
	struct event_header header; /* time: when it was told, behind the definitions it needs */
	__u64 came_ns;              /* when the page came */
	struct task_ref task;       /* tid: the thread whose page fault it was */
	__u64 mm_id;
	__u64 address; /* of the page */
	/* What came with it, each page standing for block_bytes, a power of two; a swap entry that
	 * an anonymous page replaced is -1. */
	__u64 block_bytes;
	__s32 pages[GROWTH_MEMBERS];
	__u32 stack_id; /* 0: it could not be kept */
	__u32 flags;    /* enum growth_flag */
	__u32 file_id;  /* of the file's or shared pages; 0: none came, or of which is not known */
	__u32 reserved2;
};

/*
 * Of what grew by a stack and file, so much is not there any more, neither resident nor swapped:
 * found at the addresses of the samples since the last one of its kind. It takes off what samples
 * of this process, stack and file have said, never more. Of a process that was never looked at it
 * is not known what stayed; of one that has ended or has executed another program, nothing is told
 * any more.
 */
struct event_growth_gone {
	struct event_header header;
	struct task_ref task; /* tid: the pid */
	__u64 samples;        /* 0: it was looked at, and nothing had gone */
	/* Swap: of pages that had come back from there; they are not among the anonymous ones. */
	__s64 bytes[GROWTH_MEMBERS];
	__u32 stack_id; /* as the samples had it */
	__u32 file_id;  /* likewise */
};

/*
 * The state block: how a recording that goes on from an earlier one begins (the flight recorder's
 * chunks). Behind the HOST event, told again as it was first told, comes a STATE that BEGINS the
 * block; then what the recorder knew: the last readings as ordinary events with their own, past
 * times, and KEPT_* events for what ordinary events cannot say; then a STATE that ENDS it. None of
 * these counts as an event of the recording: the first STATE says how many there were before.
 *
 * A STATE that neither begins nor ends a block only sets the bounds: the first chunk's.
 * KEPT_* outside a block mean nothing.
 */
enum state_flag { STATE_BEGINS = 1 << 0, STATE_ENDS = 1 << 1 };

struct event_state {
	struct event_header header; /* time: when this chunk began */
	__u64 chunk;
	__u32 flags;            /* enum state_flag */
	__u32 processes_max;    /* bounds of the model from here on; 0: this version's own */
	__u64 series_max_bytes; /* likewise */
	__u64 argv_max_bytes;   /* likewise */
	__u64 first_ns;         /* of the first event that was recorded */
	__u64 last_ns;
	__u64 opened_ns; /* 0: the opening snapshot did not complete */
	__u64 events;    /* before this block */
	__u64 late_events;
	/* Left behind since the recorder began. */
	__u64 forgotten_processes; /* that had ended */
	__u64 forgotten_early;     /* lately, but were too many: part of them */
	__u64 forgotten_cgroups;
	__u64 forgotten_series; /* of processes that ended long ago, but are somebody's ancestor */
	__u64 storm_ns; /* a kill of the same cause within this joins its incident; 0: the default
			 */
};

enum kept_process_flag {
	KEPT_BORN_HERE = 1 << 0,  /* forked while it was recorded */
	KEPT_EXIT_LOST = 1 << 1,  /* exit_ns is when it was known to be gone */
	KEPT_KILLED = 1 << 2,     /* the target of a SIGKILL */
	KEPT_OOM_KILLED = 1 << 3, /* by the OOM killer */
	KEPT_ARGV = 1 << 4,       /* the command line is known and stands in argv */
	KEPT_MET = 1 << 5         /* in the walk that the OPENED before it has begun */
};

/* A process as it was known. Its memory is what was last told, its task's tid the pid. */
struct event_kept_process {
	struct event_header header; /* time: when it was first seen */
	struct process_state process;
	struct memory first; /* when first seen */
	__u64 exec_ns;       /* the last exec that was recorded; 0: none */
	__u64 exit_ns;       /* 0: alive */
	__s64 peak_rss_bytes;
	struct task_ref argv_of; /* a process of this block with the same argv; pid 0: none */
	__u32 exit_code;
	__u32 kept_flags; /* enum kept_process_flag */
	__u32 argv_flags; /* enum argv_flag */
	__u32 argv_bytes;
	char argv[];
};

#define EVENT_KEPT_LIMITS   8
#define EVENT_KEPT_RECLAIMS 4

struct kept_limit {
	__u64 time_ns;
	__s64 from_bytes;
	__s64 to_bytes;
	__u32 high; /* 1: memory.high; 0: memory.max */
	__u32 reserved;
};

struct kept_reclaim {
	__u64 first_ns;
	__u64 last_ns;
	__u64 stall_ns;
	__u64 reclaimed_bytes;
	__u64 runs;
};

enum kept_cgroup_flag {
	KEPT_NAMED = 1 << 0,  /* name and parent_id are known */
	KEPT_COUNTED = 1 << 1 /* first and now are known */
};

struct event_kept_cgroup {
	struct event_header header; /* time: when it was first seen */
	__u64 cgroup_id;            /* 0: no cgroup, but reclaim by tasks whose is not known */
	__u64 parent_id;
	__u64 gone_ns; /* 0: still there */
	__u64 stat_ns; /* 0: stat was never read */
	__s64 peak_usage_bytes;
	struct memcg_counters first;
	struct memcg_counters now;
	struct memcg_stat stat;
	__u32 flags; /* enum kept_cgroup_flag */
	__u32 limit_count;
	__u32 reclaim_count;
	__u32 reserved;
	struct kept_limit limits[EVENT_KEPT_LIMITS]; /* changes, oldest first */
	struct kept_reclaim reclaims[EVENT_KEPT_RECLAIMS];
	char name[EVENT_NAME_BYTES];
};

/* What a series is of. X(NAME, values a point) */
#define KEPT_SERIES_OF(X)                                                  \
	X(PROCESS, 6)  /* anon, file, shmem, swap, page tables, hugetlb */ \
	X(CGROUP, 2)   /* usage, swap usage */                             \
	X(FAILURES, 1) /* of a cgroup: times its limit was hit */          \
	X(LOST, 1)     /* events lost, for all reasons */

enum kept_series_of {
#define X(name, width) KEPT_SERIES_##name,
	KEPT_SERIES_OF(X)
#undef X
		KEPT_SERIES_END
};

#define EVENT_SERIES_POINTS    192 /* a series has no more */
#define EVENT_SERIES_THINNINGS 21

/* A quantity over time: points of a time in ns and the values from then on, times ascending. */
struct event_kept_series {
	struct event_header header; /* time: of the last point */
	struct task_ref task;       /* of a process */
	__u64 cgroup_id;            /* of a cgroup */
	__u32 of;                   /* enum kept_series_of */
	__u32 thinning;             /* how far it has been thinned */
	__u32 reserved;
	__u32 rows_bytes; /* of rows: points of (1 + values a point) * 8 bytes */
	__s64 rows[];
};

/* A process moved to another cgroup. */
struct event_kept_attach {
	struct event_header header;
	struct task_ref task;
	__u64 from_id;
	__u64 to_id;
};

/* A time that tasks of a cgroup were held back without being killed. */
struct kept_hold {
	__u64 from_ns;  /* of the first look that found it; 0: none has */
	__u64 to_ns;    /* of the last one */
	__u64 ended_ns; /* of the look that found it over; 0: none has */
	__u64 times;
	__s64 usage_bytes; /* at the last look */
	__s64 limit_bytes;
	__u32 from_first; /* 1: the very first look at the cgroup found it */
	__u32 memsw;      /* 1: the limit of memory and swap */
};

struct event_kept_held {
	struct event_header header; /* time: of the last look that was told */
	__u64 cgroup_id;
	struct memcg_events events;
	struct kept_hold high; /* throttled above memory.high; times: how often */
	struct kept_hold full; /* at the limit, and nobody may be killed; times: begun so often */
};

enum kept_growth_flag {
	/* Who looked for what is gone has ended since some of it came: nobody looks for that. */
	KEPT_GROWTH_UNWATCHED = 1 << 0
};

/* What one process has grown by one stack and file, summed. Both are told before it in the block.
 */
struct event_kept_growth {
	struct event_header header; /* time: of the last sample */
	struct task_ref task;
	__u64 first_ns; /* of the first */
	__u64 samples;
	__s64 bytes[GROWTH_MEMBERS];
	__s64 in_kernel_bytes; /* of all of them but swap: came in system calls */
	__s64 rose_bytes;      /* of the process: its resident memory, falls not taken off */
	__u64 variance_pages;  /* square pages: of the estimate that the samples are */
	__u32 stack_id;        /* 0: of samples whose stacks could not be kept */
	__u32 flags;           /* enum kept_growth_flag */
	__u64 gone_samples;    /* of all of these: what is not there any more */
	__s64 gone_bytes[GROWTH_MEMBERS];
	__u64 looked_ns; /* when it was last told what of the process is there; 0: never */
	__u32 file_id;   /* 0: of none, or it is not known which */
	__u32 reserved2;
};

/* The layout is a promise; a size that changes by accident must not compile. */
_Static_assert(sizeof(struct event_header) == 16, "event_header");
_Static_assert(sizeof(struct task_ref) == 16, "task_ref");
_Static_assert(sizeof(struct memory) == 48, "memory");
_Static_assert(sizeof(struct process_state) == 128, "process_state");
_Static_assert(sizeof(struct event_exec) == 152, "event_exec");
_Static_assert(sizeof(struct event_exit) == 112, "event_exit");
_Static_assert(sizeof(struct memcg_counters) == 72, "memcg_counters");
_Static_assert(sizeof(struct event_cgroup) == 360, "event_cgroup");
_Static_assert(sizeof(struct event_rss) == 104, "event_rss");
_Static_assert(sizeof(struct event_reclaim) == 88, "event_reclaim");
_Static_assert(sizeof(struct event_signal) == 96, "event_signal");
_Static_assert(sizeof(struct event_oom_kill) == 600, "event_oom_kill");
_Static_assert(sizeof(struct event_host) == 576, "event_host");
_Static_assert(sizeof(struct event_program) == 64, "event_program");
_Static_assert(sizeof(struct event_state) == 128, "event_state");
_Static_assert(sizeof(struct event_kept_process) == 248, "event_kept_process");
_Static_assert(sizeof(struct event_kept_cgroup) == 1008, "event_kept_cgroup");
_Static_assert(sizeof(struct event_kept_series) == 56, "event_kept_series");
_Static_assert(sizeof(struct event_kept_attach) == 48, "event_kept_attach");
_Static_assert(sizeof(struct event_memcg_events) == 120, "event_memcg_events");
_Static_assert(sizeof(struct event_kept_held) == 192, "event_kept_held");
_Static_assert(sizeof(struct event_module) == 64, "event_module");
_Static_assert(sizeof(struct event_frame) == 48, "event_frame");
_Static_assert(sizeof(struct event_frame_line) == 32, "event_frame_line");
_Static_assert(sizeof(struct event_stack) == 32, "event_stack");
_Static_assert(sizeof(struct event_growth) == 96, "event_growth");
_Static_assert(sizeof(struct event_kept_growth) == 168, "event_kept_growth");
_Static_assert(sizeof(struct event_growth_gone) == 80, "event_growth_gone");
_Static_assert(sizeof(struct event_file) == 32, "event_file");
