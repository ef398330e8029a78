/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <linux/types.h>
#include <stdint.h>

struct bpf_object;

/* Runs of the loaded programs that the kernel has skipped, by the kind of event they would have
 * told (enum event_kind), less those that a deputy stood in for: `stood_in` is deputy_stood_in of
 * bpf/deputy.bpf.h. Until 5.11 the kernel does not count them. */
uint64_t misses__of(const struct bpf_object *object, const __u64 *stood_in, uint32_t kind);
