/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Growth by stack for other programs. Both say of the same samples what the JSON says, and in the
 * same sum: `filter` NULL, of everybody. 0, -ENOENT: nothing of it was sampled, or -ENOMEM.
 */

#include "base/text.h"
#include "report/growth.h"

/*
 * What scripts that draw flame graphs read: "comm;outermost;...;innermost BYTES", one line a chain
 * of functions, in the order of bytes. Stacks whose callers are not known begin with "[callers
 * unknown]". A line cannot say less than nothing: *left_out_bytes (0 or negative) is the sum of
 * stacks by which memory fell, as file pages do when anonymous ones replace them.
 */
int report__folded(const struct model *model, const struct growth_filter *filter, struct text *out,
		   int64_t *left_out_bytes);

/* profile.proto, compressed by gzip: what pprof reads. Sample types growth_bytes, resident_bytes
 * and samples, labels pid, comm, cgroup and class. */
int report__pprof(const struct model *model, const struct growth_filter *filter, struct text *out);
