/* SPDX-License-Identifier: GPL-2.0-only */

/* The functions of the C library that write_log.c replaces by their system call and a record. */

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/power/write_log_internal.h"

/* The same function under another name; off_t has 64 bits here. */
_Static_assert(sizeof(off_t) == sizeof(off64_t), "64-bit hosts only");
#define ALSO(name, other) asm(".globl " #other "\n.set " #other ", " #name)

/* --- names ------------------------------------------------------------------------------------ */

static int open_logged(int at_fd, const char *path, int flags, mode_t mode)
{
	struct place place = {.folder_fd = -1};
	struct write_log_record record;
	uint64_t before = 0;
	int fd;

	if (flags & (O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY)))
		place = place__find(at_fd, path);
	if (place.folder_fd < 0)
		return (int)syscall(SYS_openat, at_fd, path, flags, mode);
	log__lock();
	record = log__begin(WRITE_LOG_CREATE);
	before = place__inode(&place);
	fd = (int)syscall(SYS_openat, at_fd, path, flags, mode);
	if ((flags & O_TMPFILE) == O_TMPFILE) {
		log__put_strange("O_TMPFILE");
	} else if (fd >= 0 && before == 0) {
		place__put(&record, &place);
	} else if (fd >= 0 && (flags & O_TRUNC)) {
		record.op = WRITE_LOG_TRUNCATE;
		record.inode = log__inode_of(fd);
		log__put(&record, NULL, NULL, NULL, 0);
	}
	log__unlock();
	place__leave(&place);
	return fd;
}

/* The mode is only there when the flags say so. */
static mode_t mode_of(int flags, va_list arguments)
{
	return flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY)) ? va_arg(arguments, unsigned int) : 0;
}

int open(const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = mode_of(flags, arguments);
	va_end(arguments);
	return open_logged(AT_FDCWD, path, flags, mode);
}
ALSO(open, open64);

int openat(int at_fd, const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;

	va_start(arguments, flags);
	mode = mode_of(flags, arguments);
	va_end(arguments);
	return open_logged(at_fd, path, flags, mode);
}
ALSO(openat, openat64);

int creat(const char *path, mode_t mode)
{
	return open_logged(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}
ALSO(creat, creat64);

/* A call that gives or takes one name. */
static int name_logged(enum write_log_op op, struct place place, long number, const long call[5])
{
	struct write_log_record record;
	int result;

	if (place.folder_fd < 0)
		return (int)syscall(number, call[0], call[1], call[2], call[3], call[4]);
	log__lock();
	record = log__begin(op);
	result = (int)syscall(number, call[0], call[1], call[2], call[3], call[4]);
	if (result == 0)
		place__put(&record, &place);
	log__unlock();
	place__leave(&place);
	return result;
}
#define CALL(...) ((const long[5]){__VA_ARGS__})

int mkdirat(int at_fd, const char *path, mode_t mode)
{
	return name_logged(WRITE_LOG_MKDIR, place__find(at_fd, path), SYS_mkdirat,
			   CALL(at_fd, (long)path, mode));
}

int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

int unlinkat(int at_fd, const char *path, int flags)
{
	return name_logged(flags & AT_REMOVEDIR ? WRITE_LOG_RMDIR : WRITE_LOG_UNLINK,
			   place__find(at_fd, path), SYS_unlinkat, CALL(at_fd, (long)path, flags));
}

int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
	return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int remove(const char *path)
{
	int result = unlink(path);

	return result < 0 && errno == EISDIR ? rmdir(path) : result;
}

int linkat(int at_fd, const char *path, int to_fd, const char *to, int flags)
{
	return name_logged(WRITE_LOG_LINK, place__find(to_fd, to), SYS_linkat,
			   CALL(at_fd, (long)path, to_fd, (long)to, flags));
}

int link(const char *path, const char *to)
{
	return linkat(AT_FDCWD, path, AT_FDCWD, to, 0);
}

int symlinkat(const char *target, int to_fd, const char *to)
{
	return name_logged(WRITE_LOG_STRANGE, place__find(to_fd, to), SYS_symlinkat,
			   CALL((long)target, to_fd, (long)to));
}

int symlink(const char *target, const char *to)
{
	return symlinkat(target, AT_FDCWD, to);
}

int renameat2(int at_fd, const char *path, int to_fd, const char *to, unsigned int flags)
{
	struct place from = place__find(at_fd, path), place = place__find(to_fd, to);
	struct write_log_record record;
	bool same;
	int result;

	if (from.folder_fd < 0 && place.folder_fd < 0)
		return (int)syscall(SYS_renameat2, at_fd, path, to_fd, to, flags);
	log__lock();
	record = log__begin(WRITE_LOG_RENAME);
	same = from.folder_fd >= 0 && place.folder_fd >= 0 &&
	       place__inode(&from) == place__inode(&place);
	result = (int)syscall(SYS_renameat2, at_fd, path, to_fd, to, flags);
	if (result == 0 &&
	    (from.folder_fd < 0 || place.folder_fd < 0 || (flags & ~RENAME_NOREPLACE))) {
		log__put_strange("a rename that exchanges, or leads out of the folder");
	} else if (result == 0 && !same) { /* two names of one file: nothing happens */
		record.folder = from.folder;
		record.to_folder = place.folder;
		record.inode = place__inode(&place);
		log__put(&record, from.name, place.name, NULL, 0);
	}
	log__unlock();
	place__leave(&from);
	place__leave(&place);
	return result;
}

int renameat(int at_fd, const char *path, int to_fd, const char *to)
{
	return renameat2(at_fd, path, to_fd, to, 0);
}

int rename(const char *path, const char *to)
{
	return renameat2(AT_FDCWD, path, AT_FDCWD, to, 0);
}

/* --- data ------------------------------------------------------------------------------------- */

/* at -1: the descriptor's own position. */
static ssize_t write_any(int fd, const void *data, size_t length, off_t at)
{
	return at < 0 ? syscall(SYS_write, fd, data, length)
		      : syscall(SYS_pwrite64, fd, data, length, at);
}

static ssize_t write_logged(int fd, const void *data, size_t length, off_t at)
{
	struct write_log_record record;
	ssize_t written;

	if (!log__is_ours(fd))
		return write_any(fd, data, length, at);
	log__lock();
	record = log__begin(WRITE_LOG_WRITE);
	record.inode = log__inode_of(fd);
	written = write_any(fd, data, length, at);
	/* O_APPEND moves the position to the end first; a pwrite() too, and tells nobody. */
	if (at >= 0 && (fcntl(fd, F_GETFL) & O_APPEND))
		log__put_strange("pwrite with O_APPEND");
	if (written > 0) {
		record.offset = at < 0 ? lseek(fd, 0, SEEK_CUR) - written : at;
		log__put(&record, NULL, NULL, data, written);
	}
	log__unlock();
	return written;
}

ssize_t write(int fd, const void *data, size_t length)
{
	return write_logged(fd, data, length, -1);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t at)
{
	return write_logged(fd, data, length, at);
}
ALSO(pwrite, pwrite64);

/* Part by part: what others write in between is ordered as the log says. */
static ssize_t write_parts(int fd, const struct iovec *parts, int count, off_t at)
{
	ssize_t sum = 0, written = 0;

	for (int i = 0; i < count; i++) {
		written = write_logged(fd, parts[i].iov_base, parts[i].iov_len,
				       at < 0 ? at : at + sum);
		sum += written > 0 ? written : 0;
		if (written < (ssize_t)parts[i].iov_len)
			break;
	}
	return sum > 0 ? sum : written;
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	return log__is_ours(fd) ? write_parts(fd, parts, count, -1)
				: syscall(SYS_writev, fd, parts, count);
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t at)
{
	return write_parts(fd, parts, count, at);
}
ALSO(pwritev, pwritev64);

/* A call that changes a size; 0 changes nothing for EXTEND. */
static int size_logged(enum write_log_op op, int fd, off_t size, long number, const long call[5])
{
	struct write_log_record record;
	int result;

	if (!log__is_ours(fd))
		return (int)syscall(number, call[0], call[1], call[2], call[3]);
	log__lock();
	record = log__begin(op);
	record.inode = log__inode_of(fd);
	record.offset = (uint64_t)size;
	result = (int)syscall(number, call[0], call[1], call[2], call[3]);
	if (result == 0)
		log__put(&record, NULL, NULL, NULL, 0);
	log__unlock();
	return result;
}

int ftruncate(int fd, off_t size)
{
	return size_logged(WRITE_LOG_TRUNCATE, fd, size, SYS_ftruncate, CALL(fd, size));
}
ALSO(ftruncate, ftruncate64);

int truncate(const char *path, off_t size)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), result;

	if (fd < 0)
		return -1;
	result = ftruncate(fd, size);
	syscall(SYS_close, fd);
	return result;
}
ALSO(truncate, truncate64);

