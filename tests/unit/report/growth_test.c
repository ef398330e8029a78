/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/report/grown.h"

#include "base/cleanup.h"
#include "report/growth.h"
#include "report/report.h"
#include "report/wording.h"

DEFINE_FREEP(model)

static struct growths read_growths(const struct model *model, const struct growth_filter *filter,
				   enum growth_rows rows)
{
	struct growths growths;

	assert_int_equal(growths__read(&growths, model, filter, rows), 0);
	return growths;
}

static void test_same_functions_are_one_row(void **state)
{
	_cleanup_(model__freep) struct model *model = grown__story();
	_cleanup_(growths__free) struct growths growths =
		read_growths(model, NULL, GROWTH_BY_FUNCTION);

	(void)state;
	assert_int_equal(growths.count, 4);
	assert_int_equal(growths.rows[0].bytes, MIB_(40));
	assert_int_equal(growths.rows[0].file_bytes, MIB_(2));
	assert_int_equal(growths.rows[0].processes, 2);
	assert_int_equal(growths.rows[0].task.pid, 21);
	assert_int_equal(growths.rows[0].samples, 4);
	assert_int_equal(growths.rows[0].first_ns, MS(100));
	assert_int_equal(growths.rows[0].last_ns, MS(2200));
	for (size_t i = 1; i < growths.count; i++)
		assert_true(growths.rows[i - 1].bytes >= growths.rows[i].bytes);
	assert_null(growths.rows[3].stack);
	assert_int_equal(growths.rows[3].bytes, MIB_(3));
}

static void test_exact_rows_keep_processes_and_addresses_apart(void **state)
{
	_cleanup_(model__freep) struct model *model = grown__story();
	_cleanup_(growths__free) struct growths growths = read_growths(model, NULL, GROWTH_EXACT);

	(void)state;
	assert_int_equal(growths.count, 6);
	assert_int_equal(growths.rows[0].bytes, MIB_(28));
	assert_int_equal(growths.rows[0].samples, 2);
	assert_int_equal(growths.rows[0].processes, 1);
	assert_int_equal(growths.rows[1].bytes, MIB_(10));
	assert_int_equal(growths.rows[1].task.pid, 22);
	assert_int_equal(growths.rows[1].processes, 1);
}

/* By stack 4 of node 23 and by stack 1 of worker 21: file 1 in all 5 MiB, file 2 4 MiB. */
static void tell_files(struct model *model)
{
	static const struct {
		uint32_t pid, stack, file;
		int32_t shmem;
	} told[] = {{23, 4, 1, 2}, {23, 4, 2, 3}, {21, 1, 1, 3}, {21, 1, 2, 1}, {23, 4, 0, 7}};

	grown__file(model, 1, 0, "/srv/a\x1b[31m", strlen("/srv/a\x1b[31m"));
	grown__file(model, 2, FILE_TMPFS | FILE_DELETED, "/dev/shm/b\0/dev/shm", 19);
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		struct event_growth growth = grown__pages(4000 + i, told[i].pid, told[i].stack, 0);

		growth.pages[GROWTH_SHMEM] = told[i].shmem;
		growth.file_id = told[i].file;
		story__tell(model, &growth);
	}
}

static const struct growth_row *row_of_unnamed(const struct growths *growths, const char *path)
{
	for (size_t i = 0; i < growths->count; i++) {
		const struct growth_row *row = &growths->rows[i];

		if (stack__quality(row->stack) == STACK_UNNAMED &&
		    (!path || (row->file && strcmp(row->file->path, path) == 0)))
			return row;
	}
	fail_msg("no such row of %s", path ? path : "any file");
	return NULL;
}

