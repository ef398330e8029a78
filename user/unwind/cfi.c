/* SPDX-License-Identifier: GPL-2.0-only */
#include "unwind/cfi.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unwind/cfi_program.h"
#include "unwind/cfi_table.h"
#include "unwind/sigreturn.h"

#define RULES_FIRST 32

enum slot_state {
	SLOT_FREE,
	SLOT_NO_RULE, /* remembered too: damage would be read again and again */
	SLOT_RULE,
};

struct slot {
	uint64_t vaddr;
	enum slot_state state;
	struct unwind_rule rule;
};

struct cfi {
	struct object *object;
	bool aarch64;
	struct frame_table eh_frame;
	struct frame_table debug_frame;
	struct sigreturn sigreturn;
	struct slot *slots; /* by a hash of the address, one place for each */
	size_t slot_count;  /* a power of two */
	size_t filled;      /* since the last growth */
};

int cfi__new(struct cfi **out, struct object *object)
{
	struct cfi *cfi = calloc(1, sizeof(*cfi));

	if (!cfi)
		return -ENOMEM;
	cfi->object = object__ref(object);
	cfi->aarch64 = object__machine(object) == EM_AARCH64;
	frame_table__init(&cfi->eh_frame, object, false);
	frame_table__init(&cfi->debug_frame, object, true);
	sigreturn__init(&cfi->sigreturn, object);
	if (cfi->eh_frame.from.section.bytes == 0 && cfi->debug_frame.from.section.bytes == 0 &&
	    !cfi->sigreturn.vaddr) {
		cfi__free(cfi);
		return -ENODATA;
	}
	*out = cfi;
	return 0;
}

void cfi__free(struct cfi *cfi)
{
	if (!cfi)
		return;
	frame_table__release(&cfi->eh_frame);
	frame_table__release(&cfi->debug_frame);
	object__unref(cfi->object);
	free(cfi->slots);
	free(cfi);
}

size_t cfi__bytes(const struct cfi *cfi)
{
	size_t ranges = cfi->eh_frame.range_count + cfi->debug_frame.range_count;

	/* A list of ranges doubles as it grows. */
	return sizeof(*cfi) + cfi->slot_count * sizeof(*cfi->slots) +
	       2 * ranges * sizeof(struct frame_range);
}

static bool cfi__compile(struct cfi *cfi, struct frame_table *table, uint64_t vaddr,
			 struct unwind_rule *out)
{
	struct frame_entry entry;

	return frame_table__find(table, vaddr, &entry) &&
	       cfi_program__run(&table->from, &entry, cfi->aarch64, vaddr, out);
}

static struct slot *cfi__slot(struct slot *slots, size_t count, uint64_t vaddr)
{
	/* Fibonacci hashing: the upper bits of the product are mixed best. */
	return &slots[(vaddr * 0x9e3779b97f4a7c15ULL >> 32) & (count - 1)];
}

/* More room as long as many addresses are asked for, so that an object that is seen once stays
 * small. Without memory for it, the old room does. */
static void cfi__grow(struct cfi *cfi)
{
	size_t count = cfi->slot_count ? 2 * cfi->slot_count : RULES_FIRST;
	struct slot *slots;

	if (cfi->slot_count && (cfi->filled < cfi->slot_count || count > CFI_RULES_MAX))
		return;
	slots = calloc(count, sizeof(*slots));
	if (!slots)
		return;
	for (size_t i = 0; i < cfi->slot_count; i++) {
		if (cfi->slots[i].state != SLOT_FREE)
			*cfi__slot(slots, count, cfi->slots[i].vaddr) = cfi->slots[i];
	}
	free(cfi->slots);
	cfi->slots = slots;
	cfi->slot_count = count;
	cfi->filled = 0;
}

static struct slot *cfi__fill(struct cfi *cfi, uint64_t vaddr)
{
	struct slot *slot;
	bool found;

	cfi__grow(cfi);
	if (!cfi->slots)
		return NULL;
	cfi->filled++;
	slot = cfi__slot(cfi->slots, cfi->slot_count, vaddr);
	slot->vaddr = vaddr;
	found = sigreturn__rule(&cfi->sigreturn, vaddr, &slot->rule) ||
		cfi__compile(cfi, &cfi->eh_frame, vaddr, &slot->rule) ||
		cfi__compile(cfi, &cfi->debug_frame, vaddr, &slot->rule);
	slot->state = found ? SLOT_RULE : SLOT_NO_RULE;
	return slot;
}

const struct unwind_rule *cfi__rule(struct cfi *cfi, uint64_t vaddr)
{
	struct slot *slot = NULL;

	if (cfi->slots)
		slot = cfi__slot(cfi->slots, cfi->slot_count, vaddr);
	if (!slot || slot->state == SLOT_FREE || slot->vaddr != vaddr)
		slot = cfi__fill(cfi, vaddr);
	return slot && slot->state == SLOT_RULE ? &slot->rule : NULL;
}
