/* SPDX-License-Identifier: GPL-2.0-only */
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "cmd/load.h"
#include "report/reading.h"
#include "report/wording.h"

#define LABEL_INDENT 12

static const char help[] =
	"Usage: oomtrail info FILE [--verify]\n"
	"\n"
	"Tells what is in a recording: where and when it was made, its events by kind, what\n"
	"was lost, whether it is whole.\n"
	"\n"
	"      --verify  replay it and compare the model with every digest the recorder left;\n"
	"                exit status 1 when one differs, none is there or the file is torn\n"
	"      --help    this text\n";

static void print_line(struct text *out, const char *label, const struct text *body)
{
	wording__paragraph(out, label, LABEL_INDENT, body);
}

static void print_file(struct text *out, const struct reader *reader)
{
	_cleanup_(text__free) struct text body = {0};

	switch (reader__end(reader)) {
	case READER_COMPLETE:
		text__string(&body, "whole, ");
		break;
	case READER_TORN:
		text__string(&body, "TORN: ");
		text__escaped(&body, reader__why(reader), strlen(reader__why(reader)));
		text__string(&body, "; ");
		wording__bytes(&body, (int64_t)reader__torn_bytes(reader));
		text__string(&body, " cannot be read, ");
		break;
	case READER_GOING:
	case READER_INCOMPLETE:
		text__string(&body, "INCOMPLETE: it was not closed; ");
		break;
	}
	wording__bytes(&body, (int64_t)reader__bytes(reader));
	text__string(&body, " intact");
	print_line(out, "file", &body);
}

static void print_host(struct text *out, const struct model *model)
{
	const struct event_host *host = model__host(model);
	_cleanup_(text__free) struct text id = {0};
	_cleanup_(text__free) struct text body = {0};
	_cleanup_(text__free) struct text followed = {0};

	if (!host) {
		text__string(&body, "unknown: the recording does not say");
		print_line(out, "host", &body);
		return;
	}
	text__escaped_array(&id, host->recording_id, sizeof(host->recording_id));
	text__string(&id, ", by oomtrail ");
	text__escaped_array(&id, host->version, sizeof(host->version));
	wording__host(&body, host);
	text__string(&body, ", boot ");
	text__escaped_array(&body, host->boot_id, sizeof(host->boot_id));
	if (host->scope == FOLLOW_ALL)
		text__string(&followed, "the whole host");
	else
		text__escaped_array(&followed, host->followed, sizeof(host->followed));
	print_line(out, "recording", &id);
	print_line(out, "host", &body);
	print_line(out, "followed", &followed);
}

static void print_span(struct text *out, const struct model *model)
{
	const struct model_span span = model__span(model);
	_cleanup_(text__free) struct text body = {0};

	wording__utc(&body, model__realtime_ns(model, span.first_ns));
	text__string(&body, " to ");
	wording__utc(&body, model__realtime_ns(model, span.last_ns));
	text__string(&body, ", ");
	wording__duration(&body, span.last_ns - span.first_ns);
	print_line(out, "span", &body);
}

/* Of a flight recorder's chunk: where it goes on, and what its state block left behind. */
static void print_chunk(struct text *out, const struct model *model)
{
	const struct event_state *state = model__state(model);
	_cleanup_(text__free) struct text body = {0};

	if (!state)
		return;
	wording__count(&body, state->chunk);
	text__string(&body, " of a flight recorder, begun ");
	wording__utc(&body, model__realtime_ns(model, state->header.time_ns));
	text__string(&body, "; left behind since it began to look: ");
	wording__counted(&body, state->forgotten_processes, "process", "processes");
	text__string(&body, " that had ended (");
	wording__count(&body, state->forgotten_early);
	text__string(&body, " of them lately), ");
	wording__counted(&body, state->forgotten_cgroups, "cgroup", "cgroups");
	if (model__is_restoring(model))
		text__string(&body, "; its state block is TORN, what was known before is missing");
	print_line(out, "chunk", &body);
}

static void print_events(struct text *out, const struct loaded *loaded)
{
	const struct model_span span = model__span(loaded->model);
	_cleanup_(text__free) struct text body = {0};

	wording__count(&body, reader__events(loaded->reader));
	text__string(&body, ", ");
	wording__count(&body, span.late_events);
	text__string(&body, " came late");
	if (reader__unknown(loaded->reader) > 0) {
		text__string(&body, ", ");
		wording__count(&body, reader__unknown(loaded->reader));
		text__string(&body, " more of kinds unknown to this version");
	}
	print_line(out, "events", &body);
	for (uint32_t kind = 0; kind < EVENT_KIND_END; kind++) {
		_cleanup_(text__free) struct text count = {0};
		_cleanup_(text__free) struct text bytes = {0};
		char name[EVENT_NAME_MAX];

		if (loaded->replay.kind_events[kind] == 0)
			continue;
		wording__count(&count, loaded->replay.kind_events[kind]);
		wording__bytes(&bytes, (int64_t)loaded->replay.kind_bytes[kind]);
		text__printf(out, "%*s%-14s%12s%12s\n", LABEL_INDENT, "",
			     event_kind__name(name, kind), text__ok(&count) ? count.data : "",
			     text__ok(&bytes) ? bytes.data : "");
	}
}

