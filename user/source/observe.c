/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/observe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "sysfs/procfs.h"
#include "sysfs/psi.h"

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * (int64_t)NS_PER_S + now.tv_nsec;
}

uint64_t observe__now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* The distance of two clocks that cannot be read at once: between two readings of the second. */
static int64_t clock_distance_ns(clockid_t clock)
{
	int64_t before = clock_ns(CLOCK_MONOTONIC);
	int64_t there = clock_ns(clock);
	int64_t after = clock_ns(CLOCK_MONOTONIC);

	return there - before - (after - before) / 2;
}

int64_t observe__realtime_offset_ns(void)
{
	return clock_distance_ns(CLOCK_REALTIME);
}

void observe__header(struct event_header *header, enum event_kind kind, uint32_t size_bytes)
{
	header->size_bytes = size_bytes;
	header->kind = kind;
	header->flags = 0;
	header->time_ns = observe__now_ns();
}

static void read_id(const char *path, char *out, size_t size)
{
	if (sysfs__read_line("", path, out, size))
		out[0] = '\0';
}

int observe__host(struct event_host *out, const struct facts *facts, enum follow_scope scope,
		  const char *followed, uint64_t step_bytes)
{
	struct meminfo meminfo;
	int error = procfs__meminfo("", &meminfo);

	if (error)
		return error;
	memset(out, 0, sizeof(*out));
	observe__header(&out->header, EVENT_HOST, sizeof(*out));
	out->page_bytes = facts->page_bytes;
	out->cpus = facts->cpus;
	out->cgroup_version = facts->cgroupfs.version;
	out->scope = scope;
	out->memory_bytes = meminfo.total_bytes;
	out->swap_bytes = meminfo.swap_total_bytes;
	out->realtime_offset_ns = observe__realtime_offset_ns();
	out->step_bytes = step_bytes;
	read_id("/proc/sys/kernel/random/uuid", out->recording_id, sizeof(out->recording_id));
	read_id("/proc/sys/kernel/random/boot_id", out->boot_id, sizeof(out->boot_id));
	gethostname(out->name, sizeof(out->name) - 1);
	memcpy(out->kernel, facts->kernel, sizeof(out->kernel));
	snprintf(out->version, sizeof(out->version), "%s", OOMTRAIL_VERSION);
	snprintf(out->followed, sizeof(out->followed), "%s", followed);
	return 0;
}

void observe__probe(struct event_probe *out, enum capability capability,
		    const struct way_taken *taken)
{
	memset(out, 0, sizeof(*out));
	observe__header(&out->header, EVENT_PROBE, sizeof(*out));
	snprintf(out->capability, sizeof(out->capability), "%s", capability__name(capability));
	snprintf(out->way, sizeof(out->way), "%s", taken->way);
	snprintf(out->why, sizeof(out->why), "%s", taken->why);
}

void observe__clock(struct event_clock *out)
{
	observe__header(&out->header, EVENT_CLOCK, sizeof(*out));
	out->realtime_offset_ns = observe__realtime_offset_ns();
}

int observe__meminfo(struct event_meminfo *out)
{
	observe__header(&out->header, EVENT_MEMINFO, sizeof(*out));
	return procfs__meminfo("", &out->meminfo);
}

int observe__psi(struct event_psi *out)
{
	int64_t some_us, full_us;
	int error = psi__read("", "/proc/pressure/memory", &some_us, &full_us);

	if (error)
		return error;
	observe__header(&out->header, EVENT_PSI, sizeof(*out));
	out->cgroup_id = 0;
	out->some_us = some_us;
	out->full_us = full_us;
	return 0;
}

int observe__oom_counter(struct event_oom_counter *out)
{
	int64_t kills;
	int error = procfs__oom_kills("", &kills);

	if (error)
		return error;
	observe__header(&out->header, EVENT_OOM_COUNTER, sizeof(*out));
	out->kills = kills;
	return 0;
}

