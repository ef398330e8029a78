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
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "symbols/confine.h"

#define MEMORY_BYTES (64ULL << 20)

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* Runs in the child: 0, or the number of the promise that is broken. */
typedef int (*deed)(void);

static int status_of(deed deed)
{
	pid_t parent = getpid(), pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		confine(parent, MEMORY_BYTES);
		_exit(deed());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void assert_keeps(deed deed)
{
	int status = status_of(deed);

	if (!WIFEXITED(status))
		fail_msg("signal %d", WTERMSIG(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static int file;

static int work(void)
{
	char byte;
	char *memory = malloc(MEMORY_BYTES / 2);

	if (!memory)
		return 1;
	memset(memory, 1, MEMORY_BYTES / 2);
	memory = realloc(memory, MEMORY_BYTES * 2 / 3);
	if (!memory)
		return 2;
	free(memory);
	if (pread(file, &byte, 1, 0) != 1 || byte != 'x')
		return 3;
	return 0;
}

static void test_it_can_work(void **state)
{
	(void)state;
	file = fileno(tmpfile());
	assert_int_equal(pwrite(file, "x", 1, 0), 1);
	assert_keeps(work);
}

static int open_files(void)
{
	int ends[2];

	if (open("/etc/passwd", O_RDONLY) >= 0)
		return 1;
	if (pipe(ends) == 0)
		return 2;
	if (socket(AF_UNIX, SOCK_STREAM, 0) >= 0)
		return 3;
	return dup(0) >= 0 ? 4 : 0;
}

static void test_it_opens_nothing(void **state)
{
	(void)state;
	assert_keeps(open_files);
}

static int take_memory(void)
{
	return malloc(MEMORY_BYTES + (1U << 20)) != NULL;
}

static int signal_parent(void)
{
	return kill(getppid(), 0) == 0 || fork() >= 0;
}

static void test_it_takes_no_more_memory(void **state)
{
	(void)state;
	if (SANITIZED) {
		print_message("no bound of memory under the sanitizer\n");
		skip();
	}
	assert_keeps(take_memory);
}

static void test_it_reaches_nobody(void **state)
{
	(void)state;
	if (SANITIZED) {
		print_message("no filter of system calls under the sanitizer\n");
		skip();
	}
	assert_keeps(signal_parent);
}

static void assert_status_has(const char *status, const char *key, const char *value)
{
	const char *at = strstr(status, key);

	assert_non_null(at);
	at += strlen(key) + 1;
	at += strspn(at, "\t ");
	if (strncmp(at, value, strlen(value)) || at[strlen(value)] != '\n')
		fail_msg("%s %.20s, not %s", key, at, value);
}

/* As the kernel tells, while it waits. */
static void test_it_has_no_privileges(void **state)
{
	pid_t parent = getpid(), pid;
	char path[64], status[4096] = "";
	int ready[2], go[2];
	int fd;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(go), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char byte = 0;

		close(go[1]);
		confine(parent, MEMORY_BYTES);
		_exit(write(ready[1], &byte, 1) != 1 || read(go[0], &byte, 1) != 0);
	}
	close(ready[1]);
	close(go[0]);
	assert_int_equal(read(ready[0], path, 1), 1);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(read(fd, status, sizeof(status) - 1) > 0);
	close(fd);
	assert_status_has(status, "CapPrm:", "0000000000000000");
	assert_status_has(status, "CapEff:", "0000000000000000");
	assert_status_has(status, "NoNewPrivs:", "1");
	if (!SANITIZED)
		assert_status_has(status, "Seccomp:", "2");
	close(go[1]);
	close(ready[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_it_ends_with_its_parent(void **state)
{
	pid_t pid = fork();
	int status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		confine(getpid(), MEMORY_BYTES); /* not who started it */
		_exit(7);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_can_work),
		cmocka_unit_test(test_it_opens_nothing),
		cmocka_unit_test(test_it_takes_no_more_memory),
		cmocka_unit_test(test_it_reaches_nobody),
		cmocka_unit_test(test_it_has_no_privileges),
		cmocka_unit_test(test_it_ends_with_its_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
