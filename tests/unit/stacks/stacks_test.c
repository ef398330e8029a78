/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/stacks/caught.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

struct world {
	struct told *told;
	struct stacks *stacks;
	struct stander stander;
	char folder[64];
};

static int make_world(void **state)
{
	static struct world world;

	world = (struct world){.folder = "/tmp/stacks_test.XXXXXX", .told = told__new()};
	*state = &world;
	return mkdtemp(world.folder) ? 0 : -1;
}

static int remove_world(void **state)
{
	struct world *world = *state;
	char command[128];

	stander__end(&world->stander);
	stacks__free(world->stacks);
	free(world->told);
	snprintf(command, sizeof(command), "rm -rf '%s'", world->folder);
	return system(command);
}

static union caught *catch_it(const struct world *world)
{
	return caught__take(world->stander.pid, (pid_t)world->stander.tid);
}

static void give(struct world *world, union caught *caught)
{
	stacks__take(world->stacks, caught, sizeof(*caught));
	free(caught);
}

static void assert_chain(struct world *world, const char *begin)
{
	assert_begins(told__text(world->told), begin);
	assert_int_equal(told__end(world->told), STACK_END_COMPLETE);
}

/* Of a system call; bpf/stack_sample.h has the order. */
#if defined(__x86_64__)
#define NUMBER_AT 15
#else
#define NUMBER_AT 8
#endif

static void test_a_program_without_frame_pointers(void **state)
{
	struct world *world = *state;
	const struct told_frame *inner;
	const struct told_module *module;
	struct stacks_counts counts;
	union caught *caught;

	world->stacks = caught__stacks(world->told, 0);
	world->stander = stander__of("plain", NULL);
	caught = catch_it(world);
	caught->sample.flags |= STACK_SAMPLE_KERNEL;
	caught->sample.registers[NUMBER_AT] = SYS_read;
	caught->sample.pages[GROWTH_FILE] = 3;
	caught->sample.pages[GROWTH_SWAP] = -1;
	stacks__take(world->stacks, caught, sizeof(*caught));
	assert_int_equal(stacks__finish(world->stacks), 0);
	assert_chain(world, "[read];inner;middle;outer;main;");
	assert_int_equal(world->told->growth_count, 1);
	assert_int_equal(world->told->growths[0].task.pid, world->stander.pid);
	assert_int_equal(world->told->growths[0].time_ns, caught->sample.header.time_ns);
	assert_int_equal(world->told->growths[0].address, 0x10000);
	assert_int_equal(world->told->growths[0].block_bytes, MIB);
	assert_int_equal(world->told->growths[0].pages[GROWTH_FILE], 3);
	assert_int_equal(world->told->growths[0].pages[GROWTH_ANON], 1);
	assert_int_equal(world->told->growths[0].pages[GROWTH_SWAP], -1);
	assert_true(world->told->growths[0].in_kernel);
	assert_string_equal(world->told->frames[0].name, "[read]");
	assert_int_equal(world->told->frames[0].frame.kind, FRAME_KERNEL);
	inner = &world->told->frames[1];
	assert_string_equal(inner->name, "inner");
	assert_int_equal(inner->frame.kind, FRAME_NATIVE);
	assert_true(inner->frame.start > 0 && inner->frame.address > inner->frame.start);
	module = told__module(world->told, inner->frame.module);
	assert_true(module && strstr(module->path, "/" CHAIN));
	assert_int_equal(module->build_id_bytes, 20);
	/* The same again: nothing but the sample is told. */
	caught->sample.header.time_ns++;
	size_t frames = world->told->frame_count, modules = world->told->module_count;
	give(world, caught);
	assert_int_equal(stacks__finish(world->stacks), 0);
	assert_int_equal(world->told->growth_count, 2);
	assert_true(world->told->growths[1].in_kernel);
	assert_int_equal(world->told->growths[1].stack, world->told->growths[0].stack);
	assert_int_equal(world->told->frame_count, frames);
	assert_int_equal(world->told->module_count, modules);
	counts = stacks__counts(world->stacks);
	assert_int_equal(counts.samples, 2);
	assert_int_equal(counts.ends[STACK_END_COMPLETE], 2);
	assert_int_equal(counts.torn + counts.refused + counts.late_more, 0);
	assert_true(counts.bytes > 0 && counts.cpu_ns > 0);
}

