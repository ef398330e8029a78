/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/model/sampled.h"

/* --- sums ------------------------------------------------------------------------------------ */

static void test_samples_of_a_process_and_a_stack_add_up(void **state)
{
	struct model *model = new_model();
	const struct growth *growth;

	(void)state;
	two_stacks(model, 1);
	grow(model, 2, 10, 1, 1);
	grow(model, 3, 10, 2, 5);
	grow(model, 4, 11, 1, 7);
	grow(model, 9, 10, 1, 3);
	assert_int_equal(model__growth_count(model), 3);
	growth = model__growth(model, 0);
	assert_int_equal(growth->task.pid, 10);
	assert_int_equal(growth->task.tid, 10);
	assert_int_equal(growth->task.start_ns, 10000);
	assert_int_equal(growth->samples, 2);
	assert_int_equal(growth->anon_bytes, 4 * BLOCK);
	assert_int_equal(growth__bytes(growth), 4 * BLOCK);
	assert_int_equal(growth->first_ns, 2 * NS_PER_MS);
	assert_int_equal(growth->last_ns, 9 * NS_PER_MS);
	/* 256 pages a block: of one page and of three */
	assert_int_equal(growth->variance_pages, 256 * 255 + 3 * 3 * 256 * 255);
	assert_int_equal(growth->stack->count, 2);
	assert_frame(growth->stack->frames[0], "one", 0x1010, "/bin/app");
	assert_frame(growth->stack->frames[1], "main", 0x3010, "/bin/app");
	assert_int_equal(growth->stack->frames[0]->start, 0x1000);
	assert_int_equal(growth->stack->frames[0]->module->build_id_bytes, 20);
	assert_int_equal(growth->stack->frames[0]->module->build_id[19], 0x5a);
	assert_int_equal(model__growth(model, 1)->anon_bytes, 5 * BLOCK);
	assert_int_equal(model__growth(model, 2)->task.pid, 11);
	assert_ptr_equal(model__growth(model, 2)->stack, growth->stack);
	model__free(model);
}

/* A huge page, of which all are samples, and a page with samples of one. */
static void test_what_is_sampled_whole_is_no_estimate(void **state)
{
	struct event_growth sample = sample_of(2, 10, 0, 0);
	struct model *model = new_model();

	(void)state;
	sample.block_bytes = 4096;
	sample.pages[GROWTH_ANON] = 512;
	apply(model, &sample);
	sample.pages[GROWTH_ANON] = 1;
	apply(model, &sample);
	assert_int_equal(model__growth(model, 0)->anon_bytes, 513 * 4096);
	assert_int_equal(model__growth(model, 0)->variance_pages, 0);
	/* Every second huge page. */
	sample.block_bytes = 8192;
	sample.pages[GROWTH_ANON] = 512;
	apply(model, &sample);
	assert_int_equal(model__growth(model, 0)->variance_pages, 512 * 512 * 2);
	model__free(model);
}

static void test_members_are_told_apart_and_swap_is_not_new(void **state)
{
	struct event_growth sample = sample_of(2, 10, 0, 9);
	struct model *model = new_model();
	const struct growth *growth;

	(void)state;
	sample.pages[GROWTH_SWAP] = -2;
	sample.pages[GROWTH_FILE] = -3;
	sample.pages[GROWTH_SHMEM] = 4;
	sample.flags = GROWTH_IN_KERNEL;
	apply(model, &sample);
	growth = model__growth(model, 0);
	assert_int_equal(growth->anon_bytes, 7 * BLOCK);
	assert_int_equal(growth->from_swap_bytes, 2 * BLOCK);
	assert_int_equal(growth->file_bytes, -3 * BLOCK);
	assert_int_equal(growth->shmem_bytes, 4 * BLOCK);
	assert_int_equal(growth__bytes(growth), 8 * BLOCK);
	assert_int_equal(growth->in_kernel_bytes, 8 * BLOCK);
	assert_int_equal(growth->variance_pages, 8 * 8 * 256 * 255);
	assert_null(growth->stack);
	/* An entry that goes without a page that comes brings nothing back; one that comes neither.
	 */
	sample = sample_of(3, 11, 0, 0);
	sample.pages[GROWTH_SWAP] = -5;
	apply(model, &sample);
	sample.pages[GROWTH_SWAP] = 5;
	apply(model, &sample);
	assert_int_equal(model__growth(model, 1)->anon_bytes, 0);
	assert_int_equal(model__growth(model, 1)->from_swap_bytes, 0);
	assert_int_equal(model__growth(model, 1)->in_kernel_bytes, 0);
	/* One for another: a copy on write of a page of a file. */
	sample = sample_of(4, 12, 0, 1);
	sample.pages[GROWTH_FILE] = -1;
	apply(model, &sample);
	assert_int_equal(growth__bytes(model__growth(model, 2)), 0);
	assert_int_equal(model__growth(model, 2)->anon_bytes, BLOCK);
	model__free(model);
}

