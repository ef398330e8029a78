/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "recording/reader.h"

static union {
	struct event_header header;
	struct event_exec exec;
	struct event_argv argv;
	struct event_oom_kill oom_kill;
	struct event_loss loss;
	struct event_host host;
	struct event_kept_process process;
	struct event_kept_cgroup cgroup;
	struct event_kept_series series;
	struct event_module module;
	struct event_frame frame;
	struct event_stack stack;
	struct event_growth growth;
	char bytes[EVENT_MAX_BYTES + 64];
} event;

static void make(uint16_t kind, uint32_t size)
{
	memset(&event, 0, sizeof(event));
	event.header.kind = kind;
	event.header.size_bytes = size;
	/* The one that 0 is wrong for. */
	if (kind == EVENT_GROWTH)
		event.growth.block_bytes = GROWTH_BLOCK_MIN;
}

static int check(void)
{
	return event__check(&event.header, sizeof(event));
}

static uint32_t first_size(uint16_t kind, uint32_t size)
{
	switch (kind) {
#define X(name, first_bytes) \
	case EVENT_##name:   \
		return first_bytes;
		EVENTS_GROWN(X)
#undef X
	default:
		return size;
	}
}

static void test_every_kind_has_its_smallest_size(void **state)
{
	(void)state;
#define X(name, number, type)                                                  \
	make(EVENT_##name, sizeof(struct type));                               \
	assert_int_equal(check(), 0);                                          \
	make(EVENT_##name, sizeof(struct type) + 4096);                        \
	assert_int_equal(check(), 0);                                          \
	make(EVENT_##name, first_size(EVENT_##name, sizeof(struct type)));     \
	assert_int_equal(check(), 0);                                          \
	make(EVENT_##name, first_size(EVENT_##name, sizeof(struct type)) - 8); \
	assert_int_equal(check(), -EBADMSG);
	EVENT_KINDS(X)
#undef X
}

/* Recordings made before they grew. */
static void test_a_kind_that_has_grown_may_be_as_short_as_it_was(void **state)
{
	(void)state;
	make(EVENT_STATE, 120);
	assert_int_equal(check(), 0);
}

static void test_opened_may_be_the_header_alone(void **state)
{
	(void)state;
	make(EVENT_OPENED, 16);
	assert_int_equal(check(), 0);
	make(EVENT_OPENED, 8);
	assert_int_equal(check(), -EBADMSG);
}

static void test_impossible_sizes(void **state)
{
	static const uint32_t sizes[] = {
		0, 1, 8, 15, 105, 108, EVENT_MAX_BYTES + 8, UINT32_MAX, UINT32_MAX - 7};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		make(EVENT_RSS, sizes[i]);
		assert_int_equal(check(), -EBADMSG);
		make(63, sizes[i]);
		assert_int_equal(check(), -EBADMSG);
	}
	make(EVENT_RSS, EVENT_MAX_BYTES);
	assert_int_equal(check(), 0);
}

static void test_no_more_than_is_available(void **state)
{
	(void)state;
	make(EVENT_RSS, sizeof(struct event_rss));
	for (size_t available = 0; available < sizeof(struct event_rss); available++)
		assert_int_equal(event__check(&event.header, available), -EBADMSG);
	assert_int_equal(event__check(&event.header, sizeof(struct event_rss)), 0);
}

static void test_unknown_kinds_are_intact(void **state)
{
	static const uint16_t kinds[] = {0, 31, 63, EVENT_KIND_END, EVENT_KIND_END + 1, 65535};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		make(kinds[i], 24);
		assert_int_equal(check(), -ENOENT);
	}
}

static void test_argv_stays_inside_its_event(void **state)
{
	(void)state;
	make(EVENT_EXEC, sizeof(struct event_exec) + 16);
	event.exec.argv_bytes = 16;
	assert_int_equal(check(), 0);
	event.exec.argv_bytes = 17;
	assert_int_equal(check(), -EBADMSG);
	event.exec.argv_bytes = UINT32_MAX;
	assert_int_equal(check(), -EBADMSG);

	make(EVENT_ARGV, sizeof(struct event_argv) + 8192);
	event.argv.argv_bytes = EVENT_ARGV_BYTES;
	assert_int_equal(check(), 0);
	event.argv.argv_bytes = EVENT_ARGV_BYTES + 1;
	assert_int_equal(check(), -EBADMSG);
}

static void test_values_used_as_indexes(void **state)
{
	(void)state;
	make(EVENT_OOM_KILL, sizeof(struct event_oom_kill));
	event.oom_kill.way = OOM_WAY_END - 1;
	event.oom_kill.constraint = OOM_CONSTRAINT_UNKNOWN;
	assert_int_equal(check(), 0);
	event.oom_kill.way = OOM_WAY_END;
	assert_int_equal(check(), -ENOENT);
	event.oom_kill.way = 0;
	event.oom_kill.constraint = OOM_CONSTRAINT_MEMCG + 1;
	assert_int_equal(check(), -ENOENT);
	event.oom_kill.constraint = -2;
	assert_int_equal(check(), -ENOENT);

	make(EVENT_LOSS, sizeof(struct event_loss));
	event.loss.reason = LOSS_END;
	assert_int_equal(check(), -ENOENT);
	event.loss.reason = 0;
	event.loss.kind = EVENT_KIND_END;
	assert_int_equal(check(), -ENOENT);

	make(EVENT_HOST, sizeof(struct event_host));
	event.host.scope = FOLLOW_CGROUP + 1;
	assert_int_equal(check(), -ENOENT);
}

static int check_series(uint32_t of, uint32_t points, uint32_t row_bytes)
{
	event.series.of = of;
	event.series.rows_bytes = points * row_bytes;
	return check();
}

static void test_a_kept_series_is_of_whole_points_and_bounded(void **state)
{
	static const uint32_t row_bytes[] = {
#define X(name, width) (1 + (width)) * 8,
		KEPT_SERIES_OF(X)
#undef X
	};

	(void)state;
	for (uint32_t of = 0; of < KEPT_SERIES_END; of++) {
		make(EVENT_KEPT_SERIES, EVENT_MAX_BYTES);
		assert_int_equal(check_series(of, EVENT_SERIES_POINTS, row_bytes[of]), 0);
		assert_int_equal(check_series(of, EVENT_SERIES_POINTS + 1, row_bytes[of]),
				 -EBADMSG);
		assert_int_equal(check_series(of, 7, row_bytes[of] + 1), -EBADMSG);
		make(EVENT_KEPT_SERIES, sizeof(event.series) + 9 * row_bytes[of]);
		assert_int_equal(check_series(of, 9, row_bytes[of]), 0);
		assert_int_equal(check_series(of, 10, row_bytes[of]), -EBADMSG);
		event.series.rows_bytes = -row_bytes[of];
		assert_int_equal(check(), -EBADMSG);
	}
	assert_int_equal(check_series(KEPT_SERIES_END, 0, 0), -ENOENT);
	assert_int_equal(check_series(UINT32_MAX, 0, 0), -ENOENT);
	assert_int_equal(check_series(0, 0, 0), 0);
	event.series.thinning = EVENT_SERIES_THINNINGS;
	assert_int_equal(check(), -ENOENT);
}

static void test_what_is_kept_of_processes_and_cgroups_is_bounded(void **state)
{
	(void)state;
	make(EVENT_KEPT_PROCESS, sizeof(event.process) + 16);
	event.process.argv_bytes = 16;
	assert_int_equal(check(), 0);
	event.process.argv_bytes = 17;
	assert_int_equal(check(), -EBADMSG);

	make(EVENT_KEPT_CGROUP, sizeof(event.cgroup));
	event.cgroup.limit_count = EVENT_KEPT_LIMITS;
	event.cgroup.reclaim_count = EVENT_KEPT_RECLAIMS;
	assert_int_equal(check(), 0);
	event.cgroup.limit_count++;
	assert_int_equal(check(), -EBADMSG);
	event.cgroup.limit_count = 0;
	event.cgroup.reclaim_count++;
	assert_int_equal(check(), -EBADMSG);
}

static void test_names_stay_inside_their_events(void **state)
{
	(void)state;
	make(EVENT_MODULE, sizeof(event.module) + 16);
	event.module.build_id_bytes = EVENT_BUILD_ID_BYTES;
	event.module.path_bytes = 16;
	assert_int_equal(check(), 0);
	event.module.path_bytes = 17;
	assert_int_equal(check(), -EBADMSG);
	event.module.path_bytes = UINT32_MAX;
	assert_int_equal(check(), -EBADMSG);
	event.module.path_bytes = 16;
	event.module.build_id_bytes = EVENT_BUILD_ID_BYTES + 1;
	assert_int_equal(check(), -EBADMSG);
	make(EVENT_MODULE, sizeof(event.module) + 8192);
	event.module.path_bytes = EVENT_PATH_BYTES;
	assert_int_equal(check(), 0);
	event.module.path_bytes++;
	assert_int_equal(check(), -EBADMSG);

	make(EVENT_FRAME, sizeof(event.frame) + 16);
	event.frame.kind = FRAME_KIND_END - 1;
	event.frame.name_bytes = 16;
	assert_int_equal(check(), 0);
	event.frame.name_bytes = 17;
	assert_int_equal(check(), -EBADMSG);
	event.frame.name_bytes = 16;
	event.frame.kind = FRAME_KIND_END;
	assert_int_equal(check(), -ENOENT);
	make(EVENT_FRAME, sizeof(event.frame) + 8192);
	event.frame.name_bytes = EVENT_PATH_BYTES;
	assert_int_equal(check(), 0);
	event.frame.name_bytes++;
	assert_int_equal(check(), -EBADMSG);
}

static void test_a_stack_has_its_frames_inside(void **state)
{
	(void)state;
	make(EVENT_STACK, sizeof(event.stack) + 16);
	event.stack.end = STACK_END_COUNT - 1;
	event.stack.frame_count = 4;
	assert_int_equal(check(), 0);
	event.stack.frame_count = 5;
	assert_int_equal(check(), -EBADMSG);
	/* A product of 32 bits would be 0. */
	event.stack.frame_count = 1U << 30;
	assert_int_equal(check(), -EBADMSG);
	event.stack.frame_count = 4;
	event.stack.end = STACK_END_COUNT;
	assert_int_equal(check(), -ENOENT);
	make(EVENT_STACK, sizeof(event.stack) + 8192);
	event.stack.frame_count = EVENT_STACK_FRAMES;
	assert_int_equal(check(), 0);
	event.stack.frame_count++;
	assert_int_equal(check(), -EBADMSG);
}

static void test_what_a_sample_may_say(void **state)
{
	static const struct {
		uint64_t block_bytes;
		int result;
	} blocks[] = {
		{4096, 0},
		{65536, 0},
		{1ULL << 30, 0},
		{0, -EBADMSG},
		{512, -EBADMSG},
		{4097, -EBADMSG},
		{12288, -EBADMSG},
		{1ULL << 31, -EBADMSG},
		{1ULL << 63, -EBADMSG},
		{UINT64_MAX, -EBADMSG},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		make(EVENT_GROWTH, sizeof(event.growth));
		event.growth.block_bytes = blocks[i].block_bytes;
		assert_int_equal(check(), blocks[i].result);
	}
	for (int i = 0; i < GROWTH_MEMBERS; i++) {
		make(EVENT_GROWTH, sizeof(event.growth));
		event.growth.pages[i] = 1 << 20;
		assert_int_equal(check(), 0);
		event.growth.pages[i]++;
		assert_int_equal(check(), -EBADMSG);
		event.growth.pages[i] = -(1 << 20);
		assert_int_equal(check(), 0);
		event.growth.pages[i] = INT32_MIN;
		assert_int_equal(check(), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind_has_its_smallest_size),
		cmocka_unit_test(test_a_kind_that_has_grown_may_be_as_short_as_it_was),
		cmocka_unit_test(test_opened_may_be_the_header_alone),
		cmocka_unit_test(test_impossible_sizes),
		cmocka_unit_test(test_no_more_than_is_available),
		cmocka_unit_test(test_unknown_kinds_are_intact),
		cmocka_unit_test(test_argv_stays_inside_its_event),
		cmocka_unit_test(test_values_used_as_indexes),
		cmocka_unit_test(test_a_kept_series_is_of_whole_points_and_bounded),
		cmocka_unit_test(test_what_is_kept_of_processes_and_cgroups_is_bounded),
		cmocka_unit_test(test_names_stay_inside_their_events),
		cmocka_unit_test(test_a_stack_has_its_frames_inside),
		cmocka_unit_test(test_what_a_sample_may_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
