/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "stacks/stack_calls.h"

/* The filter as a whole: every number that there is, or may be one day, and not the few that
 * somebody thought of. A call that is allowed from now on has to be put down here, too. */

#define NUMBERS 1024 /* more than there are, by half */
#define X32     0x40000000L

/* Whatever its arguments are, or with some. */
static const long allowed[] = {
	/* files and folders, to be read */
	SYS_read,
	SYS_pread64,
	SYS_readv,
	SYS_lseek,
	SYS_openat,
	SYS_openat2,
	SYS_close,
	SYS_close_range,
	SYS_fstat,
	SYS_newfstatat,
	SYS_statx,
	SYS_fstatfs,
	SYS_readlinkat,
	SYS_getdents64,
	SYS_faccessat,
	SYS_faccessat2,
	SYS_fadvise64,
	SYS_fcntl,
	SYS_ioctl,
	/* its memory */
	SYS_brk,
	SYS_mmap,
	SYS_munmap,
	SYS_mprotect,
	SYS_mremap,
	SYS_madvise,
	/* its sockets, pipes and stderr */
	SYS_write,
	SYS_writev,
	SYS_sendto,
	SYS_socketpair,
	SYS_pipe2,
	/* waiting, clocks, threads and signals of its own */
	SYS_ppoll,
	SYS_epoll_pwait,
	SYS_epoll_ctl,
	SYS_clock_gettime,
	SYS_clock_getres,
	SYS_clock_nanosleep,
	SYS_nanosleep,
	SYS_gettimeofday,
	SYS_setitimer,
	SYS_futex,
	SYS_rseq,
	SYS_set_robust_list,
	SYS_rt_sigprocmask,
	SYS_rt_sigaction,
	SYS_rt_sigreturn,
	SYS_restart_syscall,
	SYS_sched_yield,
	SYS_sched_getaffinity,
	/* what it may know of itself, its children, and its end */
	SYS_getrandom,
	SYS_sysinfo,
	SYS_getpid,
	SYS_getppid,
	SYS_gettid,
	SYS_getuid,
	SYS_geteuid,
	SYS_capget,
	SYS_capset,
	SYS_prctl,
	SYS_prlimit64,
	SYS_clone,
	SYS_wait4,
	SYS_exit,
	SYS_exit_group,
	SYS_perf_event_open,
#if defined(__x86_64__)
	SYS_poll,
	SYS_epoll_wait,
	SYS_stat,
	SYS_lstat,
	SYS_readlink,
	SYS_access,
	SYS_arch_prctl,
	SYS_time,
	/* uretprobe(2) and uprobe(2): no filter is asked of them, and who is not in a place of the
	 * kernel's own that calls them ends */
	335,
	336,
#endif
};

/* What nobody honest asks for. */
static const long deadly[] = {
	SYS_execve,
	SYS_execveat,
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_socket,
	SYS_connect,
	SYS_bind,
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_chroot,
	SYS_setns,
	SYS_unshare,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_kexec_load,
	SYS_bpf,
	SYS_userfaultfd,
	SYS_add_key,
	SYS_keyctl,
	SYS_io_uring_setup,
	SYS_reboot,
	SYS_swapon,
	SYS_swapoff,
};

static const long arguments[] = {0, 1, -1, 0x7fff0000};

static bool is_among(const long *numbers, size_t count, long number)
{
	for (size_t i = 0; i < count; i++) {
		if (numbers[i] == number)
			return true;
	}
	return false;
}

#define IS_AMONG(numbers, number) is_among(numbers, sizeof(numbers) / sizeof(*(numbers)), number)

static void skip_if_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	print_message("a sanitizer calls what it likes\n");
	skip();
#endif
}

