/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * The model's inside: what the public structs of model.h are embedded in, and what its files call
 * of each other. Everything here is a function of the events; indexes and links are no state of
 * their own and stay out of the digest.
 *
 * Bounds: a hostile recording may name anything. What would exceed a bound is left out and counted
 * as a loss, LOSS_MODEL_FULL with the kind of event that asked for it.
 */

/* Without it uthash ends the program when memory is short. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/text.h"
#include "model/growth.h"
#include "model/model.h"
#include "model/stack.h"

#define PROCESS_MAX       1000000U
#define PROCESS_CHUNK     256U
#define MM_SHARERS_MAX    64U /* living processes followed on one mm */
#define CGROUP_MAX        100000U
#define CGROUP_DEPTH_MAX  64U
#define ANCESTORS_MAX     64U
#define KILL_MAX          100000U
#define KILL_SIGNALS_MAX  75000U /* of those: the rest of the room is the OOM killer's */
#define INCIDENT_MAX      1000U
#define INCIDENT_OPEN_MAX 64U
#define INCIDENT_KILLS    10000U
#define INCIDENT_WATCHES  64U
#define INCIDENT_TOLD     16U /* kills in the timeline, with what followed them */
#define HELD_SIGNALS_MAX  4096U
#define CLOCK_MAX         4096U
#define PROBE_MAX         64U
#define PROGRAM_MAX       64U
#define LOSS_MAX          1024U
#define ATTACH_MAX        1024U
#define ARGV_TOTAL_MAX    (64U << 20)
#define SERIES_TOTAL_MAX  (256U << 20)
#define SIGKILL_HELD_NS   1000000000ULL
#define WALK_LOOKS_MAX    256U           /* at processes, per event, to close walks */
#define RECLAIM_PAUSE_NS  10000000000ULL /* reclaim after such a pause is a new episode */

struct process_slot {
	struct process process; /* first: both have the same address */
	uint32_t pid_next;      /* index + 1 of the next in the same bucket */
	uint32_t mm_next;
};

/* 256 bytes for an idle process: this and two indexes of at most 4 bytes each. */
_Static_assert(sizeof(struct process_slot) <= 248, "process_slot");

/* Slots never move. Buckets chain slot indexes + 1; only the living are in the mm's. */
struct process_table {
	struct process_slot **chunks;
	uint32_t *by_pid;
	uint32_t *by_mm;
	uint32_t buckets; /* of each index, a power of two */
	uint32_t chunk_count;
	uint32_t count;
	uint32_t evict_from; /* where the search for a series to give up goes on */
	uint32_t alive;
	uint32_t walk;    /* number of the latest walk over all processes */
	bool evicted_all; /* nobody who has ended has a series */
	uint64_t argv_bytes;
	uint64_t series_bytes; /* of processes and cgroups */
};

struct limit_change {
	uint64_t time_ns;
	int64_t from_bytes;
	int64_t to_bytes;
	bool high; /* memory.high; otherwise memory.max */
};

struct reclaim_episode {
	uint64_t first_ns;
	uint64_t last_ns;
	uint64_t stall_ns;
	uint64_t reclaimed_bytes;
	uint64_t runs;
};

#define LIMIT_CHANGES    8
#define RECLAIM_EPISODES 4

/* The latest few, oldest first. */
struct reclaim_history {
	struct reclaim_episode episodes[RECLAIM_EPISODES];
	size_t count;
};

struct limit_history {
	struct limit_change changes[LIMIT_CHANGES];
	size_t count;
};

struct cgroup_slot {
	struct cgroup cgroup;    /* first: both have the same address */
	struct series *failures; /* NULL: never moved */
	struct limit_history *limits;
	struct reclaim_history *reclaim; /* by tasks of this very cgroup */
	char *path;                      /* shared bytes; valid while path_version is the model's */
	uint64_t path_version;
	uint64_t within_id; /* memory of the last cgroup__within() question */
	uint64_t within_version;
	bool within;
	bool kept;    /* goes on in the next model (state.c) */
	bool named;   /* an EVENT_CGROUP told name and parent */
	bool counted; /* counters have been told */
	UT_hash_handle hh;
};

