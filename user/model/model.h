/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * The model: everything that can be said about memory on the host, as a pure function of the
 * event stream (bpf/events.h). No clock, no /proc, no libbpf, no locale. Live and replay feed it
 * the same events in the same order, so both reach the same state; model__digest() is the proof.
 *
 * Ownership: the model owns everything reachable from it; what the getters return is valid until
 * the next model__apply(). Times are CLOCK_MONOTONIC ns as in the events.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"
#include "model/cause.h"
#include "model/series.h"

struct model;

/* Values of a memory series, in this order. Resident = anon + file + shmem. */
enum memory_column {
	MEMORY_ANON,
	MEMORY_FILE,
	MEMORY_SHMEM,
	MEMORY_SWAP,
	MEMORY_PAGE_TABLES,
	MEMORY_HUGETLB,
	MEMORY_COLUMNS
};

/* Values of a cgroup's series. */
enum usage_column { USAGE_MEMORY, USAGE_SWAP, USAGE_COLUMNS };

int model__new(struct model **out);

/* One event that has passed event__check(). 0 or -ENOMEM. Unknown kinds are ignored. */
int model__apply(struct model *model, const struct event_header *event);

/* The stream has ended: kills still held back are judged, open incidents are closed. To be called
 * once, before reports; nothing may be applied after it. 0 or -ENOMEM. */
int model__finish(struct model *model);

/* FNV-1a 64 over all state that a report can show. */
uint64_t model__digest(const struct model *model);

void model__free(struct model *model);

/* --- processes ------------------------------------------------------------------------------ */

enum service_kind {
	SERVICE_NONE,
	SERVICE_SYSTEMD,   /* a unit's folder in the cgroup path */
	SERVICE_CONTAINER, /* a 64-digit id, or a pod's folder, in the cgroup path */
	SERVICE_PM2,       /* a descendant of PM2's "God Daemon" */
	SERVICE_TREE       /* the topmost ancestor below init, in the same cgroup */
};

struct service {
	enum service_kind kind;
	char name[64];    /* unit, short container id, PM2 application, comm of the tree's root */
	char runtime[16]; /* of containers: docker, containerd, cri-o, podman, kubernetes, lxc */
	char id[65];      /* containers: the full id; "" else */
};

/* At most 256 bytes while nothing about it moves: argv and series are allocated when known. One
 * whose series had to be given up for want of room is first seen then, once more. */
struct process {
	struct task_ref task;
	struct task_ref parent;
	uint64_t mm_id;
	uint64_t cgroup_id;
	uint64_t seen_ns;       /* first event about it */
	uint64_t exec_ns;       /* the last exec inside the recording; 0: none */
	uint64_t exit_ns;       /* 0: alive */
	int64_t peak_rss_bytes; /* of its whole life, by the kernel; UNKNOWN before the exit */
	char *argv;             /* NUL-separated, NULL: not known */
	struct series *series;  /* memory_column; NULL: never moved since first seen */
	struct memory first;    /* when first seen */
	struct memory now;
	uint32_t argv_bytes;
	uint32_t argv_flags; /* enum argv_flag */
	uint32_t uid;
	uint32_t ns_pid;
	int32_t oom_score_adj;
	uint32_t exit_code;
	bool born_here;  /* forked inside the recording */
	bool exit_lost;  /* exit_ns is when its pid was seen on a younger process, or when a walk
			  * began  that did not meet it; no exit_code */
	bool killed;     /* the target of a kill that counts */
	bool oom_killed; /* by the OOM killer, as its victim or for running on a victim's memory */
	uint32_t walk;   /* the model's own: the last walk over all processes it was met in */
	char comm[EVENT_COMM_BYTES];
};

size_t model__process_count(const struct model *model);
/* In order of first appearance. */
const struct process *model__process(const struct model *model, size_t index);
/* The one alive, or the last one that was, with this pid; NULL. */
const struct process *model__process_by_pid(const struct model *model, uint32_t pid);
struct service model__service(const struct model *model, const struct process *process);
bool service__same(const struct service *a, const struct service *b);

/* anon + file + shmem, unknown ones as 0; EVENT_UNKNOWN when all three are. */
int64_t memory__resident(const struct memory *memory);

/* --- growth by stack ------------------------------------------------------------------------ */

/* Which code made processes grow, from a sample of their page faults: each sample stands for many
 * pages like it (events.h). */

