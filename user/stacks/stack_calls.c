/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/stack_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "stacks/huge_page.h"
#include "symbols/safe_open.h"

/* A sanitizer calls what it likes. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#endif

#define FILTER_MAX 512

/* --- the filter ------------------------------------------------------------------------------- */

struct filter {
	struct sock_filter at[FILTER_MAX];
	unsigned short count;
};

static void put(struct filter *filter, struct sock_filter instruction)
{
	if (filter->count < FILTER_MAX)
		filter->at[filter->count++] = instruction;
}

static void load(struct filter *filter, size_t offset)
{
	put(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void result(struct filter *filter, uint32_t result)
{
	put(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, result));
}

/* Unless equal, `skip` instructions are left out. */
static void unless_equal_skip(struct filter *filter, uint32_t value, uint8_t skip)
{
	put(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip));
}

static void call_is(struct filter *filter, long number, uint32_t what)
{
	unless_equal_skip(filter, (uint32_t)number, 1);
	result(filter, what);
}

static size_t low_half(int argument)
{
	return offsetof(struct seccomp_data, args) + sizeof(uint64_t) * (size_t)argument;
}

/* Of both machines the byte order is little-endian. */
static size_t high_half(int argument)
{
	return low_half(argument) + sizeof(uint32_t);
}

static void load_number(struct filter *filter)
{
	load(filter, offsetof(struct seccomp_data, nr));
}

/* Allowed if none of these bits is set in the argument's lower half; else nothing is decided. */
static void allow_without(struct filter *filter, long number, int argument, uint32_t bits)
{
	unless_equal_skip(filter, (uint32_t)number, 4);
	load(filter, low_half(argument));
	put(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 1, 0));
	result(filter, SECCOMP_RET_ALLOW);
	load_number(filter);
}

/* Allowed if the argument's lower half is this. */
static void allow_with(struct filter *filter, long number, int argument, uint32_t value)
{
	unless_equal_skip(filter, (uint32_t)number, 4);
	load(filter, low_half(argument));
	unless_equal_skip(filter, value, 1);
	result(filter, SECCOMP_RET_ALLOW);
	load_number(filter);
}

/* Likewise, of all of it. */
static void allow_with_pointer(struct filter *filter, long number, int argument,
			       const void *pointer)
{
	const uint64_t value = (uint64_t)(uintptr_t)pointer;

	unless_equal_skip(filter, (uint32_t)number, 6);
	load(filter, low_half(argument));
	unless_equal_skip(filter, (uint32_t)value, 3);
	load(filter, high_half(argument));
	unless_equal_skip(filter, (uint32_t)(value >> 32), 1);
	result(filter, SECCOMP_RET_ALLOW);
	load_number(filter);
}

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
	__NR_fcntl,
	__NR_faccessat,
	__NR_faccessat2,
	__NR_fadvise64,
	__NR_close_range,
	__NR_pipe2,
	__NR_brk,
	__NR_munmap,
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

static void allow_by_arguments(struct filter *filter)
{
	allow_without(filter, __NR_openat, 2,
		      O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | O_TMPFILE_BIT);
	allow_with_pointer(filter, __NR_openat2, 2, safe_open__how(false));
	allow_with_pointer(filter, __NR_openat2, 2, safe_open__how(true));
	allow_without(filter, __NR_mmap, 2, PROT_EXEC);
	allow_without(filter, __NR_mprotect, 2, PROT_EXEC);
	allow_without(filter, __NR_mremap, 3, MREMAP_FIXED);
	allow_with(filter, __NR_write, 0, STDERR_FILENO);
	allow_with(filter, __NR_writev, 0, STDERR_FILENO);
	allow_with_pointer(filter, __NR_sendto, 4, NULL);
	allow_with(filter, __NR_socketpair, 1, SOCK_STREAM | SOCK_CLOEXEC);
	allow_with(filter, __NR_ioctl, 1, huge_page__scan_request());
	/* No other's. */
	allow_with(filter, __NR_prlimit64, 0, 0);
	/* A process, like fork(2) does; its flags say no namespace. */
	allow_without(filter, __NR_clone, 0,
		      CLONE_VM | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
			      CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_PTRACE);
	for (size_t i = 0; i < sizeof(prctls) / sizeof(prctls[0]); i++)
		allow_with(filter, __NR_prctl, 0, prctls[i]);
}

static void make(struct filter *filter, int answers_fd)
{
	load(filter, offsetof(struct seccomp_data, arch));
	unless_equal_skip(filter, THIS_ARCH, 1);
	put(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0));
	result(filter, SECCOMP_RET_KILL_PROCESS);
	load_number(filter);
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		call_is(filter, always[i], SECCOMP_RET_ALLOW);
	allow_by_arguments(filter);
	if (answers_fd >= 0)
		allow_with(filter, __NR_recvmsg, 0, (uint32_t)answers_fd);
	/* Whoever asks takes clone(2) then, whose flags can be looked at. */
	call_is(filter, __NR_clone3, SECCOMP_RET_ERRNO | ENOSYS);
	for (size_t i = 0; i < sizeof(deadly) / sizeof(deadly[0]); i++)
		call_is(filter, deadly[i], SECCOMP_RET_KILL_PROCESS);
	result(filter, SECCOMP_RET_TRAP);
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
	struct filter filter = {.count = 0};
	struct sock_fprog program = {.filter = filter.at};
	sigset_t set;

	if (SANITIZED)
		return 0;
	make(&filter, answers_fd);
	program.len = filter.count;
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	if (filter.count == FILTER_MAX)
		return -E2BIG;
	if (sigaction(SIGSYS, &action, NULL) || sigprocmask(SIG_UNBLOCK, &set, NULL) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return -errno;
	return 0;
}
