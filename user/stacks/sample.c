/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/stacks_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stacks/registers.h"
#include "symbols/demangle.h"

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
	out->entry = out->cfi && out->vaddr &&
		     (out->vaddr == module->init_vaddr || out->vaddr == module->fini_vaddr);
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

static uint64_t grown_bytes(const struct stack_sample *sample)
{
	int64_t pages = (int64_t)sample->pages[GROWTH_ANON] + sample->pages[GROWTH_FILE] +
			sample->pages[GROWTH_SHMEM];

	return pages > 0 ? (uint64_t)pages * sample->block_bytes : 0;
}

static int frame_number(const struct walk_at *at, uint64_t pc, uint64_t now_ns, uint32_t *id)
{
	struct stack_frame frame = {0};
	struct mapping mapping;
	struct module *module = module_at(at, pc, &mapping, &frame.address);
	int error = 0;

	/* As code of no file: under the module's number it would be remembered as nameless. */
	if (module && !modules__can_name(at->stacks->modules, module))
		module = NULL;
	frame.kind = frame_kind(mapping.kind);
	if (module)
		frame.module = module->id;
	else
		frame.address = pc;
	if (!module && (frame.kind == FRAME_JIT || frame.kind == FRAME_NATIVE))
		name_jit(at, &frame, now_ns);
	*id = dictionary__frame(at->stacks->dictionary, &frame, now_ns);
	if (!*id)
		error = add_frame(at, &frame, module, now_ns, id);
	if (error || !module)
		return error;
	return frame_lines__grew(at->stacks->lines, module, frame.address, *id,
				 at->sample->task.pid, grown_bytes(at->sample));
}

/* What is looked at afterwards says only that it is no anonymous page. */
static void tell_shmem_apart(struct stack_sample *sample, uint32_t file_flags)
{
	if (!(sample->flags & STACK_SAMPLE_EARLY) ||
	    !(file_flags & (FILE_TMPFS | FILE_MEMFD | FILE_SYSV | FILE_ANONYMOUS)))
		return;
	sample->pages[GROWTH_SHMEM] += sample->pages[GROWTH_FILE];
	sample->pages[GROWTH_FILE] = 0;
}

int stacks__file(struct stacks *stacks, struct stack_sample *sample, uint64_t now_ns, uint32_t *id)
{
	const struct file_process process = {
		.pid = sample->task.pid, .start_ns = sample->task.start_ns, .mm_id = sample->mm_id};
	struct stack_file file = {0};
	struct file_mapping mapping;

	*id = 0;
	if (sample->pages[GROWTH_FILE] <= 0 && sample->pages[GROWTH_SHMEM] <= 0)
		return 0;
	if (!file_mappings__find(stacks->file_mappings, &process, sample->address,
				 sample->header.time_ns, now_ns, &mapping))
		return 0;
	tell_shmem_apart(sample, mapping.flags);
	file.flags = mapping.flags;
	file.path = mapping.path;
	file.mount = mapping.mount;
	return dictionary__file(stacks->dictionary, &file, now_ns, id);
}

/* And what is still there of it will be looked at, unless another program is there by now. */
static int tell_growth(struct stacks *stacks, const struct waiting *waiting,
		       const struct process_maps *process, uint32_t stack)
{
	const struct stack_sample *sample = &waiting->sample;
	struct stack_growth growth = {
		.task = sample->task,
		.time_ns = sample->header.time_ns,
		.mm_id = sample->mm_id,
		.address = sample->address,
		.block_bytes = sample->block_bytes,
		.stack = stack,
		.file = waiting->file,
		.in_kernel = sample->flags & STACK_SAMPLE_KERNEL,
	};
	int error;

	memcpy(growth.pages, sample->pages, sizeof(growth.pages));
	error = stacks->sink.growth(stacks->sink.context, &growth);
	if (error || !process || process_maps__is_another_since(process, growth.time_ns))
		return error;
	return resident__add(stacks->resident, &growth);
}

