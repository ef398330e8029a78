/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/load.h"

int loaded__open(struct loaded *loaded, const char *path)
{
	int err;

	err = reader__new(&loaded->reader, path);
	if (err < 0) {
		if (loaded->reader)
			cmd__error("'%s' %s", path, reader__why(loaded->reader));
		else
			cmd__error("'%s': %s", path, strerror(-err));
		return err;
	}
	err = model__new(&loaded->model);
	if (err == 0)
		err = replay__run(&loaded->replay, loaded->reader, loaded->model);
	if (err < 0)
		cmd__error("cannot replay '%s': %s", path, strerror(-err));
	return err;
}

void loaded__free(struct loaded *loaded)
{
	reader__free(loaded->reader);
	model__free(loaded->model);
	*loaded = (struct loaded){0};
}
