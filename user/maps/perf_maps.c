/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/perf_maps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/units.h"
#include "base/online.h"
#include "maps/perf_ring.h"

#define RING_BYTES (256 * KIB)
#define HOLD_NS    (100 * NS_PER_MS)
#define LOOK_NS    NS_PER_S
#define ONLINE     "/sys/devices/system/cpu/online"

struct cpu {
	struct perf_maps *maps;
	uint32_t number;
	int fd;
	struct perf_ring ring;
	uint64_t last_ns; /* time of the latest record */
	uint64_t lost;
	uint64_t untold; /* of them */
};

struct perf_maps {
	struct cpu *cpus;
	unsigned int cpu_count;
	unsigned int cpu_room;
	const char *online;
	uint64_t looked_ns; /* at `online` */
	int epoll_fd;
	size_t ring_bytes;
	uint64_t hold_ns;
	struct perf_opener opener;
	struct perf_wanted wanted;
	struct map_order *order;
	uint64_t *record; /* the longest one */
	struct perf_maps_counts counts;
};

static int fail(int error, char *why, size_t why_size)
{
	switch (error) {
	case -EACCES:
	case -EPERM:
		snprintf(why, why_size,
			 "following the mappings of all processes needs CAP_PERFMON (root)");
		break;
	case -ENOSYS:
	case -ENOENT:
		snprintf(why, why_size, "this kernel has no perf events");
		break;
	case -EMFILE:
		snprintf(why, why_size, "too many open files: perf needs one for each processor");
		break;
	default:
		snprintf(why, why_size, "opening perf events: %s", strerror(-error));
	}
	return error;
}

static int open_here(void *context, struct perf_wanted *wanted, unsigned int cpu)
{
	(void)context;
	return perf_open(wanted, cpu);
}

static int open_cpu(struct perf_maps *maps, unsigned int number)
{
	struct epoll_event readable = {.events = EPOLLIN};
	struct cpu *cpu = &maps->cpus[maps->cpu_count];
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	void *memory;
	int fd;

	if (maps->cpu_count == maps->cpu_room)
		return -ENOSPC;
	fd = maps->opener.open(maps->opener.context, &maps->wanted, number);
	/* Not online. */
	if (fd == -ENODEV)
		return 0;
	if (fd < 0)
		return fd;
	memory = mmap(NULL, page_bytes + maps->ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		      0);
	if (memory == MAP_FAILED) {
		int error = -errno;

		close(fd);
		return error;
	}
	*cpu = (struct cpu){
		.maps = maps,
		.number = number,
		.fd = fd,
		.ring = {.page = memory,
			 .data = (uint8_t *)memory + page_bytes,
			 .bytes = maps->ring_bytes,
			 .whole = maps->record},
	};
	maps->cpu_count++;
	return epoll_ctl(maps->epoll_fd, EPOLL_CTL_ADD, fd, &readable) ? -errno : 0;
}

static void close_cpu(const struct perf_maps *maps, struct cpu *cpu)
{
	munmap(cpu->ring.page, (size_t)sysconf(_SC_PAGESIZE) + maps->ring_bytes);
	close(cpu->fd);
}

static int open_all(struct perf_maps *maps, const struct perf_maps_options *options)
{
	long configured = sysconf(_SC_NPROCESSORS_CONF);
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	size_t wanted = options->ring_bytes ? options->ring_bytes : RING_BYTES;
	struct online_cpus online;
	bool known;
	int error;

	maps->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (maps->epoll_fd < 0)
		return -errno;
	maps->hold_ns = options->hold_ns ? options->hold_ns : HOLD_NS;
	for (maps->ring_bytes = page_bytes; maps->ring_bytes < wanted;)
		maps->ring_bytes *= 2;
	maps->wanted = (struct perf_wanted){.wakeup_bytes = (uint32_t)(maps->ring_bytes / 2),
					    .build_ids = !options->no_build_ids};
	maps->opener =
		options->opener.open ? options->opener : (struct perf_opener){.open = open_here};
	maps->online = options->online ? options->online : ONLINE;
	maps->cpu_room = (unsigned int)configured;
	maps->cpus = calloc((size_t)configured, sizeof(*maps->cpus));
	maps->record = malloc(PERF_RECORD_MAX_BYTES);
	if (!maps->cpus || !maps->record)
		return -ENOMEM;
	error = map_order__new(&maps->order);
	/* Where nobody says: the kernel refuses those that are not. */
	known = online_cpus__read(&online, maps->online);
	for (unsigned int cpu = 0; cpu < ONLINE_CPUS_MAX && !error; cpu++) {
		if (known ? online_cpus__has(&online, cpu) : cpu < maps->cpu_room)
			error = open_cpu(maps, cpu);
	}
	return error;
}

int perf_maps__open(struct perf_maps **out, const struct perf_maps_options *options, char *why,
		    size_t why_size)
{
	struct perf_maps *maps = calloc(1, sizeof(*maps));
	int error;

	if (!maps)
		return fail(-ENOMEM, why, why_size);
	maps->epoll_fd = -1;
	error = open_all(maps, options);
	if (error) {
		perf_maps__close(maps);
		return fail(error, why, why_size);
	}
	*out = maps;
	return 0;
}

