/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union room {
	char bytes[CMSG_SPACE(MESSAGE_FDS * sizeof(int))];
	struct cmsghdr align;
};

int message__send(int socket, const void *data, size_t bytes, const int *fds, size_t count)
{
	union room room = {0};
	struct iovec part = {.iov_base = (void *)data, .iov_len = bytes};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	struct cmsghdr *control;
	ssize_t sent;

	if (count > MESSAGE_FDS)
		return -EINVAL;
	if (count) {
		message.msg_control = room.bytes;
		message.msg_controllen = CMSG_SPACE(count * sizeof(*fds));
		control = CMSG_FIRSTHDR(&message);
		control->cmsg_level = SOL_SOCKET;
		control->cmsg_type = SCM_RIGHTS;
		control->cmsg_len = CMSG_LEN(count * sizeof(*fds));
		memcpy(CMSG_DATA(control), fds, count * sizeof(*fds));
	}
	sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0)
		return -errno;
	return (size_t)sent == bytes ? 0 : -EMSGSIZE;
}

static void close_all(const struct cmsghdr *control)
{
	const size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	int fds[MESSAGE_FDS];

	memcpy(fds, CMSG_DATA(control), count * sizeof(*fds));
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

ssize_t message__receive(int socket, void *data, size_t bytes, int *fds, size_t count, int flags)
{
	union room room = {0};
	struct iovec part = {.iov_base = data, .iov_len = bytes};
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = room.bytes,
		.msg_controllen = sizeof(room.bytes),
	};
	const struct cmsghdr *control;
	ssize_t got;

	for (size_t i = 0; i < count; i++)
		fds[i] = -1;
	if (count > MESSAGE_FDS)
		return -EINVAL;
	got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | flags);
	if (got < 0)
		return -errno;
	control = CMSG_FIRSTHDR(&message);
	if (!control || control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
		return got;
	if (control->cmsg_len == CMSG_LEN(count * sizeof(*fds)))
		memcpy(fds, CMSG_DATA(control), count * sizeof(*fds));
	else
		close_all(control);
	return got;
}
