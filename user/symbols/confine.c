/* SPDX-License-Identifier: GPL-2.0-only */
#include "symbols/confine.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/call_filter.h"

/* A sanitizer reserves far more addresses than any bound would leave, and calls what it likes. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

/* Memory, reading and writing what is open, asking whether somebody waits for it, and the end. */
static const long few[] = {
	__NR_brk,        __NR_mmap,      __NR_mremap,        __NR_munmap,       __NR_madvise,
	__NR_mprotect,   __NR_read,      __NR_pread64,       __NR_lseek,        __NR_fstat,
	__NR_newfstatat, __NR_ppoll,     __NR_write,         __NR_writev,       __NR_sendto,
	__NR_futex,      __NR_getrandom, __NR_clock_gettime, __NR_rt_sigreturn, __NR_exit,
	__NR_exit_group,
};

static void allow_few_calls(void)
{
	struct call_filter filter;

	call_filter__begin(&filter, SECCOMP_RET_ERRNO | EPERM);
	call_filter__calls(&filter, few, sizeof(few) / sizeof(few[0]), SECCOMP_RET_ALLOW);
	call_filter__allow_file_flags(&filter);
	(void)call_filter__end(&filter, SECCOMP_RET_ERRNO | EPERM);
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
