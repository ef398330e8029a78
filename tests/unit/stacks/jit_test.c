/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/stacks/caught.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "stacks/jit_names.h"

#define BEGIN_NS (1000 * NS_PER_S)
#define NODE     "/usr/bin/node"

struct world {
	struct told *told;
	struct stacks *stacks;
	struct stander stander;
	char path[64]; /* of its map; "": none of ours */
};

static int make_world(void **state)
{
	static struct world world;

	world = (struct world){.told = told__new()};
	*state = &world;
	return 0;
}

static int remove_world(void **state)
{
	struct world *world = *state;

	stander__end(&world->stander);
	if (*world->path)
		unlink(world->path);
	stacks__free(world->stacks);
	free(world->told);
	return 0;
}

static void stand(struct world *world, const char *name)
{
	world->stander = stander__of("jit", name);
	assert_int_not_equal(world->stander.code, 0);
	snprintf(world->path, sizeof(world->path), "/tmp/perf-%d.map", world->stander.pid);
}

static void give(struct world *world)
{
	union caught *caught = caught__take(world->stander.pid, (pid_t)world->stander.tid);

	stacks__take(world->stacks, caught, sizeof(*caught));
	free(caught);
	assert_int_equal(stacks__finish(world->stacks), 0);
}

static void write_map(const char *path, const char *mode, uint64_t start, const char *name)
{
	FILE *map = fopen(path, mode);

	assert_non_null(map);
	fprintf(map, "%llx 20 %s\n", (unsigned long long)start, name);
	assert_int_equal(fclose(map), 0);
}

static const struct told_frame *jit_frame(const struct world *world)
{
	const struct told_chain *chain =
		told__chain(world->told, world->told->growths[world->told->growth_count - 1].stack);

	assert_true(chain && chain->chain.count > 2);
	return told__frame(world->told, chain->frames[1]);
}

static void assert_unnamed(struct world *world)
{
	give(world);
	assert_begins(told__text(world->told), "inner;?;through_code;middle;outer;main;");
	assert_int_equal(told__end(world->told), STACK_END_COMPLETE);
	assert_int_equal(jit_frame(world)->frame.kind, FRAME_JIT);
	assert_int_equal(jit_frame(world)->frame.start, 0);
}

static void test_what_the_program_calls_it(void **state)
{
	struct world *world = *state;

	world->stacks = caught__stacks(world->told, 0);
	stand(world, "JS:*grow /srv/app.js:10:5");
	give(world);
	assert_begins(told__text(world->told),
		      "inner;JS:*grow /srv/app.js:10:5;through_code;middle;outer;main;");
	assert_int_equal(told__end(world->told), STACK_END_COMPLETE);
	assert_int_equal(jit_frame(world)->frame.kind, FRAME_JIT);
	assert_int_equal(jit_frame(world)->frame.module, 0);
	assert_int_equal(jit_frame(world)->frame.start, world->stander.code);
	assert_true(jit_frame(world)->frame.address > world->stander.code);
}

/* A frame that was told without a name gets it once there is one, and another when that changes. */
static void test_a_name_that_comes_later(void **state)
{
	struct world *world = *state;
	uint64_t deadline_ns = caught__now_ns() + DEADLINE_NS;
	uint32_t unnamed;

	world->stacks = caught__stacks(world->told, 0);
	stand(world, NULL);
	assert_unnamed(world);
	unnamed = jit_frame(world)->frame.id;
	assert_unnamed(world);
	assert_int_equal(jit_frame(world)->frame.id, unnamed);
	write_map(world->path, "w", world->stander.code, "later");
	do {
		poll(NULL, 0, 20);
		give(world);
		assert_true(caught__now_ns() < deadline_ns);
	} while (!strstr(told__text(world->told), "inner;later;through_code;"));
	assert_int_not_equal(jit_frame(world)->frame.id, unnamed);
}

static void test_a_fifo_in_place_of_the_map(void **state)
{
	struct world *world = *state;

	world->stacks = caught__stacks(world->told, 0);
	stand(world, NULL);
	assert_int_equal(mkfifo(world->path, 0666), 0);
	assert_unnamed(world);
}

static void test_a_link_in_place_of_the_map(void **state)
{
	struct world *world = *state;
	char target[80];

	world->stacks = caught__stacks(world->told, 0);
	stand(world, NULL);
	snprintf(target, sizeof(target), "%s.target", world->path);
	write_map(target, "w", world->stander.code, "another");
	assert_int_equal(symlink(target, world->path), 0);
	assert_unnamed(world);
	unlink(target);
}

static void test_a_map_that_somebody_else_wrote(void **state)
{
	struct world *world = *state;

	if (geteuid()) {
		print_message("skipped: not root\n");
		skip();
	}
	world->stacks = caught__stacks(world->told, 0);
	stand(world, NULL);
	write_map(world->path, "w", world->stander.code, "foreign");
	assert_int_equal(chown(world->path, 65534, 65534), 0);
	assert_unnamed(world);
}

