/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include "stacks/resident.h"

/* Without it uthash ends the program when memory is short. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>

enum page_state {
	PAGE_LIVES,
	PAGE_NOT_SEEN, /* by the latest look; told when that is sure to have been the same program
			*/
	PAGE_GONE
};

/* A sampled page. */
struct page {
	uint64_t address;
	uint32_t stack;
	uint32_t file;
	uint32_t order;                /* of arrival */
	int32_t pages[GROWTH_MEMBERS]; /* that came with it; swap: of the anonymous ones, how many
					  from there */
	uint8_t block_shift;           /* each of them stands for 1 << block_shift bytes */
	uint8_t state;                 /* enum page_state */
};

/* Did anything come with it that is not taken off again? */
static inline bool page__has_any(const struct page *page)
{
	for (int i = 0; i < GROWTH_MEMBERS; i++) {
		if (page->pages[i] > 0)
			return true;
	}
	return false;
}

/* Memory that mremap(2) has put elsewhere, by so much in all. */
struct shift {
	uint64_t start, bytes, by;
};

#define SHIFTS_MAX 16

/* A process. */
struct sampled {
	uint32_t pid;
	bool untold; /* a complete look's outcome */
	uint64_t start_ns;
	uint64_t mm_id;
	uint64_t program;   /* what tells one program of a process from the next; 0: not read */
	struct page *pages; /* the first `sorted` by address; the rest as they came */
	size_t sorted, count, capacity;
	uint32_t order;
	uint64_t came_bytes; /* since the last look began */
	uint64_t looked_ns;  /* when that was; before the first one: when its first sample came */
	uint64_t seen_ns;    /* by when the last look had ended */
	uint64_t told_ns;    /* when a look was last told of; 0: never */
	uint64_t next;       /* address at which a look goes on; 0: none has begun */
	struct shift shifts[SHIFTS_MAX]; /* the latest first */
	UT_hash_handle hh;
};

struct resident {
	struct stack_sink sink;
	int proc; /* the folder */
	uint64_t page_bytes;
	size_t max_bytes, bytes; /* of pages and processes */
	uint64_t turn_ns, every_ns;
	struct sampled *processes;
	struct sampled **due;
	size_t due_capacity;
	struct resident_counts counts;
};

/* --- resident.c ------------------------------------------------------------------------------- */

void sampled__free(struct resident *resident, struct sampled *sampled);
struct task_ref sampled__task(const struct sampled *sampled);
/* What is gone, and with `unseen` what was not seen, is told and leaves. */
int sampled__tell(struct resident *resident, struct sampled *sampled, bool unseen);

/* --- resident_sort.c -------------------------------------------------------------------------- */

/* All pages sorted; of those at one address only the last one is left alive. */
void sampled__sort(struct sampled *sampled);

/* --- resident_look.c -------------------------------------------------------------------------- */

enum look {
	LOOK_COMPLETE,
	LOOK_GOES_ON, /* another time, at `next` */
	LOOK_FAILED,
	LOOK_ANOTHER /* the process has ended, is ending, or is another one or another program */
};

/* Goes on looking until CLOCK_MONOTONIC is `until_ns`. */
enum look sampled__look(struct resident *resident, struct sampled *sampled, uint64_t until_ns);
uint64_t resident__clock_ns(void);

/* A descriptor of the process's pagemap or -errno; and what it says of one page. */
int resident__pagemap(const struct resident *resident, uint32_t pid);
bool resident__is_there(const struct resident *resident, int pagemap, uint64_t address);