/* Its own frames; the innermost one's is in its function. */
static void test_source_lines(void **state)
{
	struct world *world = *state;
	union caught *caught;
	size_t told;

	world->stacks = caught__stacks(world->told, 0);
	world->stander = stander__of("plain", NULL);
	caught = catch_it(world);
	give(world, caught);
	stander__end(&world->stander);
	assert_int_equal(stacks__finish(world->stacks), 0);
	assert_chain(world, "inner;middle;outer;main;");
	told = world->told->line_count;
	assert_true(told >= 4);
	for (size_t i = 0; i < told; i++) {
		const struct told_line *line = &world->told->lines[i];

		if (line->frame == world->told->frames[0].frame.id) {
			assert_non_null(strstr(line->file, "tests/workloads/chain"));
			assert_true(line->line > 0);
			return;
		}
	}
	fail_msg("no line of the innermost frame");
}

static void test_no_source_lines_without_debug_information(void **state)
{
	struct world *world = *state;
	char program[128], command[256];
	char *const argv[] = {"chain", "plain", NULL};

	snprintf(program, sizeof(program), "%s/stripped", world->folder);
	snprintf(command, sizeof(command), "strip -o '%s' " CHAIN, program);
	assert_int_equal(system(command), 0);
	world->stacks = caught__stacks(world->told, 0);
	world->stander = stander__start(program, argv, NULL, NULL);
	give(world, catch_it(world));
	assert_int_equal(stacks__finish(world->stacks), 0);
	for (size_t i = 0; i < world->told->line_count; i++) {
		const struct told_frame *frame =
			told__frame(world->told, world->told->lines[i].frame);

		assert_null(strstr(told__module(world->told, frame->frame.module)->path, program));
	}
}

static void test_who_was_there_before(void **state)
{
	struct world *world = *state;

	world->stander = stander__of("plain", NULL);
	world->stacks = caught__stacks(world->told, 0);
	give(world, catch_it(world));
	assert_int_equal(stacks__finish(world->stacks), 0);
	assert_chain(world, "inner;middle;outer;main;");
}

/* What was mapped has to be told first. */
static void test_a_sample_waits(void **state)
{
	struct world *world = *state;
	union caught *caught;
	uint64_t time_ns;

	world->stacks = caught__stacks(world->told, 0);
	world->stander = stander__of("plain", NULL);
	caught = catch_it(world);
	time_ns = caught->sample.header.time_ns;
	give(world, caught);
	assert_int_equal(stacks__turn(world->stacks, time_ns), 0);
	assert_int_equal(stacks__turn(world->stacks, time_ns + 100 * NS_PER_MS - 1), 0);
	assert_int_equal(world->told->growth_count, 0);
	assert_int_equal(stacks__turn(world->stacks, time_ns + 100 * NS_PER_MS), 0);
	assert_int_equal(world->told->growth_count, 1);
	assert_chain(world, "inner;middle;outer;main;");
	/* Before there was a past. */
	give(world, catch_it(world));
	assert_int_equal(stacks__turn(world->stacks, 1), 0);
	assert_int_equal(world->told->growth_count, 1);
}

static void test_a_thread(void **state)
{
	struct world *world = *state;

	world->stacks = caught__stacks(world->told, 0);
	world->stander = stander__of("thread", NULL);
	assert_int_not_equal(world->stander.tid, world->stander.pid);
	give(world, catch_it(world));
	assert_int_equal(stacks__finish(world->stacks), 0);
	assert_chain(world, "inner;middle;outer;body;");
	assert_null(strstr(told__text(world->told), "main;"));
	assert_int_equal(world->told->growths[0].task.tid, world->stander.tid);
}

static void test_deep_chains(void **state)
{
	struct world *world = *state;

	world->stacks = caught__stacks(world->told, 0);
	world->stander = stander__of("deep", "100");
	give(world, catch_it(world));
	assert_int_equal(stacks__finish(world->stacks), 0);
	assert_chain(world, "inner;deeper;deeper;deeper;");
	assert_non_null(strstr(told__text(world->told), "deeper;middle;outer;main;"));
	assert_true(world->told->chains[0].chain.count > 100);
	stander__end(&world->stander);
	/* Deeper than is kept, in less stack than is copied. */
	world->stander = stander__of("deep", "700");
	give(world, catch_it(world));
	assert_int_equal(stacks__finish(world->stacks), 0);
	assert_int_equal(told__end(world->told), STACK_END_TOO_DEEP);
	assert_int_equal(world->told->chains[1].chain.count, EVENT_STACK_FRAMES);
	assert_begins(told__text(world->told), "inner;deeper;deeper;deeper;");
	stander__end(&world->stander);
	/* In more. */
	world->stander = stander__of("deep", "20000");
	union caught *caught = catch_it(world);
	assert_true(caught->sample.flags & STACK_SAMPLE_CUT);
	caught->sample.stack_bytes = 2048;
	give(world, caught);
	assert_int_equal(stacks__finish(world->stacks), 0);
	assert_int_equal(told__end(world->told), STACK_END_CUT);
	assert_begins(told__text(world->told), "inner;deeper;deeper;deeper;");
	assert_int_equal(stacks__counts(world->stacks).ends[STACK_END_CUT], 1);
	assert_int_equal(stacks__counts(world->stacks).ends[STACK_END_TOO_DEEP], 1);
}

