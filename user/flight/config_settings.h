/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "flight/config.h"

/* CONFIG_SETTINGS as a table, for the two files of the configuration. */
enum setting_kind { TEXT, BYTES, TIME, COUNT };

struct setting {
	const char *key;
	const char *initial;
	size_t offset; /* in struct config */
	size_t size;
	enum setting_kind kind;
	bool restart;
};

#define X(...) +1
enum { CONFIG_SETTING_COUNT = CONFIG_SETTINGS(X) };
#undef X

extern const struct setting config_settings[];

/* NULL: no such key. */
const struct setting *config__find(const char *key);

/* As somebody else wrote it, fit for a terminal and of bounded length. */
void config__quote(char *out, size_t size, const char *string);
