/* SPDX-License-Identifier: GPL-2.0-only */
#include "note.bpf.h"

__u64 notes[NOTES][sizeof(struct note) / 8] __attribute__((aligned(64))) = {};