int fallocate(int fd, int mode, off_t offset, off_t length)
{
	if ((mode & ~FALLOC_FL_KEEP_SIZE) && log__is_ours(fd))
		log__put_strange("fallocate that does more than allocate");
	return size_logged(WRITE_LOG_EXTEND, fd, mode & FALLOC_FL_KEEP_SIZE ? 0 : offset + length,
			   SYS_fallocate, CALL(fd, mode, offset, length));
}
ALSO(fallocate, fallocate64);

int posix_fallocate(int fd, off_t offset, off_t length)
{
	int kept = errno, error = fallocate(fd, 0, offset, length) < 0 ? errno : 0;

	errno = kept;
	return error;
}
ALSO(posix_fallocate, posix_fallocate64);

/* --- syncs ------------------------------------------------------------------------------------ */

static void put_sync(enum write_log_op op, uint64_t inode, uint64_t *token)
{
	struct write_log_record record;

	log__lock();
	if (op == WRITE_LOG_SYNC_BEGIN)
		*token = log__token();
	record = log__begin(op);
	record.inode = inode;
	record.offset = *token;
	log__put(&record, NULL, NULL, NULL, 0);
	log__unlock();
}

/* Not under the lock: others go on writing meanwhile, and that is not promised. */
static int sync_logged(long number, int fd)
{
	const bool ours = log__is_ours(fd);
	const uint64_t inode = ours && number != SYS_syncfs ? log__inode_of(fd) : 0;
	uint64_t token;
	int result;

	if (ours)
		put_sync(WRITE_LOG_SYNC_BEGIN, inode, &token);
	result = (int)syscall(number, fd);
	if (ours && result == 0)
		put_sync(WRITE_LOG_SYNC_END, inode, &token);
	return result;
}

int fsync(int fd)
{
	return sync_logged(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return sync_logged(SYS_fdatasync, fd);
}

int syncfs(int fd)
{
	return sync_logged(SYS_syncfs, fd);
}

/* No promise: neither the disk's cache nor sizes and names are part of it. */
int sync_file_range(int fd, off64_t offset, off64_t length, unsigned int flags)
{
	return (int)syscall(SYS_sync_file_range, fd, offset, length, flags);
}
