/* SPDX-License-Identifier: GPL-2.0-only */
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/load.h"
#include "report/report.h"

static const char help[] =
	"Usage: oomtrail report FILE [--format text|json] [-o OUT]\n"
	"\n"
	"Tells what a recording holds: every OOM kill with who was killed, which limit was\n"
	"full, who asked and who grew; without one, where memory went. The same events give\n"
	"the same report, on any machine and without privileges.\n"
	"\n"
	"  --format FORMAT   text (the default) or json\n"
	"  -o, --output OUT  write there instead of to standard output; the ending .txt or\n"
	"                    .json implies the format\n"
	"      --help        this text\n";

enum format { FORMAT_NONE, FORMAT_TEXT, FORMAT_JSON };

struct report_options {
	const char *file;
	const char *output;
	enum format format;
};

static enum format format__by_name(const char *name)
{
	if (strcmp(name, "text") == 0)
		return FORMAT_TEXT;
	return strcmp(name, "json") == 0 ? FORMAT_JSON : FORMAT_NONE;
}

/* An ending that promises something else is a mistake; better said than written. */
static enum format format__by_ending(const char *output)
{
	const char *name = output ? strrchr(output, '/') : NULL;
	const char *ending = output ? strrchr(name ? name : output, '.') : NULL;

	if (!ending || strcmp(ending, ".txt") == 0)
		return FORMAT_TEXT;
	return strcmp(ending, ".json") == 0 ? FORMAT_JSON : FORMAT_NONE;
}

/* CMD_DONE, CMD_USAGE, or -1 when the help was asked for. */
static int parse(struct report_options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{"format", required_argument, NULL, 'f'},
		{"output", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, CMD_HELP},
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, ":o:h", known, NULL)) != -1) {
		switch (option) {
		case 'f':
			options->format = format__by_name(optarg);
			if (options->format == FORMAT_NONE)
				return cmd__usage("report", "unknown format '%s'", optarg);
			break;
		case 'o':
			options->output = optarg;
			break;
		case CMD_HELP:
			return -1;
		default:
			return cmd__bad_option("report", option, argv);
		}
	}
	if (optind == argc)
		return cmd__usage("report", "which recording? FILE is missing");
	if (optind + 1 < argc)
		return cmd__usage("report", "one recording at a time: '%s' is too many",
				  argv[optind + 1]);
	options->file = argv[optind];
	if (options->format == FORMAT_NONE)
		options->format = format__by_ending(options->output);
	if (options->format == FORMAT_NONE)
		return cmd__usage("report", "the ending of '%s' names no format: add --format",
				  options->output);
	return CMD_DONE;
}

/* The report itself is a function of the events and cannot speak about the file. */
static void warn(const struct loaded *loaded, const char *path)
{
	switch (reader__end(loaded->reader)) {
	case READER_TORN:
		cmd__error("'%s' is torn: %s; the report covers what comes before", path,
			   reader__why(loaded->reader));
		break;
	case READER_INCOMPLETE:
		cmd__error("'%s' was not closed: the recorder was killed or is still running",
			   path);
		break;
	case READER_GOING:
	case READER_COMPLETE:
		break;
	}
	if (reader__unknown(loaded->reader) > 0)
		cmd__error("'%s' has %" PRIu64 " events this version does not know", path,
			   reader__unknown(loaded->reader));
	if (loaded->replay.differs)
		cmd__error(
			"'%s' does not replay to the state it was recorded in, from event %" PRIu64
			" on: the report may differ from the live one",
			path, loaded->replay.differs_at);
}

static bool is_same_file(const char *a, const char *b)
{
	struct stat first, second;

	return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
	       first.st_ino == second.st_ino;
}

int cmd_report(int argc, char **argv)
{
	_cleanup_(loaded__free) struct loaded loaded = {0};
	_cleanup_(text__free) struct text report = {0};
	struct report_options options = {0};
	int status, err;

	status = parse(&options, argc, argv);
	if (status != CMD_DONE)
		return status < 0 ? cmd__help(help) : status;
	if (options.output && is_same_file(options.file, options.output))
		return cmd__usage("report", "'%s' is the recording itself", options.output);
	if (loaded__open(&loaded, options.file) < 0)
		return CMD_FAILED;
	warn(&loaded, options.file);
	err = options.format == FORMAT_JSON ? report__json(loaded.model, &report)
					    : report__text(loaded.model, &report);
	if (err < 0) {
		cmd__error("cannot write the report of '%s': %s", options.file, strerror(-err));
		return CMD_FAILED;
	}
	return cmd__write(options.output, report.data, report.length) < 0 ? CMD_FAILED : CMD_DONE;
}
