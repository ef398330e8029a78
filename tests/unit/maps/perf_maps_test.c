/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/maps/host.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>

#include "base/online.h"
#include "maps/perf_maps.h"

#define SEEN_MAX 512

/* What was told of the processes of this test. */
struct seen {
	pid_t pids[4];
	struct map_event events[SEEN_MAX];
	char paths[SEEN_MAX][128];
	size_t count;
	uint64_t all;
};

static int on_event(void *context, const struct map_event *event)
{
	struct seen *seen = context;
	bool ours = false;

	seen->all++;
	for (size_t i = 0; i < sizeof(seen->pids) / sizeof(*seen->pids); i++)
		ours |= seen->pids[i] && (uint32_t)seen->pids[i] == event->pid;
	if (!ours)
		return 0;
	assert_true(seen->count < SEEN_MAX);
	snprintf(seen->paths[seen->count], 128, "%s", event->mapping.path);
	seen->events[seen->count] = *event;
	seen->events[seen->count].mapping.path = seen->paths[seen->count];
	seen->count++;
	return 0;
}

/* The first such event from index *at on, which moves behind it. */
static const struct map_event *next(const struct seen *seen, size_t *at, enum map_event_kind kind,
				    pid_t pid, const char *path)
{
	for (; *at < seen->count; ++*at) {
		const struct map_event *event = &seen->events[*at];

		if (event->kind == kind && event->pid == (uint32_t)pid &&
		    (!path || strstr(event->mapping.path, path))) {
			++*at;
			return event;
		}
	}
	fail_msg("no event of kind %d, pid %d, path %s", (int)kind, (int)pid, path ? path : "any");
	return NULL;
}

static void test_all_that_a_process_does_in_order(void **state)
{
	const struct perf_maps_options options = {0};
	struct perf_maps *perf = host__perf(&options);
	struct seen *seen = calloc(1, sizeof(*seen));
	struct perf_maps_counts counts;
	uint64_t begin_ns = host__now_ns(), mapped_ns, page, code, end_ns;
	struct worker worker = worker__start();
	const struct map_event *event;
	pid_t child;
	size_t at = 0;

	(void)state;
	page = worker__ask(&worker, "m/usr/bin/sleep");
	mapped_ns = host__now_ns();
	assert_int_equal(worker__ask(&worker, "dlibanl.so.1"), 1);
	code = worker__ask(&worker, "j");
	child = (pid_t)worker__ask(&worker, "f");
	worker__ask(&worker, "x/usr/bin/sleep");
	worker__end(&worker);
	end_ns = host__now_ns();

	seen->pids[0] = worker.pid;
	seen->pids[1] = child;
	perf_maps__drain(perf);
	/* Held back until the others can be expected to have told what was earlier. */
	assert_int_equal(perf_maps__release(perf, begin_ns, on_event, seen), 0);
	assert_int_equal(seen->count, 0);
	assert_int_equal(perf_maps__release(perf, end_ns + 200 * NS_PER_MS, on_event, seen), 0);
	for (size_t i = 0; i < seen->count; i++) {
		assert_true(seen->events[i].time_ns >= begin_ns);
		assert_true(seen->events[i].time_ns <= end_ns);
		assert_true(!i || seen->events[i].time_ns >= seen->events[i - 1].time_ns);
	}
	event = next(seen, &at, MAP_EVENT_FORKED, worker.pid, NULL);
	assert_int_equal(event->parent_pid, getpid());
	event = next(seen, &at, MAP_EVENT_MAPPED, worker.pid, "/sleep");
	assert_int_equal(event->mapping.start, page);
	assert_int_equal(event->mapping.end, page + 4096);
	assert_int_equal(event->mapping.offset, 0);
	assert_int_equal(event->mapping.kind, MAPPING_FILE);
	assert_true(event->time_ns <= mapped_ns);
	counts = perf_maps__counts(perf);
	if (counts.build_ids)
		assert_int_equal(event->mapping.file.build_id_bytes, 20);
	else
		assert_true(event->mapping.file.inode > 0);
	next(seen, &at, MAP_EVENT_MAPPED, worker.pid, "libanl.so.1");
	/* mprotect(2) to executable is told as well. */
	event = next(seen, &at, MAP_EVENT_MAPPED, worker.pid, "//anon");
	assert_int_equal(event->mapping.start, code);
	assert_int_equal(event->mapping.end, code + 4096);
	assert_int_equal(event->mapping.kind, MAPPING_ANONYMOUS);
	event = next(seen, &at, MAP_EVENT_FORKED, child, NULL);
	assert_int_equal(event->parent_pid, worker.pid);
	next(seen, &at, MAP_EVENT_EXITED, child, NULL);
	next(seen, &at, MAP_EVENT_EXEC, worker.pid, NULL);
	next(seen, &at, MAP_EVENT_MAPPED, worker.pid, "/sleep");
	next(seen, &at, MAP_EVENT_MAPPED, worker.pid, "ld-linux");
	next(seen, &at, MAP_EVENT_EXITED, worker.pid, NULL);
	assert_int_equal(counts.lost + counts.refused + counts.torn, 0);
	assert_true(counts.events >= seen->count);
	perf_maps__close(perf);
	free(seen);
}