static void test_files_are_told_with_their_stacks_and_in_all(void **state)
{
	_cleanup_(model__freep) struct model *model = grown__story();
	_cleanup_(growths__free) struct growths by_function = {0}, exact = {0};
	_cleanup_(text__free) struct text text = {0};
	const struct growth_row *row;

	(void)state;
	tell_files(model);
	by_function = read_growths(model, NULL, GROWTH_BY_FUNCTION);
	exact = read_growths(model, NULL, GROWTH_EXACT);
	assert_int_equal(by_function.count, 4);
	assert_int_equal(exact.count, 10);
	row = row_of_unnamed(&by_function, NULL);
	assert_string_equal(row->file->path, "/dev/shm/b");
	assert_int_equal(row->files, 2);
	assert_int_equal(row->shmem_bytes, MIB_(12));
	assert_int_equal(row_of_unnamed(&exact, "/dev/shm/b")->shmem_bytes, MIB_(3));
	assert_int_equal(row_of_unnamed(&exact, "/srv/a\x1b[31m")->shmem_bytes, MIB_(2));
	assert_int_equal(by_function.file_count, 2);
	assert_string_equal(by_function.files[0].file->path, "/srv/a\x1b[31m");
	assert_int_equal(by_function.files[0].bytes, MIB_(5));
	assert_int_equal(by_function.files[1].bytes, MIB_(4));
	assert_int_equal(report__text(model, &text), 0);
	assert_non_null(strstr(text.data, "  /dev/shm/b (deleted) in the tmpfs /dev/shm\n"));
	assert_non_null(strstr(text.data, "  /srv/a\\x1b[31m\n"));
	assert_null(strstr(text.data, "\x1b"));
}

static void check_sums(const struct growths *growths)
{
	assert_int_equal(growths->processes, 3);
	assert_int_equal(growths->sampled_bytes, MIB_(53));
	assert_int_equal(growths->explained_bytes, MIB_(40));
	assert_int_equal(growths->unnamed_bytes, MIB_(6));
	assert_int_equal(growths->incomplete_bytes[STACK_END_CUT], MIB_(4));
	assert_int_equal(growths__incomplete_bytes(growths), MIB_(4));
	assert_int_equal(growths->no_stack_bytes, MIB_(3));
	assert_int_equal(growths->samples, 7);
	assert_int_equal(growths->rose_bytes, MIB_(54 + 16 + 8));
	assert_int_equal(growths->net_bytes, MIB_(54 + 16 + 8));
	assert_int_equal(growths->not_seen_bytes, MIB_(78 - 53));
	assert_int_equal(growths->before_bytes, MIB_(15));
	assert_int_equal(growths->inherited_bytes, EVENT_UNKNOWN);
}

static void test_sums_stand_beside_the_kernels_counters(void **state)
{
	_cleanup_(model__freep) struct model *model = grown__story();
	_cleanup_(growths__free) struct growths exact = read_growths(model, NULL, GROWTH_EXACT);
	_cleanup_(growths__free) struct growths merged =
		read_growths(model, NULL, GROWTH_BY_FUNCTION);
	/* Samples of 20, 8, 10 and 2 pages, each one in 256; the root of the sum of variances, cut,
	 * not rounded. */
	const uint64_t pages[] = {20, 8, 10, 2};
	uint64_t square = 0, root;

	(void)state;
	check_sums(&exact);
	check_sums(&merged);
	for (size_t i = 0; i < 4; i++)
		square += pages[i] * pages[i] * 256 * 255;
	root = (uint64_t)exact.error_bytes / 4096;
	assert_int_equal(exact.error_bytes % 4096, 0);
	assert_true(root * root <= square && (root + 1) * (root + 1) > square);
	assert_int_equal(exact.error_bytes, merged.error_bytes);
}

