/* SPDX-License-Identifier: GPL-2.0-only */
#include "unwind/unwind.h"

#include <elf.h>

#include "unwind/cfi.h"
#include "unwind/expression.h"
#include "unwind/rule.h"
#include "unwind/stack.h"

#define BIT(number)          (1ULL << (number))

/* What calls leave as it was, by the two calling conventions: rbx rbp rsp r12 ... r15; x19 ... x29
 * and sp. x30 too as long as a function calls nobody. */
#define X86_64_PRESERVED     (BIT(3) | BIT(6) | BIT(7) | BIT(12) | BIT(13) | BIT(14) | BIT(15))
#define AARCH64_PRESERVED    (((BIT(11) - 1) << 19) | BIT(AARCH64_SP))

/* Addresses of user space have 48 bits; above them are tags and signatures of pointers. */
#define AARCH64_ADDRESS_BITS (BIT(48) - 1)

struct walk {
	struct unwind_state *state;
	struct stack_reader memory;
	bool aarch64;
	bool exact;      /* of the frame that the state is in */
	uint64_t height; /* of that frame: nothing of its callers lies below */
};

/* What a step comes to. */
enum step {
	STEP_CALLER,
	STEP_OUTERMOST,
	STEP_NO_RULE,
	STEP_NO_MEMORY,
};

static unsigned int walk__sp(const struct walk *walk)
{
	return walk->aarch64 ? AARCH64_SP : X86_64_RSP;
}

static unsigned int walk__fp(const struct walk *walk)
{
	return walk->aarch64 ? AARCH64_X29 : X86_64_RBP;
}

static bool state__get(const struct unwind_state *state, unsigned int number, uint64_t *value)
{
	if (number >= UNWIND_REGISTERS || !(state->known & BIT(number)))
		return false;
	*value = state->registers[number];
	return true;
}

static void state__set(struct unwind_state *state, unsigned int number, uint64_t value)
{
	state->registers[number] = value;
	state->known |= BIT(number);
}

static bool walk__read(struct walk *walk, uint64_t address, uint64_t *value)
{
	return stack_reader__read(&walk->memory, address, sizeof(*value), value);
}

/* What it means that something could not be had. */
static enum step walk__lost(const struct walk *walk)
{
	return walk->memory.missed ? STEP_NO_MEMORY : STEP_NO_RULE;
}

/* A return address or program counter without what is not address. */
static uint64_t walk__address(const struct walk *walk, uint64_t value)
{
	return walk->aarch64 ? value & AARCH64_ADDRESS_BITS : value;
}

static bool walk__register(struct walk *walk, const struct unwind_rule *rule,
			   const struct register_rule *is, uint64_t cfa, uint64_t *value)
{
	uint64_t address;

	switch (is->kind) {
	case RULE_SAME:
		return state__get(walk->state, is->number, value);
	case RULE_AT_CFA:
		return walk__read(walk, cfa + (uint64_t)(int64_t)is->value, value);
	case RULE_CFA_PLUS:
		*value = cfa + (uint64_t)(int64_t)is->value;
		return true;
	case RULE_REGISTER:
		return state__get(walk->state, (unsigned int)is->value, value);
	case RULE_AT_EXPRESSION:
		return expression__evaluate(rule, is->value, walk->state, &walk->memory, &cfa,
					    &address) &&
		       walk__read(walk, address, value);
	case RULE_EXPRESSION:
		return expression__evaluate(rule, is->value, walk->state, &walk->memory, &cfa,
					    value);
	default:
		return false;
	}
}

static const struct register_rule *rule__of(const struct unwind_rule *rule, unsigned int number)
{
	for (unsigned int i = 0; i < rule->count; i++) {
		if (rule->registers[i].number == number)
			return &rule->registers[i];
	}
	return NULL;
}

static bool walk__cfa(struct walk *walk, const struct unwind_rule *rule, uint64_t *cfa)
{
	const struct register_rule *fp;
	uint64_t base;

	if (rule->cfa_is_expression)
		return expression__evaluate(rule, rule->cfa_value, walk->state, &walk->memory, NULL,
					    cfa);
	if (state__get(walk->state, rule->cfa_register, &base)) {
		*cfa = base + (uint64_t)(int64_t)rule->cfa_value;
		return true;
	}
	/* Behind a step along x29, sp is not known; but x29 points to where it is stored itself,
	 * except for a signal, which stores all registers somewhere else. */
	fp = rule__of(rule, walk__fp(walk));
	if (!walk->aarch64 || rule->signal || !fp || fp->kind != RULE_AT_CFA ||
	    !state__get(walk->state, AARCH64_X29, &base))
		return false;
	*cfa = base - (uint64_t)(int64_t)fp->value;
	return true;
}

/* Where the return address is not said to be: in the register of that name, as long as this frame
 * called nobody. */
static enum step walk__return_address(struct walk *walk, const struct unwind_rule *rule,
				      uint64_t cfa, uint64_t *pc)
{
	const struct register_rule *is = rule__of(rule, rule->return_register);

	if (is && is->kind == RULE_UNDEFINED)
		return STEP_OUTERMOST;
	if (is ? walk__register(walk, rule, is, cfa, pc)
	       : state__get(walk->state, rule->return_register, pc))
		return STEP_CALLER;
	return walk__lost(walk);
}

static enum step walk__by_rule(struct walk *walk, const struct unwind_rule *rule)
{
	uint64_t preserved = walk->aarch64 ? AARCH64_PRESERVED : X86_64_PRESERVED;
	struct unwind_state caller = *walk->state;
	uint64_t cfa, pc, value;
	enum step step;

