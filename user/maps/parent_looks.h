/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdint.h>

#include "maps/first_look.h"

/*
 * Who forks, and was there before anybody followed it, is looked at then: its children grow as the
 * program that it is, and most of them are another one before anybody asks what they were.
 */

/* Before records are passed on. What cannot be seen counts as a look that failed. */
void parent_looks__take(struct first_look *look, uint64_t now_ns);
