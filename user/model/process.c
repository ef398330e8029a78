/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/model_internal.h"
#include "model/shared_bytes.h"

/* How far is looked for a series to give up, and how many are compared. */
#define EVICT_LOOKED_AT 1024U
#define EVICT_COMPARED  64U

/* A series to give up: of the first process from the cursor on that has ended. */
static struct process_slot *process__evictable(struct process_table *table)
{
	for (uint32_t i = 0; i < table->count && !table->evicted_all; i++) {
		struct process_slot *slot;

		if (table->evict_from >= table->count)
			table->evict_from = 0;
		slot = process_table__slot(table, table->evict_from++);
		if (slot->process.exit_ns && slot->process.series)
			return slot;
	}
	table->evicted_all = true;
	return NULL;
}

/* Of the living: the smallest of the next few that have a series. */
static struct process_slot *process__least_important(struct process_table *table)
{
	struct process_slot *least = NULL;
	unsigned int compared = 0;

	for (uint32_t i = 0; i < table->count && i < EVICT_LOOKED_AT; i++) {
		struct process_slot *slot;

		if (table->evict_from >= table->count)
			table->evict_from = 0;
		slot = process_table__slot(table, table->evict_from++);
		if (!slot->process.series)
			continue;
		if (!least ||
		    memory__footprint(&slot->process.now) < memory__footprint(&least->process.now))
			least = slot;
		if (++compared == EVICT_COMPARED)
			break;
	}
	return least;
}

/* One that lives on is known from now on: what it held before must not count as grown lately. */
static int process__drop_series(struct model *model, struct process_slot *slot)
{
	bool ended = slot->process.exit_ns;

	if (!ended) {
		slot->process.first = slot->process.now;
		slot->process.seen_ns = model->span.last_ns;
		slot->process.born_here = false;
	}
	model->processes.series_bytes -= series__bytes(slot->process.series);
	series__free(slot->process.series);
	slot->process.series = NULL;
	return ended ? loss__count(model, LOSS_HISTORY, 0)
		     : loss__count(model, LOSS_MODEL_FULL, EVENT_RSS);
}

/* At the cost of the dead, then of the least important. */
int process__pay_series(struct model *model, struct process_slot *slot, size_t before)
{
	struct process_table *table = &model->processes;

	table->series_bytes += series__bytes(slot->process.series) - before;
	while (table->series_bytes > model->bounds.series_bytes && slot->process.series) {
		struct process_slot *other = process__evictable(table);
		int error;

		if (!other)
			other = process__least_important(table);
		error = process__drop_series(model, other ? other : slot);
		if (error)
			return error;
	}
	return 0;
}

static int process__extend_series(struct process_slot *slot, uint64_t time_ns,
				  const struct memory *memory)
{
	int64_t columns[MEMORY_COLUMNS];
	int error;

	if (!slot->process.series) {
		error = series__new(&slot->process.series, MEMORY_COLUMNS);
		if (error)
			return error;
		memory__to_columns(&slot->process.first, columns);
		error = series__add(slot->process.series, slot->process.seen_ns, columns);
		if (error)
			return error;
	}
	memory__to_columns(memory, columns);
	return series__add(slot->process.series, time_ns, columns);
}

int process__set_memory(struct model *model, struct process_slot *slot, uint64_t time_ns,
			const struct memory *memory)
{
	struct memory next = memory__normal(memory);
	size_t before = series__bytes(slot->process.series);
	int error;

	if (memory__equal(&next, &slot->process.now) ||
	    series__is_younger(slot->process.series, time_ns))
		return 0;
	growth__note_memory(model, slot, &next);
	if (!slot->process.series && !memory__known(&slot->process.first)) {
		slot->process.first = next;
		slot->process.now = next;
		return 0;
	}
	error = process__extend_series(slot, time_ns, &next);
	slot->process.now = next;
	if (error)
		return error;
	if (series__bytes(slot->process.series) == before)
		return 0;
	return process__pay_series(model, slot, before);
}

void process__drop_argv(struct model *model, struct process_slot *slot)
{
	model->processes.argv_bytes -= shared_bytes__put(slot->process.argv);
	slot->process.argv = NULL;
	slot->process.argv_bytes = 0;
	slot->process.argv_flags = 0;
}

int process__set_argv(struct model *model, struct process_slot *slot, uint32_t flags,
		      const char *argv, uint32_t bytes, size_t room_bytes)
{
	if (bytes > room_bytes)
		bytes = (uint32_t)room_bytes;
	if (bytes > EVENT_ARGV_BYTES) {
		bytes = EVENT_ARGV_BYTES;
		flags |= ARGV_CUT;
	}
	process__drop_argv(model, slot);
	slot->process.argv_flags = flags;
	if (flags & ARGV_UNREADABLE)
		return 0;
	if (model->processes.argv_bytes > model->bounds.argv_bytes) {
		slot->process.argv_flags |= ARGV_UNREADABLE;
		return loss__count(model, LOSS_MODEL_FULL, EVENT_ARGV);
	}
	slot->process.argv = shared_bytes__new(argv, bytes);
	if (!slot->process.argv)
		return -ENOMEM;
	slot->process.argv_bytes = bytes;
	model->processes.argv_bytes += shared_bytes__size(slot->process.argv);
	return 0;
}

