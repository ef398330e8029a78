/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/online.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static bool parse_number(char **at, unsigned long *out)
{
	if (!isdigit((unsigned char)**at))
		return false;
	*out = strtoul(*at, at, 10);
	return *out < ONLINE_CPUS_MAX;
}

/* "3", or "3-5". */
static bool parse_range(char **at, struct online_cpus *out)
{
	unsigned long first, last;

	if (!parse_number(at, &first))
		return false;
	last = first;
	if (**at == '-') {
		++*at;
		if (!parse_number(at, &last) || last < first)
			return false;
	}
	for (unsigned long cpu = first; cpu <= last; cpu++)
		out->bits[cpu / 64] |= 1ULL << cpu % 64;
	return true;
}

bool online_cpus__read(struct online_cpus *out, const char *path)
{
	_cleanup_(freep) char *line = NULL;
	size_t room = 0;
	FILE *file = fopen(path, "re");
	ssize_t length;
	char *at;

	memset(out, 0, sizeof(*out));
	if (!file)
		return false;
	length = getline(&line, &room, file);
	fclose(file);
	if (length <= 0)
		return false;
	for (at = line; parse_range(&at, out); at++) {
		if (*at != ',')
			return *at == '\n' || !*at;
	}
	return false;
}

bool online_cpus__has(const struct online_cpus *cpus, unsigned int cpu)
{
	return cpu < ONLINE_CPUS_MAX && cpus->bits[cpu / 64] >> cpu % 64 & 1;
}
