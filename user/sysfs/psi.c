/* SPDX-License-Identifier: GPL-2.0-only */
#include "sysfs/psi.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sysfs/procfs.h"

static int total_of(const char *text, const char *row, int64_t *out)
{
	const char *line = strstr(text, row), *total = line ? strstr(line, "total=") : NULL;

	if (!total)
		return -EBADMSG;
	*out = strtoll(total + strlen("total="), NULL, 10);
	return 0;
}

int psi__read(const char *root, const char *path, int64_t *some_us, int64_t *full_us)
{
	char text[512];
	int64_t some, full;
	long length = sysfs__read(root, path, text, sizeof(text));

	if (length < 0)
		return length; /* reading gives -EOPNOTSUPP where PSI is disabled at boot */
	if (total_of(text, "some ", &some) || total_of(text, "full ", &full))
		return -EBADMSG;
	*some_us = some;
	*full_us = full;
	return 0;
}
