/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/load.h"
#include "cmd/report_format.h"
#include "cmd/report_incident.h"
#include "flight/store.h"
#include "report/report.h"

static const char help[] =
	"Usage: oomtrail report [WHAT] [--dir DIR] [--format text|json] [-o OUT]\n"
	"       oomtrail report [WHAT] [--dir DIR] --format folded|pprof [--pid PID]\n"
	"                       [--cgroup CGROUP] [-o OUT]\n"
	"       oomtrail report FILE --kills [-o OUT]\n"
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
	"                    newest incident. FILE@..B: a recording as it stood at B, since its\n"
	"                    beginning (90s, 5m) or before its end (-30s); FILE@A..B: folded\n"
	"                    and pprof of a part\n"
	"      --dir DIR     the recorder's folder (default /var/lib/oomtrail)\n"
	"      --save ID     write the report and the JSON of an incident anew, into its\n"
	"                    folder\n"
	"      --kills       every SIGKILL of a recording instead: whom, by whom, with both\n"
	"                    command lines (in the JSON they are under kills)\n"
	"  --format FORMAT   text (the default) or json; or, of growth by stack alone, folded,\n"
	"                    what scripts for flame graphs read, or pprof\n"
	"      --pid PID     folded and pprof: of this process alone\n"
	"      --cgroup CGROUP  folded and pprof: of the processes of this cgroup, as the\n"
	"                    report names it, and of those below it\n"
	"      --threshold NAME=VALUE  what verdicts go by; repeatable. Of kills: culprit,\n"
	"                    bystander, kind, start, sustained, forks, hugetlb; of the living:\n"
	"                    normal, normal-share, hourly, hourly-share, lasting, high, critical.\n"
	"                    Reports show their values, the README what each means\n"
	"  -o, --output OUT  write there instead of to standard output; the ending .txt,\n"
	"                    .json, .folded, .pb.gz or .pprof implies the format\n"
	"      --help        this text\n";

struct report_options {
	const char *what; /* NULL: the newest incident */
	struct span span; /* of the recording; nothing given: all of it */
	char file[4096];  /* `what` without a span, when it had one */
	const char *dir;
	const char *output;
	struct report_request request;
	bool save;
	bool kills;
};

/* An ending that promises something else is a mistake; better said than written. */
static enum report_format implied_format(const char *output)
{
	const char *name = output ? strrchr(output, '/') : NULL;

	if (!output || !strchr(name ? name : output, '.'))
		return REPORT_TEXT;
	return report_format__by_ending(output);
}

static int check_growth(const struct report_options *options)
{
	const struct report_request *request = &options->request;

	if (!report_format__is_growth(request->format) &&
	    (request->filter.pid != 0 || request->filter.cgroup))
		return cmd__usage("report", "--pid and --cgroup are for --format folded and pprof");
	if (request->format == REPORT_PPROF && !options->output && isatty(STDOUT_FILENO))
		return cmd__usage("report", "pprof is not for a terminal: add -o FILE, or pipe it");
	return CMD_DONE;
}

static bool has_span(const struct report_options *options)
{
	return options->span.from.given || options->span.to.given;
}

static bool is_file(const char *what)
{
	return what && (strchr(what, '/') || access(what, F_OK) == 0);
}

/* WHAT@A..B, unless there is a file of that very name. */
static int split_span(struct report_options *options)
{
	const char *at = options->what ? strrchr(options->what, '@') : NULL;

	if (!at || access(options->what, F_OK) == 0)
		return CMD_DONE;
	if (!span__parse(&options->span, at + 1))
		return cmd__usage("report", "'%s' is no part of a recording (@10s..20s, @-30s)",
				  at);
	snprintf(options->file, sizeof(options->file), "%.*s", (int)(at - options->what),
		 options->what);
	options->what = options->file;
	if (!is_file(options->what))
		return cmd__usage("report", "a part can be had of a file only; an incident's is "
					    "DIR/incidents/ID/window.trail");
	return CMD_DONE;
}

