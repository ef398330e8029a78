/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* One that asks for perf events, and a keeper that answers, with privileges of its own. */

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
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
	int keeper_socket; /* without a child */
};

static inline void make_pair(struct both *both)
{
	int sockets[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
	*both = (struct both){.asking = {.socket = sockets[0]}, .keeper_socket = sockets[1]};
}

static inline void end(struct both *both)
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
static inline bool answer_one(int socket)
{
	char byte;

	return recv(socket, &byte, 1, MSG_PEEK) >= 0 && perf_asking__answer(socket);
}

static int keeper_socket; /* in the child */

static inline void start_keeper(struct both *both, void (*prepare)(void))
{
	make_pair(both);
	both->opener = perf_asking__opener(&both->asking);
	both->keeper = fork();
	assert_true(both->keeper >= 0);
	if (both->keeper == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(both->asking.socket);
		keeper_socket = both->keeper_socket;
		prepare();
		while (answer_one(both->keeper_socket))
			;
		_exit(0);
	}
	close(both->keeper_socket);
}

static inline int ask(struct both *both, struct perf_wanted *wanted, unsigned int cpu)
{
	return both->opener.open(both->opener.context, wanted, cpu);
}

static inline void as_it_is(void)
{
}

static inline void without_capabilities(void)
{
	cap_t none = cap_init();

	if (cap_set_proc(none))
		_exit(1);
	cap_free(none);
}

static inline unsigned int open_descriptors(void)
{
	struct stat unused;
	unsigned int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += !fstat(fd, &unused);
	return count;
}

/* Of this host, with this test's own privileges. */
static inline void need_perf(void)
{
	struct perf_wanted wanted = {.wakeup_bytes = WAKEUP_BYTES};
	int fd = perf_open(&wanted, 0);

	if (fd < 0) {
		print_message("skipped: perf events: %s\n", strerror(-fd));
		skip();
	}
	close(fd);
}