struct module {
	uint32_t id;
	uint8_t build_id[EVENT_BUILD_ID_BYTES];
	size_t build_id_bytes; /* 0: it has none */
	char *path;            /* NUL-terminated; any bytes before: escape before showing */
};

struct frame {
	uint32_t id;
	const struct module *module; /* NULL: none */
	uint64_t address;            /* link-time address; without a module, in the process */
	uint64_t start;              /* of the function; 0: it has no name */
	enum frame_kind kind;
	char *name;    /* NUL-terminated; NULL: it has none. Escape before showing */
	char *file;    /* of the source, likewise; NULL: not known */
	uint32_t line; /* in file; 0: none in particular */
};

struct stack {
	uint32_t id;
	enum stack_end end;
	size_t count;
	const struct frame **frames; /* innermost first; NULL among them: not told, or no room */
};

/* What pages of a file or of shared memory are of. */
struct file {
	uint32_t id;
	uint32_t flags; /* enum file_flag */
	char *path;     /* NUL-terminated; any bytes before: escape before showing */
	char *mount;    /* where its tmpfs is mounted; NULL: it is in none. Likewise */
};

/* What one process has grown by one stack and file: pages that came, whether they stayed or not. */
struct growth {
	struct task_ref task;      /* of the process: its tid is the pid */
	const struct stack *stack; /* NULL: not known */
	const struct file *file;   /* NULL: none, or not known which */
	uint64_t first_ns;         /* of the first sample */
	uint64_t last_ns;
	uint64_t samples;
	/* Estimates. What came back from swap is not new: anon is without it. */
	int64_t anon_bytes;
	int64_t file_bytes;
	int64_t shmem_bytes;
	int64_t from_swap_bytes;
	int64_t in_kernel_bytes; /* of anon, file and shmem: the page fault was in a system call */
	/* Square pages; its root is a bound of the estimate's standard error, in pages: as if they
	 * had come at random, one by one but for those that a huge page or a file brings together.
	 */
	uint64_t variance_pages;
	/* Of all that: found to be there no more, neither resident nor swapped. */
	uint64_t gone_samples;
	int64_t gone_anon_bytes;
	int64_t gone_file_bytes;
	int64_t gone_shmem_bytes;
	int64_t gone_from_swap_bytes;
	/* Who looked for that has ended since some of it came: nobody will find it gone. */
	bool unwatched;
};

/* Only what came from `from_ns` to `to_ns` is summed, and nothing of what an earlier recording has
 * summed, unless `from_ns` is 0. A choice of whoever looks, and no state that recorder and report
 * share: digests differ. To be called before the first event. */
void model__limit_growth(struct model *model, uint64_t from_ns, uint64_t to_ns);

size_t model__growth_count(const struct model *model);
/* In order of first appearance. */
const struct growth *model__growth(const struct model *model, size_t index);
/* anon + file + shmem */
int64_t growth__bytes(const struct growth *growth);
/* That, less what has gone; what came since the last look is taken to be there. Below 0 only where
 * more pages of files went than came: by member, like all of these, it adds up. */
int64_t growth__stayed_bytes(const struct growth *growth);
/* When it was last told what of a process's growth had gone; 0: never, and what stayed is unknown.
 */
uint64_t model__pages_looked_ns(const struct model *model, const struct task_ref *task);

/*
 * What the resident memory of a process has risen by since it was first seen, falls not taken off:
 * by the kernel's counters, which know nothing of samples, and in the steps that were told.
 * EVENT_UNKNOWN: it was never sampled.
 */
int64_t model__rose_bytes(const struct model *model, const struct task_ref *task);

/* How far is it known where it came from? */
enum stack_quality {
	STACK_EXPLAINED,  /* complete, and every frame has a function's name or a module */
	STACK_UNNAMED,    /* complete, but one of its frames has neither */
	STACK_INCOMPLETE, /* stack.end says why */
	STACK_UNKNOWN     /* there is none */
};
enum stack_quality stack__quality(const struct stack *stack); /* NULL: STACK_UNKNOWN */

/* --- cgroups -------------------------------------------------------------------------------- */

/* A time that tasks were held back at a limit. Looks are a second apart at most, and told when
 * something has changed. */
struct hold {
	uint64_t from_ns;  /* of the first look that found it; 0: none has */
	uint64_t to_ns;    /* of the last one told */
	uint64_t ended_ns; /* of the look that found it over; 0: none has */
	uint64_t times;
	int64_t usage_bytes; /* at to_ns */
	int64_t limit_bytes;
	bool from_first; /* the very first look found it: it began before */
	bool memsw;      /* the limit is that of memory and swap */
};