/* Of the process that had its pid before. */
static void test_a_map_from_before(void **state)
{
	const struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
	struct world *world = *state;
	union caught *caught;

	world->stacks = caught__stacks(world->told, 0);
	stand(world, NULL);
	write_map(world->path, "w", world->stander.code, "stale");
	assert_int_equal(utimensat(AT_FDCWD, world->path, times, 0), 0);
	caught = caught__take(world->stander.pid, (pid_t)world->stander.tid);
	caught->sample.task.start_ns = caught->sample.header.time_ns - NS_PER_S;
	stacks__take(world->stacks, caught, sizeof(*caught));
	free(caught);
	assert_int_equal(stacks__finish(world->stacks), 0);
	assert_begins(told__text(world->told), "inner;?;through_code;");
}

static bool be_the_first_of_a_namespace(const char *nothing)
{
	int status;
	pid_t pid;

	(void)nothing;
	if (unshare(CLONE_NEWNS | CLONE_NEWPID) ||
	    mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", "/tmp", "tmpfs", 0, NULL))
		return false;
	pid = fork();
	if (pid == 0)
		return true;
	/* Whose parent ends it by ending. */
	waitpid(pid, &status, 0);
	_exit(0);
}

static pid_t child_of(pid_t parent)
{
	char path[96];
	FILE *children;
	pid_t pid = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
	children = fopen(path, "re");
	if (!children)
		return 0;
	if (fscanf(children, "%d", &pid) != 1)
		pid = 0;
	fclose(children);
	return pid;
}

/* A container: its /tmp is its own, and so is what it takes for its pid. */
static void test_another_pid_namespace(void **state)
{
	char *const argv[] = {"chain", "jit", "contained", NULL};
	struct world *world = *state;
	union caught *caught;
	pid_t pid;

	if (geteuid()) {
		print_message("skipped: not root\n");
		skip();
	}
	world->stacks = caught__stacks(world->told, 0);
	world->stander = stander__start(CHAIN, argv, be_the_first_of_a_namespace, NULL);
	assert_int_equal(world->stander.tid, 1);
	pid = child_of(world->stander.pid);
	if (!pid) {
		print_message("skipped: this kernel does not list children\n");
		skip();
	}
	caught = caught__take(pid, pid);
	stacks__take(world->stacks, caught, sizeof(*caught));
	free(caught);
	assert_int_equal(stacks__finish(world->stacks), 0);
	kill(pid, SIGKILL);
	assert_begins(told__text(world->told), "inner;contained;through_code;middle;outer;main;");
}

/* --- when it is read ------------------------------------------------------------------------- */

static bool is_named(struct jit_names *names, const struct jit_process *process, uint64_t address,
		     uint64_t now_ns, const char *name)
{
	struct symbol symbol;

	return jit_names__find(names, process, address, now_ns, &symbol) &&
	       !strcmp(symbol.name, name);
}

static void test_read_once_a_second_at_most(void **state)
{
	struct world *world = *state;
	struct jit_process process = {.mm_id = 1, .is_there = true};
	struct jit_names *names;

	stand(world, NULL);
	process.pid = (uint32_t)world->stander.pid;
	assert_int_equal(jit_names__new(&names, NULL), 0);
	write_map(world->path, "w", 0x1000, "one");
	assert_true(is_named(names, &process, 0x1000, BEGIN_NS, "one"));
	assert_int_equal(jit_names__reads(names), 1);
	/* What is known is not asked for again. */
	write_map(world->path, "a", 0x2000, "two");
	assert_true(is_named(names, &process, 0x1000, BEGIN_NS + 5 * NS_PER_S, "one"));
	assert_int_equal(jit_names__reads(names), 1);
	/* What is not, is. */
	assert_true(is_named(names, &process, 0x2000, BEGIN_NS + 5 * NS_PER_S, "two"));
	assert_int_equal(jit_names__reads(names), 2);
	for (int i = 0; i < 100; i++)
		assert_false(is_named(names, &process, 0x3000, BEGIN_NS + 5 * NS_PER_S + i, ""));
	assert_int_equal(jit_names__reads(names), 2);
	write_map(world->path, "a", 0x3000, "three");
	assert_false(is_named(names, &process, 0x3000,
			      BEGIN_NS + 5 * NS_PER_S + JIT_NAMES_AGAIN_NS - 1, "three"));
	assert_true(is_named(names, &process, 0x3000, BEGIN_NS + 5 * NS_PER_S + JIT_NAMES_AGAIN_NS,
			     "three"));
	/* Another program of the same pid knows nothing of it; a dead one is not asked. */
	unlink(world->path);
	process.mm_id = 2;
	assert_false(is_named(names, &process, 0x1000, BEGIN_NS + 9 * NS_PER_S, "one"));
	process.mm_id = 1;
	process.is_there = false;
	assert_true(is_named(names, &process, 0x3000, BEGIN_NS + 99 * NS_PER_S, "three"));
	uint64_t reads = jit_names__reads(names);
	assert_false(is_named(names, &process, 0x4000, BEGIN_NS + 99 * NS_PER_S, ""));
	assert_int_equal(jit_names__reads(names), reads);
	jit_names__free(names);
}

static void test_the_least_recently_used_go(void **state)
{
	struct world *world = *state;
	struct jit_process process = {.mm_id = 1, .is_there = true};
	struct jit_names *names;

	stand(world, NULL);
	process.pid = (uint32_t)world->stander.pid;
	assert_int_equal(jit_names__new(&names, NULL), 0);
	write_map(world->path, "w", 0x1000, "one");
	for (process.mm_id = 1; process.mm_id <= JIT_NAMES_PROCESSES; process.mm_id++)
		assert_true(is_named(names, &process, 0x1000, BEGIN_NS, "one"));
	process.mm_id = 1;
	assert_true(is_named(names, &process, 0x1000, BEGIN_NS, "one"));
	process.mm_id = JIT_NAMES_PROCESSES + 1;
	assert_true(is_named(names, &process, 0x1000, BEGIN_NS, "one"));
	/* Nobody can be read any more: the second one is gone, the first is not. */
	process.is_there = false;
	process.mm_id = 1;
	assert_true(is_named(names, &process, 0x1000, BEGIN_NS, "one"));
	process.mm_id = 2;
	assert_false(is_named(names, &process, 0x1000, BEGIN_NS, "one"));
	jit_names__free(names);
}

static void test_bytes_are_bounded(void **state)
{
	struct world *world = *state;
	struct jit_process process = {.is_there = true};
	struct jit_names *names;
	size_t most_bytes = 0, one_bytes;
	FILE *map;

	stand(world, NULL);
	process.pid = (uint32_t)world->stander.pid;
	assert_int_equal(jit_names__new(&names, NULL), 0);
	map = fopen(world->path, "w");
	assert_non_null(map);
	for (uint32_t i = 0; i < 100000; i++)
		fprintf(map, "%x 10 a function with a name that is rather long, number %u\n",
			0x1000 + i * 16, i);
	assert_int_equal(fclose(map), 0);
	process.mm_id = 1;
	assert_true(is_named(names, &process, 0x1000, BEGIN_NS,
			     "a function with a name that is rather long, number 0"));
	one_bytes = jit_names__bytes(names);
	for (process.mm_id = 2; process.mm_id < 20; process.mm_id++) {
		assert_true(is_named(names, &process, 0x1000, BEGIN_NS,
				     "a function with a name that is rather long, number 0"));
		if (jit_names__bytes(names) > most_bytes)
			most_bytes = jit_names__bytes(names);
	}
	assert_true(19 * one_bytes > JIT_NAMES_MAX_BYTES);
	assert_true(most_bytes <= JIT_NAMES_MAX_BYTES);
	assert_true(most_bytes > JIT_NAMES_MAX_BYTES / 2);
	jit_names__free(names);
}

/* --- one that everybody has ------------------------------------------------------------------ */

/* Not inlined: the name of the function that does it is what counts. */
static void test_node(void **state)
{
	char *const argv[] = {"node",
			      "--perf-basic-prof",
			      "--no-turbo-inlining",
			      "--no-logfile-per-isolate",
			      "--logfile=/dev/null",
			      "--max-old-space-size=64",
			      "-e",
			      "function growHere(n) { let a = []; for (let i = 0; i < n; i++) "
			      "a.push({i, s: 'x' + i}); return a.length; } "
			      "setTimeout(() => process.exit(0), 60000); "
			      "for (;;) { growHere(1000); if (Date.now() > 1e15) break; }",
			      NULL};
	uint64_t deadline_ns = caught__now_ns() + DEADLINE_NS;
	struct world *world = *state;
	int null;

	if (access(NODE, X_OK)) {
		print_message("skipped: %s is not installed\n", NODE);
		skip();
	}
	world->stacks = caught__stacks(world->told, 0);
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	world->stander.pid = stander__fork(NODE, argv, NULL, NULL, null);
	world->stander.tid = (uint32_t)world->stander.pid;
	close(null);
	snprintf(world->path, sizeof(world->path), "/tmp/perf-%d.map", world->stander.pid);
	do {
		poll(NULL, 0, 20);
		give(world);
		if (caught__now_ns() > deadline_ns)
			fail_msg("after %zu samples: %s", world->told->growth_count,
				 told__text(world->told));
	} while (!strstr(told__text(world->told), "growHere"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_world, remove_world)
	const struct CMUnitTest tests[] = {
		TEST(test_what_the_program_calls_it),
		TEST(test_a_name_that_comes_later),
		TEST(test_a_fifo_in_place_of_the_map),
		TEST(test_a_link_in_place_of_the_map),
		TEST(test_a_map_that_somebody_else_wrote),
		TEST(test_a_map_from_before),
		TEST(test_another_pid_namespace),
		TEST(test_read_once_a_second_at_most),
		TEST(test_the_least_recently_used_go),
		TEST(test_bytes_are_bounded),
		TEST(test_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
