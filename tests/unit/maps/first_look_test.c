/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/maps/host.h"

#include <errno.h>
#include <pthread.h>

#include "maps/first_look.h"

struct world {
	struct perf_maps *perf;
	struct address_spaces *spaces;
	struct first_look look;
	char why[256];
};

static struct world made(void)
{
	const struct address_spaces_options options = {0};
	const struct perf_maps_options perf_options = {0};
	struct world world = {.perf = host__perf(&perf_options)};

	assert_int_equal(address_spaces__new(&world.spaces, &options), 0);
	world.look =
		(struct first_look){.spaces = world.spaces, .perf = world.perf, .proc = "/proc"};
	return world;
}

static void unmade(struct world *world)
{
	address_spaces__free(world->spaces);
	perf_maps__close(world->perf);
}

static int on_event(void *context, const struct map_event *event)
{
	return address_spaces__apply(context, event);
}

/* Everything that has happened so far. */
static void catch_up(struct world *world)
{
	perf_maps__drain(world->perf);
	assert_int_equal(perf_maps__release(world->perf, UINT64_MAX, on_event, world->spaces), 0);
}

static int look(struct world *world, struct process_maps *process, uint32_t tid, uint64_t time_ns)
{
	int error = first_look(&world->look, process, tid, time_ns, host__now_ns(), world->why,
			       sizeof(world->why));

	/* An error has its sentence. */
	assert_true(!error || *world->why);
	return error;
}

static const char *path_at(const struct process_maps *process, uint64_t address, uint64_t time_ns)
{
	static char path[128];
	struct mapping found;

	if (!process_maps__find(process, address, time_ns, &found))
		return "";
	snprintf(path, sizeof(path), "%s", found.file ? mapped_file__path(found.file) : "none");
	return path;
}

static void test_who_was_there_before(void **state)
{
	struct worker worker = worker__start();
	uint64_t page = worker__ask(&worker, "m/usr/bin/sleep"), time_ns, later;
	struct world world = made();
	struct process_maps *process;
	uint32_t pid = (uint32_t)worker.pid;

	(void)state;
	time_ns = host__now_ns();
	process = address_spaces__process(world.spaces, pid, 0, time_ns);
	assert_true(process_maps__wants_look(process));
	assert_int_equal(look(&world, process, pid, time_ns), 0);
	assert_string_equal(path_at(process, page, time_ns), "/usr/bin/sleep");
	assert_non_null(strstr(path_at(process, (uintptr_t)&getpid, time_ns), "/libc.so.6"));
	/* What comes later is told. */
	later = worker__ask(&worker, "m/usr/bin/env");
	catch_up(&world);
	process = address_spaces__process(world.spaces, pid, 0, host__now_ns());
	assert_false(process_maps__wants_look(process));
	assert_string_equal(path_at(process, later, host__now_ns()), "/usr/bin/env");
	assert_string_equal(path_at(process, later, time_ns), "");
	assert_int_equal(world.look.looks, 1);
	assert_int_equal(world.look.skipped, 0);
	worker__end(&worker);
	unmade(&world);
}

/* The sample is older than what is read: what was mapped in between is not what it ran in. */
static void test_what_was_mapped_since(void **state)
{
	struct world world = made();
	struct worker worker = worker__start();
	uint32_t pid = (uint32_t)worker.pid;
	struct process_maps *process;
	uint64_t time_ns, page;

	(void)state;
	worker__ask(&worker, "m/usr/bin/sleep");
	catch_up(&world);
	time_ns = host__now_ns();
	page = worker__ask(&worker, "m/usr/bin/env");
	process = address_spaces__process(world.spaces, pid, 0, time_ns);
	assert_int_equal(look(&world, process, pid, time_ns), 0);
	assert_string_equal(path_at(process, page, time_ns), "");
	assert_string_equal(path_at(process, page, host__now_ns()), "/usr/bin/env");
	catch_up(&world);
	process = address_spaces__process(world.spaces, pid, 0, host__now_ns());
	assert_string_equal(path_at(process, page, time_ns), "");
	assert_string_equal(path_at(process, page, host__now_ns()), "/usr/bin/env");
	worker__end(&worker);
	unmade(&world);
}

