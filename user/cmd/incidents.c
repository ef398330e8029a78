/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "flight/catalogue.h"
#include "flight/store.h"

static const char help[] =
	"Usage: oomtrail incidents [--dir DIR] [--kills] [--json]\n"
	"\n"
	"Lists what the flight recorder ('oomtrail watch') has kept, the newest first and\n"
	"grouped by cause. 'oomtrail report ID' explains one of them; the beginning of an ID\n"
	"will do where it is the only one.\n"
	"\n"
	"      --dir DIR     the recorder's folder (default /var/lib/oomtrail)\n"
	"      --kills       every kill instead, the newest first\n"
	"      --json        as one JSON object, \"oomtrail.incidents/1\"\n"
	"      --help        this text\n";

DEFINE_FREEP(store)

struct incidents_options {
	const char *dir;
	bool kills;
	bool json;
};

/* CMD_DONE, CMD_USAGE, or -1 when the help was asked for. */
static int parse(struct incidents_options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{"dir", required_argument, NULL, 'd'},
		{"kills", no_argument, NULL, 'k'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, CMD_HELP},
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "+:h", known, NULL)) != -1) {
		switch (option) {
		case 'd':
			options->dir = optarg;
			break;
		case 'k':
			options->kills = true;
			break;
		case 'j':
			options->json = true;
			break;
		case CMD_HELP:
			return -1;
		default:
			return cmd__bad_option("incidents", option, argv);
		}
	}
	if (optind < argc)
		return cmd__usage("incidents", "'%s' is too many; 'oomtrail report' explains one",
				  argv[optind]);
	if (options->kills && options->json)
		return cmd__usage("incidents", "--json lists the kills as well: leave --kills out");
	return CMD_DONE;
}

static void append_watched(struct text *out, const struct store *store)
{
	struct store_holder holder;

	if (!store__is_watched(store, &holder)) {
		text__string(out, "no recorder watches; 'oomtrail watch' starts one");
		return;
	}
	text__string(out, "a recorder watches");
	if (holder.pid)
		text__printf(out, " since %s (pid %d)", holder.since, holder.pid);
}

static int list(struct text *out, const struct incidents_options *options,
		const struct catalogue *catalogue, const struct store *store)
{
	const char *dir = store__dir(store);
	int err = 0;

	if (options->json)
		return catalogue__json(catalogue, dir, out);
	if (catalogue->count > 0)
		err = catalogue__text(catalogue, options->kills, out);
	if (err < 0 || (options->kills && out->length > 0))
		return err;
	if (catalogue->count == 0 || options->kills) {
		text__string(out, options->kills ? "no kills in " : "no incidents in ");
		text__escaped(out, dir, strlen(dir));
		text__string(out, "; ");
	} else {
		text__string(out, "\n");
	}
	append_watched(out, store);
	text__string(out, "\n");
	return text__ok(out) ? 0 : -ENOMEM;
}

int cmd_incidents(int argc, char **argv)
{
	_cleanup_(catalogue__free) struct catalogue catalogue = {0};
	struct incidents_options options = {.dir = store__default_dir()};
	_cleanup_(store__freep) struct store *store = NULL;
	_cleanup_(text__free) struct text out = {0};
	int status, err;
	char why[512];

	status = parse(&options, argc, argv);
	if (status != CMD_DONE)
		return status < 0 ? cmd__help(help) : status;
	err = store__open_to_read(&store, options.dir, why, sizeof(why));
	if (err < 0) {
		cmd__error(err == -ENOENT ? "no recorder has run here: %s" : "%s", why);
		return CMD_FAILED;
	}
	err = catalogue__read(&catalogue, store);
	if (err == 0)
		err = list(&out, &options, &catalogue, store);
	if (err < 0) {
		cmd__error("cannot list the incidents in '%s': %s", store__dir(store),
			   strerror(-err));
		return CMD_FAILED;
	}
	return cmd__write(NULL, out.data, out.length) < 0 ? CMD_FAILED : CMD_DONE;
}
