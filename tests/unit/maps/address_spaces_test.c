/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/maps/told.h"

#include <errno.h>

#include "base/units.h"

#define GRACE_NS (10 * NS_PER_S)

static struct address_spaces *made(size_t max_bytes)
{
	const struct address_spaces_options options = {.max_bytes = max_bytes};
	struct address_spaces *spaces = NULL;

	assert_int_equal(address_spaces__new(&spaces, &options), 0);
	return spaces;
}

static void mapped(struct address_spaces *spaces, uint64_t time_ns, uint32_t pid, uint64_t start,
		   const char *path)
{
	struct map_event event = event_of(MAP_EVENT_MAPPED, time_ns, pid);

	event.mapping = told_file(start, start + 0x1000, 0, path);
	assert_int_equal(address_spaces__apply(spaces, &event), 0);
}

static void forked(struct address_spaces *spaces, uint64_t time_ns, uint32_t pid, uint32_t parent)
{
	struct map_event event = event_of(MAP_EVENT_FORKED, time_ns, pid);

	event.parent_pid = parent;
	assert_int_equal(address_spaces__apply(spaces, &event), 0);
}

static void happened(struct address_spaces *spaces, enum map_event_kind kind, uint64_t time_ns,
		     uint32_t pid)
{
	struct map_event event = event_of(kind, time_ns, pid);

	event.lost = 1;
	assert_int_equal(address_spaces__apply(spaces, &event), 0);
}

/* The path at an address; "": nothing is known there. */
static const char *path_in(const struct process_maps *process, uint64_t address, uint64_t time_ns)
{
	static char path[64];
	struct mapping found;

	assert_non_null(process);
	if (!process_maps__find(process, address, time_ns, &found))
		return "";
	snprintf(path, sizeof(path), "%s", mapped_file__path(found.file));
	return path;
}

static const char *path_at(struct address_spaces *spaces, uint32_t pid, uint64_t start_ns,
			   uint64_t address, uint64_t time_ns)
{
	return path_in(address_spaces__process(spaces, pid, start_ns, time_ns), address, time_ns);
}

/* Nothing is left of anything: what was counted in was counted out. */
static void assert_empties(struct address_spaces *spaces, uint64_t now_ns)
{
	struct address_spaces_counts counts;

	for (int i = 0; i < 4; i++)
		address_spaces__tidy(spaces, now_ns + (uint64_t)i * 2 * GRACE_NS);
	counts = address_spaces__counts(spaces);
	assert_int_equal(counts.processes, 0);
	assert_int_equal(counts.bytes, 0);
	address_spaces__free(spaces);
}

static void test_exec_begins_anew(void **state)
{
	struct address_spaces *spaces = made(0);

	(void)state;
	happened(spaces, MAP_EVENT_EXEC, 100, 5);
	mapped(spaces, 110, 5, 0x1000, "/first");
	assert_string_equal(path_at(spaces, 5, 0, 0x1800, 120), "/first");
	assert_false(process_maps__wants_look(address_spaces__process(spaces, 5, 0, 120)));
	happened(spaces, MAP_EVENT_EXEC, 200, 5);
	mapped(spaces, 210, 5, 0x5000, "/second");
	assert_string_equal(path_at(spaces, 5, 0, 0x1800, 220), "");
	assert_string_equal(path_at(spaces, 5, 0, 0x5800, 220), "/second");
	/* Samples from before are looked up in what there was before. */
	assert_string_equal(path_at(spaces, 5, 0, 0x1800, 199), "/first");
	assert_string_equal(path_at(spaces, 5, 0, 0x5800, 199), "");
	address_spaces__tidy(spaces, 200 + GRACE_NS - 1);
	assert_string_equal(path_at(spaces, 5, 0, 0x1800, 199), "/first");
	address_spaces__tidy(spaces, 200 + GRACE_NS);
	assert_string_equal(path_at(spaces, 5, 0, 0x1800, 199), "");
	assert_string_equal(path_at(spaces, 5, 0, 0x5800, 220), "/second");
	happened(spaces, MAP_EVENT_EXITED, 300, 5);
	assert_empties(spaces, 300 + GRACE_NS);
}

