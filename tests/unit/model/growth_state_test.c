/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/text.h"
#include "tests/replay/event_text.h"
#include "tests/unit/model/sampled.h"

/* Growth by stack that goes on in another model. */

/* --- everything that is known of it ----------------------------------------------------------- */

static void put_frame(struct text *text, const struct frame *frame)
{
	if (!frame) {
		text__string(text, "\n    unknown");
		return;
	}
	text__printf(text, "\n    %#llx %#llx %d %s", (unsigned long long)frame->address,
		     (unsigned long long)frame->start, (int)frame->kind,
		     frame->name ? frame->name : "-");
	if (frame->file)
		text__printf(text, " at %s:%u", frame->file, frame->line);
	if (!frame->module)
		return;
	text__printf(text, " in %s", frame->module->path);
	for (size_t i = 0; i < frame->module->build_id_bytes; i++)
		text__printf(text, " %02x", frame->module->build_id[i]);
}

static void put_growth(struct text *text, const struct model *model, const struct growth *growth)
{
	text__printf(text, "%u from %llu to %llu: %llu samples, %lld %lld %lld %lld %lld, %llu",
		     growth->task.pid, (unsigned long long)growth->first_ns,
		     (unsigned long long)growth->last_ns, (unsigned long long)growth->samples,
		     (long long)growth->anon_bytes, (long long)growth->file_bytes,
		     (long long)growth->shmem_bytes, (long long)growth->from_swap_bytes,
		     (long long)growth->in_kernel_bytes,
		     (unsigned long long)growth->variance_pages);
	text__printf(text, ", rose %lld", (long long)model__rose_bytes(model, &growth->task));
	text__printf(text, ", gone %llu, %lld %lld %lld %lld, looked %llu",
		     (unsigned long long)growth->gone_samples, (long long)growth->gone_anon_bytes,
		     (long long)growth->gone_file_bytes, (long long)growth->gone_shmem_bytes,
		     (long long)growth->gone_from_swap_bytes,
		     (unsigned long long)model__pages_looked_ns(model, &growth->task));
	text__printf(text, ", %d%s", (int)stack__quality(growth->stack),
		     growth->unwatched ? ", unwatched" : "");
	if (growth->file)
		text__printf(text, ", of %s, %u, %s", growth->file->path, growth->file->flags,
			     growth->file->mount ? growth->file->mount : "-");
	for (size_t i = 0; growth->stack && i < growth->stack->count; i++)
		put_frame(text, growth->stack->frames[i]);
	text__string(text, "\n");
}

static char *growth_of(const struct model *model)
{
	struct text text = {0};

	for (size_t i = 0; i < model__growth_count(model); i++)
		put_growth(&text, model, model__growth(model, i));
	assert_true(text__ok(&text));
	return text.data;
}

static struct model *run(const struct events *events, size_t first, size_t second)
{
	struct model *model = new_model();

	apply_some(model, events, 0, first);
	model = go_on(model, INCIDENT_WINDOW_NS);
	apply_some(model, events, first, second);
	model = go_on(model, INCIDENT_WINDOW_NS);
	apply_some(model, events, second, events->count);
	return model;
}

static void test_a_roll_before_any_event_changes_nothing_of_it(void **state)
{
	struct events events = {0};
	struct model *whole = new_model();
	char *expected;

	(void)state;
	assert_int_equal(event_text__read("tests/replay/who-grew.events", keep_event, &events), 0);
	/* Up to the kill: there is no roll while an incident is open. */
	while (events.list[events.count - 1]->kind != EVENT_OOM_KILL)
		free(events.list[--events.count]);
	free(events.list[--events.count]);
	apply_some(whole, &events, 0, events.count);
	expected = growth_of(whole);
	assert_non_null(strstr(expected, "Cache::insert"));
	assert_non_null(strstr(expected, "TOTAL 0, 3, /dev/shm\n"));
	assert_non_null(strstr(expected, "at ../src/cache.cc:118"));
	for (size_t i = 1; i <= events.count; i++) {
		for (size_t j = i; j <= events.count; j += 7) {
			struct model *rolled = run(&events, i, j);
			char *growth = growth_of(rolled);

			if (strcmp(growth, expected))
				print_error("rolled before %zu and %zu\n", i, j);
			assert_string_equal(growth, expected);
			assert_true(model__digest(rolled) == model__digest(whole));
			assert_int_equal(model__loss_count(rolled), 0);
			free(growth);
			model__free(rolled);
		}
	}
	free(expected);
	model__free(whole);
	free_events(&events);
}

