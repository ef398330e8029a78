/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/frame_lines.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Without it uthash ends the program when memory is short. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "symbols/lines.h"

#define BATCH   256 /* addresses that one child looks up */
#define VICTIMS 8   /* the last so many are told apart */

struct place_key {
	uint64_t address;
	uint64_t module;
};

struct place {
	struct place_key key;
	uint64_t bytes; /* grown by stacks through here */
	uint64_t not_before_ns;
	uint32_t id;   /* what the frame was last told as */
	uint32_t told; /* what its line was last told for; 0: nothing */
	uint32_t line;
	uint32_t pid; /* who grew by it last */
	bool looked;  /* for its line */
	bool hurried; /* somebody who grew by it was killed */
	char *file;   /* NULL: not known */
	UT_hash_handle hh;
};

struct frame_lines {
	struct modules *modules;
	struct stack_sink sink;
	struct place *places; /* the oldest first */
	size_t file_bytes;
	bool due;   /* there may be a place to look at */
	bool hurry; /* one of those that are hurried */
	uint32_t victims[VICTIMS];
	unsigned int victim_count; /* ever */
	uint64_t next_ns;
	uint64_t later_ns; /* then there is a place to look at that has to wait until then; 0: none
			    */

	/* What a child looks for. */
	struct lines_search *search; /* NULL: none does */
	bool search_hurries;
	uint64_t began_ns;
	uint32_t module;
	size_t count;
	uint64_t vaddrs[BATCH];
	struct source_line found[BATCH];
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

int frame_lines__new(struct frame_lines **out, struct modules *modules,
		     const struct stack_sink *sink)
{
	struct frame_lines *lines = calloc(1, sizeof(*lines));

	if (!lines)
		return -ENOMEM;
	lines->modules = modules;
	lines->sink = *sink;
	*out = lines;
	return 0;
}

static void drop(struct frame_lines *lines, struct place *place)
{
	HASH_DEL(lines->places, place);
	if (place->file)
		lines->file_bytes -= strlen(place->file) + 1;
	free(place->file);
	free(place);
}

void frame_lines__free(struct frame_lines *lines)
{
	if (!lines)
		return;
	lines__stop(lines->search);
	lines__free(lines->found, lines->count);
	while (lines->places)
		drop(lines, lines->places);
	free(lines);
}

size_t frame_lines__bytes(const struct frame_lines *lines)
{
	return sizeof(*lines) + lines->file_bytes +
	       HASH_COUNT(lines->places) * sizeof(struct place);
}

int frame_lines__fd(const struct frame_lines *lines)
{
	return lines->search ? lines__fd(lines->search) : -1;
}

static struct place *find(const struct frame_lines *lines, uint32_t module, uint64_t address)
{
	const struct place_key key = {.address = address, .module = module};
	struct place *place;

	HASH_FIND(hh, lines->places, &key, sizeof(key), place);
	return place;
}

/* NULL: no memory, and it has no line. */
static struct place *add(struct frame_lines *lines, const struct module *module, uint64_t address)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return NULL;
	if (HASH_COUNT(lines->places) >= FRAME_LINES_MAX)
		drop(lines, lines->places);
	place->key = (struct place_key){.address = address, .module = module->id};
	if (modules__lines_can_wait(module))
		place->not_before_ns = now_ns() + FRAME_LINES_LATER_NS;
	HASH_ADD(hh, lines->places, key, sizeof(place->key), place);
	if (place->hh.tbl)
		return place;
	free(place);
	return NULL;
}

static int tell(struct frame_lines *lines, struct place *place)
{
	const struct stack_frame_line told = {
		.frame = place->id,
		.file = place->file,
		.line = place->line,
	};

	if (!place->file || place->told == place->id)
		return 0;
	place->told = place->id;
	return lines->sink.line(lines->sink.context, &told);
}

static bool is_victim(const struct frame_lines *lines, uint32_t pid)
{
	for (unsigned int i = 0; i < VICTIMS; i++) {
		if (pid && lines->victims[i] == pid)
			return true;
	}
	return false;
}

static void hurry(struct frame_lines *lines, struct place *place)
{
	place->hurried = true;
	if (!place->looked)
		lines->due = lines->hurry = true;
}

int frame_lines__grew(struct frame_lines *lines, const struct module *module, uint64_t address,
		      uint32_t id, uint32_t pid, uint64_t bytes)
{
	struct place *place = find(lines, module->id, address);

	if (!place && !module->lineless)
		place = add(lines, module, address);
	if (!place)
		return 0;
	place->id = id;
	place->pid = pid;
	place->bytes += bytes;
	if (is_victim(lines, pid))
		hurry(lines, place);
	lines->due |= !place->looked && place->bytes >= FRAME_LINES_MIN_BYTES;
	return tell(lines, place);
}

/* --- looking ---------------------------------------------------------------------------------- */

/* What is looked for now. */
struct wanted {
	uint64_t min_bytes;
	uint64_t now_ns; /* UINT64_MAX: nothing waits any more */
};

static bool is_due(const struct place *place, const struct wanted *wanted)
{
	return !place->looked && (place->hurried || (place->bytes >= wanted->min_bytes &&
						     place->not_before_ns <= wanted->now_ns));
}

/* 0: nothing waits. */
static uint64_t when_due_later(const struct frame_lines *lines, const struct wanted *wanted)
{
	uint64_t when_ns = 0;

	for (const struct place *place = lines->places; place; place = place->hh.next) {
		if (place->looked || place->bytes < wanted->min_bytes ||
		    place->not_before_ns <= wanted->now_ns)
			continue;
		if (!when_ns || place->not_before_ns < when_ns)
			when_ns = place->not_before_ns;
	}
	return when_ns;
}