/* Runs confined, in a process of its own: its wait status. */
static int status_of(void (*deed)(long number), long number)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		/* It says what it refuses. */
		if (!freopen("/dev/null", "w", stderr) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
		    stack_calls__confine(-1))
			_exit(102);
		deed(number);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static bool is_refused(long number, long argument)
{
	const uint64_t before = stack_calls__refused();

	errno = 0;
	return syscall(number, argument, argument, argument, argument, argument, argument) == -1 &&
	       errno == EPERM && stack_calls__refused() == before + 1;
}

/* Shared: the first one that was not refused. */
static volatile long *culprit;

static void try_with_all_arguments(long number)
{
	for (size_t i = 0; i < sizeof(arguments) / sizeof(*arguments); i++) {
		if (is_refused(number, arguments[i]))
			continue;
		*culprit = number;
		_exit(1);
	}
}

static void try_all_others(long unused)
{
	(void)unused;
	for (long number = 0; number < NUMBERS; number++) {
		/* Whoever asks for clone3(2) takes clone(2). */
		if (number == SYS_clone3 || IS_AMONG(allowed, number) || IS_AMONG(deadly, number))
			continue;
		*culprit = number;
		try_with_all_arguments(number);
	}
	*culprit = -1;
}

static void test_all_others_are_refused(void **state)
{
	int status;

	(void)state;
	skip_if_sanitized();
	status = status_of(try_all_others, 0);
	if (*culprit >= 0 || !WIFEXITED(status) || WEXITSTATUS(status))
		fail_msg("system call %ld was not refused (status %#x)", *culprit, status);
}

static void try_one(long number)
{
	(void)syscall(number, 0, 0, 0, 0, 0, 0);
}

static void test_the_deadly_ones_end_it(void **state)
{
	(void)state;
	skip_if_sanitized();
	for (size_t i = 0; i < sizeof(deadly) / sizeof(*deadly); i++) {
		int status = status_of(try_one, deadly[i]);

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("system call %ld did not end it (status %#x)", deadly[i], status);
	}
}

static void try_clone3(long number)
{
	if (syscall(number, 0, 0) != -1 || errno != ENOSYS || stack_calls__refused())
		_exit(1);
}

static void test_clone3_is_said_to_be_missing(void **state)
{
	(void)state;
	skip_if_sanitized();
	assert_int_equal(status_of(try_clone3, SYS_clone3), 0);
}

#if defined(__x86_64__)
/* The same calls by other numbers. */
static void try_x32(long unused)
{
	(void)unused;
	for (long number = 0; number < NUMBERS; number++)
		try_with_all_arguments(X32 | number);
	*culprit = -1;
}

static void test_x32_is_refused(void **state)
{
	int status;

	(void)state;
	skip_if_sanitized();
	status = status_of(try_x32, 0);
	if (*culprit >= 0 || !WIFEXITED(status) || WEXITSTATUS(status))
		fail_msg("system call %#lx was not refused (status %#x)", *culprit, status);
}

/* getpid(2) of 32-bit programs has the number of writev(2) here, which is allowed to some. */
static void call_as_32_bit(long number)
{
	__asm__ volatile("int $0x80" : "+a"(number) : : "memory");
}

/* A kernel that has no such calls ends it as well. */
static void test_32_bit_calls_end_it(void **state)
{
	int status;

	(void)state;
	skip_if_sanitized();
	status = status_of(call_as_32_bit, 20);
	assert_true(WIFSIGNALED(status));
	assert_true(WTERMSIG(status) == SIGSYS || WTERMSIG(status) == SIGSEGV);
}
#endif

static int make_culprit(void **state)
{
	(void)state;
	culprit = mmap(NULL, sizeof(*culprit), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	return culprit == MAP_FAILED ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_others_are_refused),
		cmocka_unit_test(test_the_deadly_ones_end_it),
		cmocka_unit_test(test_clone3_is_said_to_be_missing),
#if defined(__x86_64__)
		cmocka_unit_test(test_x32_is_refused),
		cmocka_unit_test(test_32_bit_calls_end_it),
#endif
	};

	return cmocka_run_group_tests(tests, make_culprit, NULL);
}
