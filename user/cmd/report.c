/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/load.h"
#include "cmd/report_incident.h"
#include "flight/store.h"
#include "report/report.h"

static const char help[] =
	"Usage: oomtrail report [WHAT] [--dir DIR] [--format text|json] [-o OUT]\n"
	"       oomtrail report --save ID [--dir DIR]\n"
	"\n"
	"Explains an incident that the flight recorder has kept, or a recording: every OOM\n"
	"kill with who was killed, which limit was full, who asked and who grew; without one,\n"
	"where memory went. The same events give the same report, on any machine and, for a\n"
	"recording, without privileges.\n"
	"\n"
	"  WHAT              a recording's file; or an incident's id as 'oomtrail incidents'\n"
	"                    lists it, or the beginning of one; or 'window', what the flight\n"
	"                    recorder holds since its last chunk began; without WHAT, the\n"
	"                    newest incident\n"
	"      --dir DIR     the recorder's folder (default /var/lib/oomtrail)\n"
	"      --save ID     write the report and the JSON of an incident anew, into its\n"
	"                    folder\n"
	"  --format FORMAT   text (the default) or json\n"
	"  -o, --output OUT  write there instead of to standard output; the ending .txt or\n"
	"                    .json implies the format\n"
	"      --help        this text\n";

enum format { FORMAT_NONE, FORMAT_TEXT, FORMAT_JSON };

struct report_options {
	const char *what; /* NULL: the newest incident */
	const char *dir;
	const char *output;
	enum format format;
	bool save;
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

static int check(struct report_options *options)
{
	if (options->save && (options->format != FORMAT_NONE || options->output))
		return cmd__usage("report", "--save writes into the incident's own folder, as text "
					    "and as JSON");
	if (options->save && !options->what)
		return cmd__usage("report", "which incident? ID is missing");
	if (options->format == FORMAT_NONE)
		options->format = format__by_ending(options->output);
	if (options->format == FORMAT_NONE)
		return cmd__usage("report", "the ending of '%s' names no format: add --format",
				  options->output);
	return CMD_DONE;
}

/* CMD_DONE, CMD_USAGE, or -1 when the help was asked for. */
static int parse(struct report_options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{"dir", required_argument, NULL, 'd'},    {"save", no_argument, NULL, 's'},
		{"format", required_argument, NULL, 'f'}, {"output", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, CMD_HELP},    {0},
	};
	int option;

	while ((option = getopt_long(argc, argv, ":o:h", known, NULL)) != -1) {
		switch (option) {
		case 'd':
			options->dir = optarg;
			break;
		case 's':
			options->save = true;
			break;
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
	if (optind + 1 < argc)
		return cmd__usage("report", "one at a time: '%s' is too many", argv[optind + 1]);
	options->what = argv[optind];
	return check(options);
}

/* --- a recording's file ----------------------------------------------------------------------- */

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

static int report_file(const struct report_options *options, struct text *report)
{
	_cleanup_(loaded__free) struct loaded loaded = {0};
	int err;

	if (options->output && is_same_file(options->what, options->output))
		return cmd__usage("report", "'%s' is the recording itself", options->output);
	if (loaded__open(&loaded, options->what) < 0)
		return CMD_FAILED;
	warn(&loaded, options->what);
	err = options->format == FORMAT_JSON ? report__json(loaded.model, report)
					     : report__text(loaded.model, report);
	if (err < 0)
		cmd__error("cannot write the report of '%s': %s", options->what, strerror(-err));
	return err < 0 ? CMD_FAILED : CMD_DONE;
}

static bool is_file(const char *what)
{
	return what && (strchr(what, '/') || access(what, F_OK) == 0);
}

int cmd_report(int argc, char **argv)
{
	struct report_options options = {.dir = store__default_dir()};
	_cleanup_(text__free) struct text report = {0};
	int status;

	status = parse(&options, argc, argv);
	if (status != CMD_DONE)
		return status < 0 ? cmd__help(help) : status;
	if (options.save)
		return report_incident__save(options.dir, options.what);
	if (is_file(options.what))
		status = report_file(&options, &report);
	else
		status = report_incident__write(options.dir, options.what,
						options.format == FORMAT_JSON, &report);
	if (status != CMD_DONE)
		return status;
	return cmd__write(options.output, report.data, report.length) < 0 ? CMD_FAILED : CMD_DONE;
}