static void test_device_and_inode_without_build_ids(void **state)
{
	const struct perf_maps_options options = {.no_build_ids = true};
	struct perf_maps *perf = host__perf(&options);
	struct seen *seen = calloc(1, sizeof(*seen));
	struct worker worker = worker__start();
	const struct map_event *event;
	size_t at = 0;

	(void)state;
	worker__ask(&worker, "m/usr/bin/sleep");
	worker__end(&worker);
	seen->pids[0] = worker.pid;
	perf_maps__drain(perf);
	assert_int_equal(perf_maps__release(perf, UINT64_MAX, on_event, seen), 0);
	event = next(seen, &at, MAP_EVENT_MAPPED, worker.pid, "/sleep");
	assert_int_equal(event->mapping.file.build_id_bytes, 0);
	assert_true(event->mapping.file.inode > 0);
	assert_false(perf_maps__counts(perf).build_ids);
	perf_maps__close(perf);
	free(seen);
}

/* A ring of one page, and more in it than it can hold: what is lost is told, by processor. */
static void test_losses_are_told(void **state)
{
	const struct perf_maps_options options = {.ring_bytes = 1};
	struct perf_maps *perf = host__perf(&options);
	struct seen *seen = calloc(1, sizeof(*seen));
	struct pollfd readable = {.fd = perf_maps__fd(perf), .events = POLLIN};
	struct perf_maps_counts counts;
	uint64_t by_cpu = 0;

	(void)state;
	/* Half of a ring wakes the reader. */
	for (int i = 0; i < 200; i++) {
		void *page = host__map("/usr/bin/sleep");

		assert_ptr_not_equal(page, MAP_FAILED);
		munmap(page, 4096);
	}
	assert_int_equal(poll(&readable, 1, 20000), 1);
	/* The first record behind the gap says how large it was. */
	perf_maps__drain(perf);
	munmap(host__map("/usr/bin/sleep"), 4096);
	perf_maps__drain(perf);
	counts = perf_maps__counts(perf);
	assert_int_equal(counts.bytes, counts.cpus * (size_t)sysconf(_SC_PAGESIZE));
	assert_true(counts.lost > 0);
	assert_int_equal(perf_maps__release(perf, UINT64_MAX, on_event, seen), 0);
	for (unsigned int cpu = 0; cpu < 4096; cpu++)
		by_cpu += perf_maps__lost_by_cpu(perf, cpu);
	assert_int_equal(by_cpu, counts.lost + counts.refused + counts.torn);
	perf_maps__close(perf);
	free(seen);
}

static int on_lost(void *context, const struct map_event *event)
{
	if (event->kind == MAP_EVENT_LOST)
		*(uint64_t *)context += event->lost;
	return 0;
}

static void test_every_loss_is_an_event(void **state)
{
	const struct perf_maps_options options = {.ring_bytes = 1};
	struct perf_maps *perf = host__perf(&options);
	uint64_t told = 0;

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 200; i++)
			munmap(host__map("/usr/bin/sleep"), 4096);
		perf_maps__drain(perf);
	}
	munmap(host__map("/usr/bin/sleep"), 4096);
	perf_maps__drain(perf);
	assert_int_equal(perf_maps__release(perf, UINT64_MAX, on_lost, &told), 0);
	assert_true(told > 0);
	assert_int_equal(told, perf_maps__counts(perf).lost);
	perf_maps__close(perf);
}

static int on_missed(void *context, const struct map_event *event)
{
	if (event->kind == MAP_EVENT_LOST) {
		assert_int_equal(event->lost, 0);
		*(struct map_event *)context = *event;
	}
	return 0;
}

static void say_online(const char *path, const char *list)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(list, file);
	assert_int_equal(fclose(file), 0);
}

