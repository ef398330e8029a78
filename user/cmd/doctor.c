/* SPDX-License-Identifier: GPL-2.0-only */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "probe/facts.h"
#include "probe/plan.h"
#include "probe/probe.h"

static const char help[] =
	"Usage: oomtrail doctor\n"
	"\n"
	"Looks at this kernel and these privileges, loads every program it would use, and says\n"
	"which way is taken for each capability and why. Changes nothing.\n"
	"\n"
	"Exit status: 0 recording works here, 1 it does not.\n";

static void print_host(struct text *out, const struct facts *facts)
{
	char step[UNITS_MAX];

	text__printf(out, "kernel         Linux %s, %u CPUs, %u-byte pages\n", facts->kernel,
		     facts->cpus, facts->page_bytes);
	text__printf(out, "lockdown       %s\n",
		     *facts->lockdown ? facts->lockdown : "not visible");
	if (facts->cgroupfs.version)
		text__printf(out, "memory cgroup  v%u at %s\n", facts->cgroupfs.version,
			     facts->cgroupfs.mount);
	else
		text__string(out, "memory cgroup  not mounted\n");
	text__printf(out, "tracefs        %s; not needed\n",
		     facts->tracefs ? "mounted" : "not mounted");
	text__printf(out, "step           %s: what the CPUs may hold back, at least 256 KiB\n\n",
		     units__bytes(step, probe__step_bytes(facts, 0)));
}

static void print_plan(struct text *out, const struct plan *plan)
{
	for (int i = 0; i < CAPABILITY_COUNT; i++) {
		const struct way_taken *taken = &plan->ways[i];

		text__printf(out, "%-18s %s\n", capability__name(i),
			     *taken->way ? taken->way : "MISSING");
		if (*taken->why)
			text__printf(out, "%-18s   %s\n", "", taken->why);
	}
}

/* Loading is the only proof that the kernel's verifier agrees. */
static int try_loading(struct text *out, const struct plan *plan, const struct facts *facts)
{
	const struct probe_options options = {0};
	struct probe *probe;
	char why[512], size[UNITS_MAX];

	if (probe__new(&probe, plan, facts, &options, why, sizeof(why))) {
		cmd__error("%s", why);
		return CMD_FAILED;
	}
	text__printf(out, "\n%zu programs load; rings and tables take %s of kernel memory.\n",
		     plan->program_count, units__bytes(size, probe__kernel_bytes(probe)));
	probe__free(probe);
	return CMD_DONE;
}

int cmd_doctor(int argc, char **argv)
{
	static const struct option options[] = {{"help", no_argument, NULL, CMD_HELP}, {}};
	const struct plan_options ways = {0};
	struct facts facts;
	struct plan plan;
	struct text out = {0};
	char refusal[512];
	int option = getopt_long(argc, argv, "+:h", options, NULL), status = CMD_DONE;

	if (option == CMD_HELP)
		return cmd__help(help);
	if (option != -1)
		return cmd__bad_option("doctor", option, argv);
	if (optind < argc)
		return cmd__usage("doctor", "it takes no argument, not '%s'", argv[optind]);
	if (facts__gather(&facts, "")) {
		cmd__error("this host could not be looked at");
		return CMD_FAILED;
	}
	print_host(&out, &facts);
	if (plan__make(&plan, &facts, &ways, refusal, sizeof(refusal))) {
		cmd__error("%s", refusal);
		status = CMD_FAILED;
	} else {
		print_plan(&out, &plan);
		status = try_loading(&out, &plan, &facts);
	}
	if (text__ok(&out) && cmd__write(NULL, out.data, out.length))
		status = CMD_FAILED;
	text__free(&out);
	return status;
}
