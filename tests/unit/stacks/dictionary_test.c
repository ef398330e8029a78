/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/stacks/told.h"

#include <errno.h>

#include "base/units.h"
#include "stacks/dictionary.h"

#define BEGIN_NS (1000 * NS_PER_S)

struct world {
	struct told *told;
	struct dictionary *dictionary;
};

static int make_world(void **state)
{
	static struct world world;
	struct stack_sink sink;

	world.told = told__new();
	sink = told__sink(world.told);
	*state = &world;
	return dictionary__new(&world.dictionary, &sink);
}

static int remove_world(void **state)
{
	struct world *world = *state;

	dictionary__free(world->dictionary);
	free(world->told);
	return 0;
}

/* As a sample does it: its number, told where it has to be. */
static uint32_t frame_id(struct world *world, const struct stack_frame *frame, uint64_t now_ns)
{
	uint32_t id = dictionary__frame(world->dictionary, frame, now_ns);

	if (!id)
		assert_int_equal(dictionary__add_frame(world->dictionary, frame, now_ns, &id), 0);
	assert_int_not_equal(id, 0);
	return id;
}

static uint32_t at(struct world *world, uint64_t address, uint64_t now_ns)
{
	const struct stack_frame frame = {.address = address, .kind = FRAME_UNKNOWN};

	return frame_id(world, &frame, now_ns);
}

static uint32_t chain_id(struct world *world, const uint32_t *frames, size_t count,
			 enum stack_end end, uint64_t now_ns)
{
	uint32_t id = 0;

	assert_int_equal(dictionary__chain(world->dictionary, frames, count, end, now_ns, &id), 0);
	return id;
}

static void test_each_is_told_once(void **state)
{
	struct world *world = *state;
	uint32_t frames[2] = {at(world, 10, BEGIN_NS), at(world, 20, BEGIN_NS)};
	uint32_t back[2] = {frames[1], frames[0]};
	uint32_t chain = chain_id(world, frames, 2, STACK_END_COMPLETE, BEGIN_NS);

	assert_int_equal(frames[0], 1);
	assert_int_equal(frames[1], 2);
	assert_int_equal(chain, 1);
	for (int again = 1; again < 4; again++) {
		assert_int_equal(at(world, 10, BEGIN_NS + again), frames[0]);
		assert_int_equal(chain_id(world, frames, 2, STACK_END_COMPLETE, BEGIN_NS + again),
				 chain);
	}
	assert_int_equal(world->told->frame_count, 2);
	assert_int_equal(world->told->chain_count, 1);
	/* Another order, another length, another end: another chain. */
	assert_int_equal(chain_id(world, back, 2, STACK_END_COMPLETE, BEGIN_NS), 2);
	assert_int_equal(chain_id(world, frames, 1, STACK_END_COMPLETE, BEGIN_NS), 3);
	assert_int_equal(chain_id(world, frames, 2, STACK_END_CUT, BEGIN_NS), 4);
	assert_int_equal(world->told->chains[3].chain.end, STACK_END_CUT);
	assert_int_equal(chain_id(world, NULL, 0, STACK_END_NO_MAPPING, BEGIN_NS), 5);
	assert_int_equal(world->told->chains[4].chain.count, 0);
}

static void test_what_makes_a_frame(void **state)
{
	struct world *world = *state;
	struct stack_frame frame = {.address = 10, .kind = FRAME_JIT};
	struct stack_frame in_module = {.address = 10, .module = 1, .kind = FRAME_NATIVE};
	uint32_t unnamed = frame_id(world, &frame, BEGIN_NS), first, second;

	world->told->modules[world->told->module_count++].id = 1;
	world->told->modules[world->told->module_count++].id = 2;
	frame.name = "first";
	frame.start = 8;
	first = frame_id(world, &frame, BEGIN_NS);
	frame.name = "second";
	second = frame_id(world, &frame, BEGIN_NS);
	assert_true(unnamed != first && first != second && unnamed != second);
	frame.start = 9;
	assert_int_not_equal(frame_id(world, &frame, BEGIN_NS), second);
	frame = (struct stack_frame){.address = 10, .kind = FRAME_UNKNOWN};
	assert_int_not_equal(frame_id(world, &frame, BEGIN_NS), unnamed);
	/* In a module the address says it all, and names are looked up for new ones only. */
	first = frame_id(world, &in_module, BEGIN_NS);
	in_module.name = "named";
	assert_int_equal(frame_id(world, &in_module, BEGIN_NS), first);
	in_module.module = 2;
	assert_int_not_equal(frame_id(world, &in_module, BEGIN_NS), first);
}

