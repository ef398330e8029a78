/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "maps/objects.h"
#include "stacks/patience.h"
#include "stacks/sink.h"
#include "symbols/symbols.h"
#include "unwind/cfi.h"

/* The ELF files that stacks lead through, with what unwinding and naming need of them: each made
 * once, whoever maps it. The least recently used go beyond MODULES_MAX, or MODULES_MAX_BYTES. */
struct modules;

#define MODULES_MAX       1024
#define MODULES_MAX_BYTES (256ULL << 20) /* files, rules and names; one alone may have more */

struct module {
	uint32_t id;
	struct object *object;
	struct cfi *cfi; /* NULL: no rules */
	/* Of what the loader calls at the beginning and the end, for which there are no rules; 0:
	 * none. */
	uint64_t init_vaddr, fini_vaddr;
	bool lineless; /* has no source lines, or none that could be read */
};

/* `objects` and `patience` (NULL: any) stay the caller's and outlive it. */
int modules__new(struct modules **out, struct objects *objects, struct patience *patience,
		 const struct stack_sink *sink);
/* The least recently used go, files that nobody uses included. */
void modules__keep_within(struct modules *modules, size_t max_bytes);
/* Files, rules and names that there was no memory for, even when nothing else was there. */
uint64_t modules__too_large(const struct modules *modules);
/* Others have told under numbers up to this one. */
void modules__number_from(struct modules *modules, uint32_t last);
/* The next number, for what is told as a module elsewhere. */
uint32_t modules__new_number(struct modules *modules);
/* Memory is short: half of what there is goes. False: there was nothing to be given up. */
bool modules__give_up(struct modules *modules);
void modules__free(struct modules *modules);

/* NULL: not code of a file, or of none that can be used, or that there was patience for. Valid
 * until the next call. */
struct module *modules__of(struct modules *modules, uint32_t pid, const struct mapping *mapping);

/* Told, if it was not lately; 0 or what the sink said. */
int modules__tell(struct modules *modules, struct module *module, uint64_t now_ns);

/* Are its symbols read, or is there patience to read them? */
bool modules__can_name(struct modules *modules, const struct module *module);
/* The function around a link-time address. Reads the symbols when first asked. */
bool modules__name(struct modules *modules, struct module *module, uint64_t vaddr,
		   struct symbol *out);

/* A descriptor, to be closed soon, of the file that has the source lines of a module: its debug
 * file, or itself. -ENODATA: none has; -ESRCH: no such module any more; or as of objects__open().
 */
int modules__open_lines(struct modules *modules, uint32_t id);
void modules__has_no_lines(struct modules *modules, uint32_t id);
/* Are they, if anywhere, in a debug file of the host's, which is there tomorrow as well? */
bool modules__lines_can_wait(const struct module *module);

size_t modules__bytes(const struct modules *modules); /* of heap, without the objects' */