static const char *copied(const struct world *world)
{
	static char path[128], command[256];

	snprintf(path, sizeof(path), "%s/program", world->folder);
	snprintf(command, sizeof(command), "cp " CHAIN " '%s'", path);
	assert_int_equal(system(command), 0);
	return path;
}

static void test_a_deleted_binary(void **state)
{
	struct world *world = *state;
	char *const argv[] = {"chain", "plain", NULL};
	const char *path = copied(world);

	world->stacks = caught__stacks(world->told, 0);
	world->stander = stander__start(path, argv, NULL, NULL);
	assert_int_equal(unlink(path), 0);
	give(world, catch_it(world));
	assert_int_equal(stacks__finish(world->stacks), 0);
	assert_chain(world, "inner;middle;outer;main;");
	assert_string_equal(told__module(world->told, world->told->frames[0].frame.module)->path,
			    path);
}

/* What was read of it is there; another process that is gone had a file that is there. */
static void test_a_process_that_is_gone(void **state)
{
	struct world *world = *state;
	char *const argv[] = {"chain", "plain", NULL};
	const char *path = copied(world);
	union caught *caught;

	world->stacks = caught__stacks(world->told, 0);
	world->stander = stander__start(path, argv, NULL, NULL);
	caught = catch_it(world);
	stander__end(&world->stander);
	give(world, caught);
	assert_int_equal(stacks__finish(world->stacks), 0);
	assert_chain(world, "inner;middle;outer;main;");
}

/* Nobody knows what it had mapped: told, and counted. */
static void test_a_process_that_was_gone_before(void **state)
{
	struct world *world = *state;
	union caught *caught;

	world->stander = stander__of("plain", NULL);
	caught = catch_it(world);
	stander__end(&world->stander);
	world->stacks = caught__stacks(world->told, 0);
	give(world, caught);
	assert_int_equal(stacks__finish(world->stacks), 0);
	assert_int_equal(world->told->growth_count, 1);
	assert_string_equal(told__text(world->told), "?");
	assert_int_equal(world->told->frames[0].frame.kind, FRAME_UNKNOWN);
	assert_int_equal(world->told->frames[0].frame.module, 0);
	assert_int_not_equal(told__end(world->told), STACK_END_COMPLETE);
	assert_int_equal(stacks__counts(world->stacks).unnamed, 1);
}

static bool own_mounts(const char *folder)
{
	char command[256];

	snprintf(command, sizeof(command), "cp " CHAIN " '%s/program'", folder);
	return !unshare(CLONE_NEWNS) && !mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
	       !mount("tmpfs", folder, "tmpfs", 0, NULL) && !system(command);
}

/* The program is on a file system that nobody else has mounted. */
static bool become_private(const char *folder)
{
	char path[128];
	char *const argv[] = {"chain", "plain", NULL};

	snprintf(path, sizeof(path), "%s/program", folder);
	return own_mounts(folder) && !execv(path, argv);
}

static void test_another_mount_namespace(void **state)
{
	struct world *world = *state;
	char *const argv[] = {"chain", "plain", NULL};
	char path[128];

	if (geteuid()) {
		print_message("skipped: not root\n");
		skip();
	}
	world->stacks = caught__stacks(world->told, 0);
	world->stander = stander__start("/bin/true", argv, become_private, world->folder);
	snprintf(path, sizeof(path), "%s/program", world->folder);
	assert_int_equal(access(path, F_OK), -1);
	give(world, catch_it(world));
	assert_int_equal(stacks__finish(world->stacks), 0);
	assert_chain(world, "inner;middle;outer;main;");
	assert_string_equal(told__module(world->told, world->told->frames[0].frame.module)->path,
			    path);
}

static void test_what_the_sink_says_ends_the_work(void **state)
{
	struct world *world = *state;

	world->stacks = caught__stacks(world->told, 0);
	world->stander = stander__of("plain", NULL);
	give(world, catch_it(world));
	world->told->answer = -EPIPE;
	assert_int_equal(stacks__finish(world->stacks), -EPIPE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_world, remove_world)
	const struct CMUnitTest tests[] = {
		TEST(test_a_program_without_frame_pointers),
		TEST(test_source_lines),
		TEST(test_no_source_lines_without_debug_information),
		TEST(test_who_was_there_before),
		TEST(test_a_sample_waits),
		TEST(test_a_thread),
		TEST(test_deep_chains),
		TEST(test_a_deleted_binary),
		TEST(test_a_process_that_is_gone),
		TEST(test_a_process_that_was_gone_before),
		TEST(test_another_mount_namespace),
		TEST(test_what_the_sink_says_ends_the_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
