/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/stacks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "maps/address_spaces.h"
#include "maps/first_look.h"
#include "maps/objects.h"
#include "maps/perf_maps.h"
#include "stacks/dictionary.h"
#include "stacks/jit_names.h"
#include "stacks/modules.h"
#include "stacks/queue.h"
#include "stacks/registers.h"
#include "symbols/demangle.h"

#define QUEUE_BYTES (16 * MIB)
#define HOLD_NS     (100 * NS_PER_MS) /* of perf's records, and therefore of samples */

struct stacks {
	struct stack_sink sink;
	struct perf_maps *perf;
	struct address_spaces *spaces;
	struct first_look look;
	struct objects *objects;
	struct modules *modules;
	struct dictionary *dictionary;
	struct jit_names *jit_names;
	struct queue queue;
	bool frame_pointers;
	struct stacks_counts counts;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* --- life ------------------------------------------------------------------------------------ */

int stacks__new(struct stacks **out, const struct stacks_options *options, char *why,
		size_t why_size)
{
	const struct perf_maps_options perf = {.hold_ns = HOLD_NS};
	const struct address_spaces_options spaces = {0};
	const struct objects_options objects = {.proc = options->proc};
	struct stacks *stacks = calloc(1, sizeof(*stacks));
	int error = -ENOMEM;

	if (!stacks)
		goto fail;
	stacks->sink = options->sink;
	stacks->queue.max_bytes = options->queue_bytes ? options->queue_bytes : QUEUE_BYTES;
	stacks->frame_pointers = options->frame_pointers;
	if (address_spaces__new(&stacks->spaces, &spaces) ||
	    objects__new(&stacks->objects, &objects) ||
	    modules__new(&stacks->modules, stacks->objects, &stacks->sink) ||
	    dictionary__new(&stacks->dictionary, &stacks->sink) ||
	    jit_names__new(&stacks->jit_names, options->proc))
		goto fail;
	error = perf_maps__open(&stacks->perf, &perf, why, why_size);
	if (error) {
		stacks__free(stacks);
		return error;
	}
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
	jit_names__free(stacks->jit_names);
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
	struct stacks_counts counts = stacks->counts;

	counts.maps_lost = perf.lost + perf.refused + perf.torn;
	counts.cpus_joined = perf.joined;
	counts.cpus_unwatched = perf.unwatched;
	counts.bytes = stacks->queue.bytes + address_spaces__counts(stacks->spaces).bytes +
		       objects__counts(stacks->objects).bytes + modules__bytes(stacks->modules) +
		       dictionary__bytes(stacks->dictionary) + jit_names__bytes(stacks->jit_names);
	return counts;
}

/* --- one sample ------------------------------------------------------------------------------ */

/* A walk's context. */
struct walk_at {
	struct stacks *stacks;
	struct process_maps *process;
	const struct stack_sample *sample;
};

static struct module *module_at(const struct walk_at *at, uint64_t pc, struct mapping *mapping,
				uint64_t *vaddr)
{
	struct module *module;

	if (!process_maps__find(at->process, pc, at->sample->header.time_ns, mapping)) {
		mapping->kind = MAPPING_OTHER;
		return NULL;
	}
	module = modules__of(at->stacks->modules, at->sample->task.pid, mapping);
	if (module && !object__vaddr(module->object, pc - mapping->start + mapping->offset, vaddr))
		return NULL;
	return module;
}

static bool find_place(void *context, uint64_t pc, struct unwind_place *out)
{
	const struct walk_at *at = context;
	struct mapping mapping;
	struct module *module = module_at(at, pc, &mapping, &out->vaddr);

	if (!module && mapping.kind == MAPPING_OTHER)
		return false;
	out->cfi = module && !at->stacks->frame_pointers ? module->cfi : NULL;
	return true;
}

static enum stack_end stack_end(enum unwind_end end)
{
	switch (end) {
	case UNWIND_COMPLETE:
		return STACK_END_COMPLETE;
	case UNWIND_CUT:
		return STACK_END_CUT;
	case UNWIND_NO_MEMORY:
		return STACK_END_NO_MEMORY;
	case UNWIND_NO_RULE:
		return STACK_END_NO_RULE;
	case UNWIND_NO_MAPPING:
		return STACK_END_NO_MAPPING;
	case UNWIND_CYCLE:
		return STACK_END_CYCLE;
	case UNWIND_TOO_DEEP:
		return STACK_END_TOO_DEEP;
	}
	return STACK_END_NO_RULE;
}

static enum frame_kind frame_kind(enum mapping_kind kind)
{
	switch (kind) {
	case MAPPING_FILE:
		return FRAME_NATIVE;
	case MAPPING_ANONYMOUS:
		return FRAME_JIT;
	case MAPPING_VDSO:
		return FRAME_VDSO;
	default:
		return FRAME_UNKNOWN;
	}
}

/* Code made at run time: anonymous, or of a file that is no program (of memfd_create(2)). */
static void name_jit(const struct walk_at *at, struct stack_frame *frame, uint64_t now_ns)
{
	const struct stack_sample *sample = at->sample;
	const struct jit_process process = {
		.pid = sample->task.pid,
		.start_ns = sample->task.start_ns,
		.mm_id = sample->mm_id,
		.is_there = process_maps__is_newest(at->process),
	};
	struct symbol symbol;

	if (!jit_names__find(at->stacks->jit_names, &process, frame->address, now_ns, &symbol))
		return;
	frame->kind = FRAME_JIT;
	frame->name = symbol.name;
	frame->start = symbol.start;
}

/* Tells a frame that is new. */
static int add_frame(const struct walk_at *at, struct stack_frame *frame, struct module *module,
		     uint64_t now_ns, uint32_t *id)
{
	struct stacks *stacks = at->stacks;
	struct symbol symbol;
	char *readable = NULL;
	int error;

	if (module) {
		error = modules__tell(stacks->modules, module, now_ns);
		if (error)
			return error;
		if (modules__name(stacks->modules, module, frame->address, &symbol)) {
			readable = demangle(symbol.name);
			frame->name = readable ? readable : symbol.name;
			frame->start = symbol.start;
		}
	}
	stacks->counts.unnamed += !frame->name;
	error = dictionary__add_frame(stacks->dictionary, frame, now_ns, id);
	free(readable);
	return error;
}

static int frame_number(const struct walk_at *at, uint64_t pc, uint64_t now_ns, uint32_t *id)
{
	struct stack_frame frame = {0};
	struct mapping mapping;
	struct module *module = module_at(at, pc, &mapping, &frame.address);

	frame.kind = frame_kind(mapping.kind);
	if (module)
		frame.module = module->id;
	else
		frame.address = pc;
	if (!module && (frame.kind == FRAME_JIT || frame.kind == FRAME_NATIVE))
		name_jit(at, &frame, now_ns);
	*id = dictionary__frame(at->stacks->dictionary, &frame, now_ns);
	return *id ? 0 : add_frame(at, &frame, module, now_ns, id);
}

static int tell_growth(struct stacks *stacks, const struct stack_sample *sample, uint32_t stack)
{
	struct stack_growth growth = {
		.task = sample->task,
		.time_ns = sample->header.time_ns,
		.mm_id = sample->mm_id,
		.address = sample->address,
		.block_bytes = sample->block_bytes,
		.stack = stack,
		.in_kernel = sample->flags & STACK_SAMPLE_KERNEL,
	};

	memcpy(growth.pages, sample->pages, sizeof(growth.pages));
	return stacks->sink.growth(stacks->sink.context, &growth);
}

static int work(struct stacks *stacks, const struct stack_sample *sample, uint64_t now_ns)
{
	const size_t below = sample->stack_from & (STACK_PAGE_BYTES - 1);
	const struct unwind_stack stack = {
		.from = sample->stack_from,
		.bytes = sample->stack + below,
		.size = sample->stack_bytes,
		.cut = sample->flags & STACK_SAMPLE_CUT,
	};
	struct walk_at at = {.stacks = stacks, .sample = sample};
	struct unwind_frame frames[EVENT_STACK_FRAMES];
	uint32_t numbers[EVENT_STACK_FRAMES], id = 0;
	struct unwind_state state;
	enum stack_end end;
	size_t count = 0;
	char why[128];
	int error = 0;

	at.process = address_spaces__process(stacks->spaces, sample->task.pid,
					     sample->task.start_ns, sample->header.time_ns);
	if (!at.process)
		return tell_growth(stacks, sample, 0);
	if (process_maps__wants_look(at.process))
		first_look(&stacks->look, at.process, sample->task.tid, sample->header.time_ns,
			   now_ns, why, sizeof(why));
	registers__read(&state, sample->registers);
	end = stack_end(
		unwind__walk(&state, &stack, find_place, &at, frames, EVENT_STACK_FRAMES, &count));
	stacks->counts.ends[end]++;
	for (size_t i = 0; i < count && !error; i++)
		error = frame_number(&at, frames[i].pc - !frames[i].exact, now_ns, &numbers[i]);
	if (!error)
		error = dictionary__chain(stacks->dictionary, numbers, count, end, now_ns, &id);
	if (error && error != -ENOMEM)
		return error;
	return tell_growth(stacks, sample, id);
}

/* --- the queue ------------------------------------------------------------------------------- */

void stacks__take(struct stacks *stacks, const void *data, size_t bytes)
{
	stacks->counts.samples++;
	switch (queue__take(&stacks->queue, data, bytes)) {
	case QUEUE_TAKEN:
		break;
	case QUEUE_TORN:
		stacks->counts.torn++;
		break;
	case QUEUE_FULL:
		stacks->counts.refused++;
		break;
	case QUEUE_LATE:
		stacks->counts.late_more++;
		break;
	}
}

static int apply(void *context, const struct map_event *event)
{
	struct stacks *stacks = context;

	/* Out of memory: counted there, and everything goes on. */
	address_spaces__apply(stacks->spaces, event);
	return 0;
}

static int work_off(struct stacks *stacks, uint64_t until_ns)
{
	uint64_t begin_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	int error = 0;

	while (stacks->queue.first && stacks->queue.first->sample.header.time_ns <= until_ns &&
	       !error) {
		struct waiting *waiting = queue__pop(&stacks->queue);

		error = work(stacks, &waiting->sample, clock_ns(CLOCK_MONOTONIC));
		free(waiting);
	}
	stacks->counts.cpu_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin_ns;
	return error;
}

int stacks__turn(struct stacks *stacks, uint64_t now_ns)
{
	int error;

	perf_maps__follow_cpus(stacks->perf, now_ns);
	perf_maps__drain(stacks->perf);
	perf_maps__release(stacks->perf, now_ns, apply, stacks);
	error = work_off(stacks, now_ns > HOLD_NS ? now_ns - HOLD_NS : 0);
	address_spaces__tidy(stacks->spaces, now_ns);
	return error;
}

int stacks__finish(struct stacks *stacks)
{
	perf_maps__drain(stacks->perf);
	perf_maps__release(stacks->perf, UINT64_MAX, apply, stacks);
	return work_off(stacks, UINT64_MAX);
}
