/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/stacks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "maps/parent_looks.h"
#include "stacks/arrival.h"
#include "stacks/huge_page.h"
#include "stacks/stacks_internal.h"

#define QUEUE_BYTES (64 * MIB)
#define TURN_NS     (20 * NS_PER_MS) /* the ring is to be emptied meanwhile */
#define FOREVER_NS  (1000000 * NS_PER_S)
#define HEAP_BYTES  (192 * MIB)
#define LINES_NS    (2 * NS_PER_S)    /* for source lines that are missing at the end */
#define HOLD_NS     (100 * NS_PER_MS) /* of perf's records, and therefore of samples */
#define LAST_NS     (200 * NS_PER_MS) /* of a last look at what is still there */

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* --- life ------------------------------------------------------------------------------------ */

static int make_kernel_frames(struct stacks *stacks, const struct stacks_options *options)
{
	const struct kernel_frames_options kernel = {
		.meanwhile = options->meanwhile,
		.meanwhile_context = options->meanwhile_context,
		.kallsyms_fd = options->kallsyms_fd,
		.modules = stacks->modules,
		.dictionary = stacks->dictionary,
		.sink = &stacks->sink,
	};

	return kernel_frames__new(&stacks->kernel_frames, &kernel);
}

int stacks__new(struct stacks **out, const struct stacks_options *options, char *why,
		size_t why_size)
{
	const struct perf_maps_options perf = {.hold_ns = HOLD_NS, .opener = options->opener};
	const struct address_spaces_options spaces = {0};
	const struct objects_options objects = {.proc = options->proc};
	const struct resident_options resident = {.sink = options->sink, .proc = options->proc};
	struct stacks *stacks = calloc(1, sizeof(*stacks));
	int error = -ENOMEM;

	if (!stacks)
		goto fail;
	stacks->sink = options->sink;
	stacks->queue.max_bytes = options->queue_bytes ? options->queue_bytes : QUEUE_BYTES;
	stacks->heap_bytes = options->heap_bytes ? options->heap_bytes : HEAP_BYTES;
	stacks->frame_pointers = options->frame_pointers;
	stacks->page_bytes = sysconf(_SC_PAGESIZE);
	stacks->cut = options->cut;
	stacks->cut_context = options->cut_context;
	if (address_spaces__new(&stacks->spaces, &spaces) ||
	    objects__new(&stacks->objects, &objects) ||
	    modules__new(&stacks->modules, stacks->objects, &stacks->patience, &stacks->sink) ||
	    dictionary__new(&stacks->dictionary, &stacks->sink) ||
	    jit_names__new(&stacks->jit_names, options->proc) ||
	    make_kernel_frames(stacks, options) ||
	    frame_lines__new(&stacks->lines, stacks->modules, &stacks->sink) ||
	    file_mappings__new(&stacks->file_mappings, options->proc) ||
	    resident__new(&stacks->resident, &resident) ||
	    prefetch__new(&stacks->prefetch, stacks->objects, options->proc))
		goto fail;
	error = perf_maps__open(&stacks->perf, &perf, why, why_size);
	if (error) {
		stacks__free(stacks);
		return error;
	}
	modules__number_from(stacks->modules, options->numbers.module);
	dictionary__number_from(stacks->dictionary, &options->numbers);
	stacks->look = (struct first_look){
		.spaces = stacks->spaces,
		.perf = stacks->perf,
		.proc = options->proc ? options->proc : "/proc",
	};
	*out = stacks;
	return 0;
fail:
	stacks__free(stacks);
	snprintf(why, why_size, "%s", strerror(-error));
	return error;
}

void stacks__free(struct stacks *stacks)
{
	if (!stacks)
		return;
	queue__clear(&stacks->queue);
	frame_lines__free(stacks->lines);
	file_mappings__free(stacks->file_mappings);
	prefetch__free(stacks->prefetch);
	resident__free(stacks->resident);
	jit_names__free(stacks->jit_names);
	kernel_frames__free(stacks->kernel_frames);
	dictionary__free(stacks->dictionary);
	modules__free(stacks->modules);
	objects__free(stacks->objects);
	address_spaces__free(stacks->spaces);
	perf_maps__close(stacks->perf);
	free(stacks);
}

int stacks__fd(const struct stacks *stacks)
{
	return perf_maps__fd(stacks->perf);
}

