/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/stack_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/call_filter.h"
#include "stacks/huge_page.h"
#include "symbols/safe_open.h"

/* A sanitizer calls what it likes. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

/* --- what is in it ---------------------------------------------------------------------------- */

static const long always[] = {
	__NR_read,
	__NR_pread64,
	__NR_readv,
	__NR_lseek,
	__NR_close,
	__NR_fstat,
	__NR_newfstatat,
	__NR_statx,
	__NR_fstatfs,
	__NR_readlinkat,
	__NR_getdents64,
	__NR_faccessat,
	__NR_faccessat2,
	__NR_fadvise64,
	__NR_close_range,
	__NR_pipe2,
	__NR_brk,
	__NR_madvise,
	__NR_ppoll,
	__NR_epoll_pwait,
	__NR_epoll_ctl,
	__NR_clock_gettime,
	__NR_clock_getres,
	__NR_clock_nanosleep,
	__NR_nanosleep,
	__NR_gettimeofday,
	__NR_getrandom,
	__NR_futex,
	__NR_rseq,
	__NR_set_robust_list,
	__NR_rt_sigprocmask,
	__NR_rt_sigaction,
	__NR_sysinfo,
	__NR_rt_sigreturn,
	__NR_sched_yield,
	__NR_sched_getaffinity,
	__NR_restart_syscall,
	/* Children, their limits, and their end. */
	__NR_wait4,
	__NR_exit,
	__NR_exit_group,
	__NR_getpid,
	__NR_getppid,
	__NR_gettid,
	__NR_getuid,
	__NR_geteuid,
	__NR_capget,
	__NR_capset,
	__NR_setitimer,
#if defined(__x86_64__)
	__NR_poll,
	__NR_epoll_wait,
	__NR_stat,
	__NR_lstat,
	__NR_readlink,
	__NR_access,
	__NR_arch_prctl,
	__NR_time,
#endif
};

static const long deadly[] = {
	__NR_execve,
	__NR_execveat,
	__NR_ptrace,
	__NR_process_vm_readv,
	__NR_process_vm_writev,
	__NR_socket,
	__NR_connect,
	__NR_bind,
	__NR_mount,
	__NR_umount2,
	__NR_pivot_root,
	__NR_chroot,
	__NR_setns,
	__NR_unshare,
	__NR_init_module,
	__NR_finit_module,
	__NR_delete_module,
	__NR_kexec_load,
	__NR_bpf,
	__NR_perf_event_open,
	__NR_userfaultfd,
	__NR_add_key,
	__NR_keyctl,
	__NR_io_uring_setup,
	__NR_reboot,
	__NR_swapon,
	__NR_swapoff,
};

/* The lines' process takes these from prctl(2). */
static const uint32_t prctls[] = {PR_SET_NO_NEW_PRIVS, PR_SET_PDEATHSIG, PR_SET_SECCOMP,
				  PR_SET_NAME, PR_CAPBSET_READ};

#ifndef O_TMPFILE_BIT
#define O_TMPFILE_BIT (O_TMPFILE & ~O_DIRECTORY)
#endif

/*
 * What openat2(2) may be asked for lies in read-only memory, and its place is all that a filter can
 * tell: so nothing is put there that is not there now. Addresses are told by their upper halves:
 * those above that of the place, and those so far below it that so short a range ends before.
 */
static void allow_elsewhere(struct call_filter *filter, long number,
			    const struct call_condition *more)
{
	const uint32_t place = (uint32_t)((uintptr_t)safe_open__how(false) >> 32);
	const struct call_condition above[] = {{0, CALL_HIGH_ABOVE, place}, *more};
	const struct call_condition below[] = {
		{0, CALL_HIGH_BELOW, place ? place - 1 : 0}, {1, CALL_HIGH_IS, 0}, *more};

	call_filter__allow_if(filter, number, above, 2);
	call_filter__allow_if(filter, number, below, 3);
}

