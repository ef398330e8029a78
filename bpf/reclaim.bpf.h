/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "bpf/reclaim_state.h"

struct reclaim_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64); /* pid_tgid */
	__type(value, struct reclaim_state);
};

extern struct reclaim_map reclaims SEC(".maps");

/* Tells what the current thread has reclaimed and not told yet. */
void reclaim_flush(void);
/* Was the current thread's last run of reclaim for want of memory of the whole host? */
bool reclaim_was_for_host(void);
