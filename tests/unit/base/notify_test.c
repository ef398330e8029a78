/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/notify.h"
#include "base/units.h"

static char folder[64];
static char path[96];

/* The manager's side: a datagram socket at `name`, told of in the environment. */
static int listen_at(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t length = offsetof(struct sockaddr_un, sun_path) + strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	memcpy(address.sun_path, name, strlen(name));
	if (*name == '@')
		address.sun_path[0] = '\0';
	else
		length++;
	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	return fd;
}

static void assert_received(int fd, const char *expected)
{
	char data[512];
	ssize_t length = recv(fd, data, sizeof(data) - 1, 0);

	assert_true(length >= 0);
	data[length] = '\0';
	assert_string_equal(data, expected);
}

static int clean(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	unlink(path);
	return 0;
}

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/oomtrail-notify-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/socket", folder);
	return clean(state);
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static void without_a_manager_nobody_is_told(void **state)
{
	struct notify *notify;

	(void)state;
	setenv("WATCHDOG_USEC", "1000000", 1);
	assert_int_equal(notify__new(&notify), 0);
	assert_int_equal(notify__send(notify, "READY=1"), 0);
	assert_int_equal(notify__reloading(notify), 0);
	assert_int_equal(notify__watchdog_ns(notify), 0);
	notify__free(notify);
	setenv("NOTIFY_SOCKET", "", 1);
	assert_int_equal(notify__new(&notify), 0);
	notify__free(notify);
	notify__free(NULL);
}

static void assert_tells(const char *name)
{
	struct notify *notify;
	int fd = listen_at(name);

	assert_int_equal(notify__new(&notify), 0);
	assert_int_equal(notify__send(notify, "READY=1\nSTATUS=looking at 3 cgroups"), 0);
	assert_received(fd, "READY=1\nSTATUS=looking at 3 cgroups");
	assert_int_equal(notify__send(notify, "STOPPING=1"), 0);
	assert_received(fd, "STOPPING=1");
	notify__free(notify);
	close(fd);
}

static void a_socket_in_a_folder_is_told(void **state)
{
	(void)state;
	assert_tells(path);
}

static void an_abstract_socket_is_told(void **state)
{
	char name[64];

	(void)state;
	snprintf(name, sizeof(name), "@oomtrail-notify-%d", getpid());
	assert_tells(name);
}

static void a_reload_carries_the_time_it_began(void **state)
{
	uint64_t before_us, after_us, told_us;
	struct timespec now;
	struct notify *notify;
	char data[128];
	ssize_t length;
	int fd = listen_at(path);

	(void)state;
	assert_int_equal(notify__new(&notify), 0);
	clock_gettime(CLOCK_MONOTONIC, &now);
	before_us = now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
	assert_int_equal(notify__reloading(notify), 0);
	clock_gettime(CLOCK_MONOTONIC, &now);
	after_us = now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
	length = recv(fd, data, sizeof(data) - 1, 0);
	assert_true(length > 0);
	data[length] = '\0';
	assert_int_equal(sscanf(data, "RELOADING=1\nMONOTONIC_USEC=%" SCNu64, &told_us), 1);
	assert_in_range(told_us, before_us, after_us);
	notify__free(notify);
	close(fd);
}

static void a_manager_that_does_not_read_is_not_waited_for(void **state)
{
	struct notify *notify;
	int fd = listen_at(path), error = 0;

	(void)state;
	assert_int_equal(notify__new(&notify), 0);
	/* Would wait for ever, if it waited: the test's deadline. */
	for (int i = 0; i < 100000 && !error; i++)
		error = notify__send(notify, "WATCHDOG=1");
	assert_int_equal(error, -EAGAIN);
	notify__free(notify);
	close(fd);
}

static void a_manager_that_comes_back_is_told_again(void **state)
{
	struct notify *notify;
	int fd = listen_at(path);

	(void)state;
	assert_int_equal(notify__new(&notify), 0);
	close(fd);
	assert_int_equal(notify__send(notify, "WATCHDOG=1"), -ECONNREFUSED);
	unlink(path);
	assert_int_equal(notify__send(notify, "WATCHDOG=1"), -ENOENT);
	fd = listen_at(path);
	assert_int_equal(notify__send(notify, "WATCHDOG=1"), 0);
	assert_received(fd, "WATCHDOG=1");
	notify__free(notify);
	close(fd);
}

static void what_is_no_address_is_refused(void **state)
{
	char longest[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
	struct notify *notify = (struct notify *)&longest;

	(void)state;
	memset(longest, 'a', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	for (const char *const *name =
		     (const char *const[]){"relative", "/", "@", "vsock:2:1234", longest, NULL};
	     *name; name++) {
		setenv("NOTIFY_SOCKET", *name, 1);
		assert_int_equal(notify__new(&notify), -EINVAL);
		assert_ptr_equal(notify, &longest);
	}
}

static uint64_t watchdog_of(const char *usec, const char *pid)
{
	struct notify *notify;
	uint64_t interval_ns;

	setenv("NOTIFY_SOCKET", path, 1);
	setenv("WATCHDOG_USEC", usec, 1);
	if (pid)
		setenv("WATCHDOG_PID", pid, 1);
	else
		unsetenv("WATCHDOG_PID");
	assert_int_equal(notify__new(&notify), 0);
	interval_ns = notify__watchdog_ns(notify);
	notify__free(notify);
	return interval_ns;
}

static void the_watchdog_is_fed_twice_as_often_as_it_asks(void **state)
{
	char own[16], other[16];

	(void)state;
	snprintf(own, sizeof(own), "%d", getpid());
	snprintf(other, sizeof(other), "%d", getppid());
	assert_int_equal(watchdog_of("60000000", own), 30 * NS_PER_S);
	assert_int_equal(watchdog_of("60000000", NULL), 30 * NS_PER_S);
	assert_int_equal(watchdog_of("60000000", other), 0);
	assert_int_equal(watchdog_of("60000000", "x"), 0);
	assert_int_equal(watchdog_of("0", own), 0);
	assert_int_equal(watchdog_of("-5", own), 0);
	assert_int_equal(watchdog_of("10s", own), 0);
	assert_int_equal(watchdog_of("", own), 0);
	assert_int_equal(watchdog_of("18446744073709551616", own), 0);
	assert_int_equal(watchdog_of("18446744073709551615", own), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(without_a_manager_nobody_is_told, clean),
		cmocka_unit_test_teardown(a_socket_in_a_folder_is_told, clean),
		cmocka_unit_test_teardown(an_abstract_socket_is_told, clean),
		cmocka_unit_test_teardown(a_reload_carries_the_time_it_began, clean),
		cmocka_unit_test_teardown(a_manager_that_does_not_read_is_not_waited_for, clean),
		cmocka_unit_test_teardown(a_manager_that_comes_back_is_told_again, clean),
		cmocka_unit_test_teardown(what_is_no_address_is_refused, clean),
		cmocka_unit_test_teardown(the_watchdog_is_fed_twice_as_often_as_it_asks, clean),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