static void process__inherit_argv(struct model *model, struct process_slot *child)
{
	struct process_slot *parent =
		process_table__find(&model->processes, &child->process.parent);

	if (!parent || !parent->process.argv || child->process.argv)
		return;
	child->process.argv = shared_bytes__get(parent->process.argv);
	child->process.argv_bytes = parent->process.argv_bytes;
	child->process.argv_flags = parent->process.argv_flags;
}

int process__reach(struct model *model, const struct task_ref *ref, uint64_t time_ns,
		   const char *comm, struct process_slot **out)
{
	struct process_slot *slot = process_table__find(&model->processes, ref);
	int error;

	if (slot || !ref->pid) {
		*out = slot;
		return 0;
	}
	error = process_table__add(&model->processes, ref, time_ns, model->bounds.processes, &slot);
	if (error)
		return error;
	if (!slot) {
		*out = NULL;
		return loss__count(model, LOSS_MODEL_FULL, EVENT_PROCESS);
	}
	if (comm)
		memcpy(slot->process.comm, comm, EVENT_COMM_BYTES);
	*out = slot;
	return 0;
}

/* In a state block it is the loss told before. */
static int process__set_mm(struct model *model, struct process_slot *slot, uint64_t mm_id)
{
	if (process_table__set_mm(&model->processes, slot, mm_id) || model->restoring)
		return 0;
	return loss__count(model, LOSS_MODEL_FULL, EVENT_RSS);
}

int process__set_identity(struct model *model, struct process_slot *slot,
			  const struct process_state *state)
{
	struct process *process = &slot->process;

	process->task.tid = state->task.pid;
	if (state->parent.pid)
		process->parent = state->parent;
	if (state->cgroup_id)
		process->cgroup_id = state->cgroup_id;
	process->uid = state->uid;
	process->ns_pid = state->ns_pid;
	process->oom_score_adj = state->oom_score_adj;
	memcpy(process->comm, state->comm, EVENT_COMM_BYTES);
	return state->mm_id ? process__set_mm(model, slot, state->mm_id) : 0;
}

int process__learn(struct model *model, const struct process_state *state, uint64_t time_ns,
		   struct process_slot **out)
{
	struct process_slot *slot;
	int error;

	error = process__reach(model, &state->task, time_ns, state->comm, &slot);
	if (!error && slot) {
		walk__meet(model, slot);
		error = process__set_identity(model, slot, state);
	}
	if (!error && slot && !slot->process.exit_ns && !(state->flags & PROCESS_NO_MM) &&
	    memory__known(&state->memory))
		error = process__set_memory(model, slot, time_ns, &state->memory);
	if (error)
		return error;
	*out = slot;
	return 0;
}

int process__on_fork(struct model *model, const struct event_header *event)
{
	const struct event_fork *fork = (const struct event_fork *)event;
	struct process_slot *slot;
	int error;

	error = process__learn(model, &fork->child, event->time_ns, &slot);
	if (error || !slot)
		return error;
	slot->process.born_here = true;
	if (!(fork->child.flags & PROCESS_SHARES_MM))
		process__inherit_argv(model, slot);
	return 0;
}

int process__on_exec(struct model *model, const struct event_header *event)
{
	const struct event_exec *exec = (const struct event_exec *)event;
	size_t room_bytes = event->size_bytes - sizeof(*exec);
	struct process_slot *slot;
	int error;

	error = process__reach(model, &exec->process.task, event->time_ns, exec->process.comm,
			       &slot);
	if (!error && slot)
		error = process__set_identity(model, slot, &exec->process);
	if (error || !slot)
		return error;
	walk__meet(model, slot);
	slot->process.exec_ns = event->time_ns;
	/* A new mm: nothing of the former one's memory lives on. */
	error = process__set_memory(model, slot, event->time_ns, &exec->process.memory);
	if (!error)
		error = process__set_argv(model, slot, exec->argv_flags, exec->argv,
					  exec->argv_bytes, room_bytes);
	return error ? error : incident__note_exec(model, slot, event->time_ns);
}

/* Where the kernel has dropped the mm already, the last told values stand. */
static struct memory memory__at_exit(const struct memory *told, const struct memory *last)
{
	int64_t columns[MEMORY_COLUMNS], before[MEMORY_COLUMNS];
	struct memory memory;

	memory__to_columns(told, columns);
	memory__to_columns(last, before);
	for (int i = 0; i < MEMORY_COLUMNS; i++) {
		if (columns[i] < 0)
			columns[i] = before[i];
	}
	memory__from_columns(&memory, columns);
	return memory;
}

