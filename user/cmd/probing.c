/* SPDX-License-Identifier: GPL-2.0-only */
#include "cmd/probing.h"

#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"

int probing__look(struct probing *probing, const struct plan_options *ways)
{
	char why[512];
	int error = facts__gather(&probing->facts, "");

	if (error) {
		cmd__error("looking at the host: %s", strerror(-error));
		return CMD_FAILED;
	}
	if (plan__make(&probing->plan, &probing->facts, ways, why, sizeof(why))) {
		cmd__error("%s", why);
		return CMD_FAILED;
	}
	return CMD_DONE;
}

int probing__load(struct probing *probing, const struct probe_options *options)
{
	char why[512];

	if (probe__new(&probing->probe, &probing->plan, &probing->facts, options, why,
		       sizeof(why))) {
		cmd__error("%s", why);
		return CMD_FAILED;
	}
	return CMD_DONE;
}

void probing__free_contents(struct probing *probing)
{
	probe__free(probing->probe);
}
