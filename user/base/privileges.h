/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Keeps what following memory needs once everything is attached, and gives up the rest for good.
 *
 * PRIVILEGES_RECORDER:
 *
 *     CAP_BPF              before 5.19, where unprivileged bpf(2) is disabled, every command needs
 *                          it, those on maps and iterators that are open already included
 *     CAP_DAC_READ_SEARCH  cgroups are opened by the kernel's id (open_by_handle_at)
 *     CAP_IPC_LOCK         memory locked at start stays locked, what comes later as well
 *
 * PRIVILEGES_STACKS, of the process that names stacks:
 *
 *     CAP_SYS_PTRACE          /proc/PID/maps of others
 *     CAP_CHECKPOINT_RESTORE  the files behind mappings, deleted and in other mount namespaces
 *                             (/proc/PID/map_files; before 5.9 that took CAP_SYS_ADMIN)
 *     CAP_DAC_READ_SEARCH     programs that not everybody may read
 *
 * PRIVILEGES_KEEPER, of the process that starts that one:
 *
 *     those three, and
 *     CAP_PERFMON   what is mapped where is followed by perf events, which it opens
 *     CAP_IPC_LOCK  whose buffers are more than anybody may lock
 *     CAP_BPF       before 5.19: maps that are open already
 *
 * PRIVILEGES_KEEPER_ADMIN: the same and CAP_SYS_ADMIN, where the kernel wants that for perf events
 * (privileges__suffice_without()).
 *
 * What is not held is not asked for. Nothing is inheritable or ambient, the bounding set is cut
 * where that is allowed (CAP_SETPCAP), and no_new_privs keeps every later exec from more. Threads
 * that exist already would keep theirs: -EBUSY unless the caller is the only one.
 *
 * 0 or -errno; `why` says in words what the kernel refused.
 */
enum privileges {
	PRIVILEGES_RECORDER,
	PRIVILEGES_STACKS,
	PRIVILEGES_KEEPER,
	PRIVILEGES_KEEPER_ADMIN
};

int privileges__drop(enum privileges kept, char *why, size_t why_size);

/* Is `attempt` permitted without this capability (CAP_...)? It is run without; afterwards what was
 * held is held. */
bool privileges__suffice_without(int cap, bool (*attempt)(void));
