/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/prefetch.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* Without it uthash ends the program when memory is short. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/units.h"
#include "maps/proc_maps.h"

#define PROCESSES_MAX 4096
#define FIRST_NS      (50 * NS_PER_MS)
#define LONGEST_NS    (10 * NS_PER_S)
#define LOOK_NS       (200 * NS_PER_MS) /* at a process */
#define DEAR_NS       (20 * NS_PER_MS)  /* who takes longer is looked at less often, */
#define DEAR_TIMES    50                /* by so much, and nobody for as long again */

struct looked {
	struct {
		uint64_t start_ns;
		uint64_t pid;
	} key;
	uint64_t next_ns;
	uint64_t pause_ns;
	UT_hash_handle hh; /* the oldest first */
};

struct prefetch {
	struct objects *objects;
	struct mapped_files *files;
	const char *proc;
	struct looked *looked;
	uint32_t pid; /* that is being looked at */
	uint64_t until_ns;
	uint64_t rest_ns; /* until then nobody is looked at: others' work comes first */
};

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

int prefetch__new(struct prefetch **out, struct objects *objects, const char *proc)
{
	struct prefetch *prefetch = calloc(1, sizeof(*prefetch));

	if (!prefetch || mapped_files__new(&prefetch->files)) {
		free(prefetch);
		return -ENOMEM;
	}
	prefetch->objects = objects;
	prefetch->proc = proc ? proc : "/proc";
	*out = prefetch;
	return 0;
}

static void drop(struct prefetch *prefetch, struct looked *looked)
{
	HASH_DEL(prefetch->looked, looked);
	free(looked);
}

void prefetch__free(struct prefetch *prefetch)
{
	if (!prefetch)
		return;
	while (prefetch->looked)
		drop(prefetch, prefetch->looked);
	mapped_files__free(prefetch->files);
	free(prefetch);
}

size_t prefetch__bytes(const struct prefetch *prefetch)
{
	return HASH_COUNT(prefetch->looked) * sizeof(struct looked) +
	       mapped_files__bytes(prefetch->files);
}

/* Read, and kept there for as long as there is room. */
static int read_file(void *context, const struct told_mapping *told)
{
	struct prefetch *prefetch = context;
	struct mapping mapping = {
		.start = told->start, .end = told->end, .offset = told->offset, .kind = told->kind};
	struct object *object;
	char why[128];

	if (told->kind != MAPPING_FILE)
		return 0;
	if (now() > prefetch->until_ns)
		return -ETIME;
	mapping.file = mapped_files__take(prefetch->files, &told->file, told->path);
	if (!mapping.file)
		return -ENOMEM;
	if (!objects__get(prefetch->objects, prefetch->pid, &mapping, &object, why, sizeof(why)))
		objects__put(prefetch->objects, object);
	mapped_file__unref(mapping.file);
	return 0;
}

/* NULL: it need not be looked at, or there is no memory. */
static struct looked *due(struct prefetch *prefetch, uint32_t pid, uint64_t start_ns,
			  uint64_t now_ns)
{
	struct looked *looked, wanted = {.key = {.start_ns = start_ns, .pid = pid}};

	HASH_FIND(hh, prefetch->looked, &wanted.key, sizeof(wanted.key), looked);
	if (looked)
		return now_ns >= looked->next_ns ? looked : NULL;
	looked = calloc(1, sizeof(*looked));
	if (!looked)
		return NULL;
	if (HASH_COUNT(prefetch->looked) >= PROCESSES_MAX)
		drop(prefetch, prefetch->looked);
	looked->key = wanted.key;
	looked->pause_ns = FIRST_NS;
	HASH_ADD(hh, prefetch->looked, key, sizeof(looked->key), looked);
	if (looked->hh.tbl)
		return looked;
	free(looked);
	return NULL;
}

static void pay(struct prefetch *prefetch, struct looked *looked, uint64_t begin_ns)
{
	const uint64_t end_ns = now(), took_ns = end_ns - begin_ns;

	if (took_ns < DEAR_NS)
		return;
	prefetch->rest_ns = end_ns + took_ns;
	looked->next_ns = end_ns + DEAR_TIMES * took_ns;
}

void prefetch__process(struct prefetch *prefetch, uint32_t pid, uint64_t start_ns, uint64_t now_ns)
{
	struct looked *looked =
		now_ns < prefetch->rest_ns ? NULL : due(prefetch, pid, start_ns, now_ns);
	const uint64_t begin_ns = now();
	uint64_t skipped = 0;

	if (!looked)
		return;
	looked->next_ns = now_ns + looked->pause_ns;
	looked->pause_ns = looked->pause_ns < LONGEST_NS / 2 ? 2 * looked->pause_ns : LONGEST_NS;
	prefetch->pid = pid;
	prefetch->until_ns = begin_ns + LOOK_NS;
	/* What cannot be read is asked for again, and named, when a stack leads there. */
	(void)proc_maps__read(prefetch->proc, pid, false, read_file, prefetch, &skipped);
	pay(prefetch, looked, begin_ns);
}
