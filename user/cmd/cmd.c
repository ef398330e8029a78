/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "probe/plan.h"
#include "report/report.h"

/* File names and arguments end up in messages: a newline in one must not look like a second
 * message, nor an escape sequence reach the terminal. */
static void print_line(const char *format, va_list arguments)
{
	_cleanup_(freep) char *message = NULL;
	struct text line = {0};

	if (vasprintf(&message, format, arguments) < 0)
		message = NULL;
	text__string(&line, "oomtrail: ");
	if (message)
		text__escaped(&line, message, strlen(message));
	else
		text__string(&line, "out of memory");
	text__string(&line, "\n");
	fputs(text__ok(&line) ? line.data : "oomtrail: out of memory\n", stderr);
	text__free(&line);
}

void cmd__error(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print_line(format, arguments);
	va_end(arguments);
}

int cmd__usage(const char *verb, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	print_line(format, arguments);
	va_end(arguments);
	fprintf(stderr, "Try 'oomtrail %s --help'.\n", verb);
	return CMD_USAGE;
}

/* Unknown short options are found inside a word that optind may still point at ("-xz"), or may
 * have passed already ("-x"). */
static bool is_short_option(char **argv, int letter)
{
	const char *word = argv[optind];

	if (letter == 0)
		return false;
	if (word && word[0] == '-' && word[1] != '-' && strchr(word, letter))
		return true;
	word = argv[optind - 1];
	return word[0] == '-' && word[1] != '-' && strchr(word, letter);
}

int cmd__bad_option(const char *verb, int returned, char **argv)
{
	const char *word = argv[optind - 1];

	if (returned == ':')
		return cmd__usage(verb, "option '%s' needs an argument", word);
	if (is_short_option(argv, optopt))
		return cmd__usage(verb, "unknown option '-%c'", optopt);
	if (optopt != 0)
		return cmd__usage(verb, "option '%s' takes no argument", word);
	return cmd__usage(verb, "unknown option '%s'", word);
}

int cmd__help(const char *help)
{
	return cmd__write(NULL, help, strlen(help)) < 0 ? CMD_FAILED : CMD_DONE;
}

static int write_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, data, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		data += written;
		length -= (size_t)written;
	}
	return 0;
}

int cmd__write(const char *path, const char *data, unsigned long length)
{
	_cleanup_(closep) int file = -1;
	int err;

	if (!path) {
		fflush(stdout);
		err = write_all(STDOUT_FILENO, data, length);
		if (err < 0)
			cmd__error("cannot write to standard output: %s", strerror(-err));
		return err;
	}
	file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
	err = file < 0 ? -errno : write_all(file, data, length);
	if (err == 0) {
		/* Network file systems tell a full disk only here. */
		err = close(file) < 0 ? -errno : 0;
		file = -1;
	}
	if (err < 0)
		cmd__error("cannot write '%s': %s", path, strerror(-err));
	return err;
}

int cmd__forbid(const char *verb, struct plan_options *ways, const char *way)
{
	if (!strcmp(way, "fentry"))
		ways->no_fentry = true;
	else if (!strcmp(way, "kprobe"))
		ways->no_kprobe = true;
	else if (!strcmp(way, "stack"))
		ways->no_stack = true;
	else if (!strcmp(way, "events"))
		ways->no_events = true;
	else if (!strcmp(way, "page_fault"))
		ways->no_page_fault = true;
	else if (!strcmp(way, "rss_stat"))
		ways->no_rss_stat = true;
	else
		return cmd__usage(
			verb, "no way '%s': fentry, kprobe, stack, events, page_fault or rss_stat",
			way);
	return CMD_DONE;
}

int cmd__threshold(const char *verb, const char *argument)
{
	struct thresholds thresholds = *report__thresholds();
	char why[256];

	if (thresholds__set(&thresholds, argument, why, sizeof(why)))
		return cmd__usage(verb, "--threshold: %s", why);
	report__set_thresholds(&thresholds);
	return CMD_DONE;
}
