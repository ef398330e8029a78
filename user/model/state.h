/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * The state block written, inside: what goes on (state_keep.c), what is told of the recording
 * itself (state_tell.c), of growth by stack (state_growth.c), of cgroups and processes (state.c).
 */

#include "model/model_internal.h"

enum keep {
	KEEP_NOT,
	KEEP_CANDIDATE, /* ended lately */
	KEEP_ANCESTOR,  /* ended long ago, but its descendants are named after it */
	KEEP_WHOLE
};

/* The largest of the events that are put together here. */
#define SERIES_ROWS (EVENT_SERIES_POINTS * (1 + MEMORY_COLUMNS))

struct move {
	struct model *model;
	const struct state_options *options;
	int (*sink)(void *context, const struct event_header *event);
	void *context;
	struct event_state state;
	uint32_t unnumbered[DEFINITION_KINDS]; /* numbers given to definitions without one */
	union {
		struct event_header header;
		struct event_host host;
		struct event_clock clock;
		struct event_probe probe;
		struct event_program program;
		struct event_loss loss;
		struct event_psi psi;
		struct event_meminfo meminfo;
		struct event_oom_counter oom_counter;
		struct event_recorder recorder;
		struct event_signal signal;
		struct event_kept_process process;
		struct event_kept_cgroup cgroup;
		struct event_kept_series series;
		struct event_kept_attach attach;
		struct event_kept_held held;
		struct event_module module;
		struct event_frame frame;
		struct event_frame_line frame_line;
		struct event_stack stack;
		struct event_kept_growth growth;
		struct event_file file;
		char process_bytes[sizeof(struct event_kept_process) + EVENT_ARGV_BYTES];
		char module_bytes[sizeof(struct event_module) + EVENT_PATH_BYTES];
		char frame_bytes[sizeof(struct event_frame) + EVENT_PATH_BYTES];
		char file_bytes[sizeof(struct event_file) + 2 * EVENT_PATH_BYTES + 8];
		char line_bytes[sizeof(struct event_frame_line) + EVENT_PATH_BYTES];
		char stack_bytes[sizeof(struct event_stack) + EVENT_STACK_FRAMES * sizeof(__u32)];
		char series_bytes[sizeof(struct event_kept_series) + SERIES_ROWS * sizeof(__s64)];
	} event;
};

/* Is `time_ns` no longer than `span_ns` before `now_ns`? */
bool move__is_since(uint64_t time_ns, uint64_t now_ns, uint64_t span_ns);
/* Of a process, once move__mark() has been there. */
uint32_t process__keep(const struct process_slot *slot);
/* Could it lie in the window of a kill that is still to be told? */
bool move__is_recent(const struct move *move, uint64_t time_ns);
/* Marks what goes on and counts the rest. The index by mm is given up for the marks. */
void move__mark(struct move *move);

/* An event to be filled in, all zero behind its header; then it is passed on, padded. */
void *move__begin(struct move *move, enum event_kind kind, size_t bytes, uint64_t time_ns);
int move__tell(struct move *move);
/* As it came, but for what a longer one may have had behind the fields known here, and without
 * the word that a recording ends. */
int move__tell_again(struct move *move, const struct event_header *event, size_t bytes);
int move__tell_series(struct move *move, enum kept_series_of of, const struct task_ref *task,
		      uint64_t cgroup_id, const struct series *series);
/* Losses, clock, probes, programs and the latest readings. */
int move__tell_recording(struct move *move);
int move__tell_pressure(struct move *move);
int move__tell_held(struct move *move, const struct cgroup *cgroup);
/* Behind the processes. */
int move__tell_growth(struct move *move);
