/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/address_spaces.h"

#include <errno.h>
#include <stdlib.h>

#include "base/units.h"
#include "maps/address_spaces_internal.h"

#define MAX_BYTES (64 * MIB)
#define GRACE_NS  (10 * NS_PER_S)

int address_spaces__new(struct address_spaces **out, const struct address_spaces_options *options)
{
	struct address_spaces *spaces = calloc(1, sizeof(*spaces));

	if (!spaces)
		return -ENOMEM;
	if (mapped_files__new(&spaces->files)) {
		free(spaces);
		return -ENOMEM;
	}
	spaces->max_bytes = options->max_bytes ? options->max_bytes : MAX_BYTES;
	spaces->grace_ns = options->grace_ns ? options->grace_ns : GRACE_NS;
	*out = spaces;
	return 0;
}

void address_spaces__free(struct address_spaces *spaces)
{
	if (!spaces)
		return;
	while (spaces->unused)
		process_maps__free(spaces->unused);
	while (spaces->used)
		process_maps__free(spaces->used);
	mapped_files__free(spaces->files);
	free(spaces);
}

int address_spaces__add(struct address_spaces *spaces, struct address_space *space,
			const struct told_mapping *told, uint64_t from_ns)
{
	struct mapping mapping = {
		.start = told->start,
		.end = told->end,
		.offset = told->offset,
		.from_ns = from_ns,
		.kind = told->kind,
	};
	int error;

	if (told->kind == MAPPING_FILE) {
		mapping.file = mapped_files__take(spaces->files, &told->file, told->path);
		if (!mapping.file) {
			spaces->counts.refused++;
			return -ENOMEM;
		}
	}
	error = address_space__add(space, &mapping);
	mapped_file__unref(mapping.file);
	spaces->counts.refused += error != 0;
	return error;
}

static int on_mapped(struct address_spaces *spaces, const struct map_event *event)
{
	struct process_maps *process = process_maps__newest(spaces, event->pid);
	uint64_t forgotten;
	size_t before;
	int error;

	/* Whoever was not looked at yet: it will be seen then. */
	if (!process || !process->complete_ns)
		return 0;
	error = process_maps__own(process);
	if (error) {
		spaces->counts.refused++;
		return error;
	}
	before = address_space__bytes(process->now);
	forgotten = address_space__forgotten(process->now);
	error = address_spaces__add(spaces, process->now, &event->mapping, event->time_ns);
	spaces->counts.forgotten += address_space__forgotten(process->now) - forgotten;
	spaces->bytes += address_space__bytes(process->now) - before;
	process_maps__schedule(process, event->time_ns + spaces->grace_ns);
	process_maps__make_room(process);
	return error == -ENOMEM ? error : 0;
}

static void end(struct process_maps *process, uint64_t time_ns)
{
	if (process && !process->gone_ns) {
		process->gone_ns = time_ns;
		process_maps__schedule(process, time_ns + process->spaces->grace_ns);
	}
}

static int on_forked(struct address_spaces *spaces, const struct map_event *event)
{
	struct process_maps *known = process_maps__newest(spaces, event->pid);
	struct process_maps *parent, *child;

	/* Told late: it has been sampled already. */
	if (known && !known->born_ns && known->used_ns >= event->time_ns) {
		known->born_ns = event->time_ns;
		known->parent_pid = event->parent_pid;
		return 0;
	}
	end(known, event->time_ns);
	child = process_maps__new(spaces, event->pid);
	if (!child)
		return -ENOMEM;
	child->born_ns = event->time_ns;
	child->parent_pid = event->parent_pid;
	parent = process_maps__newest(spaces, event->parent_pid);
	if (parent && parent != child && parent->complete_ns)
		address_spaces__inherit(spaces, child, parent, parent->complete_ns);
	process_maps__make_room(child);
	return 0;
}

static int on_exec(struct address_spaces *spaces, const struct map_event *event)
{
	struct process_maps *process = process_maps__newest(spaces, event->pid);

	if (!process)
		process = process_maps__new(spaces, event->pid);
	if (!process)
		return -ENOMEM;
	process_maps__begin_anew(process, event->time_ns);
	process->gone_ns = 0; /* another thread's exec ends the first one */
	process_maps__schedule(process, event->time_ns + spaces->grace_ns);
	process_maps__make_room(process);
	return 0;
}

int address_spaces__apply(struct address_spaces *spaces, const struct map_event *event)
{
	switch (event->kind) {
	case MAP_EVENT_MAPPED:
		return on_mapped(spaces, event);
	case MAP_EVENT_FORKED:
		return on_forked(spaces, event);
	case MAP_EVENT_EXEC:
		return on_exec(spaces, event);
	case MAP_EVENT_EXITED:
		end(process_maps__newest(spaces, event->pid), event->time_ns);
		return 0;
	case MAP_EVENT_LOST:
		spaces->counts.lost += event->lost;
		if (event->time_ns > spaces->lost_ns)
			spaces->lost_ns = event->time_ns;
		return 0;
	}
	return 0;
}

