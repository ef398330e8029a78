/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/perf_open.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "maps/perf_record.h"

static int try(const struct perf_wanted *wanted, unsigned int cpu)
{
	struct perf_event_attr attributes = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(struct perf_event_attr),
		.config = PERF_COUNT_SW_DUMMY,
		.sample_type = PERF_RECORD_SAMPLE_TYPE,
		.sample_id_all = 1,
		.mmap = 1,
		.mmap2 = 1,
		.build_id = wanted->build_ids,
		.task = 1,
		.comm = 1,
		.comm_exec = 1,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
		.watermark = 1,
		.wakeup_watermark = wanted->wakeup_bytes,
	};
	long fd = syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : (int)fd;
}

int perf_open(struct perf_wanted *wanted, unsigned int cpu)
{
	struct perf_wanted less = *wanted;
	int fd = try(wanted, cpu);

	/* Before 5.12: a bit it does not know. */
	if (fd == -EINVAL && wanted->build_ids) {
		less.build_ids = false;
		fd = try(&less, cpu);
		if (fd >= 0)
			*wanted = less;
	}
	return fd;
}