static void test_told_again_after_a_while(void **state)
{
	struct world *world = *state;
	uint64_t now_ns = BEGIN_NS;
	uint32_t frame = at(world, 10, now_ns), kept = at(world, 20, now_ns);
	uint32_t chain = chain_id(world, &frame, 1, STACK_END_COMPLETE, now_ns);

	/* What is in use stays. */
	for (int i = 0; i < 5; i++) {
		now_ns += SINK_RETELL_NS - 1;
		assert_int_equal(at(world, 20, now_ns), kept);
	}
	assert_int_equal(world->told->frame_count, 2);
	/* What is not keeps its number, and whoever forgot it hears of it. */
	assert_int_equal(at(world, 10, now_ns), frame);
	assert_int_equal(world->told->frame_count, 3);
	assert_int_equal(world->told->frames[2].frame.address, 10);
	assert_int_equal(chain_id(world, &frame, 1, STACK_END_COMPLETE, now_ns), chain);
	assert_int_equal(world->told->chain_count, 2);
	assert_int_equal(world->told->chains[1].frames[0], frame);
	/* Once. */
	assert_int_equal(at(world, 10, now_ns), frame);
	assert_int_equal(chain_id(world, &frame, 1, STACK_END_COMPLETE, now_ns), chain);
	assert_int_equal(world->told->frame_count + world->told->chain_count, 5);
	now_ns += SINK_RETELL_NS;
	assert_int_equal(at(world, 20, now_ns), kept);
	assert_int_equal(world->told->frame_count, 4);
	/* Before any listener may have forgotten it. */
	assert_true(SINK_RETELL_NS < STACK_RETELL_NS);
}

static void test_out_of_order(void **state)
{
	struct world *world = *state;
	uint32_t frame = at(world, 10, BEGIN_NS);

	assert_int_equal(at(world, 10, BEGIN_NS - NS_PER_S), frame);
	assert_int_equal(at(world, 10, 0), frame);
	/* Nor does that make it older. */
	assert_int_equal(at(world, 10, BEGIN_NS + SINK_RETELL_NS - 1), frame);
	assert_int_equal(world->told->frame_count, 1);
}

/* Counts only: as many are told as no list here would hold. */
static int on_frame(void *context, const struct stack_frame *frame)
{
	*(uint32_t *)context = frame->id;
	return 0;
}

static int on_chain(void *context, const struct stack_chain *chain)
{
	*(uint32_t *)context = chain->id;
	return 0;
}

static void test_the_least_recently_used_go(void **state)
{
	/* The order is kept to a second. */
	const uint64_t later_ns = BEGIN_NS + NS_PER_S;
	uint32_t told = 0, id, first, second;
	const struct stack_sink sink = {.context = &told, .frame = on_frame, .stack = on_chain};
	struct stack_frame frame = {.address = 0};
	struct dictionary *dictionary;

	(void)state;
	assert_int_equal(dictionary__new(&dictionary, &sink), 0);
	for (uint64_t address = 0; address < DICTIONARY_MAX; address++) {
		frame.address = address;
		assert_int_equal(dictionary__add_frame(dictionary, &frame, BEGIN_NS, &id), 0);
	}
	frame.address = 0;
	first = dictionary__frame(dictionary, &frame, later_ns);
	assert_int_equal(first, 1);
	frame.address = 1;
	second = 2;
	/* One more: the second has not been used since, the first has. */
	frame.address = DICTIONARY_MAX;
	assert_int_equal(dictionary__add_frame(dictionary, &frame, later_ns, &id), 0);
	assert_int_equal(id, DICTIONARY_MAX + 1);
	frame.address = 0;
	assert_int_equal(dictionary__frame(dictionary, &frame, later_ns), first);
	frame.address = 1;
	assert_int_equal(dictionary__frame(dictionary, &frame, later_ns), 0);
	assert_int_equal(dictionary__add_frame(dictionary, &frame, later_ns, &id), 0);
	assert_int_not_equal(id, second);
	assert_int_equal(told, id);
	dictionary__free(dictionary);
}