int observe__memcg_stat(struct event_memcg_stat *out, const struct cgroupfs *cgroupfs,
			uint64_t cgroup_id)
{
	_cleanup_(closep) int folder = cgroupfs__open_id(cgroupfs, cgroup_id);

	if (folder < 0)
		return folder;
	observe__header(&out->header, EVENT_MEMCG_STAT, sizeof(*out));
	out->cgroup_id = cgroup_id;
	return cgroupfs__stat(cgroupfs, folder, &out->stat);
}

int observe__memcg_events(struct event_memcg_events *out, const struct cgroupfs *cgroupfs,
			  uint64_t cgroup_id)
{
	_cleanup_(closep) int folder = cgroupfs__open_id(cgroupfs, cgroup_id);
	int error;

	if (folder < 0)
		return folder;
	observe__header(&out->header, EVENT_MEMCG_EVENTS, sizeof(*out));
	out->cgroup_id = cgroup_id;
	error = cgroupfs__events(cgroupfs, folder, &out->events);
	if (error)
		return error;
	out->usage_bytes = cgroupfs__bytes(cgroupfs, folder, CGROUPFS_USAGE);
	out->max_bytes = cgroupfs__bytes(cgroupfs, folder, CGROUPFS_MAX);
	out->high_bytes = cgroupfs__bytes(cgroupfs, folder, CGROUPFS_HIGH);
	out->memsw_usage_bytes = out->memsw_max_bytes = EVENT_UNKNOWN;
	if (out->events.under_oom > 0) {
		out->memsw_usage_bytes = cgroupfs__bytes(cgroupfs, folder, CGROUPFS_MEMSW_USAGE);
		out->memsw_max_bytes = cgroupfs__bytes(cgroupfs, folder, CGROUPFS_MEMSW_MAX);
	}
	return 0;
}

bool observe__is_start(uint64_t ticks, uint64_t start_ns, int64_t suspended_ns, int64_t tick_ns)
{
	int64_t earliest = (int64_t)start_ns / tick_ns;
	int64_t latest = ((int64_t)start_ns + suspended_ns) / tick_ns;

	return (int64_t)ticks >= earliest - 1 && (int64_t)ticks <= latest + 1;
}

static int same_process(const struct task_ref *task)
{
	int64_t tick_ns = (int64_t)NS_PER_S / sysconf(_SC_CLK_TCK);
	int64_t suspended_ns = clock_distance_ns(CLOCK_BOOTTIME);
	uint64_t ticks;
	int error = procfs__start_ticks("", task->pid, &ticks);

	if (error)
		return error;
	return observe__is_start(ticks, task->start_ns, suspended_ns, tick_ns) ? 0 : -ESRCH;
}

int observe__argv(struct event_argv *out, const struct task_ref *task)
{
	long length = procfs__argv("", task->pid, out->argv, EVENT_ARGV_BYTES + 1);
	int error = length < 0 ? length : same_process(task);
	uint32_t padded;

	if (error)
		return error;
	out->task = *task;
	out->argv_flags = 0;
	out->argv_bytes = length;
	if (length == EVENT_ARGV_BYTES)
		out->argv_flags |= ARGV_CUT;
	padded = (length + 7) & ~7U;
	memset(out->argv + length, 0, padded - length);
	observe__header(&out->header, EVENT_ARGV, sizeof(*out) + padded);
	return 0;
}

static uint64_t timeval_ns(const struct timeval *time)
{
	return time->tv_sec * NS_PER_S + time->tv_usec * NS_PER_US;
}

uint64_t observe__cpu_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return timeval_ns(&usage.ru_utime) + timeval_ns(&usage.ru_stime);
}

void observe__recorder(struct event_recorder *out, uint64_t since_ns, uint64_t start_cpu_ns)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	memset(out, 0, sizeof(*out));
	observe__header(&out->header, EVENT_RECORDER, sizeof(*out));
	out->wall_ns = out->header.time_ns - since_ns;
	out->cpu_ns = observe__cpu_ns() - start_cpu_ns;
	out->start_cpu_ns = start_cpu_ns;
	out->peak_rss_bytes = usage.ru_maxrss * 1024ULL;
}
