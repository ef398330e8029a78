/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdint.h>

/*
 * Tells the service manager how we are (sd_notify(3)), by its datagram protocol. Own code, as that
 * manual suggests: a process that locks its memory should not map libsystemd and the compression
 * libraries behind it for the sake of one datagram.
 */
struct notify;

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, once. Without a service manager it works
 * all the same and tells nobody. 0 or -errno: -EINVAL for an address that cannot be one. */
int notify__new(struct notify **out);

/* One or several assignments, separated by newlines: "READY=1", "WATCHDOG=1", "STOPPING=1",
 * "STATUS=...". Never waits, allocates nothing: -EAGAIN when the manager's queue is full. */
int notify__send(const struct notify *notify, const char *state);

/* RELOADING=1 with the time that the manager wants beside it; READY=1 ends it. */
int notify__reloading(const struct notify *notify);

/* WATCHDOG=1 must come at least this often, which is half the manager's patience; 0: never. */
uint64_t notify__watchdog_ns(const struct notify *notify);

void notify__free(struct notify *notify);
