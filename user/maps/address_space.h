/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "maps/mapping.h"

/*
 * The executable mappings of one address space over time. A later mapping lies over earlier ones;
 * nobody tells of munmap(2) and mremap(2), so that is all there is to go by: what is asked for are
 * addresses that code ran at.
 *
 * What was covered is kept for a while, because stacks are looked at a little later than they were
 * taken. It is held by reference, so that a fork costs nothing: whoever wants to change one that is
 * shared takes a copy first.
 */
struct address_space;

#define ADDRESS_SPACE_MAPPINGS_MAX 4096
#define ADDRESS_SPACE_PAST_MAX     1024 /* the oldest make room */

int address_space__new(struct address_space **out);
int address_space__copy(struct address_space **out, const struct address_space *space);
struct address_space *address_space__ref(struct address_space *space);
void address_space__unref(struct address_space *space);
bool address_space__is_shared(const struct address_space *space);

/* A mapping that came at `from_ns`; also one that is told late. The file is referenced, not
 * consumed. -EINVAL: an empty range; -ENOSPC: too many; -ENOMEM. */
int address_space__add(struct address_space *space, const struct mapping *mapping);

/* The newest mapping around `address` that is not younger than `time_ns`. The range may be a part
 * of what was mapped, the offset goes with it. Valid until `space` changes. */
bool address_space__find(const struct address_space *space, uint64_t address, uint64_t time_ns,
			 struct mapping *out);

/* Whatever lies within that range came no earlier. */
void address_space__raise(struct address_space *space, uint64_t start, uint64_t end,
			  uint64_t from_ns);

/* The mappings of now, by address. */
const struct mapping *address_space__mappings(const struct address_space *space, size_t *count);

/* Drops what was covered before that. */
void address_space__forget(struct address_space *space, uint64_t until_ns);

uint64_t address_space__forgotten(const struct address_space *space); /* for want of room */
size_t address_space__bytes(const struct address_space *space);       /* of heap, without files */