	if (!walk__cfa(walk, rule, &cfa))
		return walk__lost(walk);
	step = walk__return_address(walk, rule, cfa, &pc);
	if (step != STEP_CALLER)
		return step;
	caller.known &= preserved;
	state__set(&caller, walk__sp(walk), cfa);
	for (unsigned int i = 0; i < rule->count; i++) {
		const struct register_rule *is = &rule->registers[i];

		if (walk__register(walk, rule, is, cfa, &value))
			state__set(&caller, is->number, value);
		else
			caller.known &= ~BIT(is->number);
	}
	/* What x30 held when the caller was called is lost, unless that was no call. */
	if (walk->aarch64 && !rule->signal)
		caller.known &= ~BIT(AARCH64_X30);
	caller.pc = walk__address(walk, pc);
	state__get(&caller, walk__sp(walk), &walk->height);
	*walk->state = caller;
	return STEP_CALLER;
}

/* Code of no ELF file, or without rules: {caller's frame pointer, return address} where the frame
 * pointer points. */
static enum step walk__by_frame_pointer(struct walk *walk)
{
	struct unwind_state *state = walk->state;
	uint64_t fp, caller_fp, pc;

	if (!state__get(state, walk__fp(walk), &fp))
		return STEP_NO_RULE;
	/* 0 ends the chain; in the innermost frame it may be just a number. */
	if (fp == 0 && !walk->exact)
		return STEP_OUTERMOST;
	if (fp % 8 || fp < walk->height)
		return STEP_NO_RULE;
	if (!walk__read(walk, fp, &caller_fp) || !walk__read(walk, fp + 8, &pc))
		return STEP_NO_MEMORY;
	state->known = 0;
	state__set(state, walk__fp(walk), caller_fp);
	/* On aarch64 the pair may lie anywhere in its frame. */
	if (!walk->aarch64)
		state__set(state, X86_64_RSP, fp + 16);
	state->pc = walk__address(walk, pc);
	walk->height = fp + 16;
	return STEP_CALLER;
}

/* What a call does, before the function that it calls has done anything. */
static const struct unwind_rule *rule_at_entry(bool aarch64)
{
	static const struct unwind_rule x86_64 = {
		.cfa_register = X86_64_RSP,
		.cfa_value = 8,
		.return_register = X86_64_RETURN_ADDRESS,
		.count = 1,
		.registers = {{X86_64_RETURN_ADDRESS, RULE_AT_CFA, -8}},
	};
	static const struct unwind_rule in_x30 = {
		.cfa_register = AARCH64_SP,
		.return_register = AARCH64_X30,
	};

	return aarch64 ? &in_x30 : &x86_64;
}

static enum step walk__step(struct walk *walk, const struct unwind_place *place)
{
	const struct unwind_rule *rule = place->cfi ? cfi__rule(place->cfi, place->vaddr) : NULL;
	enum step step;

	if (!rule && place->entry && walk->exact)
		rule = rule_at_entry(walk->aarch64);
	walk->memory.missed = false;
	step = rule ? walk__by_rule(walk, rule) : walk__by_frame_pointer(walk);
	walk->exact = rule && rule->signal;
	return step;
}

/* Every caller's frame is above: what a call left on the stack is there, except of a function that
 * was just entered or needs nothing there (aarch64). A signal may have had a stack of its own. */
static bool walk__rose(const struct walk *walk, uint64_t before, bool was_exact)
{
	return walk->exact || walk->height > before ||
	       (walk->aarch64 && was_exact && walk->height == before);
}

static enum unwind_end walk__end(const struct walk *walk, enum step step)
{
	const struct unwind_stack *stack = walk->memory.stack;

	if (step == STEP_OUTERMOST)
		return UNWIND_COMPLETE;
	if (step != STEP_NO_MEMORY)
		return UNWIND_NO_RULE;
	return stack->cut && walk->memory.missed_address >= stack->from &&
			       !stack__lacks(stack, walk->memory.missed_address)
		       ? UNWIND_CUT
		       : UNWIND_NO_MEMORY;
}

enum unwind_end unwind__walk(struct unwind_state *state, const struct unwind_stack *stack,
			     unwind_find find, void *context, struct unwind_frame *frames,
			     size_t max, size_t *count)
{
	struct walk walk = {
		.state = state,
		.memory.stack = stack,
		.aarch64 = state->machine == EM_AARCH64,
		.exact = true,
	};

	state__get(state, walk__sp(&walk), &walk.height);
	for (*count = 0; *count < max;) {
		bool exact = walk.exact;
		uint64_t height = walk.height;
		struct unwind_place place;
		bool mapped = find(context, state->pc - !exact, &place);
		enum step step;

		/* A return address in no mapping is none; but what was interrupted was there. */
		if (mapped || exact)
			frames[(*count)++] = (struct unwind_frame){.pc = state->pc, .exact = exact};
		if (!mapped)
			return UNWIND_NO_MAPPING;
		step = walk__step(&walk, &place);
		if (step != STEP_CALLER)
			return walk__end(&walk, step);
		if (state->pc == 0)
			return UNWIND_COMPLETE;
		if (!walk__rose(&walk, height, exact))
			return UNWIND_CYCLE;
	}
	return UNWIND_TOO_DEEP;
}

const char *unwind__end_name(enum unwind_end end)
{
	static const char *const names[] = {
		[UNWIND_COMPLETE] = "complete",     [UNWIND_CUT] = "cut",
		[UNWIND_NO_MEMORY] = "no memory",   [UNWIND_NO_RULE] = "no rule",
		[UNWIND_NO_MAPPING] = "no mapping", [UNWIND_CYCLE] = "cycle",
		[UNWIND_TOO_DEEP] = "too deep",
	};

	return names[end];
}
