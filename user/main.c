/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} verbs[] = {
	{"demo", cmd_demo, "a real OOM kill in a throwaway cgroup, and its report"},
	{"record", cmd_record, "follow a command, processes, a cgroup or the host into a file"},
	{"watch", cmd_watch, "the flight recorder: follow the host for ever, keep every OOM kill"},
	{"report", cmd_report,
	 "explain an incident or a recording: who died, which limit, who grew"},
	{"incidents", cmd_incidents, "what the flight recorder has kept, by cause"},
	{"info", cmd_info, "what is in a recording, and whether it is whole"},
	{"doctor", cmd_doctor, "what this kernel and these privileges allow, and why"},
};

#define VERB_COUNT (sizeof(verbs) / sizeof(*verbs))

static int usage(FILE *out)
{
	fprintf(out,
		"Usage: oomtrail VERB [OPTION...]\n\n"
		"Follows the resident memory of processes and cgroups and explains OOM kills.\n\n"
		"Verbs:\n");
	for (size_t i = 0; i < VERB_COUNT; i++)
		fprintf(out, "  %-9s %s\n", verbs[i].name, verbs[i].summary);
	fprintf(out, "\n'oomtrail VERB --help' tells more; 'oomtrail --version' the version.\n"
		     "Exit status: 0 done, 1 the operation failed, 2 the command line is wrong.\n");
	return out == stdout ? CMD_DONE : CMD_USAGE;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help"))
		return usage(stdout);
	if (!strcmp(name, "--version") || !strcmp(name, "-V")) {
		printf("oomtrail %s\n", OOMTRAIL_VERSION);
		return CMD_DONE;
	}
	for (size_t i = 0; i < VERB_COUNT; i++) {
		if (!strcmp(name, verbs[i].name))
			return verbs[i].run(argc - 1, argv + 1);
	}
	if (*name)
		cmd__error("no verb '%s'", name);
	return usage(stderr);
}
