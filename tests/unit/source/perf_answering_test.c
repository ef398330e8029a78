/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/source/keeper.h"

#include <stdlib.h>

#include "base/online.h"
#include "base/units.h"
#include "maps/perf_maps.h"
#include "source/observe.h"

static void without_capabilities_later(void)
{
	if (!answer_one(keeper_socket))
		_exit(1);
	without_capabilities();
}

static void say_online(const char *path, const char *list)
{
	FILE *file = fopen(path, "w");

	if (!file || fputs(list, file) < 0 || fclose(file))
		_exit(100);
}

/* Processor 1 comes, goes and comes back, and whoever follows may open nothing on its own. */
static void follow(struct both *both, const char *path, bool permitted)
{
	const struct perf_maps_options options = {
		.ring_bytes = 1, .online = path, .opener = both->opener};
	uint64_t now_ns = observe__now_ns();
	struct perf_maps *perf = NULL;
	unsigned int joined = 0;
	char why[256];

	without_capabilities();
	say_online(path, "0\n");
	if (perf_maps__open(&perf, &options, why, sizeof(why)))
		_exit(1);
	for (int i = 0; i < 3; i++) {
		const bool online = i != 1;

		say_online(path, online ? "0-1\n" : "0\n");
		now_ns += NS_PER_S;
		perf_maps__follow_cpus(perf, now_ns);
		joined += online && permitted;
		if (perf_maps__counts(perf).cpus != 1U + (online && permitted))
			_exit(10 + i);
		if (perf_maps__counts(perf).unwatched != (online && !permitted))
			_exit(20 + i);
		if (perf_maps__counts(perf).joined != joined)
			_exit(30 + i);
	}
	perf_maps__close(perf);
	_exit(0);
}

static void later_processors_are_followed_or_said(void **state)
{
	char path[] = "/tmp/perf_asking_test.XXXXXX";
	struct online_cpus online;
	int status, fd;

	(void)state;
	need_perf();
	assert_true(online_cpus__read(&online, "/sys/devices/system/cpu/online"));
	if (!online_cpus__has(&online, 0) || !online_cpus__has(&online, 1) || geteuid()) {
		print_message("skipped: needs processors 0 and 1, and privileges to give up\n");
		skip();
	}
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	for (int permitted = 0; permitted < 2; permitted++) {
		struct both both;
		pid_t pid;

		start_keeper(&both, permitted ? as_it_is : without_capabilities_later);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			follow(&both, path, permitted);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status)
			fail_msg("permitted %d: %x", permitted, (unsigned int)status);
		end(&both);
	}
	unlink(path);
}

/* Whoever has taken over the one that asks. */
static void send_descriptors(int socket, size_t bytes)
{
	char data[128] = {0}, room[CMSG_SPACE(2 * sizeof(int))] = {0};
	struct iovec iovec = {.iov_base = data, .iov_len = bytes};
	struct msghdr message = {.msg_iov = &iovec,
				 .msg_iovlen = 1,
				 .msg_control = room,
				 .msg_controllen = sizeof(room)};
	struct cmsghdr *control = CMSG_FIRSTHDR(&message);
	const int fds[] = {0, 0};

	control->cmsg_level = SOL_SOCKET;
	control->cmsg_type = SCM_RIGHTS;
	control->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(control), fds, sizeof(fds));
	assert_int_equal(sendmsg(socket, &message, 0), bytes);
}

static void the_keeper_takes_nothing_else(void **state)
{
	static const size_t sizes[] = {1, 23, 25, 128};
	const char data[128] = {0};
	struct both both;
	unsigned int before;

	(void)state;
	make_pair(&both);
	/* Nothing is asked: nothing is waited for. */
	assert_true(perf_asking__answer(both.keeper_socket));
	before = open_descriptors();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(send(both.asking.socket, data, sizes[i], 0), sizes[i]);
		assert_false(perf_asking__answer(both.keeper_socket));
		send_descriptors(both.asking.socket, sizes[i]);
		assert_false(perf_asking__answer(both.keeper_socket));
	}
	send_descriptors(both.asking.socket, 24);
	assert_true(perf_asking__answer(both.keeper_socket));
	assert_int_equal(open_descriptors(), before);
	close(both.asking.socket);
	assert_false(perf_asking__answer(both.keeper_socket));
	close(both.keeper_socket);
}

static void the_keeper_waits_for_no_reader(void **state)
{
	const char question[24] = {0};
	struct both both;
	unsigned int before;

	(void)state;
	make_pair(&both);
	before = open_descriptors();
	/* More than there is room for. */
	for (int i = 0; i < 2000; i++) {
		assert_int_equal(send(both.asking.socket, question, sizeof(question), 0),
				 sizeof(question));
		assert_true(perf_asking__answer(both.keeper_socket));
	}
	assert_int_equal(open_descriptors(), before);
	end(&both);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(later_processors_are_followed_or_said),
		cmocka_unit_test(the_keeper_takes_nothing_else),
		cmocka_unit_test(the_keeper_waits_for_no_reader),
	};

	/* Somebody who does not answer ends the test. */
	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