/* What a cgroup's limits have done without killing anybody. */
struct held {
	uint64_t looked_ns; /* the last look that was told */
	struct memcg_events now;
	struct hold high; /* throttled above memory.high (v2); times: how often */
	struct hold full; /* at the limit with the OOM killer switched off (v1); times: begun */
};

struct cgroup {
	uint64_t id;
	uint64_t parent_id;
	char *name; /* last component, NUL-terminated; "" for the root */
	uint64_t seen_ns;
	uint64_t gone_ns; /* 0: still there */
	struct memcg_counters first;
	struct memcg_counters now;
	struct memcg_stat stat;   /* the latest; all EVENT_UNKNOWN before stat_ns */
	uint64_t stat_ns;         /* 0: never read */
	int64_t peak_usage_bytes; /* largest usage_bytes told */
	struct series *series;    /* usage_column; NULL: never moved */
	struct held *held;        /* NULL: its limits were never looked at */
};

size_t model__cgroup_count(const struct model *model);
const struct cgroup *model__cgroup(const struct model *model, size_t index);
const struct cgroup *model__cgroup_by_id(const struct model *model, uint64_t id);

/* "/a/b" from the memory controller's root, "/" for the root itself, "(unknown)" for an id never
 * seen, "(unknown)/b" when an ancestor is missing. A new string; NULL on ENOMEM. Raw bytes: escape
 * before showing. At most 64 levels. */
char *model__cgroup_path(const struct model *model, uint64_t id);
/* Is `id` the cgroup `ancestor` or below it? ancestor 0: everything is. */
bool model__cgroup_within(const struct model *model, uint64_t id, uint64_t ancestor);

/* --- kills ---------------------------------------------------------------------------------- */

enum kill_class {
	KILL_OOM,           /* marked by the kernel's OOM killer */
	KILL_OOM_SHARED_MM, /* runs on the victim's memory; killed with it, never marked */
	KILL_SIGNAL,        /* SIGKILL from a process */
	KILL_KERNEL,        /* SIGKILL from the kernel for another reason than OOM */
	KILL_OOM_EXITING    /* marked as KILL_OOM, but it was exiting already: not killed */
};

struct kill {
	uint64_t time_ns;
	enum kill_class class;
	struct task_ref target;
	char target_comm[EVENT_COMM_BYTES];
	struct task_ref sender; /* of an OOM kill: the trigger */
	char sender_comm[EVENT_COMM_BYTES];
	uint32_t flags; /* enum signal_flag; 0 of an OOM kill */
	long incident;  /* index, or -1 */
};

/* In order of time. A SIGKILL that the OOM killer sent is one kill, not two; it is held back for
 * a second in which the mark could follow. */
size_t model__kill_count(const struct model *model);
const struct kill *model__kill(const struct model *model, size_t index);

/* --- incidents ------------------------------------------------------------------------------ */

#define INCIDENT_WINDOW_NS 90000000000ULL /* growth is judged over this much before the kill */
#define INCIDENT_AFTER_NS  10000000000ULL /* how long after its last kill an incident is open */
#define INCIDENT_BURST_NS  60000000000ULL /* and how long after its first one at most */
#define INCIDENT_STORM_NS                                                           \
	600000000000ULL       /* a kill of the same cause within this joins it yet, \
				 unless the stream says otherwise (EVENT_STATE) */
#define INCIDENT_PROCESSES 64 /* listed at most; the rest is counted */
#define INCIDENT_TIMELINE  64

/* One process of an incident, frozen at the kill: everything a report says about it. */
struct party {
	struct task_ref task; /* pid 0: nobody */
	uint32_t uid;
	uint32_t ns_pid;
	int32_t oom_score_adj;
	char comm[EVENT_COMM_BYTES];
	char *argv; /* NULL: not known */
	uint32_t argv_bytes;
	uint32_t argv_flags;
	uint64_t cgroup_id;
	char *cgroup; /* path; never NULL for somebody */
	struct service service;
	struct memory memory;
	bool exact;            /* memory was summed exactly (victim), not the last told state */
	int64_t grew_bytes;    /* resident + swap, kill minus window start (or birth); UNKNOWN */
	uint64_t grew_over_ns; /* over how long: the window, or its life inside it */
	uint64_t began_ns; /* its program: by the last exec that is known, or when it was forked */
	bool born_in_window;
};