static void print_losses(struct text *out, const struct model *model)
{
	_cleanup_(text__free) struct text none = {0};

	if (model__loss_count(model) == 0) {
		text__string(&none, "none");
		print_line(out, "lost", &none);
	}
	for (size_t i = 0; i < model__loss_count(model); i++) {
		const struct loss *loss = model__loss(model, i);
		_cleanup_(text__free) struct text body = {0};
		char name[EVENT_NAME_MAX];

		wording__count(&body, loss->count);
		if (loss->kind != 0)
			text__printf(&body, " %s", event_kind__name(name, loss->kind));
		text__printf(&body, ": %s", loss__reason(loss));
		print_line(out, i == 0 ? "lost" : "", &body);
	}
}

static void print_incidents(struct text *out, const struct model *model)
{
	_cleanup_(text__free) struct text none = {0};

	if (model__incident_count(model) == 0) {
		text__string(&none, "none");
		print_line(out, "incidents", &none);
	}
	for (size_t i = 0; i < model__incident_count(model); i++) {
		const struct incident *incident = model__incident(model, i);
		_cleanup_(text__free) struct text body = {0};

		text__escaped_array(&body, incident->id, sizeof(incident->id));
		text__string(&body, "  ");
		wording__task(&body, incident->victim.comm, incident->victim.task.pid);
		if (incident->kill_count > 1)
			text__printf(&body, " and %zu more", incident->kill_count - 1);
		print_line(out, i == 0 ? "incidents" : "", &body);
	}
}

/* CMD_DONE when the replay arrived where the recorder was. */
static int print_verdict(struct text *out, const struct loaded *loaded)
{
	const struct replay *replay = &loaded->replay;
	_cleanup_(text__free) struct text body = {0};
	int status = CMD_FAILED;

	if (replay->differs) {
		text__string(&body, "after ");
		wording__count(&body, replay->differs_at);
		text__printf(&body,
			     " events the model is %016" PRIx64 ", the recorder's was %016" PRIx64,
			     replay->digest_here, replay->digest_told);
	} else if (replay->digests == 0) {
		text__string(&body, "the recording holds no digest to compare with");
	} else {
		wording__count(&body, reader__events(loaded->reader));
		text__string(&body, " events, ");
		wording__count(&body, replay->digests);
		text__string(&body, replay->digests == 1 ? " digest agrees" : " digests agree");
		if (reader__end(loaded->reader) == READER_TORN)
			text__string(&body, ", but the file is torn");
		else
			status = CMD_DONE;
	}
	wording__paragraph(out, status == CMD_DONE ? "verified: " : "NOT verified: ", 0, &body);
	return status;
}

/* CMD_DONE, CMD_USAGE, or -1 when the help was asked for. */
static int parse(const char **file, bool *verify, int argc, char **argv)
{
	static const struct option known[] = {
		{"verify", no_argument, NULL, 'v'},
		{"help", no_argument, NULL, CMD_HELP},
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, ":h", known, NULL)) != -1) {
		switch (option) {
		case 'v':
			*verify = true;
			break;
		case CMD_HELP:
			return -1;
		default:
			return cmd__bad_option("info", option, argv);
		}
	}
	if (optind == argc)
		return cmd__usage("info", "which recording? FILE is missing");
	if (optind + 1 < argc)
		return cmd__usage("info", "one recording at a time: '%s' is too many",
				  argv[optind + 1]);
	*file = argv[optind];
	return CMD_DONE;
}

int cmd_info(int argc, char **argv)
{
	_cleanup_(loaded__free) struct loaded loaded = {0};
	_cleanup_(text__free) struct text out = {0};
	const char *file = NULL;
	bool verify = false;
	int status;

	status = parse(&file, &verify, argc, argv);
	if (status != CMD_DONE)
		return status < 0 ? cmd__help(help) : status;
	if (loaded__open(&loaded, file) < 0)
		return CMD_FAILED;
	print_host(&out, loaded.model);
	print_file(&out, loaded.reader);
	print_span(&out, loaded.model);
	print_chunk(&out, loaded.model);
	print_events(&out, &loaded);
	print_losses(&out, loaded.model);
	print_incidents(&out, loaded.model);
	if (verify)
		status = print_verdict(&out, &loaded);
	if (!text__ok(&out)) {
		cmd__error("out of memory");
		return CMD_FAILED;
	}
	return cmd__write(NULL, out.data, out.length) < 0 ? CMD_FAILED : status;
}