/* Nobody calls where a program begins, whatever its rules leave unsaid about it. */
static bool is_entry(const struct walk_at *at, uint64_t pc)
{
	struct mapping mapping;
	struct symbol symbol;
	uint64_t vaddr;
	struct module *module = module_at(at, pc, &mapping, &vaddr);

	return module && object__entry(module->object) &&
	       modules__can_name(at->stacks->modules, module) &&
	       modules__name(at->stacks->modules, module, vaddr, &symbol) &&
	       symbol.start == object__entry(module->object);
}

/* execve(2) itself grew the new program: what called it is the old one, which has gone. */
static int chain_of_exec(const struct walk_at *at, uint64_t now_ns, uint32_t *id)
{
	uint32_t numbers[KERNEL_FRAMES_MAX];
	size_t count;
	int error = kernel_frames__of(at->stacks->kernel_frames, at->sample, "[execve]", now_ns,
				      numbers, &count);

	return error ? error
		     : dictionary__chain(at->stacks->dictionary, numbers, count, STACK_END_COMPLETE,
					 now_ns, id);
}

static int chain_of_walk(const struct walk_at *at, uint64_t now_ns, uint32_t *id)
{
	const struct stack_sample *sample = at->sample;
	const size_t below = sample->stack_from & (STACK_PAGE_BYTES - 1);
	const struct unwind_stack stack = {
		.from = sample->stack_from,
		.bytes = sample->stack + below,
		.size = sample->stack_bytes,
		.missing = sample->stack_missing,
		.cut = sample->flags & STACK_SAMPLE_CUT,
	};
	struct unwind_frame frames[EVENT_STACK_FRAMES];
	uint32_t numbers[EVENT_STACK_FRAMES];
	struct stacks *stacks = at->stacks;
	struct unwind_state state;
	enum stack_end end;
	size_t inner = 0, count = 0;
	int error = 0;

	/* What it was in the kernel for stands before its own frames. */
	if (sample->flags & STACK_SAMPLE_KERNEL)
		error = kernel_frames__of(stacks->kernel_frames, sample, NULL, now_ns, numbers,
					  &inner);
	if (error)
		return error;
	/* The kernel's names, which the first of all samples waits for, are nobody's files. */
	patience__begin(&stacks->patience, sample->task.pid, sample->task.start_ns);
	registers__read(&state, sample->registers);
	end = stack_end(unwind__walk(&state, &stack, find_place, (void *)at, frames,
				     EVENT_STACK_FRAMES - inner, &count));
	if (end != STACK_END_COMPLETE && count && is_entry(at, frames[count - 1].pc))
		end = STACK_END_COMPLETE;
	stacks->counts.ends[end]++;
	if (end == STACK_END_CUT && stacks->cut)
		stacks->cut(stacks->cut_context, &sample->task, below + sample->stack_bytes);
	for (size_t i = 0; i < count && !error; i++)
		error = frame_number(at, frames[i].pc - !frames[i].exact, now_ns,
				     &numbers[inner + i]);
	patience__end(&stacks->patience, sample->task.pid, sample->task.start_ns);
	return error ? error
		     : dictionary__chain(stacks->dictionary, numbers, inner + count, end, now_ns,
					 id);
}

int stacks__work(struct stacks *stacks, const struct waiting *waiting, uint64_t now_ns)
{
	const struct stack_sample *sample = &waiting->sample;
	struct walk_at at = {.stacks = stacks, .sample = sample};
	uint32_t id = 0;
	char why[128];
	int error;

	at.process = address_spaces__process(stacks->spaces, sample->task.pid,
					     sample->task.start_ns, sample->header.time_ns);
	if (!at.process)
		return tell_growth(stacks, waiting, NULL, 0);
	if (process_maps__wants_look(at.process))
		first_look(&stacks->look, at.process, sample->task.tid, sample->header.time_ns,
			   now_ns, why, sizeof(why));
	error = sample->flags & STACK_SAMPLE_EXEC ? chain_of_exec(&at, now_ns, &id)
						  : chain_of_walk(&at, now_ns, &id);
	if (error && error != -ENOMEM)
		return error;
	return tell_growth(stacks, waiting, at.process, id);
}
