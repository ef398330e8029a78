/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <linux/types.h>

/* When to wake whoever empties a ring. User space sets `bytes` before the programs are loaded. */
struct waker {
	__u64 bytes;    /* that the ring holds, and that have come since it was last woken */
	__u64 woken_at; /* how much had ever come then */
};
