/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>

/* Closes every descriptor but these, which are open; in a child that is to have nothing else. */
void close_others(const int *kept, size_t count);