static void test_filters(void **state)
{
	_cleanup_(model__freep) struct model *model = grown__story();
	const struct task_ref node = story__task(23), nobody = {.pid = 23, .start_ns = 99};
	const struct {
		struct growth_filter filter;
		int64_t bytes;
	} cases[] = {
		{{.pid = 22}, MIB_(12)},
		{{.pid = 24}, 0},
		/* /app-2 is beside /app, not below it. */
		{{.cgroup = "/app"}, MIB_(47)},
		{{.cgroup = "/app/"}, MIB_(47)},
		{{.cgroup = "/app-2"}, MIB_(6)},
		{{.cgroup = "/ap"}, 0},
		{{.cgroup = "/"}, MIB_(53)},
		{{.cgroup = "/app", .pid = 23}, 0},
		{{.tasks = &node, .task_count = 1}, MIB_(6)},
		{{.tasks = &nobody, .task_count = 1}, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_(growths__free) struct growths growths =
			read_growths(model, &cases[i].filter, GROWTH_EXACT);

		assert_int_equal(growths.sampled_bytes, cases[i].bytes);
		assert_int_equal(growths.count > 0, cases[i].bytes > 0);
	}
}

/* Rows of the same size stand in the order of what they say, not of their numbers or of time. */
static void test_ties_are_broken_by_content(void **state)
{
	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		_cleanup_(model__freep) struct model *model = story__begin(2, FOLLOW_ALL);
		_cleanup_(growths__free) struct growths growths = {0};
		const uint32_t first = turn ? 2 : 1, second = turn ? 1 : 2;

		story__process(model, 21, "worker", GROWN_APP, 0);
		grown__frame(model, first, 0, FRAME_NATIVE, 0x10, "a");
		grown__frame(model, second, 0, FRAME_NATIVE, 0x20, "b");
		GROWN_STACK(model, first, STACK_END_COMPLETE, first);
		GROWN_STACK(model, second, STACK_END_COMPLETE, second);
		grown__sample(model, 100, 21, 1, 1);
		grown__sample(model, 200, 21, 2, 1);
		growths = read_growths(model, NULL, GROWTH_BY_FUNCTION);
		assert_int_equal(growths.count, 2);
		assert_string_equal(growths.rows[0].stack->frames[0]->name, "a");
		assert_string_equal(growths.rows[1].stack->frames[0]->name, "b");
	}
}

static void test_nothing_sampled_is_nothing_said(void **state)
{
	_cleanup_(model__freep) struct model *model = story__begin(2, FOLLOW_ALL);
	_cleanup_(text__free) struct text text = {0}, json = {0};
	_cleanup_(growths__free) struct growths growths = {0};

	(void)state;
	story__process(model, 21, "worker", GROWN_APP, MIB_(1));
	story__end(model, 5000);
	growths = read_growths(model, NULL, GROWTH_EXACT);
	assert_int_equal(growths.count, 0);
	assert_int_equal(report__text(model, &text), 0);
	assert_null(strstr(text.data, "WHERE IT GREW"));
	assert_int_equal(report__json(model, &json), 0);
	assert_null(strstr(json.data, "\"stacks\""));
	assert_null(strstr(json.data, "explained_ratio"));
}

static void test_what_came_from_swap_is_not_new(void **state)
{
	_cleanup_(model__freep) struct model *model = story__begin(2, FOLLOW_ALL);
	_cleanup_(growths__free) struct growths growths = {0};
	struct event_growth growth = grown__pages(100, 21, 0, 5);

	(void)state;
	growth.pages[GROWTH_SWAP] = -4;
	story__process(model, 21, "worker", GROWN_APP, 0);
	story__tell(model, &growth);
	story__rss(model, 200, 21, GROWN_APP, MIB_(8));
	growths = read_growths(model, NULL, GROWTH_EXACT);
	assert_int_equal(growths.sampled_bytes, MIB_(1));
	assert_int_equal(growths.from_swap_bytes, MIB_(4));
	assert_int_equal(growths.not_seen_bytes, MIB_(3));
}

static void tell_loss(struct model *model, enum loss_reason reason, enum event_kind kind,
		      uint64_t count)
{
	const struct event_loss loss = {
		.header = {.size_bytes = sizeof(loss), .kind = EVENT_LOSS, .time_ns = MS(300)},
		.reason = reason,
		.kind = kind,
		.count = count,
	};

	story__tell(model, &loss);
}

/* One sample of 4 MiB by one page, of 8 MiB by which the process rose; a page has 4 KiB. */
static struct growths with_loss(enum loss_reason reason, enum event_kind kind, uint64_t count,
				struct text *text)
{
	_cleanup_(model__freep) struct model *model = story__begin(2, FOLLOW_ALL);
	struct event_growth growth = grown__pages(100, 21, 0, 4);
	struct growths growths;