static void test_programs_in_a_row_are_told_apart(void **state)
{
	static const char *const paths[] = {"/0", "/1", "/2", "/3", "/4",  "/5",
					    "/6", "/7", "/8", "/9", "/10", "/11"};
	struct address_spaces *spaces = made(0);

	(void)state;
	for (uint64_t i = 0; i < 12; i++) {
		happened(spaces, MAP_EVENT_EXEC, 100 + 10 * i, 5);
		mapped(spaces, 102 + 10 * i, 5, 0x1000, paths[i]);
	}
	/* The one there is and the eight before it; of earlier ones nothing, and nothing wrong. */
	for (uint64_t i = 0; i < 12; i++)
		assert_string_equal(path_at(spaces, 5, 0, 0x1800, 105 + 10 * i),
				    i < 3 ? "" : paths[i]);
	assert_string_equal(path_at(spaces, 5, 0, 0x1800, 151), "");
	happened(spaces, MAP_EVENT_EXITED, 300, 5);
	assert_empties(spaces, 300 + GRACE_NS);
}

static void test_fork_inherits_and_both_go_their_way(void **state)
{
	struct address_spaces *spaces = made(0);
	size_t before;

	(void)state;
	happened(spaces, MAP_EVENT_EXEC, 100, 5);
	for (uint64_t i = 0; i < 1000; i++)
		mapped(spaces, 110, 5, 0x100000 + (i << 13), "/many");
	mapped(spaces, 110, 5, 0x1000, "/shared");
	before = address_spaces__counts(spaces).bytes;
	for (uint32_t pid = 1000; pid < 2000; pid++)
		forked(spaces, 200, pid, 5);
	/* They cost next to nothing as long as they are the same. */
	assert_true(address_spaces__counts(spaces).bytes - before < 1000 * 300);
	forked(spaces, 200, 6, 5);
	mapped(spaces, 210, 6, 0x2000, "/child");
	mapped(spaces, 210, 5, 0x2000, "/parent");
	assert_string_equal(path_at(spaces, 6, 0, 0x1800, 220), "/shared");
	assert_string_equal(path_at(spaces, 5, 0, 0x1800, 220), "/shared");
	assert_string_equal(path_at(spaces, 6, 0, 0x2800, 220), "/child");
	assert_string_equal(path_at(spaces, 5, 0, 0x2800, 220), "/parent");
	assert_string_equal(path_at(spaces, 1000, 0, 0x2800, 220), "");
	happened(spaces, MAP_EVENT_EXITED, 300, 5);
	address_spaces__tidy(spaces, 300 + 3 * GRACE_NS);
	assert_string_equal(path_at(spaces, 1500, 0, 0x1800, 220), "/shared");
	happened(spaces, MAP_EVENT_EXITED, 300, 6);
	for (uint32_t pid = 1000; pid < 2000; pid++)
		happened(spaces, MAP_EVENT_EXITED, 300, pid);
	assert_empties(spaces, 300 + 3 * GRACE_NS);
}

static void test_the_dead_stay_for_a_while(void **state)
{
	struct address_spaces *spaces = made(0);

	(void)state;
	happened(spaces, MAP_EVENT_EXEC, 100, 5);
	mapped(spaces, 110, 5, 0x1000, "/first");
	happened(spaces, MAP_EVENT_EXITED, 200, 5);
	address_spaces__tidy(spaces, 200 + GRACE_NS - 1);
	assert_string_equal(path_at(spaces, 5, 0, 0x1800, 199), "/first");
	/* Its other threads are alive, as long as they are sampled. */
	assert_string_equal(path_at(spaces, 5, 0, 0x1800, 5 * NS_PER_S), "/first");
	address_spaces__tidy(spaces, 200 + GRACE_NS);
	assert_string_equal(path_at(spaces, 5, 0, 0x1800, 6 * NS_PER_S), "/first");
	/* And when one of them calls exec, it is the process. */
	happened(spaces, MAP_EVENT_EXEC, 7 * NS_PER_S, 5);
	mapped(spaces, 8 * NS_PER_S, 5, 0x1000, "/second");
	address_spaces__tidy(spaces, 9 * GRACE_NS);
	assert_string_equal(path_at(spaces, 5, 0, 0x1800, 9 * GRACE_NS), "/second");
	happened(spaces, MAP_EVENT_EXITED, 9 * GRACE_NS, 5);
	assert_empties(spaces, 10 * GRACE_NS);
}

