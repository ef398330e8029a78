/* SPDX-License-Identifier: GPL-2.0-only */
#include "stacks/system_call.h"

#include <stddef.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define NUMBER_AT 15 /* orig_ax */
#else
#define NUMBER_AT 8 /* x8 */
#endif

/* Those that write into memory of whoever calls, as much as is asked for. */
static const struct {
	long number;
	const char *name;
} calls[] = {
	{SYS_read, "[read]"},
	{SYS_pread64, "[pread64]"},
	{SYS_readv, "[readv]"},
	{SYS_preadv, "[preadv]"},
	{SYS_preadv2, "[preadv2]"},
	{SYS_recvfrom, "[recvfrom]"},
	{SYS_recvmsg, "[recvmsg]"},
	{SYS_recvmmsg, "[recvmmsg]"},
	{SYS_getrandom, "[getrandom]"},
	{SYS_getdents64, "[getdents64]"},
	{SYS_process_vm_readv, "[process_vm_readv]"},
	{SYS_process_vm_writev, "[process_vm_writev]"},
	{SYS_io_uring_enter, "[io_uring_enter]"},
	{SYS_io_getevents, "[io_getevents]"},
	{SYS_epoll_pwait, "[epoll_pwait]"},
	{SYS_ppoll, "[ppoll]"},
	{SYS_ioctl, "[ioctl]"},
	{SYS_write, "[write]"}, /* from memory that had never been touched */
	{SYS_writev, "[writev]"},
	{SYS_pwrite64, "[pwrite64]"},
	{SYS_sendto, "[sendto]"},
	{SYS_sendmsg, "[sendmsg]"},
	{SYS_clone, "[clone]"},
	{SYS_execve, "[execve]"},
	{SYS_execveat, "[execve]"},
#ifdef SYS_poll
	{SYS_poll, "[poll]"},
	{SYS_epoll_wait, "[epoll_wait]"},
	{SYS_getdents, "[getdents]"},
#endif
};

const char *system_call__name(const __u64 *registers)
{
	/* 32-bit programs count differently; none of theirs is unwound either. */
	const long number = (long)registers[NUMBER_AT];

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		if (calls[i].number == number)
			return calls[i].name;
	}
	return NULL;
}
