/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * libFuzzer target: an ELF file, or, when it does not begin as one, bare frame information (the
 * first byte: machine and section; the rest) with an ELF file made around it. Every address that
 * it has rules for is looked up, and stacks are walked by them; the stack is the input, too. The
 * mutator changes frame information most, which is a small part of a file.
 */

#include <elf.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "elf/object.h"
#include "unwind/cfi.h"
#include "unwind/cfi_entry.h"
#include "unwind/unwind.h"

#define FUNCTIONS_MAX 32
#define FRAMES_MAX    32
#define STACK_AT      0x7fff0000ULL
#define STACK_BYTES   1024
#define FRAMES_AT     0x4000

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
	if (!promise)
		abort();
}

/* Of exactly its size, so that a byte too far is found. */
static struct object *read_file(const void *data, size_t size)
{
	struct object *object = NULL;
	void *exact = malloc(size);
	char why[256] = "";
	int error;

	memcpy(exact, data, size);
	error = object__read_memory(&object, exact, size, why, sizeof(why));
	free(exact);
	require(error ? *why && !object : object && object__bytes(object) > 0);
	return object;
}

static struct object *read_section(uint8_t form, const uint8_t *data, size_t size)
{
	static const char names[] = "\0.eh_frame\0.debug_frame";
	struct {
		Elf64_Ehdr elf;
		Elf64_Shdr headers[3];
		char names[sizeof(names)];
	} head = {.elf.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB}};
	uint8_t *file = malloc(sizeof(head) + size);
	struct object *object;

	head.elf.e_type = ET_DYN;
	head.elf.e_machine = form & 1 ? EM_AARCH64 : EM_X86_64;
	head.elf.e_shoff = offsetof(__typeof__(head), headers);
	head.elf.e_shentsize = sizeof(Elf64_Shdr);
	head.elf.e_shnum = 3;
	head.elf.e_shstrndx = 1;
	head.headers[1].sh_type = SHT_STRTAB;
	head.headers[1].sh_offset = offsetof(__typeof__(head), names);
	head.headers[1].sh_size = sizeof(names);
	head.headers[2].sh_type = SHT_PROGBITS;
	head.headers[2].sh_name = form & 2 ? 11 : 1;
	head.headers[2].sh_addr = FRAMES_AT;
	head.headers[2].sh_offset = sizeof(head);
	head.headers[2].sh_size = size;
	memcpy(head.names, names, sizeof(names));
	memcpy(file, &head, sizeof(head));
	if (size > 0)
		memcpy(file + sizeof(head), data, size);
	object = read_file(file, sizeof(head) + size);
	free(file);
	return object;
}

/* unwind_find: addresses are link-time addresses; the zero page is unmapped. */
static bool find(void *cfi, uint64_t pc, struct unwind_place *out)
{
	*out = (struct unwind_place){.cfi = cfi, .vaddr = pc};
	return pc >= 4096;
}

static void walk(struct cfi *cfi, int machine, uint64_t pc, const struct unwind_stack *stack)
{
	struct unwind_frame frames[FRAMES_MAX];
	struct unwind_state state = {.machine = machine, .pc = pc};
	size_t count = FRAMES_MAX + 1;
	enum unwind_end end;

	state.known = machine == EM_AARCH64 ? 0xffffffff : 0xffff;
	for (uint64_t i = 0; i < UNWIND_REGISTERS; i++)
		state.registers[i] = STACK_AT + i * 8;
	state.registers[machine == EM_AARCH64 ? 31 : 7] = STACK_AT;
	end = unwind__walk(&state, stack, find, cfi, frames, FRAMES_MAX, &count);
	require(*unwind__end_name(end));
	require(count >= 1 && count <= FRAMES_MAX);
	require(end != UNWIND_TOO_DEEP || count == FRAMES_MAX);
	require(end != UNWIND_CUT || stack->cut);
	require(frames[0].pc == pc && frames[0].exact);
}

