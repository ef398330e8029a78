/* SPDX-License-Identifier: GPL-2.0-only */
#include "cmd/probing.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cmd/cmd.h"

int probing__look(struct probing *probing, const struct plan_options *ways)
{
	char why[512];
	int error = facts__gather(&probing->facts, "");

	if (error) {
		cmd__error("looking at the host: %s", strerror(-error));
		return CMD_FAILED;
	}
	if (plan__make(&probing->plan, &probing->facts, ways, why, sizeof(why))) {
		cmd__error("%s", why);
		return CMD_FAILED;
	}
	return CMD_DONE;
}

int probing__load(struct probing *probing, const struct probe_options *options)
{
	char why[512];

	if (probe__new(&probing->probe, &probing->plan, &probing->facts, options, why,
		       sizeof(why))) {
		cmd__error("%s", why);
		return CMD_FAILED;
	}
	return CMD_DONE;
}

static bool set_oom_score_adj(const char *value)
{
	_cleanup_(closep) int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, value, strlen(value)) > 0;
}

/* Private writable memory, the most we may ever have; bytes. */
static bool limit_data(uint64_t more_bytes)
{
	struct rlimit limit;
	uint64_t pages;
	FILE *file;
	int found;

	if (getrlimit(RLIMIT_DATA, &limit))
		return false;
	file = fopen("/proc/self/statm", "re");
	if (!file)
		return false;
	found = fscanf(file, "%*u %*u %*u %*u %*u %" SCNu64, &pages);
	fclose(file);
	if (found != 1)
		return false;
	more_bytes += pages * (uint64_t)sysconf(_SC_PAGESIZE);
	if (limit.rlim_cur > more_bytes)
		limit.rlim_cur = more_bytes;
	return !setrlimit(RLIMIT_DATA, &limit);
}

void probing__spare_recorder(uint64_t more_bytes)
{
	/* Any other value lets the kernel choose us where we are the only other process of a full
	 * cgroup: a victim that is being torn down is no candidate any more, and has not given its
	 * memory back yet. */
	if (more_bytes > 0 && set_oom_score_adj("-1000") && limit_data(more_bytes))
		return;
	set_oom_score_adj("-900");
}

void probing__free_contents(struct probing *probing)
{
	probe__free(probing->probe);
}
