/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "bpf/events.h"

/* A thread that has reclaimed: the run it is in, and what was not told yet. The value of the map
 * `reclaims`, which user space reads as well. */
struct reclaim_state {
	__u64 begin_ns;   /* 0: outside reclaim */
	__u64 told_ns;    /* 0: nothing of it was */
	__u32 last_flags; /* of the last run that began: enum reclaim_flag */
	__u32 reserved;
	struct event_reclaim event;
};