static void test_a_pid_comes_again(void **state)
{
	struct address_spaces *spaces = made(0);

	(void)state;
	happened(spaces, MAP_EVENT_EXEC, 100, 5);
	mapped(spaces, 110, 5, 0x1000, "/first");
	happened(spaces, MAP_EVENT_EXITED, 200, 5);
	forked(spaces, 301, 5, 1);
	happened(spaces, MAP_EVENT_EXEC, 310, 5);
	mapped(spaces, 320, 5, 0x1000, "/second");
	assert_string_equal(path_at(spaces, 5, 50, 0x1800, 150), "/first");
	assert_string_equal(path_at(spaces, 5, 300, 0x1800, 330), "/second");
	/* By its start, whatever the time says. */
	assert_string_equal(path_at(spaces, 5, 50, 0x1800, 330), "/first");
	/* One whose birth nobody told: not the second one, which began before. */
	assert_string_equal(path_at(spaces, 5, 400, 0x1800, 450), "");
	assert_true(process_maps__wants_look(address_spaces__process(spaces, 5, 400, 450)));
	assert_true(process_maps__is_newest(address_spaces__process(spaces, 5, 400, 450)));
	assert_string_equal(path_at(spaces, 5, 300, 0x1800, 330), "/second");
	assert_string_equal(path_at(spaces, 5, 50, 0x1800, 150), "/first");
	assert_int_equal(address_spaces__counts(spaces).processes, 3);
	happened(spaces, MAP_EVENT_EXITED, 500, 5);
	assert_empties(spaces, 500 + GRACE_NS);
}

static struct address_space *looked_at(struct address_spaces *spaces, uint64_t start,
				       const char *path)
{
	const struct told_mapping told = told_file(start, start + 0x1000, 0, path);
	struct address_space *space = NULL;

	assert_int_equal(address_space__new(&space), 0);
	assert_int_equal(address_spaces__add(spaces, space, &told, 0), 0);
	return space;
}

static void test_looks(void **state)
{
	struct address_spaces *spaces = made(0);
	struct process_maps *process;

	(void)state;
	/* Before anybody has looked, what is mapped is not kept: the look will show it. */
	process = address_spaces__process(spaces, 5, 50, 100);
	assert_true(process_maps__wants_look(process));
	assert_false(process_maps__is_known(process));
	mapped(spaces, 110, 5, 0x1000, "/unseen");
	assert_string_equal(path_at(spaces, 5, 50, 0x1800, 120), "");
	process = address_spaces__process(spaces, 5, 50, 120);
	assert_int_equal(
		address_spaces__looked(spaces, process, looked_at(spaces, 0x2000, "/old"), 200), 0);
	assert_false(process_maps__wants_look(process));
	assert_string_equal(path_in(process, 0x2800, 1), "/old");
	mapped(spaces, 210, 5, 0x1000, "/new");
	assert_string_equal(path_at(spaces, 5, 50, 0x1800, 220), "/new");

	/* Something was lost: what is seen then came after what was known. */
	happened(spaces, MAP_EVENT_LOST, 300, 0);
	process = address_spaces__process(spaces, 5, 50, 310);
	assert_true(process_maps__wants_look(process));
	assert_int_equal(
		address_spaces__looked(spaces, process, looked_at(spaces, 0x2000, "/after"), 320),
		0);
	assert_false(process_maps__wants_look(process));
	assert_string_equal(path_in(process, 0x2800, 330), "/after");
	assert_string_equal(path_in(process, 0x2800, 199), "/old");
	assert_string_equal(path_in(process, 0x1800, 330), "/new");

	/* Who cannot be looked at is not looked at for every sample. */
	process = address_spaces__process(spaces, 6, 50, 400);
	assert_int_equal(address_spaces__looked(spaces, process, NULL, 410), 0);
	assert_false(process_maps__wants_look(process));
	assert_false(process_maps__is_known(process));
	happened(spaces, MAP_EVENT_EXITED, 500, 5);
	happened(spaces, MAP_EVENT_EXITED, 500, 6);
	assert_empties(spaces, 500 + GRACE_NS);
}

