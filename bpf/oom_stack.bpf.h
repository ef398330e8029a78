/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * What out_of_memory() holds on the kernel stack of the thread that asked, while a victim is
 * marked. Global functions: see cgroup.bpf.h.
 */

#include "vmlinux.h"

extern __u64 oom_wanted[2]; /* the victim and its group leader: `chosen` may be either */

/* The struct oom_control that chose oom_wanted[0], which is no argument because it may be a BTF
 * pointer; 0: there is none. */
__u64 oom_stack_control(void);
/* The task with this number in the initial pid namespace; 0: its address is not there. */
__u64 oom_stack_task(__u32 pid);
