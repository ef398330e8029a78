/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/file_mappings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Without it uthash ends the program when memory is short. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "maps/mapping.h"
#include "maps/proc_maps.h"
#include "maps/tmpfs_mounts.h"

struct span {
	uint64_t start, end;
	struct mapped_file *file;
};

struct spans {
	struct span *at; /* ascending */
	size_t count, capacity;
};

struct known {
	struct file_process key;
	struct spans spans;
	struct tmpfs_mounts mounts;
	bool mounts_read;
	uint64_t read_ns;  /* when the spans were read; 0: never */
	uint64_t wait_ns;  /* it is not read again before */
	unsigned int vain; /* readings in a row that did not help */
	UT_hash_handle hh; /* the least recently asked for first */
};

struct file_mappings {
	char *proc;
	struct mapped_files *files;
	struct known *processes;
	uint64_t reads;
};

int file_mappings__new(struct file_mappings **out, const char *proc)
{
	struct file_mappings *mappings = calloc(1, sizeof(*mappings));

	if (!mappings)
		return -ENOMEM;
	mappings->proc = strdup(proc ? proc : "/proc");
	if (!mappings->proc || mapped_files__new(&mappings->files)) {
		free(mappings->proc);
		free(mappings);
		return -ENOMEM;
	}
	*out = mappings;
	return 0;
}

static void spans__free(struct spans *spans)
{
	for (size_t i = 0; i < spans->count; i++)
		mapped_file__unref(spans->at[i].file);
	free(spans->at);
	*spans = (struct spans){0};
}

static void drop(struct file_mappings *mappings, struct known *known)
{
	HASH_DEL(mappings->processes, known);
	spans__free(&known->spans);
	tmpfs_mounts__free(&known->mounts);
	free(known);
}

void file_mappings__free(struct file_mappings *mappings)
{
	if (!mappings)
		return;
	while (mappings->processes)
		drop(mappings, mappings->processes);
	mapped_files__free(mappings->files);
	free(mappings->proc);
	free(mappings);
}

uint64_t file_mappings__reads(const struct file_mappings *mappings)
{
	return mappings->reads;
}

size_t file_mappings__bytes(const struct file_mappings *mappings)
{
	size_t bytes = sizeof(*mappings) + mapped_files__bytes(mappings->files);

	for (const struct known *known = mappings->processes; known; known = known->hh.next)
		bytes += sizeof(*known) + known->spans.capacity * sizeof(struct span) +
			 known->mounts.bytes;
	return bytes;
}

/* --- reading --------------------------------------------------------------------------------- */

struct reading {
	struct file_mappings *mappings;
	struct spans spans;
	uint64_t lines;
};

static bool spans__reserve(struct spans *spans)
{
	size_t capacity = spans->capacity ? 2 * spans->capacity : 64;
	struct span *at;

	if (spans->count < spans->capacity)
		return true;
	at = reallocarray(spans->at, capacity, sizeof(*at));
	if (!at)
		return false;
	spans->at = at;
	spans->capacity = capacity;
	return true;
}

/* What there is no room for is not known. */
static int keep(void *context, const struct told_mapping *told)
{
	struct reading *reading = context;
	struct spans *spans = &reading->spans;
	struct mapped_file *file;

	reading->lines++;
	if (told->kind != MAPPING_FILE || spans->count >= FILE_MAPPINGS_SPANS ||
	    mapped_files__bytes(reading->mappings->files) > FILE_MAPPINGS_PATHS ||
	    (spans->count && told->start < spans->at[spans->count - 1].end) ||
	    !spans__reserve(spans))
		return 0;
	file = mapped_files__take(reading->mappings->files, &told->file, told->path);
	if (file)
		spans->at[spans->count++] =
			(struct span){.start = told->start, .end = told->end, .file = file};
	return 0;
}

static void make_room(struct file_mappings *mappings, const struct known *but)
{
	while (mappings->processes && mappings->processes != but &&
	       (HASH_COUNT(mappings->processes) > FILE_MAPPINGS_PROCESSES ||
		mapped_files__bytes(mappings->files) > FILE_MAPPINGS_PATHS / 2))
		drop(mappings, mappings->processes);
}