static void test_what_nobody_looks_for_any_more_stays_so(void **state)
{
	struct model *model = new_model();
	struct event_loss ended = {.header = header(EVENT_LOSS, sizeof(ended), 3),
				   .reason = LOSS_STACK_WORKER,
				   .kind = EVENT_GROWTH,
				   .count = 1};

	(void)state;
	process(model, 1, state_of(10, 0, "lives", 1, M));
	two_stacks(model, 1);
	grow(model, 2, 10, 1, 1);
	apply(model, &ended);
	/* By somebody else. */
	grow(model, 4, 10, 2, 1);
	/* It tells of the loss as well, and the next one again. */
	model = go_on(go_on(model, INCIDENT_WINDOW_NS), INCIDENT_WINDOW_NS);
	ended.header = header(EVENT_LOSS, sizeof(ended), 5);
	apply(model, &ended);
	assert_int_equal(model__growth_count(model), 2);
	assert_true(model__growth(model, 0)->unwatched);
	assert_false(model__growth(model, 1)->unwatched);
	model__free(model);
}

/* --- what stays behind, and what does not ----------------------------------------------------- */

static void test_growth_of_those_who_ended_long_ago_stays_behind(void **state)
{
	const struct task_ref ten = task(10);
	struct model *model = new_model();
	uint64_t empty;

	(void)state;
	process(model, 1, state_of(10, 0, "gone", 1, M));
	process(model, 1, state_of(11, 0, "lives", 1, M));
	two_stacks(model, 1);
	grow(model, 2, 10, 1, 1);
	grow(model, 3, 11, 2, 1);
	exit_of(model, 4, 10, 0);
	tick(model, 200 * SECOND);
	model = go_on(model, INCIDENT_WINDOW_NS);
	assert_int_equal(model__growth_count(model), 1);
	assert_int_equal(model__growth(model, 0)->task.pid, 11);
	assert_string_equal(model__growth(model, 0)->stack->frames[0]->name, "two");
	assert_int_equal(model__rose_bytes(model, &ten), EVENT_UNKNOWN);
	/* Nobody has used stack 1 for so long, nor could refer to it. */
	grow(model, 201 * SECOND, 11, 1, 1);
	assert_null(model__growth(model, 1)->stack);
	exit_of(model, 202 * SECOND, 11, 0);
	tick(model, 400 * SECOND);
	model = go_on(model, INCIDENT_WINDOW_NS);
	assert_int_equal(model__growth_count(model), 0);
	empty = model__bytes(model);
	assert_true(empty < 200 * KIB);
	model__free(model);
}

/* It is told late, when its process had been left behind. */
static void test_growth_of_who_stayed_behind_is_of_nobody_alive(void **state)
{
	struct event_growth late, born_unseen;
	struct model *model = new_model();

	(void)state;
	process(model, 1, state_of(10, 0, "gone", 1, M));
	two_stacks(model, 1);
	exit_of(model, 4, 10, 0);
	tick(model, 200 * SECOND);
	model = go_on(model, INCIDENT_WINDOW_NS);
	assert_int_equal(model__process_count(model), 0);
	late = sample_of(201 * SECOND, 10, 1, 1);
	late.came_ns = 3 * NS_PER_MS;
	apply(model, &late);
	born_unseen = sample_of(201 * SECOND, 11, 1, 1);
	apply(model, &born_unseen);
	assert_int_equal(model__process_count(model), 2);
	assert_true(model__process(model, 0)->exit_ns && model__process(model, 0)->exit_lost);
	assert_int_equal(model__process(model, 1)->exit_ns, 0);
	assert_int_equal(model__growth_count(model), 2);
	assert_int_equal(lost(model, LOSS_MALFORMED, EVENT_GROWTH), 0);
	model__free(model);
}

