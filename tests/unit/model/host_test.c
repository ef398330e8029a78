/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>

#include "tests/unit/model/stream.h"

static void test_empty(void **state)
{
	struct model *model = new_model();
	uint64_t time_ns = 1;

	(void)state;
	assert_null(model__host(model));
	assert_null(model__recorder(model));
	assert_int_equal(model__kernel_oom_kills(model), EVENT_UNKNOWN);
	assert_int_equal(model__realtime_ns(model, 5), EVENT_UNKNOWN);
	assert_int_equal(model__psi_gained(model, 0).some_us, EVENT_UNKNOWN);
	assert_int_equal(model__meminfo(model, &time_ns).total_bytes, EVENT_UNKNOWN);
	assert_int_equal(time_ns, 0);
	assert_int_equal(model__finish(model), 0);
	model__free(model);
	model__free(NULL);
}

static void test_span(void **state)
{
	struct model *model = new_model();
	struct event_opened opened = {header(EVENT_OPENED, sizeof(opened), 7), 0};
	struct event_digest digest = {.header = header(EVENT_DIGEST, sizeof(digest), 50)};
	struct event_psi late = {.header = header(EVENT_PSI, sizeof(late), 8)};

	(void)state;
	tick(model, 5);
	apply(model, &opened);
	tick(model, 10);
	late.header.flags = EVENT_LATE;
	apply(model, &late);
	apply(model, &digest);
	assert_true(model__span(model).first_ns == 5 * NS_PER_MS);
	assert_true(model__span(model).last_ns == 10 * NS_PER_MS);
	assert_true(model__span(model).opened_ns == 7 * NS_PER_MS);
	assert_int_equal(model__span(model).events, 4);
	assert_int_equal(model__span(model).late_events, 1);
	model__free(model);
}

static void test_clock(void **state)
{
	struct model *model = new_model();
	struct event_clock clock = {.header = header(EVENT_CLOCK, sizeof(clock), 100)};

	(void)state;
	host(model, 10, FOLLOW_CGROUP, 1000);
	clock.realtime_offset_ns = 5000;
	apply(model, &clock);
	assert_int_equal(model__host(model)->scope, FOLLOW_CGROUP);
	assert_int_equal(model__realtime_ns(model, 0), 1000);
	assert_int_equal(model__realtime_ns(model, 100 * NS_PER_MS - 1),
			 100 * NS_PER_MS - 1 + 1000);
	assert_int_equal(model__realtime_ns(model, 100 * NS_PER_MS), 100 * NS_PER_MS + 5000);
	assert_int_equal(model__realtime_ns(model, UINT64_MAX), EVENT_UNKNOWN);
	model__free(model);

	model = new_model();
	host(model, 10, FOLLOW_ALL, INT64_MAX);
	assert_int_equal(model__realtime_ns(model, 1), EVENT_UNKNOWN);
	model__free(model);
}

static void probe(struct model *model, const char *capability, const char *way)
{
	struct event_probe event = {.header = header(EVENT_PROBE, sizeof(event), 1)};

	set_name(event.capability, sizeof(event.capability), capability);
	set_name(event.way, sizeof(event.way), way);
	memset(event.why, 'w', sizeof(event.why));
	apply(model, &event);
}

static void test_probes(void **state)
{
	struct model *model = new_model();

	(void)state;
	probe(model, "victim", "tp_btf");
	probe(model, "context", "");
	probe(model, "victim", "kprobe");
	probe(model, "a capability whose name just fits", "x");
	assert_int_equal(model__probe_count(model), 3);
	assert_string_equal(model__probe(model, 0)->way, "kprobe");
	assert_string_equal(model__probe(model, 1)->capability, "context");
	assert_int_equal(strlen(model__probe(model, 0)->why), 200);
	assert_int_equal(strlen(model__probe(model, 2)->capability), 32);
	model__free(model);
}

static void lose(struct model *model, uint32_t reason, uint32_t kind, uint64_t count)
{
	struct event_loss event = {header(EVENT_LOSS, sizeof(event), 1), reason, kind, count};

	apply(model, &event);
}

