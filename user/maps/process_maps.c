/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>
#include <string.h>

#include "maps/address_spaces_internal.h"

#include <utlist.h>

struct process_maps *process_maps__newest(const struct address_spaces *spaces, uint32_t pid)
{
	struct process_maps *process;

	HASH_FIND(hh, spaces->by_pid, &pid, sizeof(pid), process);
	return process;
}

static struct process_maps *process_maps__make(struct address_spaces *spaces, uint32_t pid)
{
	struct process_maps *process = calloc(1, sizeof(*process));

	if (!process)
		return NULL;
	process->spaces = spaces;
	process->pid = pid;
	spaces->bytes += sizeof(*process);
	spaces->counts.processes++;
	DL_APPEND(spaces->unused, process);
	return process;
}

struct process_maps *process_maps__new(struct address_spaces *spaces, uint32_t pid)
{
	struct process_maps *older = process_maps__newest(spaces, pid);
	struct process_maps *process = process_maps__make(spaces, pid);

	if (!process)
		return NULL;
	if (older)
		HASH_DELETE(hh, spaces->by_pid, older);
	HASH_ADD(hh, spaces->by_pid, pid, sizeof(pid), process);
	if (!process->hh.tbl) {
		/* Neither is in the table: the older ones could not be found any more. */
		process->older = NULL;
		process_maps__free(process);
		while (older) {
			struct process_maps *next = older->older;

			older->older = NULL;
			process_maps__free(older);
			older = next;
		}
		return NULL;
	}
	process->older = older;
	return process;
}

struct process_maps *process_maps__new_older(struct address_spaces *spaces,
					     struct process_maps *younger)
{
	struct process_maps *process = process_maps__make(spaces, younger->pid);

	if (!process)
		return NULL;
	process->older = younger->older;
	younger->older = process;
	return process;
}

static void process_maps__unlink(struct process_maps *process)
{
	struct address_spaces *spaces = process->spaces;
	struct process_maps *newest = process_maps__newest(spaces, process->pid);

	if (newest == process) {
		HASH_DELETE(hh, spaces->by_pid, process);
		newest = process->older;
		if (newest)
			HASH_ADD(hh, spaces->by_pid, pid, sizeof(newest->pid), newest);
		return;
	}
	while (newest && newest->older != process)
		newest = newest->older;
	if (newest)
		newest->older = process->older;
}

void process_maps__free(struct process_maps *process)
{
	struct address_spaces *spaces = process->spaces;

	process_maps__unlink(process);
	process_maps__unschedule(process);
	process_maps__put(process, &process->now, NULL);
	process_maps__forget_pasts(process);
	spaces->bytes -= process->pasts ? PASTS_BYTES : 0;
	free(process->pasts);
	if (process->used_ns)
		DL_DELETE(spaces->used, process);
	else
		DL_DELETE(spaces->unused, process);
	spaces->bytes -= sizeof(*process);
	spaces->counts.processes--;
	free(process);
}

void process_maps__use(struct process_maps *process, uint64_t time_ns)
{
	struct address_spaces *spaces = process->spaces;

	if (process->used_ns)
		DL_DELETE(spaces->used, process);
	else
		DL_DELETE(spaces->unused, process);
	process->used_ns = time_ns ? time_ns : 1;
	DL_APPEND(spaces->used, process);
}

void process_maps__schedule(struct process_maps *process, uint64_t due_ns)
{
	if (process->due_ns)
		return;
	process->due_ns = due_ns;
	DL_APPEND2(process->spaces->due, process, due_prev, due_next);
}

void process_maps__unschedule(struct process_maps *process)
{
	if (process->due_ns)
		DL_DELETE2(process->spaces->due, process, due_prev, due_next);
	process->due_ns = 0;
}

void process_maps__put(struct process_maps *process, struct address_space **where,
		       struct address_space *space)
{
	if (*where && !address_space__is_shared(*where))
		process->spaces->bytes -= address_space__bytes(*where);
	address_space__unref(*where);
	*where = space;
	if (space && !address_space__is_shared(space))
		process->spaces->bytes += address_space__bytes(space);
}