/* A rule is asked for twice: what is kept is what was found. */
static void look_up(struct cfi *cfi, uint64_t vaddr)
{
	const struct unwind_rule *rule = cfi__rule(cfi, vaddr);
	struct unwind_rule before;

	if (!rule) {
		require(!cfi__rule(cfi, vaddr));
		return;
	}
	before = *rule;
	rule = cfi__rule(cfi, vaddr);
	require(rule && !memcmp(&before, rule, offsetof(struct unwind_rule, registers)));
	require(rule->count <= UNWIND_REGISTERS);
	require(rule->cfa_is_expression || rule->cfa_register < UNWIND_REGISTERS);
	for (unsigned int i = 0; i < rule->count; i++)
		require(rule->registers[i].number < UNWIND_REGISTERS);
}

static void judge_section(struct object *object, struct cfi *cfi, const char *name,
			  const struct unwind_stack *stack)
{
	struct frame_section from = {
		.section = object__section(object, name),
		.debug = !strcmp(name, ".debug_frame"),
	};
	struct frame_entry entry;
	size_t next, functions = 0;

	if (!from.section.data)
		return;
	for (size_t at = 0; at < from.section.bytes && functions < FUNCTIONS_MAX; at = next) {
		if (frame_entry__read(&from, at, &next, &entry) == ENTRY_FUNCTION) {
			require(entry.start < entry.end);
			look_up(cfi, entry.start);
			look_up(cfi, entry.start + (entry.end - entry.start) / 2);
			look_up(cfi, entry.end - 1);
			walk(cfi, object__machine(object), entry.end - 1, stack);
			functions++;
		}
		require(!next || next > at);
		if (!next)
			break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t stack_bytes = size < STACK_BYTES ? size : STACK_BYTES;
	uint8_t *bytes = malloc(stack_bytes + !stack_bytes);
	struct unwind_stack stack = {.from = STACK_AT, .bytes = bytes, .size = stack_bytes};
	struct object *object;
	struct cfi *cfi;

	if (stack_bytes > 0)
		memcpy(bytes, data + size - stack_bytes, stack_bytes);
	stack.cut = size % 2;
	if (size < SELFMAG || memcmp(data, ELFMAG, SELFMAG))
		object = size > 0 ? read_section(data[0], data + 1, size - 1) : NULL;
	else
		object = read_file(data, size);
	if (object && !cfi__new(&cfi, object)) {
		judge_section(object, cfi, ".eh_frame", &stack);
		judge_section(object, cfi, ".debug_frame", &stack);
		walk(cfi, object__machine(object), 4096, &stack);
		require(cfi__bytes(cfi) > 0);
		cfi__free(cfi);
	}
	object__unref(object);
	free(bytes);
	return 0;
}

/* --- mutation --------------------------------------------------------------------------------- */

static bool is_elf(const uint8_t *data, size_t size)
{
	return size >= sizeof(Elf64_Ehdr) && !memcmp(data, ELFMAG, SELFMAG);
}

/* The section of that number, if it is one of frame information that lies inside the file. */
static bool frames_at(const uint8_t *data, size_t size, unsigned int number, Elf64_Shdr *out)
{
	Elf64_Ehdr elf;
	Elf64_Shdr names;
	size_t name;

	memcpy(&elf, data, sizeof(elf));
	if (number >= elf.e_shnum || elf.e_shstrndx >= elf.e_shnum || elf.e_shoff > size ||
	    elf.e_shnum > (size - elf.e_shoff) / sizeof(*out))
		return false;
	memcpy(out, data + elf.e_shoff + number * sizeof(*out), sizeof(*out));
	memcpy(&names, data + elf.e_shoff + elf.e_shstrndx * sizeof(*out), sizeof(names));
	if (out->sh_offset > size || out->sh_size > size - out->sh_offset || out->sh_size == 0 ||
	    names.sh_offset > size)
		return false;
	name = names.sh_offset + out->sh_name;
	return name <= size && size - name >= 13 &&
	       (!memcmp(data + name, ".eh_frame", 9) || !memcmp(data + name, ".debug_frame", 12));
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	Elf64_Shdr header;

	if (seed % 8 == 0 || !is_elf(data, size))
		return LLVMFuzzerMutate(data, size, max_size);
	/* The first from a number on; often the same one again. */
	for (unsigned int i = seed / 8 % 16; i < 64; i++) {
		if (!frames_at(data, size, i, &header))
			continue;
		LLVMFuzzerMutate(data + header.sh_offset, header.sh_size, header.sh_size);
		return size;
	}
	return LLVMFuzzerMutate(data, size, max_size);
}
