/* SPDX-License-Identifier: GPL-2.0-only */
#include "unwind/cfi_program.h"

#include <dwarf.h>
#include <string.h>

#include "unwind/cursor.h"

#define STEPS_MAX       65536
#define STATES_MAX      16
#define CFA_UNSPECIFIED 0xff
#define OPERAND_BITS    0x3f

/* A row of the table that the program describes. */
struct row {
	bool cfa_is_expression;
	uint8_t cfa_register;
	int32_t cfa_value;
	struct {
		uint8_t kind;
		int32_t value;
	} registers[UNWIND_REGISTERS];
};

struct machine {
	const struct frame_section *from;
	const struct frame_entry *entry;
	unsigned int registers;
	bool aarch64;
	bool bad;
	bool reached; /* the next row is beyond the address wanted */
	uint64_t wanted;
	uint64_t location;
	unsigned int steps;
	struct row row;
	struct row initial;
	unsigned int remembered;
	struct row states[STATES_MAX];
};

static int32_t machine__fit(struct machine *machine, int64_t value)
{
	if (value < INT32_MIN || value > INT32_MAX)
		machine->bad = true;
	return (int32_t)value;
}

static int32_t machine__factored(struct machine *machine, int64_t factor)
{
	int64_t value;

	if (__builtin_mul_overflow(factor, machine->entry->data_factor, &value))
		machine->bad = true;
	return machine->bad ? 0 : machine__fit(machine, value);
}

/* A length of more than 63 bits is none. */
static int64_t machine__positive(struct machine *machine, uint64_t value)
{
	if (value > INT64_MAX)
		machine->bad = true;
	return machine->bad ? 0 : (int64_t)value;
}

/* Registers that nobody needs here (vectors) are read over. */
static void machine__set(struct machine *machine, uint64_t number, enum rule_kind kind,
			 int32_t value)
{
	if (number >= machine->registers)
		return;
	machine->row.registers[number].kind = (uint8_t)kind;
	machine->row.registers[number].value = value;
}

static void machine__restore(struct machine *machine, uint64_t number)
{
	if (number < machine->registers)
		machine->row.registers[number] = machine->initial.registers[number];
}

static void machine__set_cfa_register(struct machine *machine, uint64_t number)
{
	if (number >= machine->registers)
		machine->bad = true;
	else
		machine->row.cfa_register = (uint8_t)number;
	machine->row.cfa_is_expression = false;
}

/* Only where a register and an offset are the rule. */
static void machine__require_cfa_register(struct machine *machine)
{
	if (machine->row.cfa_is_expression || machine->row.cfa_register == CFA_UNSPECIFIED)
		machine->bad = true;
}

/* The place of a block: the offset of its length. */
static int32_t machine__block(struct machine *machine, struct cursor *cursor)
{
	int32_t place = machine__fit(machine, (int64_t)cursor->at);

	cursor__skip(cursor, cursor__uleb(cursor));
	return place;
}

static void machine__move_to(struct machine *machine, uint64_t location)
{
	if (location > machine->wanted)
		machine->reached = true;
	machine->location = location;
}

static void machine__advance(struct machine *machine, uint64_t count)
{
	uint64_t bytes, location;

	/* Backwards it would never end. */
	if (__builtin_mul_overflow(count, machine->entry->code_factor, &bytes) ||
	    __builtin_add_overflow(machine->location, bytes, &location))
		machine->bad = true;
	else
		machine__move_to(machine, location);
}

static void machine__remember(struct machine *machine)
{
	if (machine->remembered == STATES_MAX)
		machine->bad = true;
	else
		machine->states[machine->remembered++] = machine->row;
}

static void machine__recall(struct machine *machine)
{
	if (machine->remembered == 0)
		machine->bad = true;
	else
		machine->row = machine->states[--machine->remembered];
}