	story__process(model, 21, "worker", GROWN_APP, 0);
	growth.pages[GROWTH_ANON] = 1;
	growth.block_bytes = MIB_(4);
	story__tell(model, &growth);
	story__rss(model, 200, 21, GROWN_APP, MIB_(24));
	if (count)
		tell_loss(model, reason, kind, count);
	growths = read_growths(model, NULL, GROWTH_EXACT);
	assert_int_equal(report__text(model, text), 0);
	return growths;
}

static void test_what_was_not_seen_was_lost_or_populated(void **state)
{
	static const struct {
		enum loss_reason reason;
		enum event_kind kind;
		uint64_t count;
		int64_t lost_bytes;
		const char *says[2];
	} cases[] = {
		{0, 0, 0, 0, {"20 MiB", "came without a page fault"}},
		{LOSS_RING_FULL, EVENT_GROWTH, 2, MIB_(8), {"12 MiB", "at most so much"}},
		{LOSS_SAMPLE_QUEUE, EVENT_GROWTH, 5, MIB_(20), {"20 MiB", "that were lost"}},
		{LOSS_SAMPLE_QUEUE, EVENT_GROWTH, 6, MIB_(20), {"20 MiB", "that were lost"}},
		{LOSS_SAMPLE_QUEUE, EVENT_GROWTH, UINT64_MAX, MIB_(20), {"20 MiB", "lost"}},
		{LOSS_NOTE_TABLE_FULL, EVENT_GROWTH, 3, MIB_(12), {"8.0 MiB", "12 MiB"}},
		{LOSS_MODEL_FULL, EVENT_GROWTH, 3, MIB_(12), {"8.0 MiB", "12 MiB"}},
		/* What remains may be an error of the figures. */
		{LOSS_MODEL_FULL, EVENT_GROWTH, 4, MIB_(16), {"4.0 MiB", "may be off by"}},
		{LOSS_RECURSION, EVENT_GROWTH, 256, MIB_(1), {"19 MiB", "1.0 MiB"}},
		{LOSS_RING_FULL, EVENT_RSS, 9, 0, {"20 MiB", "came without a page fault"}},
		{LOSS_SAMPLE_UNSEEN, EVENT_GROWTH, 9, 0, {"20 MiB", "without a page fault"}},
		{LOSS_STACK_WORKER, EVENT_GROWTH, 1, EVENT_UNKNOWN, {"20 MiB", "or was lost"}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_(text__free) struct text text = {0};
		_cleanup_(growths__free) struct growths growths =
			with_loss(cases[i].reason, cases[i].kind, cases[i].count, &text);

		assert_int_equal(growths.not_seen_bytes, MIB_(20));
		assert_int_equal(growths.lost_at_most_bytes, cases[i].lost_bytes);
		assert_non_null(strstr(text.data, cases[i].says[0]));
		assert_non_null(strstr(text.data, cases[i].says[1]));
	}
}

static void test_allocators_are_told_from_their_callers(void **state)
{
	_cleanup_(model__freep) struct model *model = grown__story();
	const struct frame sys = {.name = "sysmalloc"},
			   new = {.name = "operator new(unsigned long)"};
	const struct frame own = {.name = "fill"}, reader = {.name = "malloc_info_reader"};
	const struct frame *through[] = {&sys, &new, &own}, *only[] = {&sys, &new};
	const struct frame *none[] = {&reader, &sys, &own}, *gap[] = {NULL, &sys};

	(void)state;
	assert_int_equal(stack__first_said(&(struct stack){.count = 3, .frames = through}), 1);
	assert_int_equal(stack__first_said(&(struct stack){.count = 2, .frames = only}), 0);
	assert_int_equal(stack__first_said(&(struct stack){.count = 3, .frames = none}), 0);
	assert_int_equal(stack__first_said(&(struct stack){.count = 2, .frames = gap}), 0);
}

/* Its functions lead to the same read(2) in many ways; other reports have them. */
static void test_the_kernels_functions_are_the_system_call(void **state)
{
	const struct frame copy = {.name = "_copy_to_iter", .kind = FRAME_KERNEL},
			   call = {.name = "[read]", .kind = FRAME_KERNEL},
			   own = {.name = "malloc"};
	const struct frame *within[] = {&copy, &copy, &call, &own}, *only[] = {&copy, &call};

	(void)state;
	assert_int_equal(stack__first_said(&(struct stack){.count = 4, .frames = within}), 2);
	assert_int_equal(stack__first_said(&(struct stack){.count = 2, .frames = only}), 1);
}

static void test_rows_of_one_system_call(void **state)
{
	_cleanup_(model__freep) struct model *model = grown__story();
	_cleanup_(growths__free) struct growths exact = {0}, said = {0};
	_cleanup_(text__free) struct text out = {0};

	(void)state;
	grown__module(model, 90, "[kernel]");
	grown__frame(model, 91, 90, FRAME_KERNEL, 0x100, "_copy_to_iter");
	grown__frame(model, 92, 90, FRAME_KERNEL, 0x200, "clear_user");
	grown__frame(model, 93, 0, FRAME_KERNEL, 0, "[read]");
	grown__frame(model, 94, 0, FRAME_NATIVE, 0x7000, "reads");
	GROWN_STACK(model, 95, STACK_END_COMPLETE, 91, 93, 94);
	GROWN_STACK(model, 96, STACK_END_COMPLETE, 92, 91, 93, 94);
	grown__sample(model, 4100, 77, 95, 100);
	grown__sample(model, 4100, 77, 96, 200);
	assert_int_equal(growths__read(&exact, model, NULL, GROWTH_EXACT), 0);
	assert_int_equal(growths__read(&said, model, NULL, GROWTH_BY_FUNCTION), 0);
	assert_int_equal(exact.rows[0].bytes, MIB_(200));
	assert_int_equal(exact.rows[1].bytes, MIB_(100));
	assert_int_equal(said.rows[0].bytes, MIB_(300));
	wording__stack(&out, said.rows[0].stack, 4);
	assert_non_null(strstr(out.data, "    [read] <- reads"));
}

static void test_text(void **state)
{
	_cleanup_(model__freep) struct model *model = grown__story();
	_cleanup_(text__free) struct text text = {0};

	(void)state;
	story__end(model, 5000);
	assert_int_equal(report__text(model, &text), 0);
	assert_non_null(strstr(text.data, "WHERE IT GREW\n      40 MiB   51%  38 MiB anon, "
					  "2.0 MiB file; work;er, pid 21 and 1 more process\n"));
	assert_non_null(
		strstr(text.data, "malloc (libc.so.6) <- fill;\\x1b[2J (worker) <- main\n"));
	assert_non_null(strstr(text.data, "[JIT] x2 <- 0x7f0000002000 <- main (worker)\n"));
	assert_non_null(strstr(text.data, "worker+0x5010 <- fill"));
	assert_non_null(strstr(text.data, "(callers not known)\n"));
	assert_non_null(strstr(text.data, "  51% +-"));
	assert_non_null(strstr(text.data, "--perf-basic-prof"));
	assert_null(strchr(text.data, '\x1b'));
}

static size_t count_of(const char *text, const char *wanted)
{
	size_t count = 0;

	while ((text = strstr(text, wanted))) {
		text += strlen(wanted);
		count++;
	}
	return count;
}

/* --- what stayed ------------------------------------------------------------------------------ */

static void test_who_was_never_looked_at_is_not_known(void **state)
{
	_cleanup_(model__freep) struct model *model = grown__story();
	_cleanup_(growths__free) struct growths growths = read_growths(model, NULL, GROWTH_EXACT);
	_cleanup_(text__free) struct text text = {0}, json = {0};

	(void)state;
	assert_int_equal(growths.stayed_bytes, EVENT_UNKNOWN);
	assert_int_equal(growths.looked_for_bytes, 0);
	assert_int_equal(growths.stay_unknown, 3);
	for (size_t i = 0; i < growths.count; i++)
		assert_false(growths.rows[i].stay.is_known);
	assert_int_equal(report__text(model, &text), 0);
	assert_non_null(strstr(text.data, "  still there: not known"));
	assert_null(strstr(text.data, "still there)"));
	assert_int_equal(report__json(model, &json), 0);
	assert_int_equal(count_of(json.data, "\"resident_bytes\""), 1);
	assert_non_null(strstr(json.data, "\"resident_bytes\": null"));
	assert_non_null(strstr(json.data, "\"resident_unknown_processes\": 3"));
	assert_null(strstr(json.data, "looked_ms"));
}

static void naming_ended(struct model *model, uint64_t ms, uint64_t count)
{
	struct event_loss loss = {.header = story__header(EVENT_LOSS, sizeof(loss), ms),
				  .reason = LOSS_STACK_WORKER,
				  .kind = EVENT_GROWTH,
				  .count = count};

	story__tell(model, &loss);
}

/* Who comes after it looks for pages of its own samples only. */
static void test_what_stayed_is_not_known_once_who_looks_has_ended(void **state)
{
	_cleanup_(model__freep) struct model *model = grown__story();
	_cleanup_(growths__free) struct growths growths = {0};
	_cleanup_(text__free) struct text text = {0};

	(void)state;
	grown__gone(model, 4100, 21, 5, MIB_(7), 0);
	naming_ended(model, 4150, 1);
	grown__gone(model, 4200, 21, 5, MIB_(1), 0);
	growths = read_growths(model, NULL, GROWTH_EXACT);
	for (size_t i = 0; i < growths.count; i++)
		assert_false(growths.rows[i].stay.is_known);
	assert_int_equal(growths.stayed_bytes, EVENT_UNKNOWN);
	assert_int_equal(report__text(model, &text), 0);
	assert_non_null(strstr(text.data, "process that names stacks ended early"));
}

/* Of a row of two processes it is known when it is of both. */
static void test_what_stayed_is_known_of_those_looked_at(void **state)
{
	_cleanup_(model__freep) struct model *model = grown__story();
	_cleanup_(growths__free) struct growths exact = {0}, half = {0}, whole = {0};
	_cleanup_(text__free) struct text before = {0}, after = {0}, json = {0};

	(void)state;
	grown__gone(model, 4100, 21, 5, MIB_(7), 0);
	exact = read_growths(model, NULL, GROWTH_EXACT);
	half = read_growths(model, NULL, GROWTH_BY_FUNCTION);
	assert_true(exact.rows[0].stay.is_known);
	assert_int_equal(exact.rows[0].stay.bytes, MIB_(21));
	assert_int_equal(exact.rows[0].stay.looked_ns, MS(4100));
	assert_int_equal(exact.rows[1].task.pid, 22);
	assert_false(exact.rows[1].stay.is_known);
	assert_false(half.rows[0].stay.is_known);
	assert_int_equal(half.stayed_bytes, MIB_(35 - 7));
	assert_int_equal(half.looked_for_bytes, MIB_(35));
	assert_int_equal(half.stay_unknown, 2);
	assert_int_equal(half.stay_past, 0);
	assert_int_equal(report__text(model, &before), 0);
	assert_non_null(strstr(before.data, "  40 MiB   51%  38 MiB anon"));
	assert_non_null(
		strstr(before.data, "  still there, resident or swapped: 28 MiB of 35 MiB"));
	assert_non_null(strstr(before.data, "not known of 18 MiB"));
	assert_int_equal(report__json(model, &json), 0);
	/* Its own three rows, and the sum. */
	assert_int_equal(count_of(json.data, "\"resident_bytes\""), 4);
	assert_non_null(strstr(json.data, "\"resident_bytes\": 29360128"));
	assert_non_null(strstr(json.data, "\"resident_of_bytes\": 36700160"));
	assert_int_equal(count_of(json.data, "\"looked_ms\": 4100"), 3);

	grown__gone(model, 4200, 22, 0, 0, 0);
	whole = read_growths(model, NULL, GROWTH_BY_FUNCTION);
	assert_true(whole.rows[0].stay.is_known);
	assert_int_equal(whole.rows[0].stay.bytes, MIB_(33));
	assert_int_equal(whole.rows[0].stay.file_bytes, MIB_(2));
	assert_int_equal(whole.rows[0].stay.looked_ns, MS(4100));
	assert_int_equal(whole.stay_unknown, 1);
	assert_int_equal(report__text(model, &after), 0);
	assert_non_null(strstr(after.data, "  40 MiB   51%  (33 MiB still there) 38 MiB anon"));
	assert_non_null(strstr(after.data, "still there, resident or swapped: 40 MiB of 47 MiB"));
}

static void test_less_than_a_tenth_is_not_worth_a_word(void **state)
{
	static const struct {
		int64_t gone_bytes;
		const char *says;
	} cases[] = {
		{MIB_(1), "  10 MiB     -  (9.0 MiB still there) anon;"},
		{MIB_(1) - 4096, "  10 MiB     -  anon;"},
		{MIB_(10), "  10 MiB     -  (none still there) anon;"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_(model__freep) struct model *model = story__begin(2, FOLLOW_ALL);
		_cleanup_(text__free) struct text text = {0};

		story__process(model, 21, "worker", GROWN_APP, 0);
		grown__sample(model, 100, 21, 0, 10);
		grown__gone(model, 200, 21, 0, cases[i].gone_bytes, 0);
		assert_int_equal(report__text(model, &text), 0);
		assert_non_null(strstr(text.data, cases[i].says));
	}
}

static void test_who_has_ended_had_it_when_last_looked_at(void **state)
{
	_cleanup_(model__freep) struct model *model = grown__story();
	_cleanup_(growths__free) struct growths growths = {0};
	_cleanup_(text__free) struct text text = {0};

	(void)state;
	grown__gone(model, 4100, 21, 1, MIB_(7), 0);
	grown__gone(model, 4100, 22, 0, 0, 0);
	grown__gone(model, 4100, 23, 0, 0, 0);
	story__exit(model, 4200, 21, "work;er", 0);
	growths = read_growths(model, NULL, GROWTH_BY_FUNCTION);
	assert_int_equal(growths.stayed_bytes, MIB_(53 - 7));
	assert_int_equal(growths.stay_past, 1);
	assert_int_equal(growths.stay_unknown, 0);
	assert_int_equal(report__text(model, &text), 0);
	assert_non_null(strstr(text.data, "(33 MiB there when last looked at) 38 MiB anon"));
	assert_non_null(strstr(text.data, "46 MiB of 53 MiB by the last look"));
	assert_non_null(strstr(text.data, "1 process has"));
	assert_null(strstr(text.data, "not known of"));
}

/* Looks at the program of now say nothing of what the one before it had. */
static void test_what_an_exec_has_replaced_is_not_known(void **state)
{
	_cleanup_(model__freep) struct model *model = grown__story();
	_cleanup_(growths__free) struct growths growths = {0};

	(void)state;
	story__exec(model, 4050, 23, "node", GROWN_OTHER, 0);
	grown__sample(model, 4060, 23, 2, 5);
	grown__gone(model, 4100, 23, 2, MIB_(2), 0);
	growths = read_growths(model, &(struct growth_filter){.pid = 23}, GROWTH_EXACT);
	assert_int_equal(growths.count, 2);
	assert_int_equal(growths.rows[0].bytes, MIB_(6));
	assert_false(growths.rows[0].stay.is_known);
	assert_true(growths.rows[1].stay.is_known);
	assert_int_equal(growths.stayed_bytes, MIB_(3));
	assert_int_equal(growths.looked_for_bytes, MIB_(5));
	assert_int_equal(growths.stay_unknown, 1);
}

/* What has gone may be of before the span; what went behind its end was still there at its end. */
static void test_what_stayed_of_a_span(void **state)
{
	static const struct {
		uint64_t from_ms, to_ms;
		int64_t bytes, stayed_bytes;
	} cases[] = {
		{0, 1000, MIB_(12), MIB_(12 - 3 - 2)},
		{0, 250, MIB_(12), MIB_(12 - 3)},
		{150, 1000, MIB_(4), EVENT_UNKNOWN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		_cleanup_(model__freep) struct model *model = story__begin(2, FOLLOW_ALL);
		_cleanup_(growths__free) struct growths growths = {0};

		model__limit_growth(model, MS(cases[i].from_ms), MS(cases[i].to_ms));
		story__process(model, 21, "worker", GROWN_APP, 0);
		grown__sample(model, 100, 21, 0, 8);
		grown__sample(model, 200, 21, 0, 4);
		grown__gone(model, 240, 21, 0, MIB_(3), 0);
		grown__gone(model, 300, 21, 0, MIB_(2), 0);
		growths = read_growths(model, NULL, GROWTH_EXACT);
		assert_int_equal(growths.sampled_bytes, cases[i].bytes);
		assert_int_equal(growths.stayed_bytes, cases[i].stayed_bytes);
	}
}

/* --- incidents -------------------------------------------------------------------------------- */

/* The victim and the one that grew, each by their own samples alone. */
static void test_roles_of_an_incident(void **state)
{
	_cleanup_(model__freep) struct model *model = grown__story();
	const struct process_state victim = story__state(23, "node", GROWN_OTHER, MIB_(9));
	const struct event_oom_kill kill =
		story__oom(4500, victim, victim, 0, story__counters(MIB_(200), MIB_(256), 9));
	_cleanup_(text__free) struct text text = {0}, json = {0};

	(void)state;
	story__tell(model, &kill);
	story__end(model, 20000);
	assert_int_equal(model__incident_count(model), 1);
	assert_int_equal(model__incident(model, 0)->culprit.task.pid, 21);
	assert_int_equal(report__incident_text(model, 0, &text), 0);
	assert_non_null(strstr(text.data, "WHERE THE CULPRIT GREW: work;er, pid 21\n"
					  "      28 MiB   52%  anon\n"));
	assert_non_null(strstr(text.data, "WHERE THE VICTIM GREW: node, pid 23\n"
					  "     6.0 MiB   75%  anon\n"));
	assert_int_equal(report__incident_json(model, 0, &json), 0);
	assert_int_equal(count_of(json.data, "\"role\": \"culprit\""), 3);
	assert_int_equal(count_of(json.data, "\"role\": \"victim\""), 1);
}

/* Somebody else was sampled. */
static void test_a_victim_without_samples(void **state)
{
	_cleanup_(model__freep) struct model *model = grown__story();
	const struct process_state victim = story__state(24, "idle", GROWN_OTHER, MIB_(1));
	const struct event_oom_kill kill =
		story__oom(4500, victim, victim, 0, story__counters(MIB_(200), MIB_(256), 9));
	_cleanup_(text__free) struct text text = {0};

	(void)state;
	story__process(model, 24, "idle", GROWN_OTHER, MIB_(1));
	story__tell(model, &kill);
	story__end(model, 20000);
	assert_int_equal(report__incident_text(model, 0, &text), 0);
	assert_non_null(strstr(text.data, "WHERE THE VICTIM GREW: idle, pid 24\n"
					  "  not known: it has no samples\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_functions_are_one_row),
		cmocka_unit_test(test_exact_rows_keep_processes_and_addresses_apart),
		cmocka_unit_test(test_files_are_told_with_their_stacks_and_in_all),
		cmocka_unit_test(test_sums_stand_beside_the_kernels_counters),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_ties_are_broken_by_content),
		cmocka_unit_test(test_nothing_sampled_is_nothing_said),
		cmocka_unit_test(test_what_came_from_swap_is_not_new),
		cmocka_unit_test(test_what_was_not_seen_was_lost_or_populated),
		cmocka_unit_test(test_allocators_are_told_from_their_callers),
		cmocka_unit_test(test_the_kernels_functions_are_the_system_call),
		cmocka_unit_test(test_rows_of_one_system_call),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_who_was_never_looked_at_is_not_known),
		cmocka_unit_test(test_what_stayed_is_not_known_once_who_looks_has_ended),
		cmocka_unit_test(test_what_stayed_is_known_of_those_looked_at),
		cmocka_unit_test(test_less_than_a_tenth_is_not_worth_a_word),
		cmocka_unit_test(test_who_has_ended_had_it_when_last_looked_at),
		cmocka_unit_test(test_what_an_exec_has_replaced_is_not_known),
		cmocka_unit_test(test_what_stayed_of_a_span),
		cmocka_unit_test(test_roles_of_an_incident),
		cmocka_unit_test(test_a_victim_without_samples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
