/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "probe/facts.h"
#include "probe/plan.h"
#include "probe/probe.h"
#include "report/build.h"

static const char help[] =
	"Usage: oomtrail doctor [--json]\n"
	"\n"
	"Looks at this kernel and these privileges, loads every program it would use, and says\n"
	"which way is taken for each capability and why. Changes nothing.\n"
	"\n"
	"      --json        as one JSON object, \"oomtrail.doctor/1\"\n"
	"      --help        this text\n"
	"\n"
	"Exit status: 0 recording works here, 1 it does not.\n";

/* What was found. */
struct findings {
	struct facts facts;
	bool planned; /* else `refusal` says why not */
	struct plan plan;
	bool loaded; /* else `refusal` says why not */
	uint64_t kernel_bytes;
	char refusal[512];
};

/* Loading is the only proof that the kernel's verifier agrees. */
static void look(struct findings *out)
{
	const struct plan_options ways = {0};
	const struct probe_options options = {0};
	struct probe *probe;

	out->planned =
		!plan__make(&out->plan, &out->facts, &ways, out->refusal, sizeof(out->refusal));
	if (!out->planned)
		return;
	out->loaded = !probe__new(&probe, &out->plan, &out->facts, &options, out->refusal,
				  sizeof(out->refusal));
	if (!out->loaded)
		return;
	out->kernel_bytes = probe__kernel_bytes(probe);
	probe__free(probe);
}

/* --- text ------------------------------------------------------------------------------------ */

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

static void print(struct text *out, const struct findings *findings)
{
	char size[UNITS_MAX];

	print_host(out, &findings->facts);
	if (findings->planned)
		print_plan(out, &findings->plan);
	if (findings->loaded)
		text__printf(out,
			     "\n%zu programs load; rings and tables take %s of kernel memory.\n",
			     findings->plan.program_count,
			     units__bytes(size, (int64_t)findings->kernel_bytes));
}

/* --- JSON ------------------------------------------------------------------------------------ */

static json_t *json_host(struct build *build, const struct facts *facts)
{
	json_t *host = json_object(), *cgroup;

	build__string(build, host, "kernel", facts->kernel);
	build__count(build, host, "cpus", facts->cpus);
	build__count(build, host, "page_bytes", facts->page_bytes);
	if (*facts->lockdown)
		build__string(build, host, "lockdown", facts->lockdown);
	if (facts->cgroupfs.version) {
		cgroup = json_object();
		build__count(build, cgroup, "version", facts->cgroupfs.version);
		build__string(build, cgroup, "mount", facts->cgroupfs.mount);
		build__set(build, host, "memory_cgroup", cgroup);
	}
	build__bool(build, host, "tracefs", facts->tracefs);
	build__bytes(build, host, "step_bytes", (int64_t)probe__step_bytes(facts, 0));
	return host;
}

static json_t *json_capabilities(struct build *build, const struct plan *plan)
{
	json_t *all = json_array(), *one;

	for (int i = 0; i < CAPABILITY_COUNT; i++) {
		one = json_object();
		build__string(build, one, "capability", capability__name(i));
		build__string(build, one, "way", plan->ways[i].way);
		build__string(build, one, "why", plan->ways[i].why);
		build__append(build, all, one);
	}
	return all;
}

static int dump(struct text *out, const struct findings *findings)
{
	struct build build = {0};
	json_t *root = json_object();
	int error;

	build__string(&build, root, "schema", "oomtrail.doctor/1");
	build__bool(&build, root, "works", findings->loaded);
	if (!findings->loaded)
		build__string(&build, root, "refusal", findings->refusal);
	build__set(&build, root, "host", json_host(&build, &findings->facts));
	if (findings->planned)
		build__set(&build, root, "capabilities",
			   json_capabilities(&build, &findings->plan));
	if (findings->loaded) {
		build__count(&build, root, "programs", findings->plan.program_count);
		build__bytes(&build, root, "kernel_bytes", (int64_t)findings->kernel_bytes);
	}
	error = build.failed ? -ENOMEM : build__dump(root, out);
	json_decref(root);
	return error;
}

int cmd_doctor(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, CMD_HELP}, {}};
	struct findings findings = {0};
	_cleanup_(text__free) struct text out = {0};
	bool json = false;
	int option, error = 0;

	while ((option = getopt_long(argc, argv, "+:h", options, NULL)) != -1) {
		if (option == CMD_HELP)
			return cmd__help(help);
		if (option != 'j')
			return cmd__bad_option("doctor", option, argv);
		json = true;
	}
	if (optind < argc)
		return cmd__usage("doctor", "it takes no argument, not '%s'", argv[optind]);
	if (facts__gather(&findings.facts, "")) {
		cmd__error("this host could not be looked at");
		return CMD_FAILED;
	}
	look(&findings);
	if (json)
		error = dump(&out, &findings);
	else
		print(&out, &findings);
	if (error || !text__ok(&out)) {
		cmd__error("out of memory");
		return CMD_FAILED;
	}
	if (cmd__write(NULL, out.data, out.length))
		return CMD_FAILED;
	if (findings.loaded)
		return CMD_DONE;
	cmd__error("%s", findings.refusal);
	return CMD_FAILED;
}