struct stacks_counts stacks__counts(const struct stacks *stacks)
{
	const struct perf_maps_counts perf = perf_maps__counts(stacks->perf);
	const struct resident_counts resident = resident__counts(stacks->resident);
	struct stacks_counts counts = stacks->counts;

	counts.pages_refused = resident.refused;
	counts.pages_unreadable = resident.unreadable;
	counts.too_slow = stacks->patience.samples;
	counts.too_large = modules__too_large(stacks->modules) +
			   kernel_frames__too_large(stacks->kernel_frames);
	counts.maps_lost = perf.lost + perf.refused + perf.torn;
	counts.cpus_joined = perf.joined;
	counts.cpus_unwatched = perf.unwatched;
	counts.bytes = stacks->queue.bytes + address_spaces__counts(stacks->spaces).bytes +
		       objects__counts(stacks->objects).bytes + modules__bytes(stacks->modules) +
		       dictionary__bytes(stacks->dictionary) + jit_names__bytes(stacks->jit_names) +
		       kernel_frames__bytes(stacks->kernel_frames) +
		       frame_lines__bytes(stacks->lines) +
		       file_mappings__bytes(stacks->file_mappings) + resident.bytes +
		       prefetch__bytes(stacks->prefetch);
	return counts;
}

void stacks__look_at(struct stacks *stacks, uint32_t pid, uint64_t now_ns)
{
	struct process_maps *process = address_spaces__process(stacks->spaces, pid, 0, now_ns);
	char why[128];

	if (process && process_maps__wants_look(process))
		(void)first_look(&stacks->look, process, pid, now_ns, now_ns, why, sizeof(why));
}

/* --- the queue ------------------------------------------------------------------------------- */

/* Which file is asked at once, for as long as it is mapped. */
static void ask_file(struct stacks *stacks, struct waiting *waiting)
{
	int error =
		stacks__file(stacks, &waiting->sample, clock_ns(CLOCK_MONOTONIC), &waiting->file);

	if (error && error != -ENOMEM && !stacks->take_error)
		stacks->take_error = error;
}

static void prefetch(struct stacks *stacks, const struct stack_sample *sample)
{
	/* What comes later with a page is of the same process. */
	if (sample->header.kind == STACK_SAMPLE_TAKEN)
		prefetch__process(stacks->prefetch, sample->task.pid, sample->task.start_ns,
				  clock_ns(CLOCK_MONOTONIC));
}

void stacks__take(struct stacks *stacks, const void *data, size_t bytes)
{
	const struct stack_sample_victim *victim = data;

	if (bytes == sizeof(*victim) && victim->header.kind == STACK_SAMPLE_VICTIM &&
	    victim->header.size_bytes == bytes) {
		frame_lines__hurry(stacks->lines, victim->pid);
		return;
	}
	stacks->counts.samples++;
	switch (queue__take(&stacks->queue, data, bytes)) {
	case QUEUE_TAKEN:
		prefetch(stacks, data);
		if (!stacks->queue.taken->file)
			ask_file(stacks, stacks->queue.taken);
		break;
	case QUEUE_MOVE:
		stacks->counts.samples--;
		break;
	case QUEUE_TORN:
		stacks->counts.torn++;
		break;
	case QUEUE_FULL:
		stacks->counts.refused++;
		break;
	case QUEUE_LATE:
		/* As large as a STACK_SAMPLE_MORE: no other record is late. */
		stacks->counts.late_more += settled__lacks(&stacks->settled, data);
		break;
	}
}

static int apply(void *context, const struct map_event *event)
{
	struct stacks *stacks = context;

	/* Out of memory: counted there, and everything goes on. */
	address_spaces__apply(stacks->spaces, event);
	if (event->kind == MAP_EVENT_EXEC || event->kind == MAP_EVENT_EXITED)
		resident__forget(stacks->resident, event->pid);
	return 0;
}

static bool has_come(struct stacks *stacks, struct stack_sample *sample)
{
	enum arrival arrival;

	if (huge_page__is_claimed(sample)) {
		arrival = huge_page__look(sample, stacks->look.proc, &stacks->huge_looks);
		stacks->counts.not_huge += arrival == ARRIVAL_NONE;
		stacks->counts.may_have_come += arrival == ARRIVAL_NOT_KNOWN;
		return arrival != ARRIVAL_NONE;
	}
	arrival = arrival__of(sample, stacks->look.proc, stacks->page_bytes);
	if (sample->flags & STACK_SAMPLE_EARLY && arrival != ARRIVAL_NONE)
		settled__add(&stacks->settled, sample->header.id);
	stacks->counts.never_came += arrival == ARRIVAL_NONE;
	stacks->counts.may_have_come += arrival == ARRIVAL_NOT_KNOWN;
	return arrival != ARRIVAL_NONE;
}

