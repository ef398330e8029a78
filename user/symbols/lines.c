/* SPDX-License-Identifier: GPL-2.0-only */
#include "symbols/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "symbols/lines_child.h"

#define NS_PER_S  1000000000ULL
#define NS_PER_MS 1000000ULL

struct reading {
	struct source_line *lines;
	size_t count;
	int fd;
	uint64_t deadline_ns;
};

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* Exactly `bytes` of them. -EBADMSG: the child ended before. */
static int reading__take(const struct reading *reading, void *data, size_t bytes)
{
	size_t done = 0;

	while (done < bytes) {
		struct pollfd poll_fd = {.fd = reading->fd, .events = POLLIN};
		uint64_t now = now_ns();
		ssize_t length;
		int ready;

		if (now >= reading->deadline_ns)
			return -ETIME;
		now = (reading->deadline_ns - now + NS_PER_MS - 1) / NS_PER_MS;
		ready = poll(&poll_fd, 1, now > 60000 ? 60000 : (int)now);
		if (ready < 0 && errno != EINTR)
			return -errno;
		if (ready <= 0)
			continue;
		length = read(reading->fd, (char *)data + done, bytes - done);
		if (length < 0 && errno != EINTR)
			return -errno;
		if (length == 0)
			return -EBADMSG;
		if (length > 0)
			done += (size_t)length;
	}
	return 0;
}

/* The child has read what somebody hostile wrote: it is not believed either. */
static int reading__answer(struct reading *reading, const struct answer *answer)
{
	struct source_line *line;
	char *file;
	int error;

	if (answer->index >= reading->count || answer->file_bytes == 0 ||
	    answer->file_bytes >= LINE_FILE_MAX_BYTES)
		return -EBADMSG;
	line = &reading->lines[answer->index];
	if (line->file)
		return -EBADMSG;
	file = calloc(1, answer->file_bytes + 1);
	if (!file)
		return -ENOMEM;
	error = reading__take(reading, file, answer->file_bytes);
	if (error || strlen(file) != answer->file_bytes) {
		free(file);
		return error ? error : -EBADMSG;
	}
	line->file = file;
	line->line = answer->line;
	return 0;
}

static int reading__all(struct reading *reading)
{
	for (;;) {
		struct answer answer;
		int error = reading__take(reading, &answer, sizeof(answer));

		if (!error && answer.index == ANSWER_END)
			return answer.line == ENODATA || answer.line == ENOMEM || answer.line == 0
				       ? -(int)answer.line
				       : -EBADMSG;
		if (!error)
			error = reading__answer(reading, &answer);
		if (error)
			return error;
	}
}

/* No handler of ours runs in the child. */
static pid_t fork_quietly(void)
{
	sigset_t all, before;
	pid_t pid;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid != 0)
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	return pid;
}

int lines__find(struct source_line *lines, const uint64_t *vaddrs, size_t count, int fd,
		uint64_t budget_ns)
{
	uint64_t begin = now_ns();
	struct reading reading = {
		.lines = lines,
		.count = count,
		.deadline_ns = budget_ns > UINT64_MAX - begin ? UINT64_MAX : begin + budget_ns,
	};
	pid_t parent = getpid(), pid;
	int ends[2];
	int error;

	if (count > LINES_MAX_ADDRESSES)
		return -E2BIG;
	memset(lines, 0, count * sizeof(lines[0]));
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	pid = fork_quietly();
	if (pid == 0)
		lines_child__run(ends[1], fd, vaddrs, count, parent);
	error = pid < 0 ? -errno : 0;
	close(ends[1]);
	reading.fd = ends[0];
	if (!error)
		error = reading__all(&reading);
	close(ends[0]);
	if (pid > 0) {
		kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	return error;
}

void lines__free(struct source_line *lines, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(lines[i].file);
		lines[i] = (struct source_line){0};
	}
}