static void test_numbers_that_may_be_referred_to_go_on_without_growth(void **state)
{
	struct model *model = new_model();

	(void)state;
	two_stacks(model, 1);
	tick(model, 59 * SECOND);
	model = go_on(model, INCIDENT_WINDOW_NS);
	model = go_on(model, INCIDENT_WINDOW_NS);
	assert_int_equal(model__growth_count(model), 0);
	grow(model, 60 * SECOND, 10, 2, 1);
	assert_string_equal(model__growth(model, 0)->stack->frames[0]->name, "two");
	/* Frame 1 went unused; frame 2 is used with the stack, and so is the module. */
	tick(model, 120 * SECOND);
	model = go_on(model, INCIDENT_WINDOW_NS);
	stack_of(model, 121 * SECOND, 3, STACK_END_COMPLETE, 1, 2);
	grow(model, 121 * SECOND, 10, 3, 1);
	assert_null(model__growth(model, 1)->stack->frames[0]);
	assert_string_equal(model__growth(model, 1)->stack->frames[1]->name, "two");
	frame_at(model, 122 * SECOND, 4, 1, 0x4010, "four");
	stack_of(model, 122 * SECOND, 4, STACK_END_COMPLETE, 4, 0);
	grow(model, 122 * SECOND, 10, 4, 1);
	assert_string_equal(model__growth(model, 2)->stack->frames[0]->module->path, "/bin/app");
	model__free(model);
}

static void test_a_stack_whose_number_was_taken_goes_on(void **state)
{
	struct model *model = new_model();

	(void)state;
	two_stacks(model, 1);
	grow(model, 2, 10, 1, 1);
	grow(model, 2, 10, 2, 1);
	module_named(model, 3, 1, "/bin/other");
	frame_at(model, 3, 1, 1, 0x9010, "new");
	frame_at(model, 3, 2, 1, 0x9020, "newer");
	stack_of(model, 3, 1, STACK_END_CUT, 1, 3);
	stack_of(model, 3, 2, STACK_END_CUT, 2, 3);
	/* The same under two numbers. */
	stack_of(model, 3, 3, STACK_END_CUT, 1, 3);
	for (int i = 0; i < 3; i++)
		model = go_on(model, INCIDENT_WINDOW_NS);
	grow(model, 4, 10, 1, 1);
	grow(model, 5, 10, 3, 1);
	assert_int_equal(model__growth_count(model), 3);
	assert_string_equal(model__growth(model, 0)->stack->frames[0]->name, "one");
	assert_string_equal(model__growth(model, 0)->stack->frames[0]->module->path, "/bin/app");
	assert_string_equal(model__growth(model, 1)->stack->frames[0]->name, "two");
	assert_string_equal(model__growth(model, 2)->stack->frames[0]->name, "new");
	assert_string_equal(model__growth(model, 2)->stack->frames[0]->module->path, "/bin/other");
	assert_int_equal(model__growth(model, 2)->samples, 2);
	model__free(model);
}

static void test_a_rise_counts_on(void **state)
{
	const struct task_ref ten = task(10);
	struct model *model = new_model();

	(void)state;
	process(model, 1, state_of(10, 0, "grower", 1, 10 * M));
	rss(model, 2, 10, 60 * M);
	model = go_on(model, INCIDENT_WINDOW_NS);
	rss(model, 3, 10, 20 * M);
	grow(model, 4, 10, 0, 1);
	model = go_on(model, INCIDENT_WINDOW_NS);
	assert_int_equal(model__rose_bytes(model, &ten), 50 * M);
	rss(model, 5, 10, 50 * M);
	assert_int_equal(model__rose_bytes(model, &ten), 80 * M);
	model__free(model);
}

/* Its history may have been given up. */
static void test_a_rise_counts_on_without_a_history(void **state)
{
	struct state_options options = {.series_max_bytes = 1};
	struct event_state first = model__first_state(&options);
	const struct task_ref ten = task(10);
	struct model *model = new_model();

	(void)state;
	apply(model, &first);
	process(model, 1, state_of(10, 0, "grower", 1, 10 * M));
	grow(model, 2, 10, 0, 1);
	rss(model, 3, 10, 60 * M);
	assert_null(model__process_by_pid(model, 10)->series);
	model = go_on(model, INCIDENT_WINDOW_NS);
	assert_int_equal(model__rose_bytes(model, &ten), 50 * M);
	model__free(model);
}

#define NUMBERS 65536U /* as many as there may be at once */