/* As the file says: no processor of this host is switched off for it. */
static void test_processors_come_and_go(void **state)
{
	char path[] = "/tmp/perf_maps_test.XXXXXX", list[64];
	const struct perf_maps_options options = {.online = path};
	uint64_t now_ns = host__now_ns();
	struct map_event missed = {0};
	struct perf_maps *perf;
	int fd = mkstemp(path);
	cpu_set_t ours;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(sched_getaffinity(0, sizeof(ours), &ours), 0);
	if (CPU_COUNT(&ours) < 2 || !CPU_ISSET(0, &ours) || !CPU_ISSET(1, &ours)) {
		unlink(path);
		print_message("skipped: needs processors 0 and 1\n");
		skip();
	}
	say_online(path, "0\n");
	perf = host__perf(&options);
	assert_int_equal(perf_maps__counts(perf).cpus, 1);
	perf_maps__follow_cpus(perf, now_ns);
	assert_int_equal(perf_maps__counts(perf).joined, 0);
	say_online(path, "0-1\n");
	/* Once a second. */
	perf_maps__follow_cpus(perf, now_ns + NS_PER_S - 1);
	assert_int_equal(perf_maps__counts(perf).cpus, 1);
	perf_maps__follow_cpus(perf, now_ns + NS_PER_S);
	assert_int_equal(perf_maps__counts(perf).cpus, 2);
	assert_int_equal(perf_maps__counts(perf).joined, 1);
	assert_int_equal(perf_maps__counts(perf).unwatched, 0);
	assert_int_equal(perf_maps__release(perf, UINT64_MAX, on_missed, &missed), 0);
	assert_int_equal(missed.time_ns, now_ns + NS_PER_S);
	assert_int_equal(missed.cpu, 1);
	/* One leaves; one is said to be there and is not; nonsense changes nothing. */
	snprintf(list, sizeof(list), "1,%u\n", ONLINE_CPUS_MAX - 1);
	say_online(path, list);
	perf_maps__follow_cpus(perf, now_ns + 2 * NS_PER_S);
	assert_int_equal(perf_maps__counts(perf).cpus, 1);
	assert_int_equal(perf_maps__counts(perf).joined, 1);
	assert_int_equal(perf_maps__counts(perf).unwatched, 1);
	say_online(path, "0-nonsense\n");
	perf_maps__follow_cpus(perf, now_ns + 3 * NS_PER_S);
	assert_int_equal(perf_maps__counts(perf).cpus, 1);
	perf_maps__drain(perf);
	perf_maps__close(perf);
	unlink(path);
}

static void test_lists_of_processors(void **state)
{
	static const char *const bad[] = {"",
					  "\n",
					  "a\n",
					  "1-\n",
					  "-1\n",
					  "3-1\n",
					  "1,\n",
					  "1,,2\n",
					  "8192\n",
					  "0-8192\n",
					  "99999999999999999999\n",
					  "1 2\n"};
	char path[] = "/tmp/perf_maps_test.XXXXXX";
	struct online_cpus cpus;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		say_online(path, bad[i]);
		if (online_cpus__read(&cpus, path))
			fail_msg("'%s'", bad[i]);
	}
	say_online(path, "0-2,5,63-64,8191\n");
	assert_true(online_cpus__read(&cpus, path));
	for (unsigned int cpu = 0; cpu < ONLINE_CPUS_MAX + 64; cpu++)
		assert_int_equal(online_cpus__has(&cpus, cpu),
				 cpu <= 2 || cpu == 5 || cpu == 63 || cpu == 64 || cpu == 8191);
	unlink(path);
	assert_false(online_cpus__read(&cpus, path));
	assert_true(online_cpus__read(&cpus, "/sys/devices/system/cpu/online"));
	assert_true(online_cpus__has(&cpus, (unsigned int)sched_getcpu()));
}

static void test_who_may_not_is_told_why(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	if (geteuid() != 0) {
		print_message("skipped: only root can become another user\n");
		skip();
	}
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const struct perf_maps_options options = {0};
		struct perf_maps *perf = NULL;
		char why[256] = "";
		int error;

		if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
			_exit(9);
		error = perf_maps__open(&perf, &options, why, sizeof(why));
		_exit((error == -EACCES || error == -EPERM) && !perf &&
				      !strcmp(why, "following the mappings of all processes needs "
						   "CAP_PERFMON (root)")
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_that_a_process_does_in_order),
		cmocka_unit_test(test_device_and_inode_without_build_ids),
		cmocka_unit_test(test_losses_are_told),
		cmocka_unit_test(test_every_loss_is_an_event),
		cmocka_unit_test(test_processors_come_and_go),
		cmocka_unit_test(test_lists_of_processors),
		cmocka_unit_test(test_who_may_not_is_told_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