static void machine__locate(struct machine *machine, uint8_t code, struct cursor *cursor)
{
	uint64_t location;

	switch (code) {
	case DW_CFA_set_loc:
		if (!frame_entry__address(machine->from, cursor, machine->entry->encoding,
					  &location) ||
		    location < machine->location)
			machine->bad = true;
		else
			machine__move_to(machine, location);
		break;
	case DW_CFA_advance_loc1:
		machine__advance(machine, cursor__unsigned(cursor, 1));
		break;
	case DW_CFA_advance_loc2:
		machine__advance(machine, cursor__unsigned(cursor, 2));
		break;
	case DW_CFA_advance_loc4:
		machine__advance(machine, cursor__unsigned(cursor, 4));
		break;
	default:
		machine->bad = true;
	}
}

static void machine__define_cfa(struct machine *machine, uint8_t code, struct cursor *cursor)
{
	int64_t offset;

	switch (code) {
	case DW_CFA_def_cfa:
		machine__set_cfa_register(machine, cursor__uleb(cursor));
		offset = machine__positive(machine, cursor__uleb(cursor));
		machine->row.cfa_value = machine__fit(machine, offset);
		break;
	case DW_CFA_def_cfa_sf:
		machine__set_cfa_register(machine, cursor__uleb(cursor));
		machine->row.cfa_value = machine__factored(machine, cursor__sleb(cursor));
		break;
	case DW_CFA_def_cfa_register:
		machine__require_cfa_register(machine);
		machine__set_cfa_register(machine, cursor__uleb(cursor));
		break;
	case DW_CFA_def_cfa_offset:
		machine__require_cfa_register(machine);
		offset = machine__positive(machine, cursor__uleb(cursor));
		machine->row.cfa_value = machine__fit(machine, offset);
		break;
	case DW_CFA_def_cfa_offset_sf:
		machine__require_cfa_register(machine);
		machine->row.cfa_value = machine__factored(machine, cursor__sleb(cursor));
		break;
	case DW_CFA_def_cfa_expression:
		machine->row.cfa_is_expression = true;
		machine->row.cfa_value = machine__block(machine, cursor);
		break;
	default:
		machine__locate(machine, code, cursor);
	}
}

static void machine__define_register(struct machine *machine, uint8_t code, struct cursor *cursor)
{
	uint64_t number = cursor__uleb(cursor);
	int64_t factor;

	switch (code) {
	case DW_CFA_undefined:
		machine__set(machine, number, RULE_UNDEFINED, 0);
		break;
	case DW_CFA_same_value:
		machine__set(machine, number, RULE_SAME, 0);
		break;
	case DW_CFA_restore_extended:
		machine__restore(machine, number);
		break;
	case DW_CFA_register:
		factor = machine__positive(machine, cursor__uleb(cursor));
		machine__set(machine, number, RULE_REGISTER, machine__fit(machine, factor));
		break;
	case DW_CFA_offset_extended:
	case DW_CFA_val_offset:
		factor = machine__positive(machine, cursor__uleb(cursor));
		machine__set(machine, number,
			     code == DW_CFA_val_offset ? RULE_CFA_PLUS : RULE_AT_CFA,
			     machine__factored(machine, factor));
		break;
	case DW_CFA_offset_extended_sf:
	case DW_CFA_val_offset_sf:
		factor = cursor__sleb(cursor);
		machine__set(machine, number,
			     code == DW_CFA_val_offset_sf ? RULE_CFA_PLUS : RULE_AT_CFA,
			     machine__factored(machine, factor));
		break;
	case DW_CFA_GNU_negative_offset_extended:
		factor = machine__positive(machine, cursor__uleb(cursor));
		machine__set(machine, number, RULE_AT_CFA, machine__factored(machine, -factor));
		break;
	case DW_CFA_expression:
		machine__set(machine, number, RULE_AT_EXPRESSION, machine__block(machine, cursor));
		break;
	case DW_CFA_val_expression:
		machine__set(machine, number, RULE_EXPRESSION, machine__block(machine, cursor));
		break;
	}
}

