/* SPDX-License-Identifier: GPL-2.0-only */
#include "filter.bpf.h"

struct followed_map followed SEC(".maps");