static int check(struct report_options *options)
{
	if (options->save && (options->request.format != REPORT_NONE || options->output))
		return cmd__usage("report", "--save writes into the incident's own folder, as text "
					    "and as JSON");
	if (options->kills && (options->save || options->request.format != REPORT_NONE))
		return cmd__usage("report", "--kills is a text of its own: leave the other out");
	if (options->kills && !is_file(options->what))
		return cmd__usage("report", "--kills is of a recording's file; of what the flight "
					    "recorder has kept: oomtrail incidents --kills");
	if (options->save && !options->what)
		return cmd__usage("report", "which incident? ID is missing");
	if (options->request.format == REPORT_NONE)
		options->request.format = implied_format(options->output);
	if (options->request.format == REPORT_NONE)
		return cmd__usage("report", "the ending of '%s' names no format: add --format",
				  options->output);
	if (options->span.from.given && !report_format__is_growth(options->request.format))
		return cmd__usage("report",
				  "of a part that begins later there is --format folded and "
				  "pprof; FILE@..B tells how it stood at B");
	return check_growth(options);
}

static bool parse_pid(uint32_t *pid, const char *argument)
{
	char *end;
	const unsigned long number = strtoul(argument, &end, 10);

	*pid = (uint32_t)number;
	return *argument >= '0' && *argument <= '9' && !*end && number && number <= 1U << 22;
}

/* CMD_DONE, CMD_USAGE, or -1 when the help was asked for. */
static int parse(struct report_options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{"dir", required_argument, NULL, 'd'},
		{"save", no_argument, NULL, 's'},
		{"kills", no_argument, NULL, 'k'},
		{"format", required_argument, NULL, 'f'},
		{"output", required_argument, NULL, 'o'},
		{"pid", required_argument, NULL, 'p'},
		{"cgroup", required_argument, NULL, 'c'},
		{"threshold", required_argument, NULL, 't'},
		{"help", no_argument, NULL, CMD_HELP},
		{0},
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
		case 'k':
			options->kills = true;
			break;
		case 'f':
			options->request.format = report_format__by_name(optarg);
			if (options->request.format == REPORT_NONE)
				return cmd__usage("report", "unknown format '%s'", optarg);
			break;
		case 'o':
			options->output = optarg;
			break;
		case 'p':
			if (!parse_pid(&options->request.filter.pid, optarg))
				return cmd__usage("report", "'%s' is no process id", optarg);
			break;
		case 'c':
			if (optarg[0] != '/')
				return cmd__usage("report", "'%s' is no path of a cgroup", optarg);
			options->request.filter.cgroup = optarg;
			break;
		case 't':
			if (cmd__threshold("report", optarg))
				return CMD_USAGE;
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
	return split_span(options) ? CMD_USAGE : check(options);
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

static int open_recording(struct loaded *loaded, const struct report_options *options)
{
	if (!has_span(options))
		return loaded__open(loaded, options->what);
	if (report_format__is_growth(options->request.format))
		return loaded__open_span(loaded, options->what, &options->span);
	return loaded__open_until(loaded, options->what, &options->span);
}

static int report_file(const struct report_options *options, struct text *report)
{
	_cleanup_(loaded__free) struct loaded loaded = {0};
	int err;

	if (options->output && is_same_file(options->what, options->output))
		return cmd__usage("report", "'%s' is the recording itself", options->output);
	if (open_recording(&loaded, options) < 0)
		return CMD_FAILED;
	warn(&loaded, options->what);
	if (report_format__is_growth(options->request.format))
		return report_format__growth(&options->request, loaded.model, report);
	err = options->kills                           ? report__kills(loaded.model, report)
	      : options->request.format == REPORT_JSON ? report__json(loaded.model, report)
						       : report__text(loaded.model, report);
	if (err < 0)
		cmd__error("cannot write the report of '%s': %s", options->what, strerror(-err));
	return err < 0 ? CMD_FAILED : CMD_DONE;
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
		status = report_incident__write(options.dir, options.what, &options.request,
						&report);
	if (status != CMD_DONE)
		return status;
	return cmd__write(options.output, report.data, report.length) < 0 ? CMD_FAILED : CMD_DONE;
}
