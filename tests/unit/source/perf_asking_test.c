/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "source/perf_asking.h"

#define WAKEUP_BYTES 4096

/* Who asks is this process; who answers, a child with privileges of its own. */
struct both {
	struct perf_asking asking;
	struct perf_opener opener;
	pid_t keeper;
	int keeper_socket; /* -1: the child has it */
};

static void make_pair(struct both *both)
{
	int sockets[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
	*both = (struct both){.asking = {.socket = sockets[0]}, .keeper_socket = sockets[1]};
}

static void end(struct both *both)
{
	if (both->keeper) {
		kill(both->keeper, SIGKILL);
		assert_int_equal(waitpid(both->keeper, NULL, 0), both->keeper);
	} else {
		close(both->keeper_socket);
	}
	close(both->asking.socket);
}

/* Blocks, so that nobody has to look again and again: perf_asking__answer() itself does not. */
static bool answer_one(int socket)
{
	char byte;

	return recv(socket, &byte, 1, MSG_PEEK) >= 0 && perf_asking__answer(socket);
}

static void start_keeper(struct both *both, void (*prepare)(void))
{
	make_pair(both);
	both->opener = perf_asking__opener(&both->asking);
	both->keeper = fork();
	assert_true(both->keeper >= 0);
	if (both->keeper == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(both->asking.socket);
		prepare();
		while (answer_one(both->keeper_socket))
			;
		_exit(0);
	}
	close(both->keeper_socket);
}

static int ask(struct both *both, struct perf_wanted *wanted, unsigned int cpu)
{
	return both->opener.open(both->opener.context, wanted, cpu);
}

static void as_it_is(void)
{
}

static void without_capabilities(void)
{
	cap_t none = cap_init();

	if (cap_set_proc(none))
		_exit(1);
	cap_free(none);
}

static void without_descriptors(void)
{
	const struct rlimit none = {0};

	setrlimit(RLIMIT_NOFILE, &none);
}

static unsigned int open_descriptors(void)
{
	struct stat unused;
	unsigned int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += !fstat(fd, &unused);
	return count;
}

static bool is_perf_event(int fd)
{
	char link[64], target[64] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return readlink(link, target, sizeof(target) - 1) > 0 && strstr(target, "[perf_event]");
}

/* Of this host, with this test's own privileges. */
static void need_perf(void)
{
	struct perf_wanted wanted = {.wakeup_bytes = WAKEUP_BYTES};
	int fd = perf_open(&wanted, 0);

	if (fd < 0) {
		print_message("skipped: perf events: %s\n", strerror(-fd));
		skip();
	}
	close(fd);
}

/* --- who asks ----------------------------------------------------------------------------------
 */

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

/* --- who answers -------------------------------------------------------------------------------
 */

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
		cmocka_unit_test(ask_without_privileges),
		cmocka_unit_test(what_the_keeper_is_refused_is_said),
		cmocka_unit_test(processors_that_are_not_there_are_said),
		cmocka_unit_test(room_for_no_descriptor_is_said),
		cmocka_unit_test(nobody_waits_long_for_an_answer),
		cmocka_unit_test(the_keeper_takes_nothing_else),
		cmocka_unit_test(the_keeper_waits_for_no_reader),
	};

	/* Somebody who does not answer ends the test. */
	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