static void test_losses_are_sorted_and_cumulative(void **state)
{
	struct model *model = new_model();

	(void)state;
	lose(model, LOSS_RECURSION, 0, 5);
	lose(model, LOSS_RING_FULL, EVENT_RSS, 7);
	lose(model, LOSS_RING_FULL, EVENT_FORK, 1);
	lose(model, LOSS_RING_FULL, EVENT_RSS, 9);
	lose(model, LOSS_RING_FULL, EVENT_EXIT, 0);
	lose(model, LOSS_END, 0, 5);
	assert_int_equal(model__loss_count(model), 3);
	assert_int_equal(model__loss(model, 0)->kind, EVENT_FORK);
	assert_int_equal(model__loss(model, 1)->count, 9);
	assert_int_equal(model__loss(model, 2)->reason, LOSS_RECURSION);
	for (uint32_t kind = 0; kind < 5000; kind++)
		lose(model, LOSS_RING_FULL, kind * 77777, UINT64_MAX);
	assert_true(model__loss_count(model) <= 1024);
	model__free(model);
}

static void test_kernel_counter(void **state)
{
	struct model *model = new_model();
	struct event_oom_counter event = {header(EVENT_OOM_COUNTER, sizeof(event), 1), 10};

	(void)state;
	apply(model, &event);
	assert_int_equal(model__kernel_oom_kills(model), EVENT_UNKNOWN);
	event.kills = 13;
	apply(model, &event);
	assert_int_equal(model__kernel_oom_kills(model), 3);
	event.kills = 1;
	apply(model, &event);
	assert_int_equal(model__kernel_oom_kills(model), EVENT_UNKNOWN);
	model__free(model);
}

static void test_pressure(void **state)
{
	struct model *model = new_model();
	struct event_psi event = {header(EVENT_PSI, sizeof(event), 1), 7, 100, -1};

	(void)state;
	apply(model, &event);
	assert_int_equal(model__psi_gained(model, 7).some_us, EVENT_UNKNOWN);
	event.header.time_ns++;
	event.some_us = 150;
	apply(model, &event);
	assert_int_equal(model__psi_gained(model, 7).some_us, 50);
	assert_int_equal(model__psi_gained(model, 7).full_us, EVENT_UNKNOWN);
	assert_int_equal(model__psi_gained(model, 0).some_us, EVENT_UNKNOWN);
	model__free(model);
}

static void test_recorder(void **state)
{
	struct model *model = new_model();
	struct event_recorder event = {.header = header(EVENT_RECORDER, sizeof(event), 1),
				       .events = 42};

	(void)state;
	apply(model, &event);
	assert_int_equal(model__recorder(model)->events, 42);
	assert_false(model__is_closed(model));
	event.events = 43;
	event.header.flags = EVENT_CLOSING;
	apply(model, &event);
	assert_int_equal(model__recorder(model)->events, 43);
	assert_true(model__is_closed(model));
	/* What a later recording is told of it does not close that one. */
	assert_int_equal(model__recorder(model)->header.flags, 0);
	model__free(model);
}

static void program(struct model *model, const char *name, uint64_t runs, uint64_t run_ns)
{
	struct event_program event = {
		.header = header(EVENT_PROGRAM, sizeof(event), 1), .runs = runs, .run_ns = run_ns};

	set_name(event.name, sizeof(event.name), name);
	apply(model, &event);
}

static void test_programs(void **state)
{
	struct model *model = new_model();
	char name[8];

	(void)state;
	assert_int_equal(model__program_count(model), 0);
	program(model, "on_exec", 1, 100);
	program(model, "0123456789012345678901234567890123456789", 7, 8);
	program(model, "on_exec", 2, 300); /* the latest counts */
	assert_int_equal(model__program_count(model), 2);
	assert_string_equal(model__program(model, 0)->name, "on_exec");
	assert_int_equal(model__program(model, 0)->runs, 2);
	assert_int_equal(model__program(model, 0)->run_ns, 300);
	assert_string_equal(model__program(model, 1)->name, "01234567890123456789012345678901");
	for (int i = 0; i < 70; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		program(model, name, 1, 1);
	}
	assert_int_equal(model__program_count(model), 64);
	assert_int_equal(model__loss(model, 0)->reason, LOSS_MODEL_FULL);
	assert_int_equal(model__loss(model, 0)->kind, EVENT_PROGRAM);
	assert_int_equal(model__loss(model, 0)->count, 8);
	program(model, "on_exec", 3, 400);
	assert_int_equal(model__program(model, 0)->runs, 3);
	model__free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_span),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_probes),
		cmocka_unit_test(test_losses_are_sorted_and_cumulative),
		cmocka_unit_test(test_kernel_counter),
		cmocka_unit_test(test_pressure),
		cmocka_unit_test(test_recorder),
		cmocka_unit_test(test_programs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