struct incident_kill {
	uint64_t time_ns;
	enum kill_class class;
	struct task_ref task;
	char comm[EVENT_COMM_BYTES];
	uint64_t exit_ns;   /* 0: not seen */
	uint32_t exit_code; /* wait(2) status, when exit_ns */
	bool later;         /* after the first burst: one of the storm */
};

/* The same cause came again after the first burst was over. */
struct incident_storm {
	uint64_t count; /* of all kills of the cause, those of the burst too; 0: it is no storm */
	uint64_t first_ns; /* the first kill of all */
	uint64_t last_ns;
};

struct timeline_entry {
	uint64_t time_ns;
	char *what; /* plain words, raw bytes: escape before showing */
};

/*
 * One cause, and its first burst of kills: those of the same scope or cause, each within
 * INCIDENT_AFTER_NS after the one before and INCIDENT_BURST_NS after the first. While that lasts
 * the incident is open, and what follows the kills is noted. Everything but `kills` and `storm` is
 * about that burst; later kills of the same fingerprint join for as long as each comes within
 * INCIDENT_STORM_NS, or what the stream says instead, after the one before, whatever new cgroup
 * they are in.
 */
struct incident {
	char id[64]; /* "<UTC time>-<comm>-<pid>", safe as a file name */
	char fingerprint[CAUSE_FINGERPRINT_BYTES]; /* of the cause (model/cause.h) */
	uint64_t time_ns;                          /* of the first kill */
	uint64_t from_ns; /* window start: time_ns - INCIDENT_WINDOW_NS or the recording's start */
	int64_t realtime_ns; /* of the kill, UTC since the epoch; EVENT_UNKNOWN without a host event
			      */

	/* The domain. domain_known false: context not determined; constraint and way say more. */
	bool domain_known;
	uint64_t domain_id; /* 0: the whole host */
	char *domain; /* path; "the host" when domain_id is 0 and known; NULL when not known */
	struct memcg_counters counters; /* of the domain; UNKNOWN fields for the host */
	int64_t total_bytes; /* size of the domain as the kernel counted it (oc->totalpages) */
	int32_t constraint;  /* enum oom_constraint_kind */
	int32_t order;
	uint32_t gfp_mask;
	uint32_t way;   /* enum oom_way */
	uint64_t nodes; /* of a cpuset or policy, bit n: memory node n; 0: not known, or all */
	int64_t failures_in_window; /* times the limit was hit since from_ns; UNKNOWN */

	struct party victim;
	struct party trigger;
	struct party culprit;      /* grew most of the domain's processes; pid 0 when nobody grew */
	int64_t domain_grew_bytes; /* the domain's usage over the window; UNKNOWN */
	int64_t processes_grew_bytes; /* sum of the domain's processes that grew */

	struct party *processes; /* the domain's, victim included, largest resident first */
	size_t process_count;
	size_t process_omitted;

	/* Those that were forked within the window, one for each address space, and what they have
	 * grown by since: anonymous memory and swap. */
	uint64_t born_count;
	int64_t born_bytes;
	int64_t born_largest_bytes;

	struct incident_kill *kills; /* by time; those of the burst, then the later ones */
	size_t kill_count;
	uint64_t kill_omitted;
	uint64_t burst_kills; /* how many of all those were of the first burst */
	struct incident_storm storm;

	struct series *victim_series; /* memory_column, from_ns to the kill; NULL: nothing known */
	struct series *culprit_series;
	struct series *domain_series; /* usage_column */
	struct series *culprit_life;  /* all that is known of it up to the kill; NULL: nothing */

	struct ledger ledger; /* of the domain, at the kill; flags 0: none was taken */

	struct memcg_stat stat; /* of the domain, the reading nearest after the kill */
	uint64_t stat_ns;       /* 0: none */
	struct meminfo meminfo; /* likewise, the host's */
	uint64_t meminfo_ns;

	struct timeline_entry *timeline; /* by time, then as they came */
	size_t timeline_count;
	size_t timeline_omitted;

	uint64_t lost_before; /* events lost, all reasons, between from_ns and the kill */
	bool followed_all;    /* false: the recording followed only part of the host */
};

size_t model__incident_count(const struct model *model);
const struct incident *model__incident(const struct model *model, size_t index);
/* The one that the latest EVENT_OOM_KILL opened or joined; -1: none did, or none of it (a second
 * mark of the same victim, no room for more incidents). */