struct cgroup_table {
	struct cgroup_slot *by_id;
	struct cgroup_slot **slots; /* by first appearance */
	uint32_t count;
	uint32_t capacity;
	uint64_t version; /* of the tree's shape; cached paths and relations are of one version */
};

/* A SIGKILL sent by the kernel that may still turn out to be the OOM killer's. */
struct held_signal {
	uint64_t time_ns;
	struct task_ref sender;
	struct task_ref target;
	uint32_t flags; /* enum signal_flag */
	char sender_comm[EVENT_COMM_BYTES];
	char target_comm[EVENT_COMM_BYTES];
};

/* What an OOM kill leaves to wait for: the memory given back, the victim started again. */
struct incident_watch {
	struct task_ref task;
	uint64_t mm_id;
	int64_t held_bytes;
	bool given_back;
	bool started_again;
	char comm[EVENT_COMM_BYTES];
	char *argv; /* shared bytes */
	uint32_t argv_bytes;
	char *cgroup; /* shared bytes */
};

struct incident_slot {
	struct incident incident; /* first: both have the same address */
	uint64_t last_kill_ns;
	uint64_t burst_kill_ns; /* the last one of the first burst */
	uint64_t scope_id;      /* the domain, or the victim's own cgroup when that is not known */
	struct task_ref last_trigger;
	struct incident_watch watches[INCIDENT_WATCHES];
	size_t watch_count;
};

struct attach_record {
	uint64_t time_ns;
	struct task_ref task;
	uint64_t from_id;
	uint64_t to_id;
};

struct clock_mapping {
	uint64_t time_ns;
	int64_t offset_ns;
};

/* From the stream (EVENT_STATE), for a replay must give up what the recorder gave up. */
struct model_bounds {
	uint32_t processes;
	uint64_t series_bytes;
	uint64_t argv_bytes;
	uint64_t storm_ns;
};

struct psi_slot {
	uint64_t cgroup_id;
	uint64_t first_ns;
	uint64_t last_ns;
	int64_t first_some_us, first_full_us;
	int64_t last_some_us, last_full_us;
	UT_hash_handle hh;
};

struct model {
	struct process_table processes;
	struct cgroup_table cgroups;
	struct definitions definitions;
	struct growths growths;

	struct kill *kills; /* by time */
	size_t kill_count, kill_capacity;
	struct held_signal *held; /* in order of arrival */
	size_t held_count, held_capacity;

	struct incident_slot **incidents;
	size_t incident_count, incident_capacity;
	uint32_t open[INCIDENT_OPEN_MAX]; /* indexes, oldest first; a further one closes that */
	size_t open_count;
	long last_oom_incident; /* of the latest EVENT_OOM_KILL; -1 */
	long expected_incident; /* of every EVENT_OOM_KILL to come; -1: by its cause */

	struct attach_record attaches[ATTACH_MAX]; /* a ring */
	uint64_t attach_count;
	struct reclaim_history reclaim; /* by tasks whose cgroup is not known */

	struct model_span span;
	struct event_host host;
	bool host_seen;
	struct event_recorder recorder;
	bool recorder_seen;
	bool closed;
	struct measured_program *programs;
	size_t program_count, program_capacity;
	struct clock_mapping *clocks;
	size_t clock_count, clock_capacity;
	struct probe_choice *probes;
	size_t probe_count, probe_capacity;
	struct loss *losses; /* by reason, then kind */
	size_t loss_count, loss_capacity;
	uint64_t lost; /* sum over all of them */
	struct series *lost_series;
	struct meminfo meminfo;
	uint64_t meminfo_ns;
	int64_t first_oom_kills, last_oom_kills;
	unsigned int oom_counters;
	uint64_t oom_counter_ns; /* of the last reading */
	struct psi_slot *psi;
	size_t psi_count;

	uint64_t walk_ns;    /* when the walk began that is going on; 0: none is */
	uint64_t walk_looks; /* at processes, to close walks */
	uint64_t applied;    /* events, of a state block, too */

	struct model_bounds bounds;
	struct event_state state;
	bool state_seen;
	bool restoring; /* inside a state block */
};

/* Room for one more in a growing array; 0 or -ENOMEM. */
int array__reserve(void *array_pointer, size_t count, size_t *capacity, size_t element_bytes);

