/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/oom_score.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"

#define NEVER -1000
#define LAST  -900
#define EARLY 500

static bool is_mine(int value)
{
	FILE *file = fopen("/proc/self/oom_score_adj", "re");
	bool is;
	int now;

	if (!file)
		return false;
	is = fscanf(file, "%d", &now) == 1 && now == value;
	fclose(file);
	return is;
}

bool oom_score__set_adj(pid_t pid, int value)
{
	_cleanup_(closep) int fd = -1;
	char path[64] = "/proc/self/oom_score_adj";

	if (!pid && is_mine(value))
		return true;
	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", (int)pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && dprintf(fd, "%d", value) > 0;
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

void oom_score__spare_us(uint64_t more_bytes)
{
	/* Any other value lets the kernel choose us where we are the only other process of a full
	 * cgroup: a victim that is being torn down is no candidate any more, and has not given its
	 * memory back yet. */
	if (more_bytes > 0 && oom_score__set_adj(0, NEVER) && limit_data(more_bytes))
		return;
	oom_score__set_adj(0, LAST);
}

static void move(pid_t pid, int adj)
{
	struct rlimit limit;

	oom_score__set_adj(pid, adj);
	if (prlimit(pid, RLIMIT_DATA, NULL, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)prlimit(pid, RLIMIT_DATA, &limit, NULL);
}

void oom_score__be_ordinary(void)
{
	move(0, 0);
}

void oom_score__offer(pid_t child)
{
	move(child, EARLY);
}