static void test_samples_of_each_file_add_up(void **state)
{
	struct event_growth sample = sample_of(2, 10, 1, 0);
	struct model *model = new_model(), *other = new_model();
	struct event_growth_gone gone = {
		.header = header(EVENT_GROWTH_GONE, sizeof(gone), 5),
		.task = sample.task,
		.samples = 1,
		.bytes = {[GROWTH_SHMEM] = BLOCK},
		.stack_id = 1,
		.file_id = 2,
	};
	const struct growth *growth;

	(void)state;
	two_stacks(model, 1);
	file_named(model, 1, 1, 0, "/srv/a", NULL);
	file_named(model, 1, 2, FILE_TMPFS, "/dev/shm/b", "/dev/shm");
	sample.pages[GROWTH_FILE] = 3;
	sample.file_id = 1;
	apply(model, &sample);
	sample.pages[GROWTH_FILE] = 0;
	sample.pages[GROWTH_SHMEM] = 4;
	sample.file_id = 2;
	apply(model, &sample);
	sample.file_id = 9; /* nobody told it */
	apply(model, &sample);
	/* The same file under another number, and another one under a number that was used. */
	file_named(model, 3, 5, FILE_TMPFS, "/dev/shm/b", "/dev/shm");
	file_named(model, 3, 1, FILE_DELETED, "/srv/a", NULL);
	sample.file_id = 5;
	apply(model, &sample);
	sample.file_id = 1;
	apply(model, &sample);
	gone.task.tid = gone.task.pid;
	apply(model, &gone);
	assert_int_equal(model__growth_count(model), 4);
	growth = model__growth(model, 0);
	assert_string_equal(growth->file->path, "/srv/a");
	assert_null(growth->file->mount);
	assert_int_equal(growth->file->flags, 0);
	assert_int_equal(growth->file_bytes, 3 * BLOCK);
	growth = model__growth(model, 1);
	assert_string_equal(growth->file->path, "/dev/shm/b");
	assert_string_equal(growth->file->mount, "/dev/shm");
	assert_int_equal(growth->file->flags, FILE_TMPFS);
	assert_int_equal(growth->shmem_bytes, 8 * BLOCK);
	assert_int_equal(growth->gone_shmem_bytes, BLOCK);
	assert_null(model__growth(model, 2)->file);
	assert_int_equal(model__growth(model, 2)->shmem_bytes, 4 * BLOCK);
	assert_int_equal(model__growth(model, 2)->gone_shmem_bytes, 0);
	assert_int_equal(model__growth(model, 3)->file->flags, FILE_DELETED);
	/* Which file it is counts in the digest. */
	two_stacks(other, 1);
	file_named(other, 1, 2, FILE_TMPFS, "/dev/shm/c", "/dev/shm");
	model__free(model);
	model = new_model();
	two_stacks(model, 1);
	file_named(model, 1, 2, FILE_TMPFS, "/dev/shm/b", "/dev/shm");
	assert_true(model__digest(model) == model__digest(other));
	sample.file_id = 2;
	apply(model, &sample);
	apply(other, &sample);
	assert_true(model__digest(model) != model__digest(other));
	model__free(model);
	model__free(other);
}