static bool is_waiting(const struct stacks *stacks, uint64_t until_ns)
{
	return stacks->queue.first && stacks->queue.first->sample.header.time_ns <= until_ns;
}

static void move(struct stacks *stacks, uint64_t until_ns)
{
	struct waiting_move *move;

	while ((move = queue__pop_move(&stacks->queue, until_ns))) {
		resident__move(stacks->resident, &move->moved);
		free(move);
	}
}

/* Samples until then, for so long. */
static int work_off(struct stacks *stacks, uint64_t until_ns, uint64_t time_ns)
{
	const uint64_t end_ns = clock_ns(CLOCK_MONOTONIC) + time_ns;
	uint64_t begin_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	int error = stacks->take_error;

	stacks->is_behind = false;
	while (is_waiting(stacks, until_ns) && !error) {
		struct waiting *waiting = queue__pop(&stacks->queue);
		bool came;

		move(stacks, waiting->sample.header.time_ns);
		came = has_come(stacks, &waiting->sample);
		if (came && waiting->sample.flags & STACK_SAMPLE_EARLY)
			ask_file(stacks, waiting);
		arrival__take_no_more_than_came(&waiting->sample);
		if (came)
			error = stacks__work(stacks, waiting, clock_ns(CLOCK_MONOTONIC));
		free(waiting);
		stacks->is_behind = clock_ns(CLOCK_MONOTONIC) > end_ns;
		if (stacks->is_behind)
			break;
	}
	if (!stacks->is_behind && !error)
		move(stacks, until_ns);
	stacks->counts.cpu_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin_ns;
	return error;
}

static void hear(struct stacks *stacks, uint64_t now_ns)
{
	perf_maps__drain(stacks->perf);
	parent_looks__take(&stacks->look, clock_ns(CLOCK_MONOTONIC));
	perf_maps__release(stacks->perf, now_ns, apply, stacks);
}

/* Each has a bound of its own, and all together are more than there may be: what can be had again
 * makes room for what cannot. */
static void keep_within(struct stacks *stacks)
{
	const size_t all = stacks__counts(stacks).bytes;
	const size_t modules =
		modules__bytes(stacks->modules) + objects__counts(stacks->objects).bytes;
	const size_t others = all > modules ? all - modules : 0;

	if (all > stacks->heap_bytes)
		modules__keep_within(stacks->modules, others < stacks->heap_bytes
							      ? (stacks->heap_bytes - others) / 2
							      : 0);
}

int stacks__turn(struct stacks *stacks, uint64_t now_ns)
{
	const uint64_t heard_ns = now_ns > HOLD_NS ? now_ns - HOLD_NS : 0;
	int error;

	perf_maps__follow_cpus(stacks->perf, now_ns);
	hear(stacks, now_ns);
	error = work_off(stacks, heard_ns, TURN_NS);
	/* Samples that wait need whoever they are of, and their pages are not known of yet. */
	if (!error && !stacks->is_behind) {
		error = resident__turn(stacks->resident, now_ns, heard_ns);
		address_spaces__tidy(stacks->spaces, now_ns);
	}
	keep_within(stacks);
	return error ? error : frame_lines__turn(stacks->lines, now_ns);
}

void stacks__meanwhile(struct stacks *stacks, uint64_t now_ns)
{
	perf_maps__follow_cpus(stacks->perf, now_ns);
	perf_maps__drain(stacks->perf);
}

bool stacks__is_behind(const struct stacks *stacks)
{
	return stacks->is_behind;
}

int stacks__lines_fd(const struct stacks *stacks)
{
	return frame_lines__fd(stacks->lines);
}

int stacks__finish(struct stacks *stacks)
{
	int error;

	hear(stacks, UINT64_MAX);
	error = work_off(stacks, UINT64_MAX, FOREVER_NS);
	if (error)
		return error;
	error = resident__look(stacks->resident, clock_ns(CLOCK_MONOTONIC), LAST_NS);
	if (error)
		return error;
	/* Who has ended meanwhile, or is another program. */
	hear(stacks, UINT64_MAX);
	error = resident__tell(stacks->resident, UINT64_MAX);
	return error ? error : frame_lines__finish(stacks->lines, LINES_NS);
}
