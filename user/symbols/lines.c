/* SPDX-License-Identifier: GPL-2.0-only */
#include "symbols/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "symbols/lines_child.h"

#define NS_PER_S  1000000000ULL
#define NS_PER_MS 1000000ULL

#define REAP_MS   2000 /* large ones take a while to end */
#define STUCK_MAX 4

struct lines_search {
	struct source_line *lines;
	size_t count;
	int fd;
	pid_t pid; /* 0: it is gone */
	uint64_t deadline_ns;
	size_t bytes; /* in `in`, of an answer that has not come whole */
	char in[sizeof(struct answer) + LINE_FILE_MAX_BYTES];
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* The child has read what somebody hostile wrote: it is not believed either. */
static int search__answer(struct lines_search *search, const struct answer *answer,
			  const char *name)
{
	struct source_line *line;

	if (answer->index >= search->count || answer->file_bytes == 0)
		return -EBADMSG;
	line = &search->lines[answer->index];
	if (line->file || strnlen(name, answer->file_bytes) != answer->file_bytes)
		return -EBADMSG;
	line->file = strndup(name, answer->file_bytes);
	if (!line->file)
		return -ENOMEM;
	line->line = answer->line;
	return 0;
}

/* What has come whole. -EAGAIN: there is more to come. */
static int search__answers(struct lines_search *search)
{
	size_t at = 0;
	int error = 0;

	while (!error) {
		struct answer answer;

		if (search->bytes - at < sizeof(answer))
			break;
		memcpy(&answer, search->in + at, sizeof(answer));
		if (answer.index == ANSWER_END)
			return answer.line == ENODATA || answer.line == ENOMEM || answer.line == 0
				       ? -(int)answer.line
				       : -EBADMSG;
		if (answer.file_bytes >= LINE_FILE_MAX_BYTES)
			return -EBADMSG;
		if (search->bytes - at < sizeof(answer) + answer.file_bytes)
			break;
		error = search__answer(search, &answer, search->in + at + sizeof(answer));
		at += sizeof(answer) + answer.file_bytes;
	}
	memmove(search->in, search->in + at, search->bytes - at);
	search->bytes -= at;
	return error ? error : -EAGAIN;
}

/* -EAGAIN: nothing more has come; -EBADMSG: the child ended before it said so. */
static int search__read(struct lines_search *search)
{
	for (;;) {
		ssize_t length = read(search->fd, search->in + search->bytes,
				      sizeof(search->in) - search->bytes);
		int error;

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return -errno;
		if (length == 0)
			return -EBADMSG;
		search->bytes += (size_t)length;
		error = search__answers(search);
		if (error != -EAGAIN)
			return error;
	}
}

/* It has ended, and is nobody's any more. */
static bool reap(pid_t pid)
{
	const pid_t got = waitpid(pid, NULL, WNOHANG);

	return got == pid || (got < 0 && errno == ECHILD);
}

/* Those that wait for a file system that does not answer: they end when it does. */
static pid_t stuck[STUCK_MAX];

static void leave_stuck(pid_t pid)
{
	for (size_t i = 0; i < STUCK_MAX; i++) {
		if (stuck[i])
			continue;
		stuck[i] = pid;
		return;
	}
}

static bool may_be_one_more(void)
{
	size_t still = 0;

	for (size_t i = 0; i < STUCK_MAX; i++) {
		if (stuck[i] && reap(stuck[i]))
			stuck[i] = 0;
		still += stuck[i] != 0;
	}
	return still < STUCK_MAX;
}

static void search__end(struct lines_search *search)
{
	if (search->fd >= 0)
		close(search->fd);
	search->fd = -1;
	if (search->pid <= 0)
		return;
	/* That its other end is closed ends the child, within a tick. */
	for (int ms = 0; ms < REAP_MS && !reap(search->pid); ms++)
		nanosleep(&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
	if (!reap(search->pid))
		leave_stuck(search->pid);
	search->pid = 0;
}

/* No handler of ours runs in the child. */
static pid_t fork_quietly(void)
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	sigdelset(&all, SIGSYS); /* a filter's */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid != 0)
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pid;
}

int lines__start(struct lines_search **out, struct source_line *lines, const uint64_t *vaddrs,
		 size_t count, int fd, uint64_t budget_ns)
{
	const uint64_t begin = now_ns();
	struct lines_search *search;
	const pid_t parent = getpid();
	int ends[2];
	int error;

	if (count > LINES_MAX_ADDRESSES)
		return -E2BIG;
	if (!may_be_one_more())
		return -EBUSY;
	memset(lines, 0, count * sizeof(lines[0]));
	search = calloc(1, sizeof(*search));
	if (!search)
		return -ENOMEM;
	search->lines = lines;
	search->count = count;
	search->deadline_ns = budget_ns > UINT64_MAX - begin ? UINT64_MAX : begin + budget_ns;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
		error = -errno;
		free(search);
		return error;
	}
	search->fd = ends[0];
	search->pid = fork_quietly();
	if (search->pid == 0)
		lines_child__run(ends[1], fd, vaddrs, count, parent, budget_ns);
	error = search->pid < 0 ? -errno : 0;
	close(ends[1]);
	/* Of this end alone: the child's waits. */
	if (!error && fcntl(search->fd, F_SETFL, O_NONBLOCK))
		error = -errno;
	if (error) {
		lines__stop(search);
		return error;
	}
	*out = search;
	return 0;
}

int lines__fd(const struct lines_search *search)
{
	return search->fd;
}

int lines__look(struct lines_search *search)
{
	int error = now_ns() >= search->deadline_ns ? -ETIME : search__read(search);

	if (error != -EAGAIN)
		search__end(search);
	return error;
}

void lines__stop(struct lines_search *search)
{
	if (!search)
		return;
	search__end(search);
	free(search);
}

int lines__find(struct source_line *lines, const uint64_t *vaddrs, size_t count, int fd,
		uint64_t budget_ns)
{
	struct lines_search *search;
	int error = lines__start(&search, lines, vaddrs, count, fd, budget_ns);

	if (error)
		return error;
	while ((error = lines__look(search)) == -EAGAIN) {
		struct pollfd poll_fd = {.fd = search->fd, .events = POLLIN};
		uint64_t now = now_ns(), left_ms = 0;

		if (now < search->deadline_ns)
			left_ms = (search->deadline_ns - now) / NS_PER_MS + 1;
		(void)poll(&poll_fd, 1, left_ms > 60000 ? 60000 : (int)left_ms);
	}
	lines__stop(search);
	return error;
}

void lines__free(struct source_line *lines, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(lines[i].file);
		lines[i] = (struct source_line){0};
	}
}
