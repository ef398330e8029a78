/* SPDX-License-Identifier: GPL-2.0-only */
#include "deputy.bpf.h"

__u64 deputy_words[1 << DEPUTY_SHIFT] = {};
__u64 deputy_stood_in[DEPUTIZED_END] = {};