/* However long ago its stack was told, and whoever needed room since. */
static void test_what_goes_is_known_by_the_number_it_came_by(void **state)
{
	struct model *model = new_model();

	(void)state;
	two_stacks(model, 1);
	grow(model, 2, 10, 1, 5);
	grow(model, 2, 10, 2, 5);
	model = go_on(model, INCIDENT_WINDOW_NS);
	/* Definitions that need all the room there is, when the first are long since forgotten. */
	for (uint32_t id = 100; id < 100 + NUMBERS; id++)
		stack_of(model, 200 * SECOND, id, STACK_END_CUT, id, 0);
	gone(model, 201 * SECOND, 10, 1, 2);
	model = go_on(model, INCIDENT_WINDOW_NS);
	gone(model, 400 * SECOND, 10, 1, 1);
	gone(model, 400 * SECOND, 10, 2, 1);
	assert_int_equal(lost(model, LOSS_MODEL_FULL, EVENT_GROWTH_GONE), 0);
	assert_int_equal(model__growth(model, 0)->gone_anon_bytes, 3 * BLOCK);
	assert_int_equal(model__growth(model, 1)->gone_anon_bytes, BLOCK);
	/* A number that nobody has told: nothing is taken off anywhere, and it is said. */
	gone(model, 400 * SECOND, 10, 77, 1);
	assert_int_equal(lost(model, LOSS_MODEL_FULL, EVENT_GROWTH_GONE), 1);
	assert_int_equal(growth__stayed_bytes(model__growth(model, 0)), 2 * BLOCK);
	assert_int_equal(growth__stayed_bytes(model__growth(model, 1)), 4 * BLOCK);
	model__free(model);
}

/* --- hostile blocks --------------------------------------------------------------------------- */

static void test_kept_growth_belongs_into_a_block_behind_its_process(void **state)
{
	struct event_state begins = {.header = header(EVENT_STATE, sizeof(begins), 1),
				     .flags = STATE_BEGINS};
	struct event_kept_process of = {.header = header(EVENT_KEPT_PROCESS, sizeof(of), 1)};
	struct event_kept_growth kept = {.header = header(EVENT_KEPT_GROWTH, sizeof(kept), 1),
					 .task = task(10)};
	struct model *model = new_model();

	(void)state;
	process(model, 1, state_of(10, 0, "some", 1, M));
	apply(model, &kept);
	model__free(model);

	model = new_model();
	apply(model, &begins);
	apply(model, &kept);
	assert_int_equal(lost(model, LOSS_MALFORMED, EVENT_KEPT_GROWTH), 1);
	assert_int_equal(model__growth_count(model), 0);
	of.process.task = task(10);
	apply(model, &of);
	kept.stack_id = 5;
	kept.samples = UINT64_MAX;
	kept.variance_pages = UINT64_MAX;
	kept.rose_bytes = INT64_MAX;
	kept.first_ns = UINT64_MAX;
	for (int i = 0; i < GROWTH_MEMBERS; i++)
		kept.bytes[i] = i % 2 ? INT64_MAX : INT64_MIN;
	apply(model, &kept);
	apply(model, &kept);
	assert_int_equal(model__growth_count(model), 1);
	assert_int_equal(model__growth(model, 0)->anon_bytes, 1LL << 52);
	assert_int_equal(model__growth(model, 0)->file_bytes, -(1LL << 52));
	assert_true(model__growth(model, 0)->samples == UINT64_MAX);
	assert_int_equal(model__rose_bytes(model, &kept.task), 1LL << 52);
	assert_true(model__growth(model, 0)->first_ns <= model__growth(model, 0)->last_ns);
	model__free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_roll_before_any_event_changes_nothing_of_it),
		cmocka_unit_test(test_what_nobody_looks_for_any_more_stays_so),
		cmocka_unit_test(test_growth_of_who_stayed_behind_is_of_nobody_alive),
		cmocka_unit_test(test_growth_of_those_who_ended_long_ago_stays_behind),
		cmocka_unit_test(test_numbers_that_may_be_referred_to_go_on_without_growth),
		cmocka_unit_test(test_a_stack_whose_number_was_taken_goes_on),
		cmocka_unit_test(test_a_rise_counts_on),
		cmocka_unit_test(test_what_goes_is_known_by_the_number_it_came_by),
		cmocka_unit_test(test_a_rise_counts_on_without_a_history),
		cmocka_unit_test(test_kept_growth_belongs_into_a_block_behind_its_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
