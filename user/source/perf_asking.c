/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/perf_asking.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/message.h"
#include "base/online.h"
#include "base/units.h"
#include "source/observe.h"

#define ANSWER_NS (1 * NS_PER_S)
#define PAUSE_NS  (10 * NS_PER_S) /* until one that has not answered is asked again */

struct question {
	uint64_t number;
	uint32_t cpu;
	uint32_t wakeup_bytes;
	uint32_t build_ids;
	uint32_t zero;
};

struct answer {
	uint64_t number;
	int32_t error; /* 0: a descriptor came along */
	uint32_t build_ids;
};

/* --- who asks --------------------------------------------------------------------------------- */

/* *fd: what came along, or -1. -EAGAIN: there is none. */
static int receive(int socket, struct answer *answer, int *fd)
{
	const ssize_t got = message__receive(socket, answer, sizeof(*answer), fd, 1, MSG_DONTWAIT);

	if (got < 0)
		return got == -EINTR ? -EAGAIN : (int)got;
	if (got != sizeof(*answer))
		return -EPIPE;
	/* No number was free here. */
	if (!answer->error && *fd < 0)
		answer->error = EMFILE;
	return 0;
}

/* The answer to the latest question; those before it are of nobody. */
static int wait_for_answer(struct perf_asking *asking, struct answer *answer, uint64_t until_ns)
{
	struct pollfd readable = {.fd = asking->socket, .events = POLLIN};
	int error, fd;

	for (;;) {
		const uint64_t now_ns = observe__now_ns();

		error = receive(asking->socket, answer, &fd);
		if (error == -EAGAIN && now_ns >= until_ns)
			return -ETIMEDOUT;
		if (error && error != -EAGAIN)
			return error;
		if (error) {
			(void)poll(&readable, 1, (int)((until_ns - now_ns) / NS_PER_MS) + 1);
			continue;
		}
		asking->answered = answer->number;
		if (answer->number == asking->asked)
			return answer->error ? -answer->error : fd;
		closep(&fd);
	}
}

static void leave_late_answer(struct perf_asking *asking)
{
	struct answer answer;
	int fd;

	if (asking->answered == asking->asked)
		return;
	fd = wait_for_answer(asking, &answer, 0);
	closep(&fd);
}

static int ask(void *context, struct perf_wanted *wanted, unsigned int cpu)
{
	struct perf_asking *asking = context;
	struct question question = {.number = asking->asked + 1,
				    .cpu = cpu,
				    .wakeup_bytes = wanted->wakeup_bytes,
				    .build_ids = wanted->build_ids};
	struct answer answer;
	int fd;

	leave_late_answer(asking);
	if (asking->answered != asking->asked && observe__now_ns() < asking->asked_ns + PAUSE_NS)
		return -EBUSY;
	if (send(asking->socket, &question, sizeof(question), MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    sizeof(question))
		return -errno;
	asking->asked++;
	asking->asked_ns = observe__now_ns();
	fd = wait_for_answer(asking, &answer, asking->asked_ns + ANSWER_NS);
	if (fd >= 0)
		wanted->build_ids = answer.build_ids;
	return fd;
}

struct perf_opener perf_asking__opener(struct perf_asking *asking)
{
	return (struct perf_opener){.open = ask, .context = asking};
}

/* --- who answers ------------------------------------------------------------------------------ */

bool perf_asking__answer(int socket)
{
	struct question question;
	struct answer answer = {0};
	struct perf_wanted wanted;
	_cleanup_(closep) int fd = -1;
	int error;
	/* Descriptors that came along are dropped by the kernel. */
	ssize_t got = recv(socket, &question, sizeof(question), MSG_DONTWAIT | MSG_TRUNC);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	if (got != sizeof(question))
		return false;
	wanted.wakeup_bytes = question.wakeup_bytes;
	wanted.build_ids = question.build_ids;
	fd = question.cpu < ONLINE_CPUS_MAX ? perf_open(&wanted, question.cpu) : -EINVAL;
	answer.number = question.number;
	answer.error = fd < 0 ? -fd : 0;
	answer.build_ids = wanted.build_ids;
	error = message__send(socket, &answer, sizeof(answer), &fd, fd >= 0);
	if (!error)
		return true;
	/* Descriptors may be refused; but one that does not read its answers gets none. */
	answer.error = -error;
	(void)message__send(socket, &answer, sizeof(answer), NULL, 0);
	return true;
}