static void test_sums_have_an_end(void **state)
{
	struct event_growth sample = sample_of(2, 10, 0, GROWTH_PAGES_MAX);
	struct model *model = new_model();
	const struct growth *growth;

	(void)state;
	sample.block_bytes = GROWTH_BLOCK_MAX;
	for (int i = 0; i < GROWTH_MEMBERS; i++)
		sample.pages[i] = i == GROWTH_SWAP ? 0 : GROWTH_PAGES_MAX;
	for (int i = 0; i < 40000; i++)
		apply(model, &sample);
	growth = model__growth(model, 0);
	assert_int_equal(growth->anon_bytes, 1LL << 52);
	assert_int_equal(growth__bytes(growth), 3LL << 52);
	assert_true(growth->variance_pages == UINT64_MAX);
	model__free(model);
}

static void test_impossible_samples_are_refused(void **state)
{
	static const uint64_t blocks[] = {0, 512, 2 * GROWTH_BLOCK_MAX, UINT64_MAX};
	struct event_growth sample;
	struct model *model = new_model();

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		sample = sample_of(2, 10, 0, 1);
		sample.block_bytes = blocks[i];
		apply(model, &sample);
	}
	grow(model, 2, 10, 0, GROWTH_PAGES_MAX + 1);
	grow(model, 2, 10, 0, INT32_MIN);
	grow(model, 2, 0, 0, 1);
	assert_int_equal(model__growth_count(model), 0);
	assert_int_equal(lost(model, LOSS_MALFORMED, EVENT_GROWTH), 7);
	model__free(model);
}

/* --- what memory has risen by ----------------------------------------------------------------- */

static void test_rises_count_and_falls_do_not(void **state)
{
	struct model *model = new_model();
	const struct task_ref ten = task(10), eleven = task(11);

	(void)state;
	process(model, 1, state_of(10, 1, "a", 1, 10 * M));
	process(model, 1, state_of(11, 1, "b", 1, 10 * M));
	rss(model, 2, 10, 50 * M);
	rss(model, 3, 10, 20 * M);
	rss(model, 4, 10, 30 * M);
	assert_int_equal(model__rose_bytes(model, &ten), EVENT_UNKNOWN);
	grow(model, 5, 10, 0, 1);
	assert_int_equal(model__rose_bytes(model, &ten), 50 * M);
	rss(model, 6, 10, 5 * M);
	rss(model, 7, 10, 25 * M);
	assert_int_equal(model__rose_bytes(model, &ten), 70 * M);
	assert_int_equal(model__rose_bytes(model, &eleven), EVENT_UNKNOWN);
	grow(model, 8, 11, 0, 1);
	assert_int_equal(model__rose_bytes(model, &eleven), 0);
	/* Nothing was known of this one. */
	grow(model, 9, 12, 0, 1);
	rss(model, 10, 12, 40 * M);
	rss(model, 11, 12, 41 * M);
	assert_int_equal(model__rose_bytes(model, &(struct task_ref){12, 12, 12000}), M);
	model__free(model);
}

/* What a child has of its parent goes with the program it starts. */
static void test_an_exec_hides_no_rise(void **state)
{
	const struct task_ref ten = task(10);
	struct model *model = new_model();

	(void)state;
	fork_of(model, 1, state_of(10, 1, "sh", 1, 500 * M));
	exec_of(model, 2, state_of(10, 1, "app", 1, M), "app", 4);
	rss(model, 3, 10, 101 * M);
	grow(model, 4, 10, 0, 1);
	assert_int_equal(model__rose_bytes(model, &ten), 100 * M);
	model__free(model);
}

static void test_how_far_a_stack_is_explained(void **state)
{
	struct model *model = new_model();

	(void)state;
	module_named(model, 1, 1, "/bin/app");
	frame_at(model, 1, 1, 1, 0x1010, NULL);
	frame_at(model, 1, 2, 0, 0x7f0000001010, "jitted");
	frame_at(model, 1, 3, 0, 0x7f0000002010, NULL);
	stack_of(model, 1, 1, STACK_END_COMPLETE, 1, 2);
	stack_of(model, 1, 2, STACK_END_COMPLETE, 1, 3);
	stack_of(model, 1, 3, STACK_END_COMPLETE, 1, 99);
	stack_of(model, 1, 4, STACK_END_NO_RULE, 1, 2);
	for (uint32_t id = 1; id <= 4; id++)
		grow(model, 2, 10, id, 1);
	assert_int_equal(stack__quality(model__growth(model, 0)->stack), STACK_EXPLAINED);
	assert_int_equal(stack__quality(model__growth(model, 1)->stack), STACK_UNNAMED);
	assert_int_equal(stack__quality(model__growth(model, 2)->stack), STACK_UNNAMED);
	assert_int_equal(stack__quality(model__growth(model, 3)->stack), STACK_INCOMPLETE);
	assert_int_equal(stack__quality(NULL), STACK_UNKNOWN);
	model__free(model);
}