/* --- memory.c: values as events bring them -> values that may be added up ------------------- */

/* 4 PiB: no machine has more, and sums of a thousand such values still fit. */
#define BYTES_MAX (1LL << 52)

int64_t bytes__normal(int64_t bytes);                 /* negative: UNKNOWN; absurd: cut */
int64_t limit__normal(int64_t bytes);                 /* likewise: absurd: none */
int64_t bytes__add(int64_t a, int64_t b);             /* saturating */
int64_t bytes__minus(int64_t later, int64_t earlier); /* UNKNOWN when either is */
struct memory memory__normal(const struct memory *memory);
bool memory__known(const struct memory *memory);
bool memory__equal(const struct memory *a, const struct memory *b);
void memory__to_columns(const struct memory *memory, int64_t columns[MEMORY_COLUMNS]);
void memory__from_columns(struct memory *memory, const int64_t columns[MEMORY_COLUMNS]);
int64_t memory__footprint(const struct memory *memory); /* resident + swap; UNKNOWN likewise */
struct memory memory__unknown(void);
struct ledger ledger__normal(const struct ledger *ledger);
struct memcg_counters counters__normal(const struct memcg_counters *counters);
struct memcg_counters counters__unknown(void);
struct memcg_stat stat__unknown(void);

/* --- process_table.c: identity ---------------------------------------------------------------*/

void process_table__free(struct process_table *table);
struct process_slot *process_table__slot(const struct process_table *table, uint32_t index);
struct process_slot *process_table__find(const struct process_table *table,
					 const struct task_ref *ref);
struct process_slot *process_table__newest(const struct process_table *table, uint32_t pid);
/* A new slot, or NULL in *out when the table holds `most` already. 0 or -ENOMEM. */
int process_table__add(struct process_table *table, const struct task_ref *ref, uint64_t time_ns,
		       uint32_t most, struct process_slot **out);
/* The process has ended; exit_ns is never 0 then. */
void process_table__end(struct process_table *table, struct process_slot *slot, uint64_t time_ns);
/* The same, but nobody told. */
void process_table__end_unseen(struct process_table *table, struct process_slot *slot,
			       uint64_t time_ns);
/* The process leaves its mm's index for another mm's. False: nobody will find it there. */
bool process_table__set_mm(struct process_table *table, struct process_slot *slot, uint64_t mm_id);
/* Before its end; mm_id stays readable. */
void process_table__leave_mm(struct process_table *table, struct process_slot *slot);
/* The living on this mm, one after the other: `after` NULL begins. */
struct process_slot *process_table__next_on_mm(const struct process_table *table, uint64_t mm_id,
					       const struct process_slot *after);

/* --- process.c ------------------------------------------------------------------------------ */

/* The process of this identity, created when unknown; NULL in *out: pid 0 or no room. */
int process__reach(struct model *model, const struct task_ref *ref, uint64_t time_ns,
		   const char *comm, struct process_slot **out);
/* What an event says about a process as a whole. */
int process__learn(struct model *model, const struct process_state *state, uint64_t time_ns,
		   struct process_slot **out);
int process__set_memory(struct model *model, struct process_slot *slot, uint64_t time_ns,
			const struct memory *memory);
int process__set_identity(struct model *model, struct process_slot *slot,
			  const struct process_state *state); /* everything but the memory */
/* `room_bytes` are readable at argv, whatever the event says. */
int process__set_argv(struct model *model, struct process_slot *slot, uint32_t flags,
		      const char *argv, uint32_t bytes, size_t room_bytes);
/* The series has grown from `before` bytes: keeps the sum of all below its bound. */
int process__pay_series(struct model *model, struct process_slot *slot, size_t before);
void process__drop_argv(struct model *model, struct process_slot *slot);
void process__free_contents(struct model *model);

int process__on_fork(struct model *model, const struct event_header *event);
int process__on_exec(struct model *model, const struct event_header *event);
int process__on_exit(struct model *model, const struct event_header *event);
int process__on_rename(struct model *model, const struct event_header *event);
int process__on_attach(struct model *model, const struct event_header *event);
int process__on_rss(struct model *model, const struct event_header *event);
int process__on_process(struct model *model, const struct event_header *event);
int process__on_argv(struct model *model, const struct event_header *event);

