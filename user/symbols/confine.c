/* SPDX-License-Identifier: GPL-2.0-only */
#include "symbols/confine.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

/* A sanitizer reserves far more addresses than any bound would leave, and calls what it likes. */
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

#define LOAD(field)  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(what) BPF_STMT(BPF_RET | BPF_K, what)
#define ALLOW(call) \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##call, 0, 1), RETURN(SECCOMP_RET_ALLOW)

/* Memory, reading and writing what is open, and the end. */
static void allow_few_calls(void)
{
	static struct sock_filter filter[] = {
		LOAD(arch),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 1, 0),
		RETURN(SECCOMP_RET_ERRNO | EPERM),
		LOAD(nr),
		ALLOW(brk),
		ALLOW(mmap),
		ALLOW(mremap),
		ALLOW(munmap),
		ALLOW(madvise),
		ALLOW(mprotect),
		ALLOW(read),
		ALLOW(pread64),
		ALLOW(lseek),
		ALLOW(fstat),
		ALLOW(newfstatat),
		ALLOW(fcntl),
		ALLOW(write),
		ALLOW(writev),
		ALLOW(sendto),
		ALLOW(futex),
		ALLOW(getrandom),
		ALLOW(clock_gettime),
		ALLOW(rt_sigreturn),
		ALLOW(exit),
		ALLOW(exit_group),
		RETURN(SECCOMP_RET_ERRNO | EPERM),
	};
	const struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = filter,
	};

	(void)prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void bound_memory(uint64_t more_bytes)
{
	unsigned long long pages = 0;
	struct rlimit limit;
	FILE *file = fopen("/proc/self/statm", "re");

	if (!file || fscanf(file, "%llu", &pages) != 1)
		pages = 0;
	if (file)
		fclose(file);
	limit.rlim_cur = pages * (unsigned long long)sysconf(_SC_PAGESIZE) + more_bytes;
	limit.rlim_max = limit.rlim_cur;
	(void)setrlimit(RLIMIT_AS, &limit);
}

static void drop_capabilities(void)
{
	cap_t none = cap_init();

	if (!none)
		return;
	(void)cap_set_proc(none);
	cap_free(none);
}

void confine(pid_t parent, uint64_t memory_bytes)
{
	static const struct rlimit nothing = {0};

	if (!SANITIZED)
		bound_memory(memory_bytes);
	drop_capabilities();
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* Behind what changes credentials: that clears it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	(void)setrlimit(RLIMIT_CORE, &nothing);
	(void)setrlimit(RLIMIT_NOFILE, &nothing); /* those that are open stay */
	if (!SANITIZED)
		allow_few_calls();
}
