/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/*
 * Messages between our own processes, with descriptors that come along (unix(7), SCM_RIGHTS), on
 * sockets that keep messages apart (SOCK_SEQPACKET).
 */
#define MESSAGE_FDS 4

/* Never waits. `fds`: `count` of them, no more than MESSAGE_FDS; they stay the caller's. -errno. */
int message__send(int socket, const void *data, size_t bytes, const int *fds, size_t count);

/* The bytes of it that came, or -errno. `fds`: those that came along, if as many as `count` did; -1
 * for each otherwise (none was sent, or no number was free). They are the caller's, and closed at
 * exec. `flags`: of recv(2). */
ssize_t message__receive(int socket, void *data, size_t bytes, int *fds, size_t count, int flags);