/* --- walk.c --------------------------------------------------------------------------------- */

/* All processes are told again; whoever has not been met when it ends has gone unseen. */
void walk__begin(struct model *model, uint64_t walk_ns);
void walk__meet(const struct model *model, struct process_slot *slot);
void walk__miss(const struct model *model, struct process_slot *slot);
bool walk__has_met(const struct model *model, const struct process_slot *slot);
void walk__end(struct model *model);

/* --- cgroup.c and cgroup_tree.c ------------------------------------------------------------------
 */

int cgroup__set_name(struct model *model, struct cgroup_slot *slot, const char *name,
		     uint64_t parent_id); /* name: EVENT_NAME_BYTES */
void cgroup__free_contents(struct model *model, struct cgroup_slot *slot); /* but not its name */
struct cgroup_slot *cgroup__find(const struct model *model, uint64_t id);
/* Created nameless when unknown; NULL in *out: id 0 or no room. */
int cgroup__reach(struct model *model, uint64_t id, uint64_t time_ns, struct cgroup_slot **out);
int cgroup__set_counters(struct model *model, struct cgroup_slot *slot, uint64_t time_ns,
			 const struct memcg_counters *counters);
char *cgroup__shared_path(struct model *model, uint64_t id); /* an owner for the caller */
bool cgroup__within(struct model *model, uint64_t id, uint64_t ancestor); /* remembers */
/* Names from the cgroup upwards to below the root, at most CGROUP_DEPTH_MAX. */
size_t cgroup__names(const struct model *model, uint64_t id, const char *names[CGROUP_DEPTH_MAX]);
void cgroup__free_all(struct model *model);

int cgroup__on_cgroup(struct model *model, const struct event_header *event);
int cgroup__on_gone(struct model *model, const struct event_header *event);
int cgroup__on_memcg(struct model *model, const struct event_header *event);
int cgroup__on_stat(struct model *model, const struct event_header *event);
int cgroup__on_reclaim(struct model *model, const struct event_header *event);

/* --- held.c --------------------------------------------------------------------------------- */

int held__on_events(struct model *model, const struct event_header *event);
struct memcg_events events__normal(const struct memcg_events *events);

/* --- kill.c --------------------------------------------------------------------------------- */

/* Judges what has been held back long enough. */
int kill__advance(struct model *model, uint64_t now_ns);
int kill__judge_all(struct model *model);
int kill__on_signal(struct model *model, const struct event_header *event);
int kill__on_oom_kill(struct model *model, const struct event_header *event);
enum kill_class kill__class_of(const struct event_oom_kill *event);

/* --- incident.c, incident_join.c and aftermath.c -------------------------------------------- */

/* A new one around its first kill, which it does not list yet. */
int incident__begin(struct model *model, const struct event_oom_kill *event,
		    const struct process_slot *victim, struct incident_slot **out);
void incident__free(struct incident_slot *slot);
/* The level that was full, when the event lets us know it. */
bool incident__domain_of(const struct event_oom_kill *event, uint64_t *id);

/* The victim is known to the process table, with its memory at the kill. *out: the incident's
 * index or -1. */
int incident__on_kill(struct model *model, const struct event_oom_kill *event,
		      struct process_slot *victim, long *out);
/* A process killed with the victim of this incident. */
int incident__add_sharer(struct model *model, long index, const struct kill *kill,
			 const struct process_slot *victim);
/* Later kills, the last one at time_ns, of the incident that all kills are expected of. */
void incident__count_more(struct model *model, uint64_t kills, uint64_t time_ns);
void incident__advance(struct model *model, uint64_t now_ns); /* closes */
int incident__note_exit(struct model *model, const struct event_exit *event);
/* The same of one whose exit came before its mark. */
int incident__had_exited(struct incident *incident, const struct process *process, bool open);
int incident__note_rss(struct model *model, const struct event_rss *event);
int incident__note_exec(struct model *model, const struct process_slot *slot, uint64_t time_ns);
int incident__note_signal(struct model *model, const struct kill *kill);
int incident__note_limit(struct model *model, uint64_t cgroup_id,
			 const struct limit_change *change);