static void test_bytes_are_bounded(void **state)
{
	uint32_t told = 0, id, frames[EVENT_STACK_FRAMES] = {0};
	const struct stack_sink sink = {.context = &told, .frame = on_frame, .stack = on_chain};
	struct dictionary *dictionary;
	size_t most_bytes = 0;

	(void)state;
	assert_int_equal(dictionary__new(&dictionary, &sink), 0);
	for (uint32_t i = 0; i < DICTIONARY_MAX / 2; i++) {
		frames[i % EVENT_STACK_FRAMES] = i;
		assert_int_equal(dictionary__chain(dictionary, frames, EVENT_STACK_FRAMES,
						   STACK_END_COMPLETE, BEGIN_NS, &id),
				 0);
		assert_int_equal(id, i + 1);
		if (dictionary__bytes(dictionary) > most_bytes)
			most_bytes = dictionary__bytes(dictionary);
	}
	assert_true(most_bytes <= DICTIONARY_MAX_BYTES + KIB);
	assert_true(most_bytes > DICTIONARY_MAX_BYTES / 2);
	/* The latest is there yet. */
	assert_int_equal(dictionary__chain(dictionary, frames, EVENT_STACK_FRAMES,
					   STACK_END_COMPLETE, BEGIN_NS, &id),
			 0);
	assert_int_equal(id, DICTIONARY_MAX / 2);
	dictionary__free(dictionary);
}

static void test_what_the_sink_says_ends_the_work(void **state)
{
	struct world *world = *state;
	const struct stack_frame frame = {.address = 10};
	uint32_t id, none = 0;

	world->told->answer = -EPIPE;
	assert_int_equal(dictionary__add_frame(world->dictionary, &frame, BEGIN_NS, &id), -EPIPE);
	assert_int_equal(
		dictionary__chain(world->dictionary, &none, 0, STACK_END_CUT, BEGIN_NS, &id),
		-EPIPE);
}

static uint32_t file_id(struct world *world, uint32_t flags, const char *path, const char *mount,
			uint64_t now_ns)
{
	const struct stack_file file = {.flags = flags, .path = path, .mount = mount};
	uint32_t id = 0;

	assert_int_equal(dictionary__file(world->dictionary, &file, now_ns, &id), 0);
	assert_non_null(told__file(world->told, id));
	return id;
}

static void test_files_are_told_once_and_again(void **state)
{
	struct world *world = *state;
	const uint32_t a = file_id(world, 0, "/a", NULL, BEGIN_NS);
	const uint32_t b = file_id(world, FILE_TMPFS, "/a", "/", BEGIN_NS);

	assert_int_not_equal(a, b);
	assert_int_not_equal(file_id(world, FILE_DELETED, "/a", NULL, BEGIN_NS), a);
	assert_int_not_equal(file_id(world, FILE_TMPFS, "/a", "/b", BEGIN_NS), b);
	assert_string_equal(told__file(world->told, b)->mount, "/");
	assert_string_equal(told__file(world->told, a)->mount, "");
	assert_int_equal(file_id(world, 0, "/a", NULL, BEGIN_NS + 1), a);
	assert_int_equal(world->told->file_count, 4);
	assert_int_equal(file_id(world, 0, "/a", NULL, BEGIN_NS + 1 + SINK_RETELL_NS), a);
	assert_int_equal(world->told->file_count, 5);
}

/* Long paths, and no end of them. */
static void test_files_have_an_end(void **state)
{
	struct world *world = *state;
	char *path = malloc(EVENT_PATH_BYTES + 1);

	assert_non_null(path);
	memset(path, 'p', EVENT_PATH_BYTES);
	path[EVENT_PATH_BYTES] = '\0';
	for (uint32_t i = 0; i < DICTIONARY_MAX_BYTES / EVENT_PATH_BYTES; i++) {
		world->told->file_count = 0;
		file_id(world, i, path, path, BEGIN_NS);
		assert_true(dictionary__bytes(world->dictionary) < DICTIONARY_MAX_BYTES + MIB);
	}
	free(path);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_world, remove_world)
	const struct CMUnitTest tests[] = {
		TEST(test_each_is_told_once),
		TEST(test_what_makes_a_frame),
		TEST(test_told_again_after_a_while),
		TEST(test_out_of_order),
		TEST(test_what_the_sink_says_ends_the_work),
		TEST(test_files_are_told_once_and_again),
		TEST(test_files_have_an_end),
		cmocka_unit_test(test_the_least_recently_used_go),
		cmocka_unit_test(test_bytes_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