static void tidy(struct process_maps *process, uint64_t now_ns)
{
	uint64_t grace_ns = process->spaces->grace_ns;
	uint64_t used_ns =
		process->used_ns > process->gone_ns ? process->used_ns : process->gone_ns;

	/* Where the first thread has ended, others may go on and be sampled. */
	if (process->gone_ns && used_ns + grace_ns <= now_ns) {
		process_maps__free(process);
		return;
	}
	process_maps__unschedule(process);
	if (process->exec_ns + grace_ns <= now_ns)
		process_maps__forget_pasts(process);
	if (process->now && !address_space__is_shared(process->now))
		address_space__forget(process->now, now_ns - grace_ns);
	if (process->gone_ns)
		process_maps__schedule(process, used_ns + grace_ns);
	else if (process->past_count)
		process_maps__schedule(process, process->exec_ns + grace_ns);
}

void address_spaces__tidy(struct address_spaces *spaces, uint64_t now_ns)
{
	struct process_maps *last = spaces->due ? spaces->due->due_prev : NULL;

	if (now_ns <= spaces->grace_ns)
		return;
	/* What is put back behind it is for the next time. */
	while (last && spaces->due->due_ns <= now_ns) {
		struct process_maps *process = spaces->due;

		bool is_last = process == last;

		tidy(process, now_ns);
		if (is_last)
			break;
	}
}

struct address_spaces_counts address_spaces__counts(const struct address_spaces *spaces)
{
	struct address_spaces_counts counts = spaces->counts;

	counts.bytes = spaces->bytes + mapped_files__bytes(spaces->files);
	return counts;
}

/* Can a process that started then be this one? *newer: no, but it came after it. */
static bool matches(struct process_maps *process, uint64_t start_ns, bool *newer)
{
	uint64_t latest = process->start_ns;

	*newer = false;
	if (!start_ns || start_ns == process->start_ns)
		return true;
	/* The fork is told just after the start, an exec some time after it. */
	if (!latest)
		latest = process->born_ns ? process->born_ns : process->exec_ns;
	*newer = latest && start_ns > latest;
	if (process->start_ns || *newer)
		return false;
	process->start_ns = start_ns;
	return true;
}

struct process_maps *address_spaces__process(struct address_spaces *spaces, uint32_t pid,
					     uint64_t start_ns, uint64_t time_ns)
{
	struct process_maps *process = process_maps__newest(spaces, pid), *younger = NULL;
	bool newer = false;

	while (process && !newer) {
		if (process->born_ns <= time_ns && matches(process, start_ns, &newer)) {
			process_maps__use(process, time_ns);
			return process;
		}
		if (newer)
			break;
		younger = process;
		process = process->older;
	}
	/* Its birth was not told. */
	if (newer)
		end(process, start_ns);
	process =
		younger ? process_maps__new_older(spaces, younger) : process_maps__new(spaces, pid);
	if (!process)
		return NULL;
	process->start_ns = start_ns;
	if (younger)
		end(process, time_ns);
	process_maps__use(process, time_ns);
	process_maps__make_room(process);
	return process;
}

bool address_spaces__has_looked_at(const struct address_spaces *spaces, uint32_t pid)
{
	const struct process_maps *process = process_maps__newest(spaces, pid);

	return process && (process->complete_ns || process->tried_ns);
}

int address_spaces__looked(struct address_spaces *spaces, struct process_maps *process,
			   struct address_space *looked, uint64_t now_ns)
{
	const struct mapping *mappings;
	int error = 0;
	size_t before, count;

	process->tried_ns = now_ns;
	if (!looked)
		return 0;
	if (!process->complete_ns) {
		process_maps__put(process, &process->now, looked);
		process->complete_ns = now_ns;
		process_maps__make_room(process);
		return 0;
	}
	/* What is new came at some time after everything was known. */
	error = process_maps__own(process);
	mappings = address_space__mappings(looked, &count);
	before = error ? 0 : address_space__bytes(process->now);
	for (size_t i = 0; i < count && !error; i++) {
		struct mapping mapping = mappings[i];

		if (mapping.from_ns < process->complete_ns)
			mapping.from_ns = process->complete_ns;
		error = address_space__add(process->now, &mapping);
		spaces->counts.refused += error != 0;
	}
	if (process->now && before)
		spaces->bytes += address_space__bytes(process->now) - before;
	address_space__unref(looked);
	process->complete_ns = now_ns;
	process_maps__schedule(process, now_ns + spaces->grace_ns);
	process_maps__make_room(process);
	return error;
}

void address_spaces__inherit(struct address_spaces *spaces, struct process_maps *child,
			     const struct process_maps *parent, uint64_t now_ns)
{
	(void)spaces;
	process_maps__put(child, &child->now, parent->now ? address_space__ref(parent->now) : NULL);
	child->complete_ns = now_ns;
}