static void test_another_program_by_now(void **state)
{
	struct worker worker = worker__start();
	struct world world = made();
	uint32_t pid = (uint32_t)worker.pid;
	struct process_maps *process;
	uint64_t time_ns = host__now_ns(), address;
	char why[128];

	(void)state;
	address = (uintptr_t)&getpid;
	worker__ask(&worker, "x/usr/bin/sleep");
	process = address_spaces__process(world.spaces, pid, 0, time_ns);
	assert_int_equal(look(&world, process, pid, time_ns), -ESRCH);
	snprintf(why, sizeof(why),
		 "process %u was gone, or another program, before its mappings were read", pid);
	assert_string_equal(world.why, why);
	assert_int_equal(world.look.vanished, 1);
	assert_false(process_maps__is_known(process));
	assert_string_equal(path_at(process, address, time_ns), "");
	/* The new program was told in full. */
	catch_up(&world);
	process = address_spaces__process(world.spaces, pid, 0, host__now_ns());
	assert_true(process_maps__is_known(process));
	assert_false(process_maps__wants_look(process));
	worker__end(&worker);
	unmade(&world);
}

static void test_a_child_that_is_gone_is_like_its_parent(void **state)
{
	struct worker worker = worker__start();
	uint64_t page = worker__ask(&worker, "m/usr/bin/sleep"), time_ns;
	struct world world = made();
	struct process_maps *process;
	uint32_t child = (uint32_t)worker__ask(&worker, "f");

	(void)state;
	catch_up(&world);
	time_ns = host__now_ns();
	process = address_spaces__process(world.spaces, child, 0, time_ns);
	assert_int_equal(look(&world, process, child, time_ns), 0);
	assert_string_equal(path_at(process, page, time_ns), "/usr/bin/sleep");
	/* And its parent is known by that, too. */
	process = address_spaces__process(world.spaces, (uint32_t)worker.pid, 0, time_ns);
	assert_false(process_maps__wants_look(process));
	worker__end(&worker);

	/* Both of them gone: nobody knows. */
	worker = worker__start();
	child = (uint32_t)worker__ask(&worker, "f");
	worker__end(&worker);
	catch_up(&world);
	time_ns = host__now_ns();
	process = address_spaces__process(world.spaces, child, 0, time_ns);
	/* Its parent is a child of ours, and we are there. */
	assert_int_equal(look(&world, process, child, time_ns), 0);
	assert_non_null(strstr(path_at(process, (uintptr_t)&getpid, time_ns), "/libc.so.6"));
	unmade(&world);
}

static void *wait_for_end(void *pipe_end)
{
	char byte;

	while (read(*(int *)pipe_end, &byte, 1) > 0)
		;
	_exit(0);
}

/* /proc/PID/maps of a process whose first thread has ended is empty. */
static void test_the_first_thread_has_ended(void **state)
{
	struct world world = made();
	int ends[2];
	struct process_maps *process;
	uint64_t time_ns, deadline_ns = host__now_ns() + DEADLINE_NS;
	char path[64], text[512];
	uint32_t tid = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		pthread_t thread;

		close(ends[1]);
		if (pthread_create(&thread, NULL, wait_for_end, &ends[0]))
			_exit(1);
		pthread_exit(NULL);
	}
	close(ends[0]);
	/* Until the first one is a zombie, and the other has a number. */
	while (!tid) {
		int fd;

		assert_true(host__now_ns() < deadline_ns);
		snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		memset(text, 0, sizeof(text));
		assert_true(read(fd, text, sizeof(text) - 1) > 0);
		close(fd);
		if (!strstr(text, ") Z "))
			continue;
		for (uint32_t other = (uint32_t)pid + 1; !tid && other < (uint32_t)pid + 1000;
		     other++) {
			snprintf(path, sizeof(path), "/proc/%d/task/%u", (int)pid, other);
			if (!access(path, F_OK))
				tid = other;
		}
	}
	time_ns = host__now_ns();
	process = address_spaces__process(world.spaces, (uint32_t)pid, 0, time_ns);
	assert_int_equal(look(&world, process, tid, time_ns), 0);
	assert_non_null(strstr(path_at(process, (uintptr_t)&getpid, time_ns), "/libc.so.6"));
	close(ends[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	unmade(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_was_there_before),
		cmocka_unit_test(test_what_was_mapped_since),
		cmocka_unit_test(test_another_program_by_now),
		cmocka_unit_test(test_a_child_that_is_gone_is_like_its_parent),
		cmocka_unit_test(test_the_first_thread_has_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
