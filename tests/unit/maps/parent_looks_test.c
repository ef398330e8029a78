/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/maps/host.h"

#include "maps/parent_looks.h"

static int on_event(void *context, const struct map_event *event)
{
	return address_spaces__apply(context, event);
}

/* We fork, and the child is another program at once: what it was then is known. */
static void test_a_child_that_is_another_program(void **state)
{
	const struct address_spaces_options options = {0};
	const struct perf_maps_options perf_options = {0};
	struct first_look look = {.perf = host__perf(&perf_options), .proc = "/proc"};
	uint64_t born_ns = 0;
	struct process_maps *process;
	struct mapping found;
	pid_t child;

	(void)state;
	assert_int_equal(address_spaces__new(&look.spaces, &options), 0);
	assert_false(address_spaces__has_looked_at(look.spaces, (uint32_t)getpid()));
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	perf_maps__drain(look.perf);
	parent_looks__take(&look, host__now_ns());
	/* Once, and not again. */
	assert_true(address_spaces__has_looked_at(look.spaces, (uint32_t)getpid()));
	assert_int_equal(look.vanished + look.failed, 0);
	assert_true(look.looks >= 1);
	assert_int_equal(perf_maps__release(look.perf, UINT64_MAX, on_event, look.spaces), 0);
	process = address_spaces__process(look.spaces, (uint32_t)child, 0, host__now_ns());
	assert_true(process_maps__is_known(process));
	assert_false(process_maps__find(process, (uintptr_t)&getpid, host__now_ns(), &found));
	/* Between its fork and its exec. */
	for (uint64_t back_ns = 0; back_ns < DEADLINE_NS && !born_ns; back_ns += NS_PER_MS / 100) {
		const uint64_t time_ns = host__now_ns() - back_ns;

		if (process_maps__find(process, (uintptr_t)&getpid, time_ns, &found))
			born_ns = time_ns;
	}
	assert_true(born_ns > 0);
	assert_non_null(strstr(mapped_file__path(found.file), "/libc.so.6"));
	address_spaces__free(look.spaces);
	perf_maps__close(look.perf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_child_that_is_another_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
