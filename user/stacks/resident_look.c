/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "stacks/resident_internal.h"
#include "symbols/safe_open.h"

/* /proc/PID/pagemap: a word for each page. */
#define PRESENT     (1ULL << 63)
#define SWAPPED     (1ULL << 62)
#define WORDS       512
#define GAP_PAGES   64U /* are read rather than left out: that takes no longer than another call */

/* /proc/PID/stat */
#define IS_EXITING  0x4 /* of flags: PF_EXITING */
#define SIGKILL_BIT (1ULL << (9 - 1))

static uint64_t clock_of(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t resident__clock_ns(void)
{
	return clock_of(CLOCK_MONOTONIC);
}

/* Whatever somebody has put there: only a regular file is read. */
static int open_file(const struct resident *resident, uint32_t pid, const char *name)
{
	const struct safe_open wanted = {.owner = SAFE_OPEN_ANY_OWNER};
	char path[64];

	snprintf(path, sizeof(path), "%" PRIu32 "/%s", pid, name);
	return safe_open(resident->proc, path, &wanted);
}

int resident__pagemap(const struct resident *resident, uint32_t pid)
{
	return open_file(resident, pid, "pagemap");
}

bool resident__is_there(const struct resident *resident, int pagemap, uint64_t address)
{
	uint64_t word = 0;

	return pread(pagemap, &word, sizeof(word),
		     (off_t)(address / resident->page_bytes * sizeof(word))) == sizeof(word) &&
	       word & (PRESENT | SWAPPED);
}

/* --- who it is ------------------------------------------------------------------------------- */

struct identity {
	char state;
	uint64_t flags, ticks, code, stack, signals;
};

/* comm, field 2, may hold blanks and brackets of its own: what follows begins at its last one. */
static int parse_stat(const char *text, struct identity *out)
{
	const char *at = strrchr(text, ')');
	struct {
		int field;
		uint64_t *value;
	} wanted[] = {{9, &out->flags},
		      {22, &out->ticks},
		      {26, &out->code},
		      {28, &out->stack},
		      {31, &out->signals}};
	size_t next = 0;

	if (!at || at[1] != ' ')
		return -EBADMSG;
	out->state = at[2];
	for (int field = 3; next < sizeof(wanted) / sizeof(*wanted); field++) {
		at = strchr(at + 1, ' ');
		if (!at)
			return -EBADMSG;
		if (field == wanted[next].field)
			*wanted[next++].value = strtoull(at + 1, NULL, 10);
	}
	return 0;
}

static int identify(const struct resident *resident, uint32_t pid, struct identity *out)
{
	_cleanup_(closep) int fd = open_file(resident, pid, "stat");
	char text[1024];
	ssize_t got;

	if (fd < 0)
		return fd;
	got = read(fd, text, sizeof(text) - 1);
	if (got < 0)
		return -errno;
	text[got] = '\0';
	return parse_stat(text, out);
}

/* The kernel counts time asleep here, and in ticks. */
static bool is_start(uint64_t ticks, uint64_t start_ns)
{
	const int64_t tick_ns = (int64_t)NS_PER_S / sysconf(_SC_CLK_TCK);
	const int64_t monotonic_ns = (int64_t)clock_of(CLOCK_MONOTONIC);
	const int64_t suspended_ns = (int64_t)clock_of(CLOCK_BOOTTIME) - monotonic_ns;
	const int64_t earliest = (int64_t)start_ns / tick_ns;
	const int64_t latest = ((int64_t)start_ns + suspended_ns) / tick_ns;

	return (int64_t)ticks >= earliest - 1 && (int64_t)ticks <= latest + 1;
}

/* It will end, and its memory may be taken from it before. */
static bool is_dying(const struct identity *identity)
{
	return strchr("ZXx", identity->state) || identity->flags & IS_EXITING ||
	       identity->signals & SIGKILL_BIT;
}

/* Asked after its pages: who it is now, it was then. */
static enum look judge(const struct resident *resident, struct sampled *sampled)
{
	struct identity identity = {0};
	int error = identify(resident, sampled->pid, &identity);
	uint64_t program;

	if (error == -ENOENT || error == -ESRCH)
		return LOOK_ANOTHER;
	if (error)
		return LOOK_FAILED;
	if ((sampled->start_ns && !is_start(identity.ticks, sampled->start_ns)) ||
	    is_dying(&identity))
		return LOOK_ANOTHER;
	/* An exec that nobody told of. */
	program = identity.code ^ identity.stack;
	if (sampled->program && program != sampled->program)
		return LOOK_ANOTHER;
	sampled->program = program;
	return LOOK_COMPLETE;
}

/* --- its pages ------------------------------------------------------------------------------- */

static size_t first_from(const struct sampled *sampled, uint64_t address)
{
	size_t low = 0, high = sampled->sorted;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (sampled->pages[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* How many from here are read at once. */
static size_t batch_of(const struct resident *resident, const struct page *pages, size_t count)
{
	size_t batch = 1;

	while (batch < count &&
	       pages[batch].address - pages[batch - 1].address <=
		       GAP_PAGES * resident->page_bytes &&
	       pages[batch].address - pages[0].address < WORDS * resident->page_bytes)
		batch++;
	return batch;
}

static void mark(struct page *page, uint64_t word)
{
	if (page->state != PAGE_GONE)
		page->state = word & (PRESENT | SWAPPED) ? PAGE_LIVES : PAGE_NOT_SEEN;
}

/* Of how many it was told; 0: of none, for there is no such memory (any more); or -errno. */
static long read_batch(const struct resident *resident, int fd, struct page *pages, size_t count)
{
	const uint64_t first = pages[0].address / resident->page_bytes;
	const uint64_t last = pages[count - 1].address / resident->page_bytes;
	uint64_t words[WORDS];
	const size_t bytes = (size_t)(last - first + 1) * sizeof(words[0]);
	ssize_t got = pread(fd, words, bytes, (off_t)(first * sizeof(words[0])));
	size_t done = 0;

	if (got < 0)
		return -errno;
	while (done < count) {
		uint64_t at = pages[done].address / resident->page_bytes - first;

		if ((at + 1) * sizeof(words[0]) > (size_t)got)
			break;
		mark(&pages[done++], words[at]);
	}
	return (long)done;
}

static enum look read_pages(const struct resident *resident, struct sampled *sampled, int fd,
			    uint64_t until_ns)
{
	size_t at = first_from(sampled, sampled->next);

	while (at < sampled->sorted) {
		struct page *pages = sampled->pages + at;
		long done = read_batch(resident, fd, pages,
				       batch_of(resident, pages, sampled->sorted - at));

		if (done <= 0)
			return LOOK_FAILED;
		at += (size_t)done;
		if (at < sampled->sorted && resident__clock_ns() >= until_ns) {
			sampled->next = sampled->pages[at].address;
			return LOOK_GOES_ON;
		}
	}
	return LOOK_COMPLETE;
}

enum look sampled__look(struct resident *resident, struct sampled *sampled, uint64_t until_ns)
{
	_cleanup_(closep) int fd = resident__pagemap(resident, sampled->pid);
	enum look pages = LOOK_FAILED, who;

	if (fd == -ENOENT || fd == -ESRCH)
		return LOOK_ANOTHER;
	if (fd >= 0)
		pages = read_pages(resident, sampled, fd, until_ns);
	who = judge(resident, sampled);
	return who == LOOK_COMPLETE ? pages : who;
}
