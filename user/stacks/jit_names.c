/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/jit_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "symbols/jit_map.h"
#include "symbols/safe_open.h"

/* Files may be dated by a clock that is a tick behind. */
#define SLACK_NS   NS_PER_S
#define DEAR_TIMES 10

struct named_process {
	uint32_t pid;
	uint64_t mm_id;
	struct jit_map *map; /* NULL: a free place */
	uint64_t tried_ns;
	uint64_t pause_ns; /* until it may be tried again */
	uint64_t used;     /* the higher, the later */
};

struct jit_names {
	const char *proc;
	struct named_process processes[JIT_NAMES_PROCESSES];
	uint64_t uses;
	uint64_t reads;
};

int jit_names__new(struct jit_names **out, const char *proc)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	(*out)->proc = proc ? proc : "/proc";
	return 0;
}

static void drop(struct named_process *process)
{
	jit_map__free(process->map);
	*process = (struct named_process){0};
}

void jit_names__free(struct jit_names *names)
{
	if (!names)
		return;
	for (unsigned int i = 0; i < JIT_NAMES_PROCESSES; i++)
		drop(&names->processes[i]);
	free(names);
}

/* What the process takes for its pid, and whose files it makes. */
struct identity {
	uint32_t ns_pid;
	uid_t uid;
};

static bool read_identity(const char *proc, uint32_t pid, struct identity *out)
{
	char path[256], line[512];
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%u/status", proc, pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	out->ns_pid = pid;
	while (fgets(line, sizeof(line), file)) {
		const char *last = strrchr(line, '\t');

		if (sscanf(line, "Uid: %*u %u", &out->uid) == 1)
			found = true;
		else if (!strncmp(line, "NSpid:", 6) && last)
			out->ns_pid = (uint32_t)strtoul(last + 1, NULL, 10);
	}
	fclose(file);
	return found;
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * (int64_t)NS_PER_S + now.tv_nsec;
}

/* A file that was last written before the process began is another one's that had its pid. */
static int64_t oldest_ns(const struct jit_process *process)
{
	if (!process->start_ns)
		return 0;
	return clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC) + (int64_t)process->start_ns -
	       (int64_t)SLACK_NS;
}

static void read_names(struct jit_names *names, struct named_process *named,
		       const struct jit_process *process)
{
	struct identity identity;
	int root;

	names->reads++;
	if (!read_identity(names->proc, process->pid, &identity))
		return;
	root = safe_open__root(names->proc, process->pid);
	if (root < 0)
		return;
	/* Without the file there are no names; what was read stays. */
	(void)jit_map__update(named->map, root, identity.ns_pid, identity.uid, oldest_ns(process));
	closep(&root);
}

size_t jit_names__bytes(const struct jit_names *names)
{
	size_t bytes = sizeof(*names);

	for (unsigned int i = 0; i < JIT_NAMES_PROCESSES; i++) {
		if (names->processes[i].map)
			bytes += jit_map__bytes(names->processes[i].map);
	}
	return bytes;
}

uint64_t jit_names__reads(const struct jit_names *names)
{
	return names->reads;
}

/* The least recently used one but `kept`; NULL: there is no other. */
static struct named_process *least_used(struct jit_names *names, const struct named_process *kept)
{
	struct named_process *least = NULL;

	for (unsigned int i = 0; i < JIT_NAMES_PROCESSES; i++) {
		struct named_process *process = &names->processes[i];

		if (process != kept && process->map && (!least || process->used < least->used))
			least = process;
	}
	return least;
}

static void make_room(struct jit_names *names, const struct named_process *kept)
{
	struct named_process *process;

	while (jit_names__bytes(names) > JIT_NAMES_MAX_BYTES && (process = least_used(names, kept)))
		drop(process);
}

static struct named_process *named_process_of(struct jit_names *names,
					      const struct jit_process *process)
{
	struct named_process *place, *free_place = NULL;

	for (unsigned int i = 0; i < JIT_NAMES_PROCESSES; i++) {
		place = &names->processes[i];
		if (!place->map)
			free_place = place;
		else if (place->pid == process->pid && place->mm_id == process->mm_id)
			return place;
	}
	place = free_place ? free_place : least_used(names, NULL);
	drop(place);
	if (jit_map__new(&place->map)) {
		place->map = NULL;
		return NULL;
	}
	place->pid = process->pid;
	place->mm_id = process->mm_id;
	return place;
}

bool jit_names__find(struct jit_names *names, const struct jit_process *process, uint64_t address,
		     uint64_t now_ns, struct symbol *out)
{
	struct named_process *named = named_process_of(names, process);
	int64_t begin_ns;

	if (!named)
		return false;
	named->used = ++names->uses;
	if (jit_map__find(named->map, address, out))
		return true;
	if (!process->is_there || (named->tried_ns && now_ns < named->tried_ns + named->pause_ns))
		return false;
	begin_ns = clock_ns(CLOCK_MONOTONIC);
	named->tried_ns = now_ns;
	read_names(names, named, process);
	named->pause_ns = DEAR_TIMES * (uint64_t)(clock_ns(CLOCK_MONOTONIC) - begin_ns);
	if (named->pause_ns < JIT_NAMES_AGAIN_NS)
		named->pause_ns = JIT_NAMES_AGAIN_NS;
	make_room(names, named);
	return jit_map__find(named->map, address, out);
}
