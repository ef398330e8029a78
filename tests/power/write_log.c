/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Preloaded into a program, logs what it changes below a folder (write_log.h):
 *   POWER_ROOT       the folder, absolute, without symbolic links
 *   POWER_LOG        the log, outside of it; made by the first process, shared by its children
 *   POWER_ANNOUNCED  a file whose size is noted in every record: what had been promised by then
 *
 * Each function that may change a file is replaced by its system call, made under one lock with
 * its record. What goes past the C library (a system call of the program's own, stdio's inner
 * write, a mapping) is not seen; so the replay compares its last state with the folder.
 */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "tests/power/write_log_internal.h"

#define LOG_FD_LEAST 200 /* out of the way of a program that counts on low numbers */
#define PATH_BYTES   4200

struct shared {
	pthread_mutex_t mutex;
	uint64_t tokens;
};

static struct shared *shared;
static int log_fd = -1;
static char root[PATH_BYTES];
static size_t root_length;
static char announced[PATH_BYTES];

/* A log with a hole would prove nothing. */
static void die(const char *what)
{
	char text[160];
	int length = snprintf(text, sizeof(text), "write_log: %s: %s\n", what, strerror(errno));

	syscall(SYS_write, 2, text, length);
	abort();
}

/* --- records ---------------------------------------------------------------------------------- */

/* A process that was killed in here left a whole operation without its record, at worst. */
void log__lock(void)
{
	if (pthread_mutex_lock(&shared->mutex) == EOWNERDEAD)
		pthread_mutex_consistent(&shared->mutex);
}

void log__unlock(void)
{
	int kept = errno;

	pthread_mutex_unlock(&shared->mutex);
	errno = kept;
}

uint64_t log__token(void)
{
	return ++shared->tokens;
}

struct write_log_record log__begin(enum write_log_op op)
{
	struct write_log_record record = {.op = op, .pid = getpid()};
	struct timespec now;
	struct stat status;
	int kept = errno;

	clock_gettime(CLOCK_MONOTONIC, &now);
	record.time_ns = now.tv_sec * 1000000000ULL + now.tv_nsec;
	if (*announced && stat(announced, &status) == 0)
		record.announced_bytes = status.st_size;
	errno = kept;
	return record;
}

void log__put(struct write_log_record *record, const char *name, const char *to_name,
	      const void *data, size_t length)
{
	struct iovec parts[] = {
		{record, sizeof(*record)},
		{(char *)name, name ? strlen(name) : 0},
		{(char *)to_name, to_name ? strlen(to_name) : 0},
		{(void *)data, length},
	};
	int kept = errno;

	record->name_bytes = parts[1].iov_len;
	record->to_name_bytes = parts[2].iov_len;
	record->record_bytes = sizeof(*record) + parts[1].iov_len + parts[2].iov_len + length;
	if (syscall(SYS_writev, log_fd, parts, 4) != (long)record->record_bytes)
		die("cannot write the log");
	errno = kept;
}

void log__put_strange(const char *what)
{
	struct write_log_record record = log__begin(WRITE_LOG_STRANGE);

	log__put(&record, what, NULL, NULL, 0);
}

/* --- which files ------------------------------------------------------------------------------ */

/* Is the open file below the folder, also when it has lost its name? */
bool log__is_ours(int fd)
{
	char link[40], path[PATH_BYTES];
	int kept = errno;
	ssize_t length;

	if (!shared)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	errno = kept;
	if (length < (ssize_t)root_length)
		return false;
	path[length] = '\0';
	return strncmp(path, root, root_length) == 0 &&
	       (path[root_length] == '/' || path[root_length] == '\0');
}

uint64_t log__inode_of(int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		die("fstat");
	return status.st_ino;
}

/* Where a path ends, whichever way it gets there. */
struct place place__find(int at_fd, const char *path)
{
	struct place place = {.folder_fd = -1};
	char folder[PATH_BYTES];
	size_t length = strnlen(path, sizeof(folder));
	const char *slash;
	int kept = errno;

	while (length > 1 && path[length - 1] == '/')
		length--;
	if (!shared || length == 0 || length >= sizeof(folder))
		return place;
	memcpy(folder, path, length);
	folder[length] = '\0';
	slash = strrchr(folder, '/');
	snprintf(place.name, sizeof(place.name), "%s", slash ? slash + 1 : folder);
	if (slash)
		folder[slash == folder ? 1 : slash - folder] = '\0';
	place.folder_fd = syscall(SYS_openat, at_fd, slash ? folder : ".",
				  O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	if (place.folder_fd >= 0 && log__is_ours(place.folder_fd)) {
		place.folder = log__inode_of(place.folder_fd);
	} else if (place.folder_fd >= 0) {
		syscall(SYS_close, place.folder_fd);
		place.folder_fd = -1;
	}
	errno = kept;
	return place;
}

void place__leave(struct place *place)
{
	int kept = errno;

	if (place->folder_fd >= 0)
		syscall(SYS_close, place->folder_fd);
	errno = kept;
}

/* 0: nothing has that name. */
uint64_t place__inode(const struct place *place)
{
	struct stat status;
	int kept = errno;

	if (fstatat(place->folder_fd, place->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		status.st_ino = 0;
	errno = kept;
	return status.st_ino;
}

void place__put(struct write_log_record *record, const struct place *place)
{
	record->folder = place->folder;
	record->inode = place__inode(place);
	log__put(record, place->name, NULL, NULL, 0);
}

__attribute__((constructor)) static void set_up(void)
{
	const char *folder = getenv("POWER_ROOT"), *path = getenv("POWER_LOG");
	struct write_log_record record;
	pthread_mutexattr_t attributes;
	bool first = false;
	struct stat status;
	int fd;

	if (!folder || !path || stat(folder, &status) < 0)
		return;
	snprintf(root, sizeof(root), "%s", folder);
	root_length = strlen(root);
	snprintf(announced, sizeof(announced), "%s", getenv("POWER_ANNOUNCED") ?: "");
	fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	first = fd >= 0;
	if (first)
		syscall(SYS_ftruncate, fd, WRITE_LOG_PAGE);
	else
		fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
	log_fd = fcntl(fd, F_DUPFD_CLOEXEC, LOG_FD_LEAST);
	if (log_fd < 0 || fcntl(log_fd, F_SETFL, O_APPEND) < 0)
		die(path);
	syscall(SYS_close, fd);
	shared = mmap(NULL, WRITE_LOG_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, log_fd, 0);
	if (shared == MAP_FAILED)
		die(path);
	if (!first)
		return;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&shared->mutex, &attributes);
	record = log__begin(WRITE_LOG_BEGIN);
	record.inode = status.st_ino;
	log__put(&record, NULL, NULL, NULL, 0);
}
