/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* A child that does what it is told, and a perf that tells of it. */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "maps/perf_maps.h"
#include "tests/unit/maps/told.h"

#define DEADLINE_NS (20 * NS_PER_S)

struct worker {
	pid_t pid;
	int tell; /* to it */
	int hear; /* from it */
};

static inline uint64_t host__now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

/* The first page of the file, to be run. */
static inline void *host__map(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

	close(fd);
	return page;
}

/* "mPATH" maps, "dNAME" loads a library, "f" forks a child that is gone at once, "k" one that stays
 * until it is killed, "j" makes code at run time, "xPATH" becomes a program. Each is answered with
 * a number. */
static inline void worker__run(int hear, int tell)
{
	char order[512];
	ssize_t length;

	while ((length = read(hear, order, sizeof(order) - 1)) > 0) {
		uint64_t answer = 0;
		pid_t child;
		void *page;

		order[length] = '\0';
		switch (order[0]) {
		case 'm':
			answer = (uintptr_t)host__map(order + 1);
			break;
		case 'd':
			answer = dlopen(order + 1, RTLD_NOW) != NULL;
			break;
		case 'j':
			page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				    -1, 0);
			answer = mprotect(page, 4096, PROT_READ | PROT_EXEC) ? 0 : (uintptr_t)page;
			break;
		case 'f':
		case 'k':
			child = fork();
			if (child == 0 && order[0] == 'k')
				pause();
			if (child == 0)
				_exit(0);
			if (order[0] == 'f')
				waitpid(child, NULL, 0);
			answer = (uint64_t)child;
			break;
		case 'x':
			execl(order + 1, order + 1, "1000", NULL);
			break;
		}
		if (write(tell, &answer, sizeof(answer)) != sizeof(answer))
			break;
	}
	_exit(0);
}

static inline struct worker worker__start(void)
{
	struct worker worker;
	int to[2], from[2];

	assert_int_equal(pipe2(to, O_CLOEXEC), 0);
	assert_int_equal(pipe2(from, O_CLOEXEC), 0);
	worker.pid = fork();
	assert_true(worker.pid >= 0);
	if (worker.pid == 0) {
		/* Whatever it has become: no longer than the test. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(to[1]);
		close(from[0]);
		worker__run(to[0], from[1]);
	}
	close(to[0]);
	close(from[1]);
	worker.tell = to[1];
	worker.hear = from[0];
	return worker;
}

static inline uint64_t worker__ask(const struct worker *worker, const char *order)
{
	uint64_t answer = 0;

	assert_int_equal(write(worker->tell, order, strlen(order)), strlen(order));
	/* A program that it has become does not answer: the pipe is closed by that. */
	if (read(worker->hear, &answer, sizeof(answer)) != sizeof(answer))
		assert_int_equal(order[0], 'x');
	return answer;
}

static inline void worker__end(struct worker *worker)
{
	kill(worker->pid, SIGKILL);
	waitpid(worker->pid, NULL, 0);
	close(worker->tell);
	close(worker->hear);
}

/* NULL: this host does not let us, and the test is skipped with the reason. */
static inline struct perf_maps *host__perf(const struct perf_maps_options *options)
{
	struct perf_maps *perf = NULL;
	char why[256] = "";
	int error = perf_maps__open(&perf, options, why, sizeof(why));

	if (error) {
		assert_true(*why);
		print_message("skipped: %s\n", why);
		if (error != -EACCES && error != -EPERM && error != -ENOSYS && error != -ENOENT)
			fail_msg("%s", why);
		skip();
	}
	return perf;
}