static void test_a_birth_that_is_told_late(void **state)
{
	struct address_spaces *spaces = made(0);
	struct process_maps *process = address_spaces__process(spaces, 5, 90, 100);
	uint64_t born_ns;

	(void)state;
	assert_int_equal(
		address_spaces__looked(spaces, process, looked_at(spaces, 0x1000, "/seen"), 110),
		0);
	forked(spaces, 91, 5, 4);
	assert_int_equal(address_spaces__counts(spaces).processes, 1);
	assert_string_equal(path_at(spaces, 5, 90, 0x1800, 120), "/seen");
	process = address_spaces__process(spaces, 5, 90, 120);
	assert_int_equal(process_maps__began_as(process, &born_ns), 4);
	assert_int_equal(born_ns, 91);
	/* One that comes after the last sample is another process. */
	forked(spaces, 200, 5, 4);
	assert_string_equal(path_at(spaces, 5, 200, 0x1800, 210), "");
	happened(spaces, MAP_EVENT_EXITED, 300, 5);
	assert_empties(spaces, 300 + GRACE_NS);
}

static void test_who_goes_when_room_runs_out(void **state)
{
	struct address_spaces *spaces = made(256 * KIB);
	struct address_spaces_counts counts;

	(void)state;
	happened(spaces, MAP_EVENT_EXEC, 1, 1);
	mapped(spaces, 2, 1, 0x1000, "/sampled");
	assert_string_equal(path_at(spaces, 1, 0, 0x1800, 3), "/sampled");
	for (uint32_t pid = 100; pid < 10100; pid++) {
		happened(spaces, MAP_EVENT_EXEC, pid, pid);
		mapped(spaces, pid, pid, 0x1000, "/other");
		counts = address_spaces__counts(spaces);
		assert_true(counts.bytes <= 256 * KIB);
	}
	assert_true(counts.evicted > 9000);
	assert_int_equal(counts.evicted + counts.processes, 10001);
	assert_string_equal(path_at(spaces, 1, 0, 0x1800, 20000), "/sampled");
	assert_string_equal(path_at(spaces, 10099, 0, 0x1800, 20000), "/other");
	/* It is to be looked at again. */
	assert_true(process_maps__wants_look(address_spaces__process(spaces, 100, 0, 20000)));
	address_spaces__free(spaces);
}

/* Any events in any order: under the sanitizers, and nothing may be left over. */
static void test_noise(void **state)
{
	struct address_spaces *spaces = made(16 * KIB);
	static const char *const paths[] = {"/a", "/b", "/c"};

	(void)state;
	srand(20261121);
	for (uint64_t time = 1; time < 200000; time++) {
		uint32_t pid = 1 + (uint32_t)rand() % 40;
		uint64_t start = (uint64_t)rand() % time;

		switch (rand() % 8) {
		case 0:
			forked(spaces, time, pid, 1 + (uint32_t)rand() % 40);
			break;
		case 1:
			happened(spaces, MAP_EVENT_EXEC, time, pid);
			break;
		case 2:
			happened(spaces, MAP_EVENT_EXITED, time, pid);
			break;
		case 3:
			path_at(spaces, pid, start, 0x1000, time - (uint64_t)rand() % time);
			break;
		case 4:
			address_spaces__looked(
				spaces, address_spaces__process(spaces, pid, start, time),
				rand() % 2 ? looked_at(spaces, 0x1000, "/looked") : NULL, time);
			break;
		case 5:
			if (rand() % 100 == 0)
				happened(spaces, MAP_EVENT_LOST, time, 0);
			address_spaces__tidy(spaces, GRACE_NS + time - 100);
			break;
		default:
			mapped(spaces, time, pid, ((uint64_t)rand() % 64) << 11, paths[time % 3]);
		}
	}
	assert_true(address_spaces__counts(spaces).processes > 10);
	assert_true(address_spaces__counts(spaces).evicted > 100);
	for (uint32_t pid = 1; pid <= 40; pid++) {
		/* Each, its older ones too. */
		forked(spaces, 300000, pid, 0);
		happened(spaces, MAP_EVENT_EXITED, 300001, pid);
	}
	assert_empties(spaces, 300001 + GRACE_NS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exec_begins_anew),
		cmocka_unit_test(test_programs_in_a_row_are_told_apart),
		cmocka_unit_test(test_fork_inherits_and_both_go_their_way),
		cmocka_unit_test(test_the_dead_stay_for_a_while),
		cmocka_unit_test(test_a_pid_comes_again),
		cmocka_unit_test(test_looks),
		cmocka_unit_test(test_a_birth_that_is_told_late),
		cmocka_unit_test(test_who_goes_when_room_runs_out),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
