/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * What the verbs share. A verb is a function main.c calls with argv[0] = its own name; it returns
 * the exit status below. Only verbs print: results to stdout, everything else to stderr, one line
 * per failure.
 *
 * A verb parses with getopt_long(argc, argv, "+:...", ...): the "+" stops at the first operand (so
 * `record -- CMD -x` works), the ":" leaves the wording of mistakes to cmd__bad_option().
 */

enum cmd_status {
	CMD_DONE = 0,
	CMD_FAILED = 1,
	CMD_USAGE = 2,
};

/* What getopt_long() returns for --help, in every verb: { "help", no_argument, NULL, 'h' }. */
#define CMD_HELP 'h'

int cmd_demo(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_watch(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_incidents(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_doctor(int argc, char **argv);

/* "oomtrail: ...\n" to stderr, control characters of the arguments escaped. */
void cmd__error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for a wrong command line, followed by where the help is. Returns CMD_USAGE. */
int cmd__usage(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The usage error for what getopt_long() has just returned: ':' (no argument) or '?' (unknown).
 * To be called before getopt_long() is called again. */
int cmd__bad_option(const char *verb, int returned, char **argv);

/* The argument of --without: a way to the OOM context that is not to be taken. */
struct plan_options;
int cmd__forbid(const char *verb, struct plan_options *ways, const char *way);

/* --threshold NAME=VALUE, of the verdicts of all reports to come. CMD_DONE or CMD_USAGE. */
int cmd__threshold(const char *verb, const char *argument);

/* Prints `help` to stdout. Returns CMD_DONE, or CMD_FAILED when stdout cannot take it. */
int cmd__help(const char *help);

/* Writes all of it to `path`, or to stdout when `path` is NULL; prints the error. A new file gets
 * mode 0600: reports carry command lines. 0 or -errno. */
int cmd__write(const char *path, const char *data, unsigned long length);
