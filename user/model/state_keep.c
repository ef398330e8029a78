/* SPDX-License-Identifier: GPL-2.0-only */
#include "model/state.h"

/* Events may come late: what could lie in the window of a kill that is still to be told. */
#define LATE_NS 10000000000ULL

uint32_t process__keep(const struct process_slot *slot)
{
	return slot->mm_next;
}

static void set_keep(struct process_slot *slot, enum keep keep)
{
	slot->mm_next = keep;
}

bool move__is_since(uint64_t time_ns, uint64_t now_ns, uint64_t span_ns)
{
	return time_ns >= now_ns || now_ns - time_ns <= span_ns;
}

bool move__is_recent(const struct move *move, uint64_t time_ns)
{
	return move__is_since(time_ns, move->options->now_ns, INCIDENT_WINDOW_NS + LATE_NS);
}

/* What a dead process may matter for: how large it was. */
static int64_t weight_of(const struct process_slot *slot)
{
	int64_t weight = memory__footprint(&slot->process.now);

	if (slot->process.peak_rss_bytes > weight)
		weight = slot->process.peak_rss_bytes;
	return weight < 0 ? 0 : weight;
}

static uint32_t count_from(const struct process_table *table, int64_t weight)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < table->count; i++) {
		const struct process_slot *slot = process_table__slot(table, i);

		count += process__keep(slot) == KEEP_CANDIDATE && weight_of(slot) >= weight;
	}
	return count;
}

/* The largest weight that so many candidates have or exceed. No room to sort them is needed. */
static int64_t weight_of_last(const struct process_table *table, uint32_t most)
{
	int64_t low = 0, high = 0;

	for (uint32_t i = 0; i < table->count; i++) {
		const struct process_slot *slot = process_table__slot(table, i);

		if (process__keep(slot) == KEEP_CANDIDATE && weight_of(slot) > high)
			high = weight_of(slot);
	}
	while (low < high) {
		int64_t middle = low + (high - low) / 2 + 1;

		if (count_from(table, middle) >= most)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

static void keep_largest(struct move *move)
{
	struct process_table *table = &move->model->processes;
	const uint32_t candidates = count_from(table, 0), most = move->options->dead_max;
	const int64_t last = candidates > most && most ? weight_of_last(table, most) : -1;
	uint32_t left = candidates < most ? candidates : most;
	uint32_t equal = last < 0 ? 0 : left - count_from(table, last + 1);

	for (uint32_t i = 0; i < table->count; i++) {
		struct process_slot *slot = process_table__slot(table, i);
		bool keep = left != 0;

		if (process__keep(slot) != KEEP_CANDIDATE)
			continue;
		/* Of equals those that were first. */
		if (weight_of(slot) < last || (weight_of(slot) == last && !equal))
			keep = false;
		else if (weight_of(slot) == last)
			equal--;
		set_keep(slot, keep ? KEEP_WHOLE : KEEP_NOT);
		left -= keep;
	}
}

static void keep_ancestors(struct process_table *table, const struct process_slot *slot)
{
	for (unsigned int depth = 0; slot && depth < ANCESTORS_MAX; depth++) {
		struct process_slot *parent = process_table__find(table, &slot->process.parent);

		if (parent && process__keep(parent) == KEEP_NOT)
			set_keep(parent, KEEP_ANCESTOR);
		slot = parent;
	}
}

static void count_forgotten(struct move *move, const struct process_slot *slot)
{
	const struct state_options *options = move->options;

	move->state.forgotten_series +=
		process__keep(slot) == KEEP_ANCESTOR && slot->process.series;
	if (process__keep(slot) != KEEP_NOT)
		return;
	move->state.forgotten_processes++;
	move->state.forgotten_early +=
		move__is_since(slot->process.exit_ns, options->now_ns, options->keep_dead_ns);
}

static void mark_processes(struct move *move)
{
	struct process_table *table = &move->model->processes;
	const struct state_options *options = move->options;

	for (uint32_t i = 0; i < table->count; i++) {
		struct process_slot *slot = process_table__slot(table, i);
		uint64_t exit_ns = slot->process.exit_ns;

		if (!exit_ns)
			set_keep(slot, KEEP_WHOLE);
		else if (move__is_since(exit_ns, options->now_ns, options->keep_dead_ns))
			set_keep(slot, KEEP_CANDIDATE);
		else
			set_keep(slot, KEEP_NOT);
	}
	keep_largest(move);
	for (uint32_t i = 0; i < table->count; i++) {
		struct process_slot *slot = process_table__slot(table, i);

		if (process__keep(slot) == KEEP_WHOLE)
			keep_ancestors(table, slot);
	}
	for (uint32_t i = 0; i < table->count; i++)
		count_forgotten(move, process_table__slot(table, i));
}

/* The cgroup and those above it, which its path consists of. */
static void keep_cgroup(struct model *model, uint64_t id)
{
	for (unsigned int depth = 0; id && depth <= CGROUP_DEPTH_MAX; depth++) {
		struct cgroup_slot *slot = cgroup__find(model, id);

		if (!slot || slot->kept)
			break;
		slot->kept = true;
		id = slot->cgroup.parent_id;
	}
}

static void mark_cgroups(struct move *move)
{
	const struct state_options *options = move->options;
	struct model *model = move->model;
	uint64_t attaches = model->attach_count < ATTACH_MAX ? model->attach_count : ATTACH_MAX;

	for (uint32_t i = 0; i < model->cgroups.count; i++) {
		const struct cgroup *cgroup = &model->cgroups.slots[i]->cgroup;

		if (!cgroup->gone_ns ||
		    move__is_since(cgroup->gone_ns, options->now_ns, options->keep_dead_ns))
			keep_cgroup(model, cgroup->id);
	}
	for (uint32_t i = 0; i < model->processes.count; i++) {
		const struct process_slot *slot = process_table__slot(&model->processes, i);

		if (process__keep(slot) != KEEP_NOT)
			keep_cgroup(model, slot->process.cgroup_id);
	}
	for (uint64_t i = 0; i < attaches; i++) {
		if (move__is_recent(move, model->attaches[i].time_ns))
			keep_cgroup(model, model->attaches[i].to_id);
	}
	for (uint32_t i = 0; i < model->cgroups.count; i++)
		move->state.forgotten_cgroups += !model->cgroups.slots[i]->kept;
}

void move__mark(struct move *move)
{
	mark_processes(move);
	mark_cgroups(move);
}