static void machine__extended(struct machine *machine, uint8_t code, struct cursor *cursor)
{
	switch (code) {
	case DW_CFA_nop:
		break;
	case DW_CFA_remember_state:
		machine__remember(machine);
		break;
	case DW_CFA_restore_state:
		machine__recall(machine);
		break;
	case DW_CFA_GNU_args_size:
		cursor__uleb(cursor);
		break;
	case DW_CFA_AARCH64_negate_ra_state:
		/* Signed or not: the bits of a signature are masked in either case. */
		machine->bad = machine->bad || !machine->aarch64;
		break;
	case DW_CFA_undefined:
	case DW_CFA_same_value:
	case DW_CFA_restore_extended:
	case DW_CFA_register:
	case DW_CFA_offset_extended:
	case DW_CFA_val_offset:
	case DW_CFA_offset_extended_sf:
	case DW_CFA_val_offset_sf:
	case DW_CFA_GNU_negative_offset_extended:
	case DW_CFA_expression:
	case DW_CFA_val_expression:
		machine__define_register(machine, code, cursor);
		break;
	default:
		machine__define_cfa(machine, code, cursor);
	}
}

static bool machine__run(struct machine *machine, uint32_t from, uint32_t to)
{
	struct cursor cursor = {.data = machine->from->section.data, .at = from, .end = to};

	while (cursor__left(&cursor) > 0 && !machine->bad && !machine->reached) {
		uint8_t code = (uint8_t)cursor__unsigned(&cursor, 1);
		uint8_t operand = code & OPERAND_BITS;
		int64_t factor;

		if (++machine->steps > STEPS_MAX)
			return false;
		switch (code & ~OPERAND_BITS) {
		case DW_CFA_advance_loc:
			machine__advance(machine, operand);
			break;
		case DW_CFA_offset:
			factor = machine__positive(machine, cursor__uleb(&cursor));
			machine__set(machine, operand, RULE_AT_CFA,
				     machine__factored(machine, factor));
			break;
		case DW_CFA_restore:
			machine__restore(machine, operand);
			break;
		default:
			machine__extended(machine, operand, &cursor);
		}
	}
	return !machine->bad && !cursor.bad;
}

static void machine__write(const struct machine *machine, struct unwind_rule *out)
{
	const struct row *row = &machine->row;

	out->section = machine->from->section.data;
	out->section_bytes = (uint32_t)machine->from->section.bytes;
	out->signal = machine->entry->signal;
	out->return_register = (uint8_t)machine->entry->return_register;
	out->cfa_is_expression = row->cfa_is_expression;
	out->cfa_register = row->cfa_register;
	out->cfa_value = row->cfa_value;
	out->count = 0;
	for (unsigned int i = 0; i < machine->registers; i++) {
		if (row->registers[i].kind == RULE_UNSPECIFIED)
			continue;
		out->registers[out->count++] = (struct register_rule){
			.number = (uint8_t)i,
			.kind = row->registers[i].kind,
			.value = row->registers[i].value,
		};
	}
}

bool cfi_program__run(const struct frame_section *from, const struct frame_entry *entry,
		      bool aarch64, uint64_t vaddr, struct unwind_rule *out)
{
	struct machine machine;

	/* Not the remembered states, which are most of it. */
	memset(&machine, 0, offsetof(struct machine, states));
	machine.from = from;
	machine.entry = entry;
	machine.registers = machine__registers(aarch64);
	machine.aarch64 = aarch64;
	machine.wanted = vaddr;
	machine.location = entry->start;
	machine.row.cfa_register = CFA_UNSPECIFIED;
	if (entry->return_register >= machine.registers ||
	    !machine__run(&machine, entry->initial, entry->initial_end))
		return false;
	machine.initial = machine.row;
	if (!machine.reached && !machine__run(&machine, entry->program, entry->program_end))
		return false;
	if (!machine.row.cfa_is_expression && machine.row.cfa_register == CFA_UNSPECIFIED)
		return false;
	machine__write(&machine, out);
	return true;
}