long model__last_oom_incident(const struct model *model);
/* From here on every OOM kill is of this one's cause, whatever the events tell of its cgroup: for
 * later kills that were kept without the names by which they had been told apart. */
void model__expect_storm(struct model *model, size_t index);
/* Is its first burst still going on, or what follows it still being noted? */
bool model__incident_is_open(const struct model *model, size_t index);

/* --- the recording itself ------------------------------------------------------------------- */

struct probe_choice {
	char capability[33];
	char way[49];
	char why[201];
};

struct loss {
	enum loss_reason reason;
	uint32_t kind; /* enum event_kind, 0: the reason says it all */
	uint64_t count;
};

/* What one BPF program cost, by bpf_stats. */
struct measured_program {
	char name[33];
	uint64_t runs;
	uint64_t run_ns;
};

/* Was something not seen, or only not kept for as long as it might have been? */
bool loss__is_of_events(enum loss_reason reason);

struct model_span {
	uint64_t first_ns; /* of the first event */
	uint64_t last_ns;
	uint64_t opened_ns; /* 0: the opening snapshot did not complete */
	uint64_t events;
	uint64_t late_events;
};

const struct event_host *model__host(const struct model *model);         /* NULL: none seen */
const struct event_recorder *model__recorder(const struct model *model); /* NULL: none told */
/* Did the recording end as it should? It may have been cut off, or not be at its end yet. */
bool model__is_closed(const struct model *model);
/* In order of first appearance; none where it was not measured. */
size_t model__program_count(const struct model *model);
const struct measured_program *model__program(const struct model *model, size_t index);
struct model_span model__span(const struct model *model);
size_t model__probe_count(const struct model *model);
const struct probe_choice *model__probe(const struct model *model, size_t index);
/* By the name of the capability (user/probe/plan.h); NULL: the recording does not tell. */
const struct probe_choice *model__probe_for(const struct model *model, const char *capability);
/* Sorted by reason, then kind; only those with a count. */
size_t model__loss_count(const struct model *model);
const struct loss *model__loss(const struct model *model, size_t index);
/* Latest readings; time_ns 0: none. */
struct meminfo model__meminfo(const struct model *model, uint64_t *time_ns);
/* The kernel's own count of OOM kills since the recording began, UNKNOWN without two readings. */
int64_t model__kernel_oom_kills(const struct model *model);
/* Wall clock of a moment by the clock mapping in force at it; EVENT_UNKNOWN without one. */
int64_t model__realtime_ns(const struct model *model, uint64_t time_ns);
/* Per host (cgroup_id 0) or cgroup: PSI totals gained since the first reading; UNKNOWN. */
struct event_psi model__psi_gained(const struct model *model, uint64_t cgroup_id);

/* --- going on in another model: the state block (bpf/events.h) ---------------------------------
 */

/* Plain heap held, roughly; O(1), for deciding when to go on in a new model. */
size_t model__bytes(const struct model *model);
/* The STATE that set the bounds in force, chunk number and what was left behind; NULL: none. */
const struct event_state *model__state(const struct model *model);
/* Between a state block's begin and its end; at the end of a recording: the block is torn. */
bool model__is_restoring(const struct model *model);

struct state_options {
	uint64_t now_ns;       /* when the new chunk begins */
	uint64_t chunk;        /* its number */
	uint64_t keep_dead_ns; /* what has ended longer ago stays behind */
	uint32_t dead_max;     /* of the later ones at most so many go on, the largest */
	/* Bounds of the next model; 0: the defaults. */
	uint32_t processes_max;
	uint64_t series_max_bytes;
	uint64_t argv_max_bytes;
	uint64_t storm_ns; /* 0: INCIDENT_STORM_NS */
};

/* The event that a first chunk has behind its HOST, so that the bounds hold there too. */
struct event_state model__first_state(const struct state_options *options);

/*
 * Tells `sink` everything that reports of later events can need, as events that a new model takes
 * by model__apply(), and frees what it has told as it goes: both together hold little more than
 * one. Allocates nothing. Not while an incident is open: incidents and OOM kills stay behind.
 * The first error of the sink (-errno) cuts the telling short, but the block's end is told.
 * Afterwards `model` may only be freed.
 */
int model__move_out(struct model *model, const struct state_options *options,
		    int (*sink)(void *context, const struct event_header *event), void *context);
