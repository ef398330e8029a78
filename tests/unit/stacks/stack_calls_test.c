/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/bpf.h>
#include <linux/openat2.h>
#include <linux/perf_event.h>

#include <cmocka.h>

#include "stacks/stack_calls.h"
#include "symbols/lines.h"
#include "symbols/safe_open.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* Runs confined, in a process of its own: 0, or the number of the promise that is broken. */
typedef int (*deed)(void);

/* Where descriptors may come from; -1: from nowhere. */
static int answers_fd = -1;

static int status_of(deed deed)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		/* It says what it refuses. */
		if (!freopen("/dev/null", "w", stderr))
			_exit(101);
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || stack_calls__confine(answers_fd))
			_exit(102);
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

static void assert_dies(deed deed)
{
	int status = status_of(deed);

	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void skip_if_sanitized(void)
{
	if (SANITIZED)
		skip();
}

/* --- what it needs --------------------------------------------------------------------------- */

static int work(void)
{
	char bytes[64], *memory = malloc(64 << 20);
	int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC), sockets[2], root;
	const struct safe_open any = {.owner = SAFE_OPEN_ANY_OWNER, .follow = true};

	if (!memory || fd < 0 || read(fd, bytes, sizeof(bytes)) <= 0)
		return 1;
	memset(memory, 1, 64 << 20);
	free(memory);
	root = safe_open__root("/proc", (uint32_t)getpid());
	if (root < 0 || safe_open(root, "/etc/passwd", &any) < 0)
		return 2;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) ||
	    send(sockets[0], bytes, 1, MSG_NOSIGNAL) != 1)
		return 3;
	return stack_calls__refused() ? 4 : 0;
}

static void test_what_is_needed_works(void **state)
{
	(void)state;
	assert_keeps(work);
}

static int find_line(void)
{
	const uint64_t vaddr = 0;
	struct source_line line;
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int error = lines__find(&line, &vaddr, 1, fd, 10000000000ULL);

	/* Looked for to the end, if in vain. */
	if (error && error != -ENODATA)
		return 1;
	return stack_calls__refused() ? 2 : 0;
}

static void test_source_lines_are_found(void **state)
{
	(void)state;
	assert_keeps(find_line);
}

static int take_message(int fd)
{
	char byte;
	struct iovec data = {&byte, 1};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};

	return (int)recvmsg(fd, &message, MSG_DONTWAIT);
}

static int other_fd;

static int take_messages(void)
{
	const uint64_t before = stack_calls__refused();

	if (take_message(answers_fd) != 1 || stack_calls__refused() != before)
		return 1;
	if (take_message(other_fd) != -1 || errno != EPERM || stack_calls__refused() != before + 1)
		return 2;
	return 0;
}

static void test_descriptors_come_from_one_socket_alone(void **state)
{
	int sockets[4];

	(void)state;
	skip_if_sanitized();
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets + 2), 0);
	assert_int_equal(send(sockets[1], "1", 1, 0), 1);
	assert_int_equal(send(sockets[3], "1", 1, 0), 1);
	answers_fd = sockets[0];
	other_fd = sockets[2];
	assert_keeps(take_messages);
	answers_fd = -1;
	for (size_t i = 0; i < 4; i++)
		close(sockets[i]);
}

/* --- what it may not ------------------------------------------------------------------------- */

static char path[64];

#define REFUSED(number, call)                                   \
	do {                                                    \
		const uint64_t before = stack_calls__refused(); \
		errno = 0;                                      \
		if ((call) != -1 || errno != EPERM)             \
			return number;                          \
		if (stack_calls__refused() != before + 1)       \
			return 100 + (number);                  \
	} while (0)

static int write_files(void)
{
	struct open_how how = {.flags = O_WRONLY | O_TRUNC};
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 1;
	REFUSED(2, open(path, O_WRONLY));
	REFUSED(3, open(path, O_RDWR));
	REFUSED(4, open(path, O_RDONLY | O_TRUNC));
	REFUSED(5, open("/tmp/oomtrail-unit-never", O_RDONLY | O_CREAT, 0600));
	REFUSED(6, open("/tmp", O_TMPFILE | O_RDWR, 0600));
	REFUSED(7, syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how)));
	REFUSED(8, unlink(path));
	REFUSED(9, rename(path, "/tmp/oomtrail-unit-never"));
	REFUSED(10, truncate(path, 0));
	REFUSED(11, (int)write(fd, "x", 1));
	REFUSED(12, (int)pwrite(fd, "x", 1, 0));
	REFUSED(13, fchmod(fd, 0666));
	REFUSED(14, dup2(fd, STDERR_FILENO));
	return 0;
}

static void test_no_file_is_written(void **state)
{
	char room[2];
	int fd;

	(void)state;
	skip_if_sanitized();
	snprintf(path, sizeof(path), "/tmp/oomtrail-unit-calls.%d", (int)getpid());
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "a", 1), 1);
	assert_keeps(write_files);
	assert_int_equal(pread(fd, room, sizeof(room), 0), 1);
	assert_int_equal(unlink(path), 0);
	close(fd);
}

