/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/message.h"

static int ends[2];

static int begin(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

static int end(void **state)
{
	(void)state;
	close(ends[0]);
	close(ends[1]);
	return 0;
}

static int open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(folder);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static int sent(const char *text, size_t bytes, size_t count)
{
	const int fds[] = {ends[0], ends[1], ends[0], ends[1], ends[0]};

	return message__send(ends[0], text, bytes, fds, count);
}

static void test_descriptors_come_along(void **state)
{
	struct stat here, there;
	char text[4];
	int fds[2];

	(void)state;
	assert_int_equal(sent("abcd", 4, 2), 0);
	assert_int_equal(message__receive(ends[1], text, sizeof(text), fds, 2, 0), 4);
	assert_memory_equal(text, "abcd", 4);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fstat(ends[i], &here), 0);
		assert_int_equal(fstat(fds[i], &there), 0);
		assert_int_equal(here.st_ino, there.st_ino);
		assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
		close(fds[i]);
	}
}

static void test_others_than_wanted_are_closed(void **state)
{
	const int before = open_descriptors();
	char text[4];
	int fds[2];

	(void)state;
	assert_int_equal(sent("abcd", 4, 0), 0);
	assert_int_equal(sent("abcd", 4, 1), 0);
	assert_int_equal(sent("abcd", 4, MESSAGE_FDS), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(message__receive(ends[1], text, sizeof(text), fds, 2, 0), 4);
		assert_int_equal(fds[0], -1);
		assert_int_equal(fds[1], -1);
	}
	assert_int_equal(open_descriptors(), before);
}

static void test_what_does_not_go(void **state)
{
	char text[4];
	int fds[MESSAGE_FDS + 1];

	(void)state;
	assert_int_equal(sent("abcd", 4, MESSAGE_FDS + 1), -EINVAL);
	assert_int_equal(message__receive(ends[1], text, sizeof(text), fds, MESSAGE_FDS + 1, 0),
			 -EINVAL);
	assert_int_equal(message__receive(ends[1], text, sizeof(text), fds, 1, MSG_DONTWAIT),
			 -EAGAIN);
	assert_int_equal(sent("ab", 2, 0), 0);
	assert_int_equal(message__receive(ends[1], text, sizeof(text), fds, 1, 0), 2);
	close(ends[1]);
	ends[1] = -1;
	assert_int_equal(message__send(ends[0], "ab", 2, NULL, 0), -EPIPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_descriptors_come_along, begin, end),
		cmocka_unit_test_setup_teardown(test_others_than_wanted_are_closed, begin, end),
		cmocka_unit_test_setup_teardown(test_what_does_not_go, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
