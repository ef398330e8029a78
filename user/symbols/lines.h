/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Source lines of addresses, by the debug information of an object or of its debug file (libdw). Of
 * inlined code the line of its (outermost) call: one of the function that has a symbol.
 *
 * libdw bounds neither its memory nor its time for a file that was written to hurt its reader, and
 * reads beyond what it has read in. So it works in a child process that has bounds of both and may
 * do little (symbols/confine.h); not even open another file that the debug information names.
 */

#define LINES_MAX_ADDRESSES 4096
#define LINES_MEMORY_BYTES  (1ULL << 30) /* of the child; all sections .debug_* are in it */

struct source_line {
	char *file;        /* as the compiler noted it, also relative; NULL: not known */
	unsigned int line; /* 0: none in particular */
};

/*
 * Fills lines[i] for vaddrs[i], link-time addresses (object__vaddr()), at most LINES_MAX_ADDRESSES.
 * The first ones are looked up first. `fd`: a regular file, not consumed, its position is not used.
 *
 * 0: what the file knows of all of them; -ENODATA: it has no source lines. Otherwise lines[] keeps
 * what was found before: -ETIME `budget_ns` is over; -ENOMEM it takes more memory than the child
 * may have; -EBADMSG the file is damaged; -E2BIG too many addresses; -errno of fork(2), pipe(2).
 * -EBUSY: four children still wait for file systems that do not answer. The child is gone when it
 * returns, unless it is one of those. One thread at a time.
 */
int lines__find(struct source_line *lines, const uint64_t *vaddrs, size_t count, int fd,
		uint64_t budget_ns);

/*
 * The same without waiting: begins to look; everything but the addresses and `fd` stays the
 * caller's until it is over. 0, or -E2BIG, -ENOMEM, -errno of fork(2), pipe(2).
 */
struct lines_search;

int lines__start(struct lines_search **out, struct source_line *lines, const uint64_t *vaddrs,
		 size_t count, int fd, uint64_t budget_ns);
int lines__fd(const struct lines_search *search); /* readable when more has come */
/* -EAGAIN: not yet; else the end, as lines__find() says it, and the child is gone. */
int lines__look(struct lines_search *search);
void lines__stop(struct lines_search *search); /* NULL: nothing */

void lines__free(struct source_line *lines, size_t count); /* the names, not the array */