static int touch_others(void)
{
	const pid_t parent = getppid();

	REFUSED(1, kill(parent, SIGTERM));
	REFUSED(2, (int)syscall(SYS_tgkill, parent, parent, SIGTERM));
	REFUSED(3, (int)syscall(SYS_pidfd_open, parent, 0));
	REFUSED(4, (int)syscall(SYS_pidfd_send_signal, 0, SIGTERM, NULL, 0));
	REFUSED(5, (int)syscall(SYS_prlimit64, parent, 0, NULL, NULL));
	REFUSED(6, mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
				   MAP_FAILED
			   ? -1
			   : 0);
	REFUSED(7, socketpair(AF_UNIX, SOCK_DGRAM, 0, (int[2]){0}));
	REFUSED(8, prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
	REFUSED(9, (int)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
	return 0;
}

static void test_nobody_else_is_touched(void **state)
{
	(void)state;
	skip_if_sanitized();
	assert_keeps(touch_others);
}

/* Whoever owns a descriptor is sent a signal of choice, with the privileges of who set it. */
static int signal_by_descriptor(void)
{
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) ||
	    fcntl(sockets[0], F_SETFL, O_NONBLOCK) || fcntl(sockets[0], F_GETFL) < 0)
		return 1;
	REFUSED(2, fcntl(sockets[0], F_SETOWN, getppid()));
	REFUSED(3, fcntl(sockets[0], F_SETSIG, SIGKILL));
	REFUSED(4, fcntl(sockets[0], F_SETFL, O_ASYNC | O_NONBLOCK));
	REFUSED(5, (int)syscall(SYS_fcntl, sockets[0], F_SETOWN_EX, &(int[2]){1, getppid()}));
	REFUSED(6, fcntl(sockets[0], F_SETLEASE, F_RDLCK));
	REFUSED(7, fcntl(sockets[0], F_NOTIFY, 1));
	return 0;
}

static void test_nobody_is_signalled_by_a_descriptor(void **state)
{
	(void)state;
	skip_if_sanitized();
	assert_keeps(signal_by_descriptor);
}

/* What may be opened lies in memory that nobody may write, or put another's in place of. */
static int change_what_may_be_opened(void)
{
	char *page = (char *)((uintptr_t)safe_open__how(false) & -4096UL), *own;
	const size_t far = 64UL << 40;

	REFUSED(1, mprotect(page, 4096, PROT_READ | PROT_WRITE));
	REFUSED(2, munmap(page, 4096));
	REFUSED(3, munmap(page - 4096, 8192));
	REFUSED(4, mremap(page, 4096, 8192, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
	REFUSED(5, mmap(page, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
			-1, 0) == MAP_FAILED
			   ? -1
			   : 0);
	/* From far below on. */
	REFUSED(6, mprotect((char *)4096, far, PROT_READ | PROT_WRITE));
	REFUSED(7, munmap((char *)4096, far));
	own = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (own == MAP_FAILED || mprotect(own, 4096, PROT_READ) || munmap(own + (1 << 19), 1 << 19))
		return 8;
	return mremap(own + 4096, 4096, 1 << 21, MREMAP_MAYMOVE) == MAP_FAILED ? 9 : 0;
}

static void test_what_may_be_opened_stays(void **state)
{
	(void)state;
	skip_if_sanitized();
	assert_keeps(change_what_may_be_opened);
}

static int start_a_program(void)
{
	execl("/bin/true", "true", NULL);
	return 1;
}

static int trace(void)
{
	ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
	return 1;
}

static int read_memory(void)
{
	char byte;
	struct iovec own = {&byte, 1}, others = {(void *)&path, 1};

	process_vm_readv(getppid(), &own, 1, &others, 1, 0);
	return 1;
}

static int connect_to_somebody(void)
{
	socket(AF_UNIX, SOCK_STREAM, 0);
	return 1;
}

static int load_a_program_into_the_kernel(void)
{
	union bpf_attr attributes = {0};

	syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof(attributes));
	return 1;
}

static int follow_everybody(void)
{
	struct perf_event_attr attributes = {.size = sizeof(attributes)};

	syscall(SYS_perf_event_open, &attributes, -1, 0, -1, 0);
	return 1;
}

static int leave_the_namespace(void)
{
	syscall(SYS_setns, 0, 0);
	return 1;
}

static void test_what_nobody_honest_does_ends_it(void **state)
{
	static const deed deeds[] = {start_a_program,     trace,
				     read_memory,         connect_to_somebody,
				     leave_the_namespace, load_a_program_into_the_kernel,
				     follow_everybody};

	(void)state;
	skip_if_sanitized();
	for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++)
		assert_dies(deeds[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_needed_works),
		cmocka_unit_test(test_source_lines_are_found),
		cmocka_unit_test(test_descriptors_come_from_one_socket_alone),
		cmocka_unit_test(test_no_file_is_written),
		cmocka_unit_test(test_nobody_else_is_touched),
		cmocka_unit_test(test_nobody_is_signalled_by_a_descriptor),
		cmocka_unit_test(test_what_may_be_opened_stays),
		cmocka_unit_test(test_what_nobody_honest_does_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
