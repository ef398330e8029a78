/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sysfs/cgroupfs.h"
#include "sysfs/procfs.h"
#include "sysfs/psi.h"

/* A host of our own below a temporary folder. */
static char root[64];

static void put(const char *path, const char *text)
{
	char full[256];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *slash = full + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0700);
		*slash = '/';
	}
	file = fopen(full, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int make_root(void **state)
{
	(void)state;
	strcpy(root, "/tmp/oomtrail-sysfs-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk)
{
	(void)info, (void)type, (void)walk;
	return remove(path);
}

static int remove_root(void **state)
{
	(void)state;
	return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void meminfo_is_bytes_and_missing_rows_are_unknown(void **state)
{
	struct meminfo meminfo;

	(void)state;
	put("/proc/meminfo", "MemTotal:       24682416 kB\nMemFree:           100 kB\n"
			     "SwapTotal:             0 kB\nShmemHugePages:  7 kB\n");
	assert_int_equal(procfs__meminfo(root, &meminfo), 0);
	assert_int_equal(meminfo.total_bytes, 24682416LL * 1024);
	assert_int_equal(meminfo.free_bytes, 102400);
	assert_int_equal(meminfo.swap_total_bytes, 0);
	assert_int_equal(meminfo.available_bytes, EVENT_UNKNOWN);
	assert_int_equal(meminfo.shmem_bytes, EVENT_UNKNOWN); /* not ShmemHugePages */
}

static void oom_kills_are_counted_or_not_known(void **state)
{
	int64_t kills = 77;

	(void)state;
	put("/proc/vmstat", "nr_free_pages 1\noom_kill_other 9\n");
	assert_int_equal(procfs__oom_kills(root, &kills), -ENOENT);
	assert_int_equal(kills, 77);
	put("/proc/vmstat", "nr_free_pages 1\noom_kill 42\n");
	assert_int_equal(procfs__oom_kills(root, &kills), 0);
	assert_int_equal(kills, 42);
}

static void start_ticks_survive_a_hostile_name(void **state)
{
	uint64_t ticks;

	(void)state;
	put("/proc/7/stat", "7 (a) b) 1 2 3 (x) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 "
			    "123456 1 1\n");
	assert_int_equal(procfs__start_ticks(root, 7, &ticks), 0);
	assert_int_equal(ticks, 123456);
	put("/proc/8/stat", "8 (torn) S 1 2");
	assert_int_equal(procfs__start_ticks(root, 8, &ticks), -EBADMSG);
	assert_int_equal(procfs__start_ticks(root, 9, &ticks), -ENOENT);
}

static void finds_v1_and_v2_and_hybrid(void **state)
{
	struct cgroupfs cgroupfs;
	char expected[128];

	(void)state;
	put("/proc/self/mountinfo",
	    "31 23 0:26 / /sys/fs/cgroup rw shared:9 - tmpfs tmpfs rw,mode=755\n"
	    "32 31 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
	    "33 31 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
	    "34 31 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
	assert_int_equal(cgroupfs__find(&cgroupfs, root), 0);
	assert_int_equal(cgroupfs.version, 1);
	snprintf(expected, sizeof(expected), "%s/sys/fs/cgroup/memory", root);
	assert_string_equal(cgroupfs.mount, expected);

	put("/proc/self/mountinfo", "32 31 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	assert_int_equal(cgroupfs__find(&cgroupfs, root), -ENOENT); /* no controllers file */
	put("/sys/fs/cgroup/cgroup.controllers", "cpu io memory pids\n");
	assert_int_equal(cgroupfs__find(&cgroupfs, root), 0);
	assert_int_equal(cgroupfs.version, 2);
	put("/sys/fs/cgroup/cgroup.controllers", "cpu io memoryx\n");
	assert_int_equal(cgroupfs__find(&cgroupfs, root), -ENOENT);
}

static void stat_rows_by_version(void **state)
{
	struct memcg_stat stat;

	(void)state;
	cgroupfs__parse_stat("anon 4096\nfile 8192\nslab 100\nanon_thp 5\n", 2, &stat);
	assert_int_equal(stat.anon_bytes, 4096);
	assert_int_equal(stat.file_bytes, 8192);
	assert_int_equal(stat.slab_bytes, 100);
	assert_int_equal(stat.swap_bytes, EVENT_UNKNOWN);
	cgroupfs__parse_stat("cache 1\nrss 2\ntotal_cache 3\ntotal_rss 4\ntotal_swap 0\n", 1,
			     &stat);
	assert_int_equal(stat.file_bytes, 3);
	assert_int_equal(stat.anon_bytes, 4);
	assert_int_equal(stat.swap_bytes, 0);
	assert_int_equal(stat.slab_bytes, EVENT_UNKNOWN);
	cgroupfs__parse_stat("", 2, &stat);
	assert_int_equal(stat.anon_bytes, EVENT_UNKNOWN);
	cgroupfs__parse_stat("anon", 2, &stat); /* torn */
	assert_int_equal(stat.anon_bytes, EVENT_UNKNOWN);
}

static void event_rows_by_version(void **state)
{
	struct memcg_events events;

	(void)state;
	cgroupfs__parse_events(
		"low 1\nhigh 12\nmax 3\noom 4\noom_kill 5\noom_group_kill 6\nunder_oom 7\n", 2,
		&events);
	assert_int_equal(events.low, 1);
	assert_int_equal(events.high, 12);
	assert_int_equal(events.max, 3);
	assert_int_equal(events.oom, 4);
	assert_int_equal(events.oom_kill, 5);
	assert_int_equal(events.under_oom, EVENT_UNKNOWN);
	assert_int_equal(events.oom_kill_disable, EVENT_UNKNOWN);
	cgroupfs__parse_events("oom_kill_disable 1\nunder_oom 0\noom_kill 2\n", 1, &events);
	assert_int_equal(events.oom_kill_disable, 1);
	assert_int_equal(events.under_oom, 0);
	assert_int_equal(events.oom_kill, 2);
	assert_int_equal(events.high, EVENT_UNKNOWN);
	/* Before 4.13 v1 did not count. */
	cgroupfs__parse_events("oom_kill_disable 0\nunder_oom 1\n", 1, &events);
	assert_int_equal(events.oom_kill, EVENT_UNKNOWN);
	assert_int_equal(events.under_oom, 1);
}

static void sizes_of_one_file(void **state)
{
	(void)state;
	assert_int_equal(cgroupfs__parse_bytes("4096\n"), 4096);
	assert_int_equal(cgroupfs__parse_bytes("0\n"), 0);
	assert_int_equal(cgroupfs__parse_bytes("max\n"), EVENT_NO_LIMIT);
	assert_int_equal(cgroupfs__parse_bytes(""), EVENT_UNKNOWN);
	assert_int_equal(cgroupfs__parse_bytes("-1\n"), EVENT_UNKNOWN);
	assert_int_equal(cgroupfs__parse_bytes("99999999999999999999\n"), EVENT_UNKNOWN);
}

static void pressure_totals(void **state)
{
	int64_t some = -7, full = -7;

	(void)state;
	assert_int_equal(psi__read(root, "/proc/pressure/none", &some, &full), -ENOENT);
	put("/proc/pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234\n"
				     "full avg10=0.00 avg60=0.00 avg300=0.00 total=567\n");
	assert_int_equal(psi__read(root, "/proc/pressure/memory", &some, &full), 0);
	assert_int_equal(some, 1234);
	assert_int_equal(full, 567);
	put("/proc/pressure/memory", "garbage\n");
	assert_int_equal(psi__read(root, "/proc/pressure/memory", &some, &full), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(meminfo_is_bytes_and_missing_rows_are_unknown),
		cmocka_unit_test(oom_kills_are_counted_or_not_known),
		cmocka_unit_test(start_ticks_survive_a_hostile_name),
		cmocka_unit_test(finds_v1_and_v2_and_hybrid),
		cmocka_unit_test(stat_rows_by_version),
		cmocka_unit_test(event_rows_by_version),
		cmocka_unit_test(sizes_of_one_file),
		cmocka_unit_test(pressure_totals),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
