/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>

/*
 * Keeps what following memory needs once everything is attached, and gives up the rest for good:
 *
 *     CAP_BPF              before 5.19, where unprivileged bpf(2) is disabled, every command needs
 *                          it, those on maps and iterators that are open already included
 *     CAP_DAC_READ_SEARCH  cgroups are opened by the kernel's id (open_by_handle_at)
 *     CAP_IPC_LOCK         memory locked at start stays locked, what comes later as well
 *
 * What is not held is not asked for. Nothing is inheritable or ambient, the bounding set is cut
 * where that is allowed (CAP_SETPCAP), and no_new_privs keeps every later exec from more. Threads
 * that exist already would keep theirs: -EBUSY unless the caller is the only one.
 *
 * 0 or -errno; `why` says in words what the kernel refused.
 */
int privileges__drop(char *why, size_t why_size);