static int compare(const void *left, const void *right)
{
	const struct place *a = *(struct place *const *)left, *b = *(struct place *const *)right;

	if (a->hurried != b->hurried)
		return a->hurried ? -1 : 1;
	return (a->bytes < b->bytes) - (a->bytes > b->bytes);
}

static bool comes_before(const struct place *a, const struct place *b)
{
	return compare(&a, &b) < 0;
}

/* The heaviest places of the module that has the heaviest, marked; false: there is none, or no
 * memory. */
static bool choose(struct frame_lines *lines, const struct wanted *wanted)
{
	_cleanup_(freep) struct place **due = NULL;
	const struct place *heaviest = NULL;
	size_t count = 0;

	for (struct place *place = lines->places; place; place = place->hh.next) {
		if (is_due(place, wanted) && (!heaviest || comes_before(place, heaviest)))
			heaviest = place;
	}
	lines->due = heaviest != NULL;
	if (!heaviest)
		lines->later_ns = when_due_later(lines, wanted);
	lines->hurry = lines->search_hurries = heaviest && heaviest->hurried;
	due = heaviest ? calloc(HASH_COUNT(lines->places), sizeof(*due)) : NULL;
	if (!due)
		return false;
	for (struct place *place = lines->places; place; place = place->hh.next) {
		if (is_due(place, wanted) && place->key.module == heaviest->key.module)
			due[count++] = place;
	}
	qsort(due, count, sizeof(struct place *), compare);
	lines->module = (uint32_t)heaviest->key.module;
	lines->count = count < BATCH ? count : BATCH;
	for (size_t i = 0; i < lines->count; i++) {
		due[i]->looked = true;
		lines->vaddrs[i] = due[i]->key.address;
	}
	return true;
}

static void begin(struct frame_lines *lines, const struct wanted *wanted, uint64_t budget_ns)
{
	while (!lines->search && choose(lines, wanted)) {
		_cleanup_(closep) int fd = modules__open_lines(lines->modules, lines->module);

		if (fd < 0)
			continue;
		lines->began_ns = now_ns();
		if (lines__start(&lines->search, lines->found, lines->vaddrs, lines->count, fd,
				 budget_ns))
			return;
	}
}

static int take_found(struct frame_lines *lines, size_t index)
{
	struct place *place = find(lines, lines->module, lines->vaddrs[index]);
	struct source_line *found = &lines->found[index];

	if (!place || !found->file || place->file)
		return 0;
	place->file = found->file;
	place->line = found->line;
	lines->file_bytes += strlen(place->file) + 1;
	found->file = NULL;
	return tell(lines, place);
}

/* Files that only their process leads to are read while it lives, or never. */
static void pay(struct frame_lines *lines, uint64_t now)
{
	const uint64_t saved_ns = FRAME_LINES_BURST_NS * FRAME_LINES_SHARE;

	if (lines->next_ns + saved_ns < now)
		lines->next_ns = now - saved_ns;
	lines->next_ns += (now - lines->began_ns) * FRAME_LINES_SHARE;
}

/* The child has ended, if it has. */
static int look(struct frame_lines *lines)
{
	int ended = lines__look(lines->search), error = 0;
	uint64_t now = now_ns();

	if (ended == -EAGAIN)
		return 0;
	lines__stop(lines->search);
	lines->search = NULL;
	pay(lines, now);
	if (ended)
		modules__has_no_lines(lines->modules, lines->module);
	for (size_t i = 0; i < lines->count && !error; i++)
		error = take_found(lines, i);
	lines__free(lines->found, lines->count);
	return error;
}

/* What is looked for now has to wait. */
static void give_up(struct frame_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++) {
		struct place *place = find(lines, lines->module, lines->vaddrs[i]);

		if (place)
			place->looked = false;
	}
	lines__stop(lines->search);
	lines->search = NULL;
	lines__free(lines->found, lines->count);
	lines->due = true;
}

void frame_lines__hurry(struct frame_lines *lines, uint32_t pid)
{
	lines->victims[lines->victim_count++ % VICTIMS] = pid;
	for (struct place *place = lines->places; place; place = place->hh.next) {
		if (place->pid == pid)
			hurry(lines, place);
	}
	if (lines->search && lines->hurry && !lines->search_hurries)
		give_up(lines);
}

int frame_lines__turn(struct frame_lines *lines, uint64_t now)
{
	const struct wanted wanted = {.min_bytes = FRAME_LINES_MIN_BYTES, .now_ns = now};
	int error = lines->search ? look(lines) : 0;

	if (lines->later_ns && now >= lines->later_ns)
		lines->due = true;
	if (!error && !lines->search && lines->due && (lines->hurry || now >= lines->next_ns))
		begin(lines, &wanted, FRAME_LINES_CHILD_NS);
	return error;
}

int frame_lines__finish(struct frame_lines *lines, uint64_t budget_ns)
{
	const struct wanted all = {.now_ns = UINT64_MAX};
	const uint64_t until_ns = now_ns() + budget_ns;
	int error = 0;

	for (;;) {
		struct pollfd poll_fd = {.events = POLLIN};
		uint64_t now = now_ns();

		if (now >= until_ns || error)
			break;
		if (!lines->search)
			begin(lines, &all, until_ns - now);
		if (!lines->search)
			break;
		poll_fd.fd = lines__fd(lines->search);
		now = now_ns();
		if (now < until_ns)
			(void)poll(&poll_fd, 1, (int)((until_ns - now) / NS_PER_MS) + 1);
		error = look(lines);
	}
	lines__stop(lines->search);
	lines->search = NULL;
	lines__free(lines->found, lines->count);
	return error;
}
