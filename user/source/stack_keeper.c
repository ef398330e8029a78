/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/stack_keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/close_others.h"
#include "base/message.h"
#include "base/oom_score.h"
#include "base/privileges.h"
#include "probe/facts.h"
#include "source/perf_asking.h"
#include "stacks/kernel_frames.h"

#define REAP_MS     500        /* for whom it started */
#define WAIT_MS     1000       /* for it */
#define SPARE_BYTES (1U << 20) /* more than it ever takes */

enum { RING, ROOMS, SOCKET, FDS };

struct keeper {
	int socket;
	pid_t child;     /* 0: none */
	int child_fd;    /* readable when it has ended; -1 */
	int asked_fd;    /* where it asks for perf events; -1: it cannot any more */
	int kallsyms_fd; /* 0: none */
};

/* --- the recorder's side ---------------------------------------------------------------------- */

int stack_keeper__order(int socket, const struct stack_order *order, int namer_socket)
{
	const int fds[FDS] = {order->options.ring_fd, order->options.rooms_fd, namer_socket};
	return message__send(socket, order, sizeof(*order), fds,
			     order->kind == STACK_ORDER_START ? FDS : 0);
}

/* --- the keeper's side ------------------------------------------------------------------------ */

static void tell(const struct keeper *keeper, const struct stack_report *report)
{
	/* A recorder that has gone is seen by the next look. */
	(void)!send(keeper->socket, report, sizeof(*report), MSG_NOSIGNAL);
}

static void start(struct keeper *keeper, struct stack_order *order, const int fds[FDS])
{
	struct stack_report report = {.pid = -1};
	const pid_t self = getpid();
	int asks[2] = {-1, -1};

	order->options.ring_fd = fds[RING];
	order->options.rooms_fd = fds[ROOMS];
	order->options.kallsyms_fd = keeper->kallsyms_fd;
	errno = EBUSY;
	if (!keeper->child && !socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, asks))
		report.pid = fork();
	if (report.pid == 0) {
		order->options.asks_fd = asks[1];
		stack_namer__run(&order->options, fds[SOCKET], self);
	}
	if (report.pid > 0) {
		keeper->child = report.pid;
		keeper->child_fd = (int)syscall(SYS_pidfd_open, report.pid, 0);
		keeper->asked_fd = asks[0];
	} else {
		report = (struct stack_report){.ended = true, .error = errno};
		closep(&asks[0]);
	}
	closep(&asks[1]);
	tell(keeper, &report);
}

static void stop_answering(struct keeper *keeper)
{
	closep(&keeper->asked_fd);
	keeper->asked_fd = -1;
}

static void reap(struct keeper *keeper)
{
	struct stack_report report = {.pid = keeper->child, .ended = true};

	if (wait4(keeper->child, &report.status, WNOHANG, &report.usage) != keeper->child)
		return;
	closep(&keeper->child_fd);
	keeper->child_fd = -1;
	keeper->child = 0;
	stop_answering(keeper);
	tell(keeper, &report);
}

/* One that waits for a file system that does not answer cannot even be killed: whoever reaps us
 * reaps it. */
static void end_child(struct keeper *keeper)
{
	struct pollfd fd = {.fd = keeper->child_fd, .events = POLLIN};

	if (!keeper->child)
		return;
	kill(keeper->child, SIGKILL);
	(void)poll(&fd, 1, REAP_MS);
	reap(keeper);
}

static bool obey(struct keeper *keeper)
{
	struct stack_order order;
	int fds[FDS];

	if (message__receive(keeper->socket, &order, sizeof(order), fds, FDS, 0) != sizeof(order))
		return false; /* the recorder has gone */
	if (order.kind == STACK_ORDER_START)
		start(keeper, &order, fds);
	else if (keeper->child)
		kill(keeper->child, SIGKILL);
	for (int i = 0; i < FDS; i++)
		closep(&fds[i]);
	return true;
}

/* Those that a terminal sends to everybody: when to end says the recorder. */
static void leave_signals_to_recorder(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static bool may_follow_mappings(void)
{
	const int error = facts__try_mapping_events();

	return error != -EACCES && error != -EPERM;
}

/* Distributions' kernels may be set to give perf events to CAP_SYS_ADMIN only (Debian's,
 * perf_event_paranoid above 2). */
static enum privileges needed(void)
{
	return privileges__suffice_without(CAP_SYS_ADMIN, may_follow_mappings)
		       ? PRIVILEGES_KEEPER
		       : PRIVILEGES_KEEPER_ADMIN;
}

/* Its life: until the other end is closed. */
static void __attribute__((noreturn)) run(int socket, pid_t recorder)
{
	struct keeper keeper = {.socket = socket,
				.child_fd = -1,
				.asked_fd = -1,
				.kallsyms_fd = kernel_frames__open_names()};
	const int kept[] = {socket, keeper.kallsyms_fd ?: socket, STDERR_FILENO};
	char why[256];

	prctl(PR_SET_NAME, "oomtrail-keeper");
	close_others(kept, sizeof(kept) / sizeof(*kept));
	leave_signals_to_recorder();
	oom_score__spare_us(SPARE_BYTES);
	/* Where that is not permitted, little is held. */
	(void)privileges__drop(needed(), why, sizeof(why));
	/* Behind what changes credentials: that clears it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != recorder)
		_exit(1);
	for (;;) {
		struct pollfd fds[] = {{.fd = socket, .events = POLLIN},
				       {.fd = keeper.child_fd, .events = POLLIN},
				       {.fd = keeper.asked_fd, .events = POLLIN}};

		if (poll(fds, 3, keeper.child && keeper.child_fd < 0 ? 100 : -1) < 0 &&
		    errno != EINTR)
			break;
		if (fds[2].revents && !perf_asking__answer(keeper.asked_fd))
			stop_answering(&keeper);
		if (keeper.child)
			reap(&keeper);
		if (fds[0].revents && !obey(&keeper))
			break;
	}
	end_child(&keeper);
	_exit(0);
}

/* --- its beginning and its end ---------------------------------------------------------------- */

int stack_keeper__start(pid_t *keeper, int *socket)
{
	const pid_t recorder = getpid();
	int sockets[2], error;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return -errno;
	pid = fork();
	if (pid == 0)
		run(sockets[1], recorder);
	error = pid < 0 ? -errno : 0;
	close(sockets[1]);
	if (error) {
		close(sockets[0]);
		return error;
	}
	*keeper = pid;
	*socket = sockets[0];
	return 0;
}

void stack_keeper__reap(pid_t keeper)
{
	for (int ms = 0; keeper > 0 && ms < WAIT_MS; ms++) {
		if (waitpid(keeper, NULL, WNOHANG) == keeper)
			return;
		(void)poll(NULL, 0, 1);
	}
}
