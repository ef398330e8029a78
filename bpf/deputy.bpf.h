/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "bpf/deputy.h"
#include "knobs.bpf.h"

/*
 * Who has done it leaves word for those behind: at a place that the address of what it is about
 * leads into, and the task comes to them next. Of two that lead to the same place in that moment
 * one may be told twice, none too little.
 */
#define DEPUTY_SHIFT 12

extern __u64 deputy_words[1 << DEPUTY_SHIFT];
extern __u64 deputy_stood_in[DEPUTIZED_END]; /* runs of deputies that had something to do */

static __always_inline volatile __u64 *deputy_place(__u64 word)
{
	return &deputy_words[word * 0x9e3779b97f4a7c15ULL >> (64 - DEPUTY_SHIFT)];
}

/* `about`: the task or the mm, whose address is aligned to more than there are programs. The
 * verifier lets nobody compute with pointers; one read back from memory is a number. */
static __always_inline __u64 deputy_word(enum deputized what, const void *about)
{
	__u64 address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), &about);
	return address + what;
}

static __always_inline void deputy_done(enum deputized what, const void *about)
{
	__u64 word;

	if (!knob_deputies)
		return;
	word = deputy_word(what, about);
	*deputy_place(word) = word;
}

/* Is it this one's to do? */
static __always_inline bool deputy_stands_in(enum deputized what, const void *about, int number)
{
	__u64 word = deputy_word(what, about);
	volatile __u64 *place = deputy_place(word);

	if (*place != word) {
		__sync_fetch_and_add(&deputy_stood_in[what], 1);
		return true;
	}
	/* Nobody comes behind, and the address may become another's. */
	if (number == DEPUTY_LAST)
		*place = 0;
	return false;
}
