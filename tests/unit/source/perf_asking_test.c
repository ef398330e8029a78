/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/source/keeper.h"

#include <fcntl.h>
#include <sys/resource.h>

static void without_descriptors(void)
{
	const struct rlimit none = {0};

	setrlimit(RLIMIT_NOFILE, &none);
}

static bool is_perf_event(int fd)
{
	char link[64], target[64] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return readlink(link, target, sizeof(target) - 1) > 0 && strstr(target, "[perf_event]");
}

static void ask_without_privileges(void **state)
{
	struct perf_wanted wanted = {.wakeup_bytes = WAKEUP_BYTES, .build_ids = true};
	struct perf_wanted own = wanted;
	unsigned int before;
	struct both both;
	int status, fd;
	pid_t pid;

	(void)state;
	need_perf();
	fd = perf_open(&own, 0);
	assert_true(fd >= 0);
	close(fd);
	start_keeper(&both, as_it_is);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		without_capabilities();
		before = open_descriptors();
		for (int i = 0; i < 3; i++) {
			fd = ask(&both, &wanted, 0);
			if (fd < 0 || !is_perf_event(fd) || !(fcntl(fd, F_GETFD) & FD_CLOEXEC))
				_exit(1);
			if (wanted.build_ids != own.build_ids)
				_exit(2);
			close(fd);
		}
		_exit(open_descriptors() == before ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	end(&both);
}

static void what_the_keeper_is_refused_is_said(void **state)
{
	struct perf_wanted wanted = {.wakeup_bytes = WAKEUP_BYTES};
	struct both both;
	int error;

	(void)state;
	need_perf();
	if (geteuid()) {
		print_message("skipped: whoever is not root has nothing to give up\n");
		skip();
	}
	start_keeper(&both, without_capabilities);
	error = ask(&both, &wanted, 0);
	assert_true(error == -EACCES || error == -EPERM);
	/* Each time anew. */
	assert_int_equal(ask(&both, &wanted, 0), error);
	end(&both);
	start_keeper(&both, without_descriptors);
	assert_int_equal(ask(&both, &wanted, 0), -EMFILE);
	end(&both);
}

static void processors_that_are_not_there_are_said(void **state)
{
	static const unsigned int absent[] = {8191, 8192, 0x7fffffff, 0x80000000, 0xffffffff};
	struct perf_wanted wanted = {.wakeup_bytes = WAKEUP_BYTES};
	struct both both;
	int error;

	(void)state;
	need_perf();
	start_keeper(&both, as_it_is);
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		error = ask(&both, &wanted, absent[i]);
		/* One that is possible, or not at all. */
		if (error != -ENODEV && error != -EINVAL)
			fail_msg("%u: %d", absent[i], error);
	}
	error = ask(&both, &wanted, 0);
	assert_true(error >= 0);
	close(error);
	end(&both);
}

static void room_for_no_descriptor_is_said(void **state)
{
	struct perf_wanted wanted = {.wakeup_bytes = WAKEUP_BYTES};
	struct rlimit old, none;
	struct both both;
	int error;

	(void)state;
	need_perf();
	start_keeper(&both, as_it_is);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	error = ask(&both, &wanted, 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(error, -EMFILE);
	error = ask(&both, &wanted, 0);
	assert_true(error >= 0);
	close(error);
	end(&both);
}

static void nobody_waits_long_for_an_answer(void **state)
{
	struct perf_wanted wanted = {.wakeup_bytes = WAKEUP_BYTES};
	unsigned int before;
	struct both both;
	int fd;

	(void)state;
	need_perf();
	make_pair(&both);
	both.opener = perf_asking__opener(&both.asking);
	before = open_descriptors();
	assert_int_equal(ask(&both, &wanted, 0), -ETIMEDOUT);
	/* And only once: nothing new is asked. */
	assert_int_equal(ask(&both, &wanted, 0), -EBUSY);
	assert_int_equal(ask(&both, &wanted, 0), -EBUSY);
	/* What comes late is of nobody, and is closed. */
	assert_true(perf_asking__answer(both.keeper_socket));
	assert_true(perf_asking__answer(both.keeper_socket));
	assert_int_equal(ask(&both, &wanted, 0), -ETIMEDOUT);
	assert_int_equal(open_descriptors(), before);
	/* Nor is it taken for the next one's, which is asked after a while. */
	both.asking.asked_ns = 0;
	assert_int_equal(ask(&both, &wanted, 0), -ETIMEDOUT);
	assert_true(perf_asking__answer(both.keeper_socket));
	assert_true(perf_asking__answer(both.keeper_socket));
	both.keeper = fork();
	assert_true(both.keeper >= 0);
	if (both.keeper == 0)
		_exit(!answer_one(both.keeper_socket));
	fd = ask(&both, &wanted, 0);
	assert_true(fd >= 0);
	assert_int_equal(open_descriptors(), before + 1);
	close(fd);
	assert_int_equal(waitpid(both.keeper, NULL, 0), both.keeper);
	/* Who has gone is not waited for. */
	both.keeper = 0;
	close(both.keeper_socket);
	assert_int_equal(ask(&both, &wanted, 0), -EPIPE);
	close(both.asking.socket);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ask_without_privileges),
		cmocka_unit_test(what_the_keeper_is_refused_is_said),
		cmocka_unit_test(processors_that_are_not_there_are_said),
		cmocka_unit_test(room_for_no_descriptor_is_said),
		cmocka_unit_test(nobody_waits_long_for_an_answer),
	};

	/* Somebody who does not answer ends the test. */
	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
