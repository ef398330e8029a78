/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>

#include "model/model_internal.h"

/*
 * Two compact indexes instead of hash handles inside each process: a handle would cost 56 bytes
 * per process and index, a bucket costs at most 4.
 *
 * Chains are short unless a recording is made to have long ones; then a walk gives up.
 */
#define CHAIN_MAX     1024U
#define FIRST_BUCKETS 256U

static uint32_t bucket_of(const struct process_table *table, uint64_t key)
{
	return (uint32_t)((key * 0x9e3779b97f4a7c15ULL) >> 32) & (table->buckets - 1);
}

struct process_slot *process_table__slot(const struct process_table *table, uint32_t index)
{
	return &table->chunks[index / PROCESS_CHUNK][index % PROCESS_CHUNK];
}

static bool same_task(const struct task_ref *a, const struct task_ref *b)
{
	return a->pid == b->pid && a->start_ns == b->start_ns;
}

struct process_slot *process_table__find(const struct process_table *table,
					 const struct task_ref *ref)
{
	uint32_t next, steps = 0;

	if (!table->count || !ref->pid)
		return NULL;
	for (next = table->by_pid[bucket_of(table, ref->pid)]; next && steps < CHAIN_MAX; steps++) {
		struct process_slot *slot = process_table__slot(table, next - 1);

		if (same_task(&slot->process.task, ref))
			return slot;
		next = slot->pid_next;
	}
	return NULL;
}

struct process_slot *process_table__newest(const struct process_table *table, uint32_t pid)
{
	struct process_slot *newest = NULL;
	uint32_t next, steps = 0;

	if (!table->count || !pid)
		return NULL;
	for (next = table->by_pid[bucket_of(table, pid)]; next && steps < CHAIN_MAX; steps++) {
		struct process_slot *slot = process_table__slot(table, next - 1);

		if (slot->process.task.pid == pid &&
		    (!newest || slot->process.task.start_ns > newest->process.task.start_ns))
			newest = slot;
		next = slot->pid_next;
	}
	return newest;
}

static void process_table__link_pid(struct process_table *table, uint32_t index)
{
	struct process_slot *slot = process_table__slot(table, index);
	uint32_t *head = &table->by_pid[bucket_of(table, slot->process.task.pid)];

	slot->pid_next = *head;
	*head = index + 1;
}

/* Refuses where a chain is too long to be honest: unlinking walks it to its end. */
static bool process_table__link_mm(struct process_table *table, uint32_t index)
{
	struct process_slot *slot = process_table__slot(table, index);
	uint32_t *head = &table->by_mm[bucket_of(table, slot->process.mm_id)];
	uint32_t length = 0, sharers = 0;

	for (uint32_t next = *head; next; length++) {
		struct process_slot *other = process_table__slot(table, next - 1);

		sharers += other->process.mm_id == slot->process.mm_id;
		next = other->mm_next;
	}
	if (length >= CHAIN_MAX || sharers >= MM_SHARERS_MAX)
		return false;
	slot->mm_next = *head;
	*head = index + 1;
	return true;
}

/* The old indexes stay in force on -ENOMEM. */
static int process_table__widen(struct process_table *table)
{
	uint32_t buckets = table->buckets ? table->buckets * 2 : FIRST_BUCKETS;
	uint32_t *by_pid, *by_mm;

	by_pid = calloc(buckets, sizeof(*by_pid));
	by_mm = calloc(buckets, sizeof(*by_mm));
	if (!by_pid || !by_mm) {
		free(by_pid);
		free(by_mm);
		return -ENOMEM;
	}
	free(table->by_pid);
	free(table->by_mm);
	table->by_pid = by_pid;
	table->by_mm = by_mm;
	table->buckets = buckets;
	for (uint32_t i = 0; i < table->count; i++) {
		struct process_slot *slot = process_table__slot(table, i);

		process_table__link_pid(table, i);
		if (slot->process.mm_id && !slot->process.exit_ns)
			process_table__link_mm(table, i);
	}
	return 0;
}

