/* SPDX-License-Identifier: GPL-2.0-only */
#include "flight/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ini.h>

#include "base/cleanup.h"
#include "flight/config_settings.h"

#define FILE_BYTES_MAX (64 * 1024)
#define SECTION        "[watch]"

struct parsing {
	struct config config;
	const char *path;
	const char *cursor;
	const char *end;
	unsigned int line;                       /* that the reader returned last */
	unsigned int seen[CONFIG_SETTING_COUNT]; /* line of each setting */
	int error;
	unsigned int error_line;
	char why[512];
};

static void __attribute__((format(printf, 3, 4)))
refuse(struct parsing *parsing, int error, const char *format, ...)
{
	va_list arguments;

	if (parsing->error)
		return;
	va_start(arguments, format);
	vsnprintf(parsing->why, sizeof(parsing->why), format, arguments);
	va_end(arguments);
	parsing->error = error;
	parsing->error_line = parsing->line;
}

/* Only blanks or a comment. */
static bool is_rest(const char *rest)
{
	rest += strspn(rest, " \t\r\n");
	return !*rest || *rest == ';' || *rest == '#';
}

/* inih would take what follows the bracket for nothing, and an empty section for fine. */
static void check_section(struct parsing *parsing, const char *line)
{
	char quoted[400];

	if (!strncmp(line, SECTION, strlen(SECTION)) && is_rest(line + strlen(SECTION)))
		return;
	config__quote(quoted, sizeof(quoted), line);
	refuse(parsing, -EINVAL, "no section '%.*s'; the only one is " SECTION,
	       (int)strcspn(quoted, "\r\n\\"), quoted);
}

/*
 * inih's reader, as fgets(3) for a buffer of its choice. It would cut a long line into several and
 * join an indented one to the value before: the first is refused here, the second loses its
 * indentation. Ends at the first error.
 */
static char *read_line(char *buffer, int size, void *context)
{
	struct parsing *parsing = context;
	const char *newline;
	size_t length;

	if (parsing->error || parsing->cursor == parsing->end)
		return NULL;
	newline = memchr(parsing->cursor, '\n', parsing->end - parsing->cursor);
	length = (newline ? newline + 1 : parsing->end) - parsing->cursor;
	parsing->line++;
	if (memchr(parsing->cursor, '\0', length)) {
		refuse(parsing, -EINVAL, "a NUL byte");
		return NULL;
	}
	while (length && (*parsing->cursor == ' ' || *parsing->cursor == '\t'))
		parsing->cursor++, length--;
	if (length + 1 > (size_t)size) {
		refuse(parsing, -EINVAL, "longer than %d bytes", size - 2);
		return NULL;
	}
	memcpy(buffer, parsing->cursor, length);
	buffer[length] = '\0';
	parsing->cursor += length;
	if (*buffer == '[')
		check_section(parsing, buffer);
	return buffer;
}

/* inih's handler: 1 is success. */
static int take_pair(void *context, const char *section, const char *key, const char *value)
{
	struct parsing *parsing = context;
	const struct setting *setting = config__find(key);
	char why[sizeof(parsing->why)];
	int error;

	if (parsing->error)
		return 0;
	if (!*section) {
		refuse(parsing, -EINVAL, "a setting before " SECTION);
		return 0;
	}
	if (strstr(value, " #") || strstr(value, "\t#")) {
		refuse(parsing, -EINVAL, "behind a value, a comment begins with ';'");
		return 0;
	}
	if (setting && parsing->seen[setting - config_settings]) {
		refuse(parsing, -EINVAL, "%s again, as on line %u", setting->key,
		       parsing->seen[setting - config_settings]);
		return 0;
	}
	error = config__set(&parsing->config, key, value, why, sizeof(why));
	if (error) {
		refuse(parsing, error == -ENOENT ? -EINVAL : error, "%s", why);
		return 0;
	}
	parsing->seen[setting - config_settings] = parsing->line;
	return 1;
}

static void parse(struct parsing *parsing, const char *data, size_t length)
{
	unsigned int bad;

	if (length >= 3 && !memcmp(data, "\xef\xbb\xbf", 3))
		data += 3, length -= 3;
	parsing->cursor = data;
	parsing->end = data + length;
	bad = ini_parse_stream(read_line, parsing, take_pair, parsing);
	if (bad && (!parsing->error || bad < parsing->error_line)) {
		parsing->error = 0;
		parsing->line = bad;
		refuse(parsing, -EINVAL, "neither a section nor 'setting = value'");
	}
}

/* Whoever may write it decides where root writes. */
static int check_file(int fd, const char **reason)
{
	struct stat info;

	if (fstat(fd, &info))
		return -errno;
	if (!S_ISREG(info.st_mode)) {
		*reason = "not a regular file";
		return -EINVAL;
	}
	if (info.st_uid != 0 && info.st_uid != geteuid()) {
		*reason = "belongs to another user: not believed";
		return -EPERM;
	}
	if (info.st_mode & (S_IWGRP | S_IWOTH)) {
		*reason = "others may write it: not believed (chmod go-w)";
		return -EPERM;
	}
	return 0;
}

/* The whole file into data[FILE_BYTES_MAX + 1]. */
static int read_file(const char *path, char *data, size_t *length, const char **reason)
{
	/* Nonblocking: opening a FIFO must not wait for its writer. */
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	ssize_t got;
	int error;

	if (fd < 0) {
		error = -errno;
		*reason = error == -ELOOP ? "a symbolic link: not followed" : NULL;
		return error;
	}
	error = check_file(fd, reason);
	if (error)
		return error;
	while ((got = read(fd, data + *length, FILE_BYTES_MAX + 1 - *length)) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		*length += got;
	}
	if (*length > FILE_BYTES_MAX) {
		*reason = "larger than 64 KiB";
		return -EFBIG;
	}
	return 0;
}

int config__load(struct config *config, const char *path, char *why, size_t why_size)
{
	_cleanup_(freep) struct parsing *parsing = calloc(1, sizeof(*parsing));
	_cleanup_(freep) char *data = malloc(FILE_BYTES_MAX + 1);
	const char *reason = NULL;
	size_t length = 0;
	int error;

	if (!parsing || !data) {
		snprintf(why, why_size, "%s: %s", path, strerror(ENOMEM));
		return -ENOMEM;
	}
	error = read_file(path, data, &length, &reason);
	if (error) {
		snprintf(why, why_size, "%s: %s", path, reason ? reason : strerror(-error));
		return error;
	}
	parsing->config = *config;
	parse(parsing, data, length);
	if (parsing->error) {
		snprintf(why, why_size, "%s:%u: %s", path, parsing->error_line, parsing->why);
		return parsing->error;
	}
	*config = parsing->config;
	return 0;
}