void process_maps__forget_pasts(struct process_maps *process)
{
	while (process->past_count)
		process_maps__put(process, &process->pasts[--process->past_count].space, NULL);
}

static void remember(struct process_maps *process)
{
	if (process->past_count == PASTS_MAX)
		process_maps__put(process, &process->pasts[--process->past_count].space, NULL);
	memmove(process->pasts + 1, process->pasts, process->past_count * sizeof(*process->pasts));
	process->pasts[0] = (struct past){.space = process->now, .from_ns = process->exec_ns};
	process->past_count++;
	process->now = NULL;
}

void process_maps__begin_anew(struct process_maps *process, uint64_t time_ns)
{
	if (!process->pasts) {
		process->pasts = calloc(PASTS_MAX, sizeof(*process->pasts));
		process->spaces->bytes += process->pasts ? PASTS_BYTES : 0;
	}
	if (process->pasts)
		remember(process);
	else
		process_maps__put(process, &process->now, NULL);
	process->exec_ns = time_ns;
	process->complete_ns = time_ns;
}

int process_maps__own(struct process_maps *process)
{
	struct address_space *own;
	int error;

	if (process->now && !address_space__is_shared(process->now))
		return 0;
	error = process->now ? address_space__copy(&own, process->now) : address_space__new(&own);
	if (!error)
		process_maps__put(process, &process->now, own);
	return error;
}

/* Who goes first; NULL: nobody can. */
static struct process_maps *process_maps__first(struct address_spaces *spaces,
						const struct process_maps *kept)
{
	struct process_maps *heads[] = {spaces->unused, spaces->used};

	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		for (struct process_maps *process = heads[i]; process; process = process->next) {
			if (process != kept && !process->holds)
				return process;
		}
	}
	return NULL;
}

void process_maps__make_room(struct process_maps *kept)
{
	struct address_spaces *spaces = kept->spaces;

	while (spaces->bytes + mapped_files__bytes(spaces->files) > spaces->max_bytes) {
		struct process_maps *first = process_maps__first(spaces, kept);

		if (!first)
			return;
		process_maps__free(first);
		spaces->counts.evicted++;
	}
}

uint32_t process_maps__pid(const struct process_maps *process)
{
	return process->pid;
}

bool process_maps__is_newest(const struct process_maps *process)
{
	return process_maps__newest(process->spaces, process->pid) == process;
}

bool process_maps__wants_look(const struct process_maps *process)
{
	uint64_t looked_ns =
		process->complete_ns > process->tried_ns ? process->complete_ns : process->tried_ns;

	return !looked_ns || looked_ns < process->spaces->lost_ns;
}

bool process_maps__is_known(const struct process_maps *process)
{
	return process->complete_ns != 0;
}

uint32_t process_maps__began_as(const struct process_maps *process, uint64_t *born_ns)
{
	*born_ns = process->born_ns;
	return process->exec_ns ? 0 : process->parent_pid;
}

bool process_maps__was_one_at(const struct process_maps *process, uint64_t time_ns)
{
	return process->complete_ns && process->exec_ns <= time_ns;
}

bool process_maps__is_another_since(const struct process_maps *process, uint64_t time_ns)
{
	return process->exec_ns > time_ns;
}

void process_maps__hold(struct process_maps *process)
{
	process->holds++;
}

void process_maps__release(struct process_maps *process)
{
	process->holds--;
}

bool process_maps__find(const struct process_maps *process, uint64_t address, uint64_t time_ns,
			struct mapping *out)
{
	const struct address_space *space = process->now;

	if (time_ns < process->exec_ns) {
		unsigned int i = 0;

		while (i < process->past_count && time_ns < process->pasts[i].from_ns)
			i++;
		space = i < process->past_count ? process->pasts[i].space : NULL;
	}
	return space && address_space__find(space, address, time_ns, out);
}