void process_table__leave_mm(struct process_table *table, struct process_slot *slot)
{
	uint32_t *link;

	if (!slot->process.mm_id || slot->process.exit_ns)
		return;
	link = &table->by_mm[bucket_of(table, slot->process.mm_id)];
	while (*link) {
		struct process_slot *other = process_table__slot(table, *link - 1);

		if (other == slot) {
			*link = slot->mm_next;
			slot->mm_next = 0;
			return;
		}
		link = &other->mm_next;
	}
}

bool process_table__set_mm(struct process_table *table, struct process_slot *slot, uint64_t mm_id)
{
	uint32_t next;

	if (slot->process.mm_id == mm_id)
		return true;
	process_table__leave_mm(table, slot);
	slot->process.mm_id = mm_id;
	if (!mm_id || slot->process.exit_ns)
		return true;
	/* Its index stands in the bucket of its pid. */
	next = table->by_pid[bucket_of(table, slot->process.task.pid)];
	for (uint32_t steps = 0; next && steps < CHAIN_MAX; steps++) {
		struct process_slot *other = process_table__slot(table, next - 1);

		if (other == slot)
			return process_table__link_mm(table, next - 1);
		next = other->pid_next;
	}
	return false;
}

static int process_table__new_chunk(struct process_table *table)
{
	struct process_slot **chunks;

	chunks = realloc(table->chunks, (table->chunk_count + 1U) * sizeof(struct process_slot *));
	if (!chunks)
		return -ENOMEM;
	table->chunks = chunks;
	chunks[table->chunk_count] = calloc(PROCESS_CHUNK, sizeof(struct process_slot));
	if (!chunks[table->chunk_count])
		return -ENOMEM;
	table->chunk_count++;
	return 0;
}

void process_table__end(struct process_table *table, struct process_slot *slot, uint64_t time_ns)
{
	process_table__leave_mm(table, slot);
	table->alive -= !slot->process.exit_ns;
	slot->process.exit_ns = time_ns ? time_ns : 1;
	if (slot->process.series)
		table->evicted_all = false;
}

void process_table__end_unseen(struct process_table *table, struct process_slot *slot,
			       uint64_t time_ns)
{
	process_table__end(table, slot, time_ns);
	slot->process.exit_lost = true;
}

int process_table__add(struct process_table *table, const struct task_ref *ref, uint64_t time_ns,
		       uint32_t most, struct process_slot **out)
{
	struct process_slot *newest, *slot;
	int error = 0;

	*out = NULL;
	if (table->count >= most)
		return 0;
	if (table->count >= table->buckets * 2)
		error = process_table__widen(table);
	if (!error && table->count == table->chunk_count * PROCESS_CHUNK)
		error = process_table__new_chunk(table);
	if (error)
		return error;
	newest = process_table__newest(table, ref->pid);
	slot = process_table__slot(table, table->count);
	slot->process = (struct process){
		.task = {.pid = ref->pid, .tid = ref->pid, .start_ns = ref->start_ns},
		.seen_ns = time_ns,
		.walk = table->walk,
		.peak_rss_bytes = EVENT_UNKNOWN,
		.first = memory__unknown(),
		.now = memory__unknown(),
	};
	process_table__link_pid(table, table->count++);
	table->alive++;
	if (newest && newest->process.task.start_ns > ref->start_ns)
		process_table__end_unseen(table, slot, time_ns);
	else if (newest && !newest->process.exit_ns)
		process_table__end_unseen(table, newest, time_ns);
	*out = slot;
	return 0;
}

struct process_slot *process_table__next_on_mm(const struct process_table *table, uint64_t mm_id,
					       const struct process_slot *after)
{
	uint32_t next, steps = 0;

	if (!table->count || !mm_id)
		return NULL;
	next = after ? after->mm_next : table->by_mm[bucket_of(table, mm_id)];
	for (; next && steps < CHAIN_MAX; steps++) {
		struct process_slot *slot = process_table__slot(table, next - 1);

		if (slot->process.mm_id == mm_id)
			return slot;
		next = slot->mm_next;
	}
	return NULL;
}

void process_table__free(struct process_table *table)
{
	for (uint32_t i = 0; i < table->chunk_count; i++)
		free(table->chunks[i]);
	free(table->chunks);
	free(table->by_pid);
	free(table->by_mm);
}
