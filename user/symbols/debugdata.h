/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "elf/object.h"

#define DEBUGDATA_MAX_BYTES (64U << 20) /* unpacked */

/* The object inside .gnu_debugdata: an ELF file packed by xz. *out is NULL when there is none
 * (-ENOENT), or none that can be used (-EINVAL, -EFBIG); -ENOMEM. */
int debugdata__object(struct object **out, const struct object *object);
