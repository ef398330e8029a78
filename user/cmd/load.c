/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/load.h"

static int load(struct loaded *loaded, const char *path, const uint64_t *from_to_ns,
		uint64_t until_ns)
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
	if (err == 0 && from_to_ns)
		model__limit_growth(loaded->model, from_to_ns[0], from_to_ns[1]);
	if (err == 0)
		err = replay__run_until(&loaded->replay, loaded->reader, loaded->model, until_ns);
	if (err < 0)
		cmd__error("cannot replay '%s': %s", path, strerror(-err));
	return err;
}

int loaded__open(struct loaded *loaded, const char *path)
{
	return load(loaded, path, NULL, UINT64_MAX);
}

/* All of it is read for that: a span may be told from the end. */
static int settle(struct loaded *loaded, const char *path, const struct span *span,
		  uint64_t from_to_ns[2])
{
	struct model_span whole;
	const int err = load(loaded, path, NULL, UINT64_MAX);

	if (err)
		return err;
	whole = model__span(loaded->model);
	if (!span__settle(span, whole.first_ns, whole.last_ns, &from_to_ns[0], &from_to_ns[1])) {
		cmd__error("that part of '%s' ends before it begins", path);
		return -EINVAL;
	}
	loaded__free(loaded);
	return 0;
}

int loaded__open_until(struct loaded *loaded, const char *path, const struct span *span)
{
	uint64_t from_to_ns[2];
	const int err = settle(loaded, path, span, from_to_ns);

	return err ? err : load(loaded, path, NULL, from_to_ns[1]);
}

int loaded__open_span(struct loaded *loaded, const char *path, const struct span *span)
{
	uint64_t from_to_ns[2];
	int err = settle(loaded, path, span, from_to_ns);

	if (err)
		return err;
	err = load(loaded, path, from_to_ns, UINT64_MAX);
	loaded->replay.differs = false; /* the growth does, as was asked for */
	return err;
}

void loaded__free(struct loaded *loaded)
{
	reader__free(loaded->reader);
	model__free(loaded->model);
	*loaded = (struct loaded){0};
}
