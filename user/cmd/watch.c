/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/watching.h"

#define CONFIG_PATH "/etc/oomtrail.conf"

static const char help_head[] =
	"Usage: oomtrail watch [OPTION...]\n"
	"\n"
	"The flight recorder: follows the whole host for months in bounded memory, keeps a "
	"rolling\n"
	"window on disk, and leaves one folder per cause when the OOM killer fires. 'oomtrail\n"
	"incidents' lists them, 'oomtrail report' explains the newest.\n"
	"\n"
	"  --config FILE          settings (" CONFIG_PATH ", when it is there)\n";

static const char help_tail[] =
	"  --without WAY          as in 'oomtrail record'; repeatable\n"
	"  -h, --help\n"
	"\n"
	"The same settings may stand in FILE below [watch], with '_' for '-'; the command line "
	"wins.\n"
	"SIGHUP reads FILE again, SIGUSR1 freezes the window as an incident, SIGTERM and SIGINT\n"
	"end. Runs in the foreground; as a service: see README, 'As a service'.\n";

#define X(...) +1
enum { SETTINGS = CONFIG_SETTINGS(X) };
#undef X

/* Settings given on the command line: they win over the file, also when it is read again. */
struct given {
	const char *key;
	const char *value;
};

struct request {
	const char *config_path;
	bool config_named;
	struct given given[64];
	size_t given_count;
	struct plan_options ways;
};

static const char *const keys[] = {
#define X(field, key, kind, initial, restart, text) key,
	CONFIG_SETTINGS(X)
#undef X
};

/* The option's name of a key. */
static const char *option_name(char *out, size_t size, const char *key)
{
	snprintf(out, size, "%s", key);
	for (char *c = out; *c; c++) {
		if (*c == '_')
			*c = '-';
	}
	return out;
}

static int print_help(void)
{
	_cleanup_(text__free) struct text text = {0};
	char name[32], line[48];

	text__string(&text, help_head);
#define X(field, key, kind, initial, restart, what)                                           \
	snprintf(line, sizeof(line), "--%s %s", option_name(name, sizeof(name), key), #kind); \
	text__printf(&text, "  %-22s %s (%s)\n", line, what, initial);
	CONFIG_SETTINGS(X)
#undef X
	text__string(&text, help_tail);
	return text__ok(&text) ? cmd__help(text.data) : CMD_FAILED;
}

static int parse(struct request *request, int argc, char **argv)
{
	enum { CONFIG = 1000, WITHOUT, FIRST };
	struct option known[SETTINGS + 4] = {
		{"config", required_argument, NULL, CONFIG},
		{"without", required_argument, NULL, WITHOUT},
		{"help", no_argument, NULL, CMD_HELP},
	};
	char names[SETTINGS][32];
	int option;

	for (int i = 0; i < SETTINGS; i++) {
		option_name(names[i], sizeof(names[i]), keys[i]);
		known[3 + i] = (struct option){names[i], required_argument, NULL, FIRST + i};
	}
	while ((option = getopt_long(argc, argv, "+:h", known, NULL)) != -1) {
		if (option == CMD_HELP)
			return CMD_HELP;
		if (option == CONFIG) {
			request->config_path = optarg;
			request->config_named = true;
		} else if (option == WITHOUT) {
			int status = cmd__forbid("watch", &request->ways, optarg);

			if (status)
				return status;
		} else if (option >= FIRST && option < FIRST + SETTINGS) {
			if (request->given_count == 64)
				return cmd__usage("watch", "more than 64 settings");
			request->given[request->given_count++] =
				(struct given){keys[option - FIRST], optarg};
		} else {
			return cmd__bad_option("watch", option, argv);
		}
	}
	if (optind < argc)
		return cmd__usage("watch", "'%s': there is nothing to name here", argv[optind]);
	return CMD_DONE;
}

/* Defaults, then the file, then the command line. */
static int read_settings(void *context, struct config *out, char *why, size_t why_size)
{
	const struct request *request = context;
	struct config config;
	int error;

	config__default(&config);
	error = config__load(&config, request->config_path, why, why_size);
	if (error == -ENOENT && !request->config_named)
		error = 0;
	for (size_t i = 0; i < request->given_count && !error; i++)
		error = config__set(&config, request->given[i].key, request->given[i].value, why,
				    why_size);
	if (!error)
		error = config__check(&config, why, why_size);
	if (!error)
		*out = config;
	return error;
}

int cmd_watch(int argc, char **argv)
{
	struct request request = {.config_path = CONFIG_PATH};
	struct watching_options options = {.read_settings = read_settings, .context = &request};
	int status = parse(&request, argc, argv);
	char why[512];

	if (status == CMD_HELP)
		return print_help();
	if (status)
		return status;
	if (read_settings(&request, &options.config, why, sizeof(why)))
		return cmd__usage("watch", "%s", why);
	options.ways = request.ways;
	return watching__run(&options);
}
