/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Grows inside a signal handler: signal_stack same|other TOTAL. "other": the handler runs on a
 * stack of its own (sigaltstack). The chain goes on, through the kernel's frame, with the function
 * that the signal came upon.
 */

#include <signal.h>
#include <sys/syscall.h>

#include "own_frame.h"

#define STACK_BYTES (64UL << 10)

static unsigned long total;

OWN_FRAME static void take_in_handler(void)
{
	allocate(total);
	COME_BACK();
}

OWN_FRAME static void on_signal(int number)
{
	(void)number;
	take_in_handler();
	COME_BACK();
}

OWN_FRAME static void interrupted(void)
{
	/* Not raise(3): the system call is made right here. */
	long status, tid = syscall(SYS_gettid);

#if defined(__x86_64__)
	__asm__ volatile("syscall"
			 : "=a"(status)
			 : "a"((long)SYS_tgkill), "D"((long)getpid()), "S"(tid), "d"((long)SIGUSR1)
			 : "rcx", "r11", "memory");
#else
	register long pid asm("x0") = getpid();
	register long thread asm("x1") = tid;
	register long number asm("x2") = SIGUSR1;
	register long call asm("x8") = SYS_tgkill;

	__asm__ volatile("svc #0" : "+r"(pid) : "r"(thread), "r"(number), "r"(call) : "memory");
	status = pid;
#endif
	if (status)
		die("tgkill");
	COME_BACK();
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};

	total = argc == 3 ? parse_size(argv[2]) : 0;
	if (!total || (strcmp(argv[1], "same") && strcmp(argv[1], "other")))
		return 2;
	hard_stop(total, 60);
	if (!strcmp(argv[1], "other")) {
		stack_t stack = {.ss_size = STACK_BYTES};

		stack.ss_sp = map_fresh(STACK_BYTES);
		if (sigaltstack(&stack, NULL))
			die("sigaltstack");
		action.sa_flags = SA_ONSTACK;
	}
	if (sigaction(SIGUSR1, &action, NULL))
		die("sigaction");
	tell("pid=%d", getpid());
	interrupted();
	tell("bytes.take_in_handler=%lu", total);
	/* Between the two: the kernel's frame, whatever it is called. */
	tell("chain.take_in_handler=allocate take_in_handler on_signal");
	tell("chain.interrupted=interrupted main");
	return 0;
}
