/* SPDX-License-Identifier: GPL-2.0-only */
#include "probe/fault_events.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/online.h"

int fault_events__attach(struct fault_events *events, struct bpf_program *program)
{
	struct perf_event_attr attr = {.size = sizeof(attr),
				       .type = PERF_TYPE_SOFTWARE,
				       .config = PERF_COUNT_SW_PAGE_FAULTS,
				       .sample_period = 1};

	for (int cpu = 0; cpu < PLAN_MAX_CPUS; cpu++) {
		int fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

		if (fd < 0 && (errno == ENODEV || errno == EINVAL))
			continue;
		if (fd < 0)
			return -errno;
		/* The link takes the descriptor over. */
		events->links[cpu] = bpf_program__attach_perf_event(program, fd);
		if (!events->links[cpu]) {
			close(fd);
			return -errno;
		}
	}
	events->attached = true;
	return 0;
}

void fault_events__detach(struct fault_events *events)
{
	for (int cpu = 0; cpu < PLAN_MAX_CPUS; cpu++) {
		bpf_link__destroy(events->links[cpu]);
		events->links[cpu] = NULL;
	}
	events->attached = false;
}

unsigned int fault_events__unwatched(struct fault_events *events, const char *path)
{
	struct online_cpus online;
	unsigned int unwatched = 0;

	if (!events->attached || !online_cpus__read(&online, path))
		return events->unwatched;
	for (unsigned int cpu = 0; cpu < ONLINE_CPUS_MAX; cpu++) {
		const bool known = cpu < PLAN_MAX_CPUS && events->links[cpu];

		if (online_cpus__has(&online, cpu))
			unwatched += !known || events->left[cpu];
		else if (known)
			events->left[cpu] = true;
	}
	if (unwatched > events->unwatched)
		events->unwatched = unwatched;
	return events->unwatched;
}
