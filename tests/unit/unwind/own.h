/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* This process as somebody to unwind: its mappings with their objects, its registers, its stack. */

#include "tests/unit/elf/image.h"

#include <pthread.h>
#include <sys/auxv.h>
#include <ucontext.h>

#include "unwind/cfi.h"
#include "unwind/unwind.h"

#define OWN_MAPPINGS_MAX 64
#define OWN_FRAMES_MAX   128

struct own_mapping {
	uint64_t start, end, file_offset;
	struct object *object; /* NULL: of no file */
	struct cfi *cfi;
};

struct own {
	struct own_mapping mappings[OWN_MAPPINGS_MAX];
	size_t count;
};

static inline struct object *own__vdso(uint64_t start, uint64_t end)
{
	struct object *object = NULL;
	char why[256] = "";

	if (object__read_memory(&object, (void *)start, end - start, why, sizeof(why)))
		fail_msg("vDSO: %s", why);
	return object;
}

/* What is executable. */
static inline void own__load(struct own *own)
{
	char line[PATH_MAX + 128];
	FILE *maps = fopen("/proc/self/maps", "re");

	own->count = 0;
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		struct own_mapping *mapping = &own->mappings[own->count];
		char rights[8], path[PATH_MAX] = "";

		if (sscanf(line, "%lx-%lx %7s %lx %*s %*s %s", &mapping->start, &mapping->end,
			   rights, &mapping->file_offset, path) < 4 ||
		    rights[2] != 'x' || !strcmp(path, "[vsyscall]"))
			continue;
		mapping->object = NULL;
		mapping->cfi = NULL;
		if (path[0] == '/')
			mapping->object = object_of(path);
		else if (!strcmp(path, "[vdso]"))
			mapping->object = own__vdso(mapping->start, mapping->end);
		if (mapping->object)
			assert_int_equal(cfi__new(&mapping->cfi, mapping->object), 0);
		own->count++;
		assert_true(own->count < OWN_MAPPINGS_MAX);
	}
	fclose(maps);
}

static inline void own__release(struct own *own)
{
	for (size_t i = 0; i < own->count; i++) {
		cfi__free(own->mappings[i].cfi);
		object__unref(own->mappings[i].object);
	}
	own->count = 0;
}

static inline struct own_mapping *own__mapping(struct own *own, uint64_t pc)
{
	for (size_t i = 0; i < own->count; i++) {
		if (pc >= own->mappings[i].start && pc < own->mappings[i].end)
			return &own->mappings[i];
	}
	return NULL;
}

/* unwind_find */
static inline bool own__find(void *context, uint64_t pc, struct unwind_place *out)
{
	const struct own_mapping *mapping = own__mapping(context, pc);

	*out = (struct unwind_place){0};
	if (!mapping)
		return false;
	if (mapping->object &&
	    object__vaddr(mapping->object, pc - mapping->start + mapping->file_offset, &out->vaddr))
		out->cfi = mapping->cfi;
	return true;
}

/* The function that holds `vaddr`, as the table of symbols says. */
static inline const char *object_symbol(const struct object *object, const char *table,
					const char *names, uint64_t vaddr)
{
	struct object_section symbols = object__section(object, table);
	struct object_section strings = object__section(object, names);

	for (size_t at = 0; at + sizeof(Elf64_Sym) <= symbols.bytes; at += sizeof(Elf64_Sym)) {
		const Elf64_Sym *symbol = (const void *)(symbols.data + at);

		if (ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && vaddr >= symbol->st_value &&
		    vaddr - symbol->st_value < symbol->st_size)
			return (const char *)strings.data + symbol->st_name;
	}
	return NULL;
}

/* "?" where nobody says. */
static inline const char *own__name(struct own *own, const struct unwind_frame *frame)
{
	uint64_t pc = frame->pc - !frame->exact;
	struct own_mapping *mapping = own__mapping(own, pc);
	const char *name = NULL;
	uint64_t vaddr;

	if (!mapping || !mapping->object ||
	    !object__vaddr(mapping->object, pc - mapping->start + mapping->file_offset, &vaddr))
		return "?";
	name = object_symbol(mapping->object, ".symtab", ".strtab", vaddr);
	if (!name)
		name = object_symbol(mapping->object, ".dynsym", ".dynstr", vaddr);
	return name ? name : "?";
}

/* A thread at one moment. */
struct own_moment {
	struct unwind_state state;
	struct unwind_stack stack;
};

static inline void own__registers(const ucontext_t *from, struct unwind_state *state)
{
	*state = (struct unwind_state){0};
#if defined(__x86_64__)
	static const int registers[] = {REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
					REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
					REG_R12, REG_R13, REG_R14, REG_R15};

	for (unsigned int i = 0; i < 16; i++)
		state->registers[i] = (uint64_t)from->uc_mcontext.gregs[registers[i]];
	state->machine = EM_X86_64;
	state->known = 0xffff;
	state->pc = (uint64_t)from->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	for (unsigned int i = 0; i < 31; i++)
		state->registers[i] = from->uc_mcontext.regs[i];
	state->registers[31] = from->uc_mcontext.sp;
	state->machine = EM_AARCH64;
	state->known = 0xffffffff;
	state->pc = from->uc_mcontext.pc;
#endif
}

static inline uint64_t own__sp(const struct unwind_state *state)
{
	return state->registers[state->machine == EM_AARCH64 ? 31 : 7];
}

/* Copies `from` to `end`, over red zones of other frames, too. */
static __attribute__((noinline, no_sanitize("address"))) void own__copy(struct own_moment *moment,
									uint64_t from, uint64_t end)
{
	uint8_t *bytes = malloc(end - from);

	for (uint64_t at = from; at < end; at += 8)
		*(uint64_t *)(bytes + (at - from)) = *(volatile uint64_t *)at;
	moment->stack = (struct unwind_stack){.from = from, .bytes = bytes, .size = end - from};
}

/* The end of the calling thread's stack. */
static inline uint64_t own__stack_end(void)
{
	pthread_attr_t attributes;
	void *address;
	size_t bytes;

	assert_int_equal(pthread_getattr_np(pthread_self(), &attributes), 0);
	assert_int_equal(pthread_attr_getstack(&attributes, &address, &bytes), 0);
	pthread_attr_destroy(&attributes);
	return (uint64_t)address + bytes;
}

static inline void own__forget(struct own_moment *moment)
{
	free((void *)moment->stack.bytes);
	moment->stack.bytes = NULL;
}

/* Now, in the function that this stands in, which must not return before the copy is made: a macro,
 * as what calls getcontext(3) cannot be inlined. */
#define OWN_CAPTURE(moment, stack_end)                                             \
	do {                                                                       \
		ucontext_t context_;                                               \
		getcontext(&context_);                                             \
		own__registers(&context_, &(moment)->state);                       \
		own__copy(moment, own__sp(&(moment)->state) & ~7ULL, (stack_end)); \
	} while (0)
