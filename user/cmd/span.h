/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * A part of a recording, as in FILE@A..B: each of A and B is a time since the recording's first
 * event (90s, 5m), or before its last one (-30s); without A from the first on, without B or ".."
 * to the last.
 */
struct span {
	struct span_end {
		bool given;
		bool from_end;
		uint64_t ns;
	} from, to;
};

/* What follows the '@'. False: it is no span. */
bool span__parse(struct span *span, const char *text);

/* In the clock of a recording from `first_ns` to `last_ns`. False: it ends before it begins. */
bool span__settle(const struct span *span, uint64_t first_ns, uint64_t last_ns, uint64_t *from_ns,
		  uint64_t *to_ns);