int process__on_exit(struct model *model, const struct event_header *event)
{
	const struct event_exit *exit = (const struct event_exit *)event;
	struct process_slot *slot;
	struct memory memory;
	int error;

	error = process__reach(model, &exit->task, event->time_ns, exit->comm, &slot);
	if (error || !slot)
		return error;
	if (slot->process.exit_ns && !slot->process.exit_lost)
		return 0;
	memory = memory__at_exit(&exit->memory, &slot->process.now);
	error = process__set_memory(model, slot, event->time_ns, &memory);
	if (error)
		return error;
	process_table__end(&model->processes, slot, event->time_ns);
	slot->process.exit_lost = false;
	slot->process.exit_code = exit->exit_code;
	slot->process.peak_rss_bytes = bytes__normal(exit->peak_rss_bytes);
	return slot->process.killed ? incident__note_exit(model, exit) : 0;
}

int process__on_rename(struct model *model, const struct event_header *event)
{
	const struct event_rename *rename = (const struct event_rename *)event;
	struct process_slot *slot;
	int error;

	error = process__reach(model, &rename->task, event->time_ns, rename->comm, &slot);
	if (!error && slot)
		memcpy(slot->process.comm, rename->comm, EVENT_COMM_BYTES);
	return error;
}

int process__on_attach(struct model *model, const struct event_header *event)
{
	const struct event_attach *attach = (const struct event_attach *)event;
	struct process_slot *slot;
	int error;

	error = process__reach(model, &attach->task, event->time_ns, NULL, &slot);
	if (error || !slot || !attach->cgroup_id || slot->process.cgroup_id == attach->cgroup_id)
		return error;
	model->attaches[model->attach_count++ % ATTACH_MAX] = (struct attach_record){
		.time_ns = event->time_ns,
		.task = slot->process.task,
		.from_id = slot->process.cgroup_id,
		.to_id = attach->cgroup_id,
	};
	slot->process.cgroup_id = attach->cgroup_id;
	return 0;
}

/* The owner may be on another mm than we think: its exec is told after its first pages. The
 * teardown of an mm, or a late word on one, moves nobody. */
static int process__follow_mm(struct model *model, struct process_slot *owner,
			      const struct event_rss *rss)
{
	if (!owner || owner->process.exit_ns || !rss->mm_id || owner->process.mm_id == rss->mm_id)
		return 0;
	if (owner->process.mm_id && (rss->flags & RSS_GONE || rss->header.flags & EVENT_LATE))
		return 0;
	return process__set_mm(model, owner, rss->mm_id);
}

int process__on_rss(struct model *model, const struct event_header *event)
{
	const struct event_rss *rss = (const struct event_rss *)event;
	struct memory memory = rss->flags & RSS_GONE ? (struct memory){0} : rss->memory;
	struct process_slot *owner, *other = NULL;
	int error;

	error = process__reach(model, &rss->owner, event->time_ns, NULL, &owner);
	if (!error)
		error = process__follow_mm(model, owner, rss);
	if (error)
		return error;
	if (owner && !owner->process.exit_ns) {
		if (rss->cgroup_id)
			owner->process.cgroup_id = rss->cgroup_id;
		if (!rss->mm_id || owner->process.mm_id == rss->mm_id)
			error = process__set_memory(model, owner, event->time_ns, &memory);
	}
	while (!error && (other = process_table__next_on_mm(&model->processes, rss->mm_id, other)))
		error = process__set_memory(model, other, event->time_ns, &memory);
	if (error || !model->open_count)
		return error;
	return incident__note_rss(model, rss);
}

int process__on_process(struct model *model, const struct event_header *event)
{
	const struct event_process *process = (const struct event_process *)event;
	struct process_slot *slot;

	return process__learn(model, &process->process, event->time_ns, &slot);
}

/* Told again it is not to be held twice: it may be its parent's. */
static bool process__has_argv(const struct process *process, const struct event_argv *argv)
{
	return process->argv && process->argv_flags == argv->argv_flags &&
	       process->argv_bytes == argv->argv_bytes &&
	       argv->argv_bytes <= argv->header.size_bytes - sizeof(*argv) &&
	       !memcmp(process->argv, argv->argv, argv->argv_bytes);
}

int process__on_argv(struct model *model, const struct event_header *event)
{
	const struct event_argv *argv = (const struct event_argv *)event;
	struct process_slot *slot;
	int error;

	error = process__reach(model, &argv->task, event->time_ns, NULL, &slot);
	if (error || !slot || process__has_argv(&slot->process, argv))
		return error;
	return process__set_argv(model, slot, argv->argv_flags, argv->argv, argv->argv_bytes,
				 event->size_bytes - sizeof(*argv));
}

void process__free_contents(struct model *model)
{
	for (uint32_t i = 0; i < model->processes.count; i++) {
		struct process_slot *slot = process_table__slot(&model->processes, i);

		shared_bytes__put(slot->process.argv);
		series__free(slot->process.series);
	}
}

/* --- what model.h offers -------------------------------------------------------------------- */

size_t model__process_count(const struct model *model)
{
	return model->processes.count;
}

const struct process *model__process(const struct model *model, size_t index)
{
	return &process_table__slot(&model->processes, (uint32_t)index)->process;
}

const struct process *model__process_by_pid(const struct model *model, uint32_t pid)
{
	struct process_slot *slot = process_table__newest(&model->processes, pid);

	return slot ? &slot->process : NULL;
}
