/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/resident.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "stacks/resident_internal.h"

#define MAX_BYTES   (32 * MIB)
#define TURN_NS     (20 * NS_PER_MS)
#define EVERY_NS    (10 * NS_PER_S)
#define PAGES_FIRST 8U
#define TAIL_MIN    64U /* pages that wait to be sorted */

/* --- life ------------------------------------------------------------------------------------ */

int resident__new(struct resident **out, const struct resident_options *options)
{
	struct resident *resident = calloc(1, sizeof(*resident));
	int error;

	if (!resident)
		return -ENOMEM;
	resident->sink = options->sink;
	resident->max_bytes = options->max_bytes ? options->max_bytes : MAX_BYTES;
	resident->turn_ns = options->turn_ns ? options->turn_ns : TURN_NS;
	resident->every_ns = options->every_ns ? options->every_ns : EVERY_NS;
	resident->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	resident->proc =
		open(options->proc ? options->proc : "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (resident->proc < 0) {
		error = -errno;
		free(resident);
		return error;
	}
	*out = resident;
	return 0;
}

void sampled__free(struct resident *resident, struct sampled *sampled)
{
	HASH_DEL(resident->processes, sampled);
	resident->bytes -= sizeof(*sampled) + sampled->capacity * sizeof(*sampled->pages);
	resident->counts.pages -= sampled->count;
	free(sampled->pages);
	free(sampled);
}

void resident__free(struct resident *resident)
{
	if (!resident)
		return;
	while (resident->processes)
		sampled__free(resident, resident->processes);
	closep(&resident->proc);
	free(resident->due);
	free(resident);
}

struct resident_counts resident__counts(const struct resident *resident)
{
	struct resident_counts counts = resident->counts;

	counts.processes = HASH_COUNT(resident->processes);
	counts.bytes = sizeof(*resident) + resident->bytes +
		       resident->due_capacity * sizeof(resident->due[0]);
	return counts;
}

/* --- telling --------------------------------------------------------------------------------- */

static int compare_stacks(const void *left, const void *right)
{
	const struct page *a = left, *b = right;

	return (a->stack > b->stack) - (a->stack < b->stack);
}

static void sum(struct stack_gone *gone, const struct page *page)
{
	/* Nobody's (see settle()), or taken off by others. */
	gone->samples += page__has_any(page);
	for (int i = 0; i < GROWTH_MEMBERS; i++)
		gone->bytes[i] += (int64_t)page->pages[i] << page->block_shift;
}

struct task_ref sampled__task(const struct sampled *sampled)
{
	return (struct task_ref){
		.pid = sampled->pid, .tid = sampled->pid, .start_ns = sampled->start_ns};
}

static int tell_sums(struct resident *resident, const struct sampled *sampled,
		     const struct page *pages, size_t count)
{
	int error = 0;

	for (size_t i = 0, next; i < count && !error; i = next) {
		struct stack_gone gone = {
			.task = sampled__task(sampled),
			.stack = pages[i].stack,
		};

		for (next = i; next < count && pages[next].stack == pages[i].stack; next++)
			sum(&gone, &pages[next]);
		if (!gone.samples)
			continue;
		resident->counts.gone += gone.samples;
		error = resident->sink.gone(resident->sink.context, &gone);
	}
	return error;
}

/* Puts those that leave behind the others, which keep their order; how many these are. */
static size_t part(struct page *pages, size_t count, struct page *leaving, bool unseen)
{
	size_t stay = 0, leave = 0;

	for (size_t i = 0; i < count; i++) {
		if (pages[i].state == PAGE_GONE || (unseen && pages[i].state == PAGE_NOT_SEEN))
			leaving[leave++] = pages[i];
		else
			pages[stay++] = pages[i];
	}
	return stay;
}

/* Room that is not needed any more. */
static void give_back(struct resident *resident, struct sampled *sampled)
{
	const size_t capacity = sampled->count + sampled->count / 2 + PAGES_FIRST;
	struct page *pages;

	if (sampled->capacity / 2 < capacity)
		return;
	pages = realloc(sampled->pages, capacity * sizeof(*pages));
	if (!pages)
		return;
	resident->bytes -= (sampled->capacity - capacity) * sizeof(*pages);
	sampled->pages = pages;
	sampled->capacity = capacity;
}

int sampled__tell(struct resident *resident, struct sampled *sampled, bool unseen)
{
	size_t leave = 0, stay;
	struct page *leaving;
	int error;

	sampled__sort(sampled);
	for (size_t i = 0; i < sampled->count; i++)
		leave += sampled->pages[i].state == PAGE_GONE ||
			 (unseen && sampled->pages[i].state == PAGE_NOT_SEEN);
	if (!leave)
		return 0;
	leaving = malloc(leave * sizeof(*leaving));
	/* Without memory it is told another time. */
	if (!leaving)
		return 0;
	stay = part(sampled->pages, sampled->count, leaving, unseen);
	resident->counts.pages -= leave;
	sampled->sorted = sampled->count = stay;
	qsort(leaving, leave, sizeof(*leaving), compare_stacks);
	error = tell_sums(resident, sampled, leaving, leave);
	free(leaving);
	give_back(resident, sampled);
	return error;
}

