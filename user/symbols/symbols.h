/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "elf/object.h"
#include "symbols/symbol.h"

/*
 * The functions of one object: sorted once, bisected from then on. The names are copies, so that
 * neither file is needed any more.
 *
 * They come from .symtab, of the object or else of its debug file; .dynsym; .gnu_debugdata (what
 * Fedora leaves of .symtab); and where none of them tells more than .dynsym, .gopclntab. Where
 * several share an address, symbols/prefer.h says which is shown. A symbol without a size reaches
 * to the next one, or is a label when it lies inside another function.
 */
struct symbols;

/* `debug` may be NULL. -ENOMEM; an object without any function has no names, which is no error. */
int symbols__new(struct symbols **out, const struct object *object, const struct object *debug);

/* `vaddr`: link-time address (object__vaddr()). The innermost function around it. */
bool symbols__find(const struct symbols *symbols, uint64_t vaddr, struct symbol *out);

size_t symbols__count(const struct symbols *symbols);
bool symbols__cut(const struct symbols *symbols);     /* there were more than are taken */
size_t symbols__bytes(const struct symbols *symbols); /* of heap */

void symbols__free(struct symbols *symbols);
