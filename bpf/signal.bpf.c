/* SPDX-License-Identifier: GPL-2.0-only */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "emit.bpf.h"
#include "oom.bpf.h"
#include "task.bpf.h"

#define SIGKILL         9
#define SI_KERNEL       0x80

/* `info` may be one of two constants instead of a pointer: 0, sent by a process without details,
 * and 1, sent by the kernel itself. */
#define SEND_SIG_NOINFO 0UL
#define SEND_SIG_PRIV   1UL

#if defined(__TARGET_ARCH_x86)
#define WRITE 1 /* __NR_write */
#else
#define WRITE 64
#endif

/* Linux, include/linux/sched.h: neither has moved. */
#define PF_EXITING 0x00000004
#define PF_KTHREAD 0x00200000

/* What kill(2) and its like do not send, but the kernel on behalf of current. */
static __always_inline __u32 way_of(struct task_struct *sender)
{
	__u32 flags = BPF_CORE_READ(sender, flags);

	if (flags & PF_EXITING)
		return SIGNAL_SENDER_EXITING;
	return !(flags & PF_KTHREAD) && system_call_number() == WRITE ? SIGNAL_BY_WRITE : 0;
}

/* RLIMIT_CPU is the first of them. */
static __always_inline bool has_cpu_limit(struct task_struct *task)
{
	return BPF_CORE_READ(task, signal, rlim[0].rlim_max) != ~0UL;
}

SEC("?tp_btf/signal_generate")
int BPF_PROG(on_signal_generate, int signal, struct kernel_siginfo *info,
	     struct task_struct *target, int group, int result)
{
	struct task_struct *sender;
	struct event_signal event = {};
	unsigned long info_word = 0, argument = ctx[1];

	if (signal != SIGKILL)
		return 0;
	/* The verifier holds it for a pointer that is never NULL, and would leave out what comes
	 * then; read back from memory it is a number. */
	bpf_probe_read_kernel(&info_word, sizeof(info_word), &argument);
	sender = (struct task_struct *)bpf_get_current_task();
	if (info_word == SEND_SIG_PRIV) {
		event.flags = SIGNAL_FROM_KERNEL;
		event.code = SI_KERNEL;
		oom_remember_target(target);
		if (way_of(sender) & SIGNAL_SENDER_EXITING)
			event.flags |= SIGNAL_SENDER_EXITING;
		if (sender == target && has_cpu_limit(target))
			event.flags |= SIGNAL_CPU_LIMITED;
	} else if (info_word != SEND_SIG_NOINFO) {
		event.code = BPF_CORE_READ((struct kernel_siginfo *)info_word, si_code);
	}
	if (!is_followed_task(target) && !is_followed_task(sender) && info_word != SEND_SIG_PRIV)
		return 0;
	/* To the dead or dying: it does nothing, and can be sent a million times a second. */
	if (result && info_word != SEND_SIG_PRIV)
		return 0;
	if (info_word == SEND_SIG_NOINFO)
		event.flags = way_of(sender);
	task_identify(&event.sender, sender);
	task_identify(&event.target, target);
	event.signal = signal;
	event.result = result;
	task_comm(event.sender_comm, sender);
	task_comm(event.target_comm, target);
	header_init(&event.header, EVENT_SIGNAL, sizeof(event));
	emit_critical(&event);
	return 0;
}