/* --- adding ---------------------------------------------------------------------------------- */

static struct sampled *reach(struct resident *resident, const struct stack_growth *growth)
{
	const uint32_t pid = growth->task.pid;
	struct sampled *sampled;

	HASH_FIND(hh, resident->processes, &pid, sizeof(pid), sampled);
	if (sampled &&
	    (sampled->start_ns != growth->task.start_ns || sampled->mm_id != growth->mm_id)) {
		sampled__free(resident, sampled);
		sampled = NULL;
	}
	if (sampled || resident->bytes + sizeof(*sampled) > resident->max_bytes)
		return sampled;
	sampled = calloc(1, sizeof(*sampled));
	if (!sampled)
		return NULL;
	sampled->pid = pid;
	sampled->start_ns = growth->task.start_ns;
	sampled->mm_id = growth->mm_id;
	sampled->looked_ns = growth->time_ns;
	HASH_ADD(hh, resident->processes, pid, sizeof(pid), sampled);
	if (!sampled->hh.tbl) {
		free(sampled);
		return NULL;
	}
	resident->bytes += sizeof(*sampled);
	return sampled;
}

static bool make_room(struct resident *resident, struct sampled *sampled)
{
	const size_t more = sampled->capacity ? sampled->capacity / 2 : PAGES_FIRST;
	const size_t capacity = sampled->capacity + more;
	struct page *pages;

	if (sampled->count < sampled->capacity)
		return true;
	if (resident->bytes + more * sizeof(*pages) > resident->max_bytes)
		return false;
	pages = realloc(sampled->pages, capacity * sizeof(*pages));
	if (!pages)
		return false;
	resident->bytes += more * sizeof(*pages);
	sampled->pages = pages;
	sampled->capacity = capacity;
	return true;
}

/* Addresses that come again and again must not fill the table. */
static int keep_tail_short(struct resident *resident, struct sampled *sampled)
{
	const size_t tail = sampled->count - sampled->sorted;

	if (sampled->count < sampled->capacity || tail < TAIL_MIN || tail < sampled->sorted / 4)
		return 0;
	return sampled__tell(resident, sampled, false);
}

/* As the BPF programs make them: other listeners refuse other ones, too. */
static bool is_sound(const struct stack_growth *growth)
{
	if (growth->block_bytes < GROWTH_BLOCK_MIN || growth->block_bytes > GROWTH_BLOCK_MAX ||
	    growth->block_bytes & (growth->block_bytes - 1))
		return false;
	for (int i = 0; i < GROWTH_MEMBERS; i++) {
		if (growth->pages[i] > GROWTH_PAGES_MAX || growth->pages[i] < -GROWTH_PAGES_MAX)
			return false;
	}
	return growth->task.pid != 0;
}

static struct page page_of(const struct resident *resident, const struct stack_growth *growth,
			   uint32_t order)
{
	struct page page = {
		.address = growth->address & ~(resident->page_bytes - 1),
		.stack = growth->stack,
		.order = order,
		.block_shift = (uint8_t)__builtin_ctzll(growth->block_bytes),
	};
	const int32_t anon = growth->pages[GROWTH_ANON], swap = growth->pages[GROWTH_SWAP];
	int32_t back = swap < 0 ? -swap : 0;

	if (back > anon)
		back = anon > 0 ? anon : 0;
	memcpy(page.pages, growth->pages, sizeof(page.pages));
	page.pages[GROWTH_ANON] = anon - back;
	page.pages[GROWTH_SWAP] = back;
	return page;
}

static uint64_t came_bytes(const struct page *page)
{
	uint64_t pages = 0;

	for (int i = 0; i < GROWTH_MEMBERS; i++)
		pages += page->pages[i] > 0 ? (uint64_t)page->pages[i] : 0;
	return pages << page->block_shift;
}

int resident__add(struct resident *resident, const struct stack_growth *growth)
{
	struct sampled *sampled;
	int error = 0;

	if (!is_sound(growth))
		return 0;
	sampled = reach(resident, growth);
	if (sampled)
		error = keep_tail_short(resident, sampled);
	if (error)
		return error;
	if (!sampled || !make_room(resident, sampled)) {
		resident->counts.refused++;
		return 0;
	}
	sampled->pages[sampled->count] = page_of(resident, growth, ++sampled->order);
	sampled->came_bytes += came_bytes(&sampled->pages[sampled->count++]);
	resident->counts.pages++;
	return 0;
}

void resident__forget(struct resident *resident, uint32_t pid)
{
	struct sampled *sampled;

	HASH_FIND(hh, resident->processes, &pid, sizeof(pid), sampled);
	if (sampled)
		sampled__free(resident, sampled);
}
