/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/fuzz/judge_records.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "maps/address_spaces_internal.h"
#include "maps/first_look.h"
#include "maps/parent_looks.h"

#define RING_BYTES 65536U
#define MAX_BYTES  16384U /* of address spaces: some have to go */
#define MAPPED     16
#define LATE_NS    (1ULL << 62)

static int ring_fd = -1;

static void require(bool promise)
{
	if (!promise)
		abort();
}

struct world {
	struct address_spaces *spaces;
	struct first_look look;
	uint64_t last_ns;
	bool in_order;
	struct {
		uint64_t address, time_ns;
		uint32_t pid;
	} mapped[MAPPED]; /* the last ones */
	size_t count;
};

static void judge_space(const struct address_space *space)
{
	const struct mapping *mappings;
	uint64_t behind = 0;
	size_t count;

	if (!space)
		return;
	mappings = address_space__mappings(space, &count);
	require(count <= ADDRESS_SPACE_MAPPINGS_MAX);
	for (size_t i = 0; i < count; i++) {
		require(mappings[i].start >= behind && mappings[i].start < mappings[i].end);
		require(!mappings[i].file == (mappings[i].kind != MAPPING_FILE));
		behind = mappings[i].end;
	}
}

/* A sample of a process, at an address and a time that may be any. */
static void judge_sample(struct world *world, uint32_t pid, uint64_t address, uint64_t time_ns)
{
	struct process_maps *process = address_spaces__process(world->spaces, pid, 0, time_ns);
	struct mapping found;
	char why[256] = "";

	require(process && process_maps__pid(process) == pid);
	if (process_maps__wants_look(process) &&
	    first_look(&world->look, process, pid, time_ns, time_ns, why, sizeof(why)))
		require(*why);
	judge_space(process->now);
	for (unsigned int i = 0; i < process->past_count; i++)
		judge_space(process->pasts[i].space);
	if (!process_maps__find(process, address, time_ns, &found))
		return;
	require(found.start <= address && address < found.end && found.from_ns <= time_ns);
}

static int on_event(void *context, const struct map_event *event)
{
	struct world *world = context;
	const struct told_mapping *told = &event->mapping;

	require(!world->in_order || event->time_ns >= world->last_ns);
	world->last_ns = event->time_ns;
	world->in_order = true;
	require(event->kind == MAP_EVENT_LOST || (event->pid && event->pid != UINT32_MAX));
	require(address_spaces__apply(world->spaces, event) == 0);
	if (event->kind != MAP_EVENT_MAPPED)
		return 0;
	require(told->start < told->end && told->kind <= MAPPING_OTHER);
	require(told->file.build_id_bytes <= MAPPING_BUILD_ID_MAX_BYTES);
	world->mapped[world->count % MAPPED].address = told->start + (told->end - told->start) / 2;
	world->mapped[world->count % MAPPED].time_ns = event->time_ns;
	world->mapped[world->count++ % MAPPED].pid = event->pid;
	return 0;
}

/* A file in memory is the ring here, and nobody can wait for one of those. */
int epoll_ctl(int epoll_fd, int operation, int fd, struct epoll_event *event)
{
	(void)epoll_fd;
	(void)operation;
	(void)fd;
	(void)event;
	return 0;
}

static int open_ring(void *context, struct perf_wanted *wanted, unsigned int cpu)
{
	(void)context;
	(void)wanted;
	return cpu == 0 ? dup(ring_fd) : -ENODEV;
}

/* The first bytes say how much more is there than is, and where it begins. */
static void write_ring(const uint8_t *records, size_t bytes)
{
	const size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	struct perf_event_mmap_page page = {0};
	uint32_t claim[2] = {0};
	const size_t head = bytes < sizeof(claim) ? bytes : sizeof(claim);
	uint8_t *memory;

	if (ring_fd < 0) {
		ring_fd = memfd_create("ring", MFD_CLOEXEC);
		require(ring_fd >= 0 && ftruncate(ring_fd, page_bytes + RING_BYTES) == 0);
	}
	memory =
		mmap(NULL, page_bytes + RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, ring_fd, 0);
	require(memory != MAP_FAILED);
	memcpy(claim, records, head);
	page.data_tail = claim[1];
	page.data_head = page.data_tail + (bytes - head) + claim[0];
	memcpy(memory, &page, sizeof(page));
	for (size_t i = head; i < bytes; i++)
		memory[page_bytes + (page.data_tail + i - head) % RING_BYTES] = records[i];
	munmap(memory, page_bytes + RING_BYTES);
}

/* What is left has been counted: nothing is, when everybody has gone. */
static void judge_counts(struct address_spaces *spaces)
{
	while (spaces->unused)
		process_maps__free(spaces->unused);
	while (spaces->used)
		process_maps__free(spaces->used);
	require(address_spaces__counts(spaces).processes == 0);
	require(address_spaces__counts(spaces).bytes == 0);
}

void judge_records(const uint8_t *records, size_t bytes, const struct samples *samples)
{
	const struct address_spaces_options bounds = {.max_bytes = MAX_BYTES};
	const struct perf_maps_options options = {.ring_bytes = RING_BYTES,
						  .hold_ns = 1,
						  .online = "",
						  .opener = {.open = open_ring}};
	struct world world = {.look = {.proc = samples->proc}};
	char why[256] = "";

	write_ring(records, bytes);
	require(address_spaces__new(&world.spaces, &bounds) == 0);
	require(perf_maps__open(&world.look.perf, &options, why, sizeof(why)) == 0);
	world.look.spaces = world.spaces;
	perf_maps__drain(world.look.perf);
	parent_looks__take(&world.look, 1);
	for (uint32_t i = 0; i < samples->count; i++)
		judge_sample(&world, 1 + i % samples->pids, samples->addresses[i], i);
	require(perf_maps__release(world.look.perf, LATE_NS, on_event, &world) == 0);
	for (size_t i = 0; i < MAPPED && i < world.count; i++)
		judge_sample(&world, world.mapped[i].pid, world.mapped[i].address,
			     world.mapped[i].time_ns);
	address_spaces__tidy(world.spaces, LATE_NS);
	require(perf_maps__release(world.look.perf, UINT64_MAX, on_event, &world) == 0);
	judge_counts(world.spaces);
	perf_maps__close(world.look.perf);
	address_spaces__free(world.spaces);
}