void incident__note_stat(struct model *model, const struct cgroup *cgroup);
void incident__note_meminfo(struct model *model); /* the model's latest reading */

/* Does the incident's domain hold this cgroup? */
bool incident__holds(struct model *model, const struct incident_slot *slot, uint64_t cgroup_id);

/* --- party.c: the processes of an incident, frozen ------------------------------------------ */

int party__freeze(struct model *model, const struct incident *incident,
		  const struct process_slot *slot, struct party *out);
void party__free_contents(struct party *party);
/* Fills processes, culprit, sums and the two process series. */
int party__freeze_domain(struct model *model, struct incident_slot *slot,
			 const struct process_slot *victim);

/* --- timeline.c: an incident's course in words ---------------------------------------------- */

/* Takes the text over, also on failure. */
int timeline__add(struct incident *incident, uint64_t time_ns, struct text *text);
void timeline__name(struct text *text, const char comm[EVENT_COMM_BYTES], uint32_t pid);
/* Everything between the window's start and the first kill. */
int timeline__look_back(struct model *model, struct incident_slot *slot);
int timeline__add_reclaim(struct model *model, struct incident_slot *slot);
int timeline__add_kill(struct incident *incident, const struct kill *kill);
/* Of a kill that is one of many: the 10th, 100th, ..., and the one for which `always` is set. */
int timeline__add_repeated(struct incident *incident, const struct kill *kill, uint64_t number,
			   bool always);
int timeline__add_limit(struct model *model, struct incident *incident, uint64_t cgroup_id,
			const struct limit_change *change);

/* --- host.c and loss.c: the recording itself ------------------------------------------------ */

int host__on_host(struct model *model, const struct event_header *event);
int host__on_probe(struct model *model, const struct event_header *event);
int host__on_clock(struct model *model, const struct event_header *event);
int host__on_opened(struct model *model, const struct event_header *event);
int host__on_psi(struct model *model, const struct event_header *event);
int host__on_meminfo(struct model *model, const struct event_header *event);
int host__on_oom_counter(struct model *model, const struct event_header *event);
int host__on_recorder(struct model *model, const struct event_header *event);
int host__on_program(struct model *model, const struct event_header *event);
void host__free_all(struct model *model);

int loss__on_loss(struct model *model, const struct event_header *event);
/* The model itself had to leave something out. */
int loss__count(struct model *model, enum loss_reason reason, enum event_kind kind);
uint64_t loss__between(const struct model *model, uint64_t from_ns, uint64_t to_ns);

/* --- kept.c and state.c: the state block ---------------------------------------------------- */

void bounds__set(struct model_bounds *bounds, const struct event_state *state); /* NULL: defaults */

int kept__on_state(struct model *model, const struct event_header *event);
int kept__on_process(struct model *model, const struct event_header *event);
int kept__on_cgroup(struct model *model, const struct event_header *event);
int kept__on_series(struct model *model, const struct event_header *event);
int kept__on_attach(struct model *model, const struct event_header *event);
int kept__on_held(struct model *model, const struct event_header *event);

/* --- service.c ------------------------------------------------------------------------------ */

struct service service__of(const struct model *model, const struct process *process);

/* --- digest_parts.c -------------------------------------------------------------------------- */

#define DIGEST_SEED 0xcbf29ce484222325ULL

/* FNV-1a 64, running. Numbers go in as 8 little-endian bytes, strings behind their length. */
struct digest {
	uint64_t value;
};

void digest__u64(struct digest *digest, uint64_t value);
void digest__bytes(struct digest *digest, const void *bytes, size_t length);
void digest__text(struct digest *digest, const char *string); /* NULL differs from "" */
void digest__task(struct digest *digest, const struct task_ref *task);
void digest__memory(struct digest *digest, const struct memory *memory);
void digest__counters(struct digest *digest, const struct memcg_counters *counters);
void digest__stat(struct digest *digest, const struct memcg_stat *stat);
void digest__meminfo(struct digest *digest, const struct meminfo *meminfo);
void digest__series(struct digest *digest, const struct series *series);
void digest__incident(struct digest *digest, const struct incident *incident);