static void test_what_went_is_taken_off_never_more(void **state)
{
	struct event_growth sample = sample_of(4, 10, 0, 9);
	struct event_growth_gone event = {.header = header(EVENT_GROWTH_GONE, sizeof(event), 9)};
	struct model *model = new_model();
	const struct growth *growth;

	(void)state;
	two_stacks(model, 1);
	grow(model, 2, 10, 1, 4);
	grow(model, 3, 10, 2, 4);
	/* Never looked at: what stayed is not known. */
	assert_int_equal(model__pages_looked_ns(model, &sample.task), 0);
	gone(model, 5, 10, 0, 0);
	assert_int_equal(model__pages_looked_ns(model, &sample.task), 5 * NS_PER_MS);
	gone(model, 6, 10, 1, 1);
	growth = model__growth(model, 0);
	assert_int_equal(growth->gone_samples, 1);
	assert_int_equal(growth->gone_anon_bytes, BLOCK);
	assert_int_equal(growth__bytes(growth), 4 * BLOCK);
	assert_int_equal(growth__stayed_bytes(growth), 3 * BLOCK);
	assert_int_equal(growth__stayed_bytes(model__growth(model, 1)), 4 * BLOCK);
	gone(model, 7, 10, 1, 100);
	assert_int_equal(growth->gone_samples, 1);
	assert_int_equal(growth->gone_anon_bytes, 4 * BLOCK);
	assert_int_equal(growth__stayed_bytes(growth), 0);
	/* By member; what had come back from swap is not among the anonymous ones. */
	sample.pages[GROWTH_SWAP] = -2;
	sample.pages[GROWTH_FILE] = 3;
	sample.pages[GROWTH_SHMEM] = 4;
	apply(model, &sample);
	event.task = task(10);
	event.samples = 1;
	event.bytes[GROWTH_ANON] = 7 * BLOCK;
	event.bytes[GROWTH_SWAP] = 2 * BLOCK;
	event.bytes[GROWTH_FILE] = 1 * BLOCK;
	event.bytes[GROWTH_SHMEM] = INT64_MAX;
	apply(model, &event);
	growth = model__growth(model, 2);
	assert_int_equal(growth->gone_anon_bytes, 7 * BLOCK);
	assert_int_equal(growth->gone_from_swap_bytes, 2 * BLOCK);
	assert_int_equal(growth->gone_file_bytes, BLOCK);
	assert_int_equal(growth->gone_shmem_bytes, 4 * BLOCK);
	assert_int_equal(growth__stayed_bytes(growth), 2 * BLOCK);
	/* Of files less may have come in the end. */
	sample = sample_of(10, 10, 0, 0);
	sample.pages[GROWTH_FILE] = -3;
	apply(model, &sample);
	assert_int_equal(growth->gone_file_bytes, 0);
	assert_int_equal(growth__stayed_bytes(growth), 0);
	/* Of somebody who never grew, and of nobody. */
	gone(model, 11, 11, 1, 1);
	gone(model, 11, 0, 1, 1);
	assert_int_equal(model__growth_count(model), 3);
	model__free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples_of_a_process_and_a_stack_add_up),
		cmocka_unit_test(test_what_is_sampled_whole_is_no_estimate),
		cmocka_unit_test(test_members_are_told_apart_and_swap_is_not_new),
		cmocka_unit_test(test_samples_of_each_file_add_up),
		cmocka_unit_test(test_sums_have_an_end),
		cmocka_unit_test(test_impossible_samples_are_refused),
		cmocka_unit_test(test_rises_count_and_falls_do_not),
		cmocka_unit_test(test_an_exec_hides_no_rise),
		cmocka_unit_test(test_how_far_a_stack_is_explained),
		cmocka_unit_test(test_what_went_is_taken_off_never_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
