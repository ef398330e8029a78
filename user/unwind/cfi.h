/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "elf/object.h"
#include "unwind/rule.h"

/*
 * The call frame information of one object: .eh_frame, then .debug_frame, as rules by address. What
 * was asked for is kept, up to CFI_RULES_MAX rules (about 0.6 MiB); newer ones replace older ones.
 *
 * The sections are interpreted here and not by libdw because of what hostile ones would cost there:
 * one instruction of five bytes that names a large register makes it take 512 MiB.
 *
 * For one thread at a time.
 */
struct cfi;

#define CFI_RULES_MAX 2048

/* Holds a reference to `object`. -ENODATA: it has nothing of the kind; -ENOMEM. */
int cfi__new(struct cfi **out, struct object *object);
void cfi__free(struct cfi *cfi);

/* The rule at a link-time address, until the next call; NULL: there is none, or it is damaged. */
const struct unwind_rule *cfi__rule(struct cfi *cfi, uint64_t vaddr);

size_t cfi__bytes(const struct cfi *cfi); /* heap held, without the object's */