static void allow_memory(struct call_filter *filter)
{
	static const struct call_condition maps[] = {{2, CALL_WITHOUT, PROT_EXEC},
						     {3, CALL_WITHOUT, MAP_FIXED}};
	static const struct call_condition protects = {2, CALL_WITHOUT, PROT_EXEC};
	static const struct call_condition moves = {3, CALL_WITHOUT, MREMAP_FIXED};
	static const struct call_condition unmaps = {1, CALL_WITHOUT, 0};

	call_filter__allow_if(filter, __NR_mmap, maps, 2);
	allow_elsewhere(filter, __NR_mprotect, &protects);
	allow_elsewhere(filter, __NR_mremap, &moves);
	allow_elsewhere(filter, __NR_munmap, &unmaps);
}

static void allow_by_arguments(struct call_filter *filter)
{
	call_filter__allow_without(filter, __NR_openat, 2,
				   O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | O_TMPFILE_BIT);
	call_filter__allow_with_pointer(filter, __NR_openat2, 2, safe_open__how(false));
	call_filter__allow_with_pointer(filter, __NR_openat2, 2, safe_open__how(true));
	allow_memory(filter);
	call_filter__allow_file_flags(filter);
	call_filter__allow_with(filter, __NR_write, 0, STDERR_FILENO);
	call_filter__allow_with(filter, __NR_writev, 0, STDERR_FILENO);
	call_filter__allow_with_pointer(filter, __NR_sendto, 4, NULL);
	call_filter__allow_with(filter, __NR_socketpair, 1, SOCK_STREAM | SOCK_CLOEXEC);
	call_filter__allow_with(filter, __NR_ioctl, 1, huge_page__scan_request());
	/* No other's. */
	call_filter__allow_with(filter, __NR_prlimit64, 0, 0);
	/* A process, like fork(2) does; its flags say no namespace. */
	call_filter__allow_without(filter, __NR_clone, 0,
				   CLONE_VM | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
					   CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
					   CLONE_NEWNET | CLONE_PTRACE);
	for (size_t i = 0; i < sizeof(prctls) / sizeof(prctls[0]); i++)
		call_filter__allow_with(filter, __NR_prctl, 0, prctls[i]);
}

static int apply(struct call_filter *filter, int answers_fd)
{
	call_filter__begin(filter, SECCOMP_RET_KILL_PROCESS);
	call_filter__calls(filter, always, sizeof(always) / sizeof(always[0]), SECCOMP_RET_ALLOW);
	allow_by_arguments(filter);
	if (answers_fd >= 0)
		call_filter__allow_with(filter, __NR_recvmsg, 0, (uint32_t)answers_fd);
	/* Whoever asks takes clone(2) then, whose flags can be looked at. */
	call_filter__call(filter, __NR_clone3, SECCOMP_RET_ERRNO | ENOSYS);
	call_filter__calls(filter, deadly, sizeof(deadly) / sizeof(deadly[0]),
			   SECCOMP_RET_KILL_PROCESS);
	return call_filter__end(filter, SECCOMP_RET_TRAP);
}

/* --- what is refused -------------------------------------------------------------------------- */

static volatile sig_atomic_t refused;
static volatile sig_atomic_t last_said = -1;

static void say(int number)
{
	char line[] = "oomtrail: the process that names stacks may not make system call     0\n";
	char *digit = line + sizeof(line) - 3;

	for (; number > 0; number /= 10)
		*digit-- = (char)('0' + number % 10);
	(void)!write(STDERR_FILENO, line, sizeof(line) - 1);
}

static void refuse(int signal, siginfo_t *info, void *context)
{
	ucontext_t *stopped = context;

	(void)signal;
#if defined(__x86_64__)
	stopped->uc_mcontext.gregs[REG_RAX] = -EPERM;
#elif defined(__aarch64__)
	stopped->uc_mcontext.regs[0] = (unsigned long long)-EPERM;
#endif
	if (refused < SIG_ATOMIC_MAX)
		refused++;
	if (last_said == info->si_syscall)
		return;
	last_said = info->si_syscall;
	say(info->si_syscall);
}

uint64_t stack_calls__refused(void)
{
	return (uint64_t)refused;
}

int stack_calls__confine(int answers_fd)
{
	struct sigaction action = {.sa_sigaction = refuse, .sa_flags = SA_SIGINFO | SA_RESTART};
	struct call_filter filter;
	sigset_t set;

	if (SANITIZED)
		return 0;
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	if (sigaction(SIGSYS, &action, NULL) || sigprocmask(SIG_UNBLOCK, &set, NULL))
		return -errno;
	return apply(&filter, answers_fd);
}