static void read_again(struct file_mappings *mappings, struct known *known, uint64_t now_ns)
{
	struct reading reading = {.mappings = mappings};
	uint64_t skipped = 0;

	make_room(mappings, known);
	mappings->reads++;
	if (proc_maps__read(mappings->proc, (uint32_t)known->key.pid, true, keep, &reading,
			    &skipped)) {
		spans__free(&reading.spans);
		known->wait_ns = now_ns + FILE_MAPPINGS_AGAIN_NS;
		return;
	}
	spans__free(&known->spans);
	known->spans = reading.spans;
	known->mounts_read = false;
	known->read_ns = now_ns;
	known->wait_ns = now_ns + reading.lines * FILE_MAPPINGS_LINE_NS;
}

/* --- finding --------------------------------------------------------------------------------- */

static struct known *reach(struct file_mappings *mappings, const struct file_process *process)
{
	struct known *known;

	HASH_FIND(hh, mappings->processes, process, sizeof(*process), known);
	if (known) {
		HASH_DEL(mappings->processes, known);
	} else {
		known = calloc(1, sizeof(*known));
		if (!known)
			return NULL;
		known->key = *process;
	}
	HASH_ADD(hh, mappings->processes, key, sizeof(known->key), known);
	if (known->hh.tbl)
		return known;
	spans__free(&known->spans);
	tmpfs_mounts__free(&known->mounts);
	free(known);
	return NULL;
}

static const struct span *span_at(const struct spans *spans, uint64_t address)
{
	size_t low = 0, high = spans->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (spans->at[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < spans->count && spans->at[low].start <= address ? &spans->at[low] : NULL;
}

/* What was mapped when the page came, and not when it was read, is not there any more. What was,
 * may have given its place to another file since. */
static bool wants_reading(const struct known *known, const struct span *span, uint64_t came_ns,
			  uint64_t now_ns)
{
	if (now_ns < known->wait_ns || came_ns <= known->read_ns)
		return false;
	return !span || now_ns >= known->read_ns + FILE_MAPPINGS_AGAIN_NS;
}

/* A program that starts maps much and keeps little of it: not to be given up at once. */
static void wait_longer(struct known *known, uint64_t now_ns)
{
	uint64_t more_ns = FILE_MAPPINGS_VAIN_NS << known->vain;

	if (more_ns < FILE_MAPPINGS_AGAIN_NS)
		known->vain++;
	else
		more_ns = FILE_MAPPINGS_AGAIN_NS;
	if (known->wait_ns < now_ns + more_ns)
		known->wait_ns = now_ns + more_ns;
}

/* A tmpfs has a device without a number of its own kind; so has what the kernel keeps for itself to
 * hold shared memory without a path, but nobody sees that mounted. */
static void describe(struct file_mappings *mappings, struct known *known,
		     const struct mapped_file *file, struct file_mapping *out)
{
	const struct file_id *id = mapped_file__id(file);

	*out = (struct file_mapping){.path = mapped_file__path(file),
				     .flags = id->deleted ? FILE_DELETED : 0};
	if (id->major != 0)
		return;
	if (!known->mounts_read)
		tmpfs_mounts__read(&known->mounts, mappings->proc, (uint32_t)known->key.pid,
				   FILE_MAPPINGS_MOUNTS, FILE_MAPPINGS_MOUNTINFO);
	known->mounts_read = true;
	out->mount = tmpfs_mounts__find(&known->mounts, id->major, id->minor, out->path);
	if (out->mount) {
		out->flags |= FILE_TMPFS;
		return;
	}
	if (!id->deleted)
		return;
	if (!strncmp(out->path, "/memfd:", strlen("/memfd:")))
		out->flags = FILE_MEMFD;
	else if (!strncmp(out->path, "/SYSV", strlen("/SYSV")))
		out->flags = FILE_SYSV;
	else if (!strcmp(out->path, "/dev/zero"))
		out->flags = FILE_ANONYMOUS;
	if (out->flags & (FILE_MEMFD | FILE_SYSV))
		out->path++;
}

bool file_mappings__find(struct file_mappings *mappings, const struct file_process *process,
			 uint64_t address, uint64_t came_ns, uint64_t now_ns,
			 struct file_mapping *out)
{
	struct known *known = reach(mappings, process);
	const struct span *span;

	if (!known)
		return false;
	span = span_at(&known->spans, address);
	if (wants_reading(known, span, came_ns, now_ns)) {
		read_again(mappings, known, now_ns);
		span = span_at(&known->spans, address);
		if (span)
			known->vain = 0;
		else
			wait_longer(known, now_ns);
	}
	if (!span)
		return false;
	describe(mappings, known, span->file, out);
	return true;
}
