/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * What a memory cgroup is made of, at the kill. The kernel's own statistics are of some time ago:
 * every CPU holds back what it has counted since it was last asked, and every cgroup what its CPUs
 * have handed up. All of that is added up here, as the kernel would if it had the time.
 */

#include "vmlinux.h"

#include "events.h"

/* Longest array of statistics; the kernel's longest is 74 long (7.2). */
#define LEDGER_SLOTS   128

/* Cgroups gone through; each costs about half a microsecond for every CPU. */
#define LEDGER_CGROUPS 256
#define LEDGER_PARTS   8192 /* and of theirs what CPUs hold, together */

/* OOM kills of a host hold oom_lock, so one copy serves. */
extern struct ledger ledger_taken;

/* Fills ledger_taken. Global, so that the verifier looks at it once: see cgroup.bpf.h. */
int ledger_take(__u64 memcg);