void perf_maps__close(struct perf_maps *maps)
{
	if (!maps)
		return;
	for (unsigned int i = 0; i < maps->cpu_count; i++)
		close_cpu(maps, &maps->cpus[i]);
	if (maps->epoll_fd >= 0)
		close(maps->epoll_fd);
	map_order__free(maps->order);
	free(maps->record);
	free(maps->cpus);
	free(maps);
}

int perf_maps__fd(const struct perf_maps *maps)
{
	return maps->epoll_fd;
}

/* Whoever follows has to know that something is missing; where even for that there is no room, the
 * next time. */
static void tell_untold(struct cpu *cpu)
{
	const struct map_event event = {
		.kind = MAP_EVENT_LOST,
		.time_ns = cpu->last_ns,
		.cpu = cpu->number,
		.lost = cpu->untold,
	};

	if (cpu->untold && !map_order__push(cpu->maps->order, &event))
		cpu->untold = 0;
}

static void lose(struct cpu *cpu, uint64_t records)
{
	cpu->lost += records;
	cpu->untold += records;
}

static int on_record(void *context, void *record, size_t bytes)
{
	struct cpu *cpu = context;
	struct perf_maps *maps = cpu->maps;
	struct map_event event;
	int result = perf_record__parse(record, bytes, &event);

	maps->counts.records++;
	if (result < 0) {
		maps->counts.torn++;
		lose(cpu, 1);
		return 0;
	}
	cpu->last_ns = event.time_ns;
	if (result == 0)
		return 0;
	maps->counts.events++;
	event.cpu = cpu->number;
	if (event.kind == MAP_EVENT_LOST) {
		maps->counts.lost += event.lost;
		lose(cpu, event.lost);
	} else if (map_order__push(maps->order, &event)) {
		maps->counts.refused++;
		lose(cpu, 1);
	}
	return 0;
}

void perf_maps__drain(struct perf_maps *maps)
{
	for (unsigned int i = 0; i < maps->cpu_count; i++) {
		struct cpu *cpu = &maps->cpus[i];
		uint64_t torn = cpu->ring.torn;

		perf_ring__drain(&cpu->ring, on_record, cpu);
		maps->counts.torn += cpu->ring.torn - torn;
		lose(cpu, cpu->ring.torn - torn);
		tell_untold(cpu);
	}
}

static bool is_followed(const struct perf_maps *maps, unsigned int number)
{
	for (unsigned int i = 0; i < maps->cpu_count; i++) {
		if (maps->cpus[i].number == number)
			return true;
	}
	return false;
}

static void leave_offline(struct perf_maps *maps, const struct online_cpus *online)
{
	for (unsigned int i = maps->cpu_count; i-- > 0;) {
		struct cpu *cpu = &maps->cpus[i];

		if (online_cpus__has(online, cpu->number))
			continue;
		perf_ring__drain(&cpu->ring, on_record, cpu);
		tell_untold(cpu);
		close_cpu(maps, cpu);
		*cpu = maps->cpus[--maps->cpu_count];
	}
}

void perf_maps__follow_cpus(struct perf_maps *maps, uint64_t now_ns)
{
	struct map_event event = {.kind = MAP_EVENT_LOST, .time_ns = now_ns};
	struct online_cpus online;

	if (now_ns < maps->looked_ns + LOOK_NS)
		return;
	maps->looked_ns = now_ns;
	if (!online_cpus__read(&online, maps->online))
		return;
	leave_offline(maps, &online);
	maps->counts.unwatched = 0;
	for (unsigned int number = 0; number < ONLINE_CPUS_MAX; number++) {
		if (!online_cpus__has(&online, number) || is_followed(maps, number))
			continue;
		if (open_cpu(maps, number) || !is_followed(maps, number)) {
			maps->counts.unwatched++;
			continue;
		}
		maps->counts.joined++;
		event.cpu = number;
		/* Where there is no room for that, the next loss is told anyhow. */
		(void)map_order__push(maps->order, &event);
	}
}

int perf_maps__release(struct perf_maps *maps, uint64_t now_ns, map_sink sink, void *context)
{
	uint64_t until_ns = now_ns > maps->hold_ns ? now_ns - maps->hold_ns : 0;

	return map_order__release(maps->order, until_ns, sink, context);
}

int perf_maps__peek(struct perf_maps *maps, map_sink sink, void *context)
{
	return map_order__peek(maps->order, sink, context);
}

struct perf_maps_counts perf_maps__counts(const struct perf_maps *maps)
{
	struct perf_maps_counts counts = maps->counts;

	counts.cpus = maps->cpu_count;
	counts.build_ids = maps->wanted.build_ids;
	counts.late = map_order__late(maps->order);
	counts.bytes = maps->cpu_count * maps->ring_bytes;
	return counts;
}

uint64_t perf_maps__lost_by_cpu(const struct perf_maps *maps, unsigned int cpu)
{
	for (unsigned int i = 0; i < maps->cpu_count; i++) {
		if (maps->cpus[i].number == cpu)
			return maps->cpus[i].lost;
	}
	return 0;
}
