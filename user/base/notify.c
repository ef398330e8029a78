/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/notify.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"

struct notify {
	int fd; /* -1: nobody listens */
	struct sockaddr_un address;
	socklen_t address_bytes;
	uint64_t watchdog_ns;
};

DEFINE_FREEP(notify)

/* A path, or a name of the abstract namespace behind '@', which is not NUL-terminated. */
static int set_address(struct notify *notify, const char *name)
{
	size_t length = strlen(name);

	if ((*name != '/' && *name != '@') || length < 2 ||
	    length >= sizeof(notify->address.sun_path))
		return -EINVAL;
	notify->address.sun_family = AF_UNIX;
	memcpy(notify->address.sun_path, name, length);
	notify->address_bytes = offsetof(struct sockaddr_un, sun_path) + length;
	if (*name == '@')
		notify->address.sun_path[0] = '\0';
	else
		notify->address_bytes++;
	return 0;
}

static bool read_number(const char *name, uint64_t *out)
{
	const char *value = getenv(name);
	char *end;

	if (!value || *value < '0' || *value > '9')
		return false;
	errno = 0;
	*out = strtoull(value, &end, 10);
	return !*end && !errno;
}

static uint64_t watchdog_ns(void)
{
	uint64_t patience_us, pid;

	if (!read_number("WATCHDOG_USEC", &patience_us) || patience_us > UINT64_MAX / NS_PER_US)
		return 0;
	/* Inherited from a parent that it was meant for. */
	if (getenv("WATCHDOG_PID") &&
	    (!read_number("WATCHDOG_PID", &pid) || pid != (uint64_t)getpid()))
		return 0;
	return patience_us * NS_PER_US / 2;
}

int notify__new(struct notify **out)
{
	_cleanup_(notify__freep) struct notify *notify = calloc(1, sizeof(*notify));
	const char *name = getenv("NOTIFY_SOCKET");
	int error;

	if (!notify)
		return -ENOMEM;
	notify->fd = -1;
	if (name && *name) {
		error = set_address(notify, name);
		if (error)
			return error;
		notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (notify->fd < 0)
			return -errno;
		notify->watchdog_ns = watchdog_ns();
	}
	*out = take(notify);
	return 0;
}

int notify__send(const struct notify *notify, const char *state)
{
	ssize_t sent;

	if (notify->fd < 0)
		return 0;
	/* Addressed each time, not connected: a manager that was started anew has a new socket. */
	do
		sent = sendto(notify->fd, state, strlen(state), MSG_DONTWAIT | MSG_NOSIGNAL,
			      (const struct sockaddr *)&notify->address, notify->address_bytes);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

int notify__reloading(const struct notify *notify)
{
	struct timespec now;
	char state[64];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%llu",
		 now.tv_sec * (NS_PER_S / NS_PER_US) + now.tv_nsec / NS_PER_US);
	return notify__send(notify, state);
}

uint64_t notify__watchdog_ns(const struct notify *notify)
{
	return notify->watchdog_ns;
}

void notify__free(struct notify *notify)
{
	if (!notify)
		return;
	closep(&notify->fd);
	free(notify);
}
