/* SPDX-License-Identifier: GPL-2.0-only */
#include "flight/config.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"
#include "flight/config_settings.h"

const struct setting config_settings[] = {
#define X(field, key, kind, initial, restart, help)                                          \
	{key,  initial, offsetof(struct config, field), sizeof(((struct config *)0)->field), \
	 kind, restart},
	CONFIG_SETTINGS(X)
#undef X
};

_Static_assert(sizeof(config_settings) / sizeof(*config_settings) == CONFIG_SETTING_COUNT,
	       "the one list");

/* What can work at all: X(field, least, most). */
#define CONFIG_BOUNDS(X)                               \
	X(max_size_bytes, MIB, 1ULL << 50)             \
	X(window_ns, NS_PER_S, 366 * 86400 * NS_PER_S) \
	X(sync_ns, 100 * NS_PER_MS, 3600 * NS_PER_S)   \
	X(storm_ns, 0, 7 * 86400 * NS_PER_S)           \
	X(incidents, 1, 100000)                        \
	X(incidents_bytes, MIB, 1ULL << 50)            \
	X(step_bytes, 4 * KIB, GIB)                    \
	X(sample_bytes, 0, GIB)                        \
	X(buffer_bytes, 4 * KIB, GIB)                  \
	X(queue_bytes, 64 * KIB, GIB)                  \
	X(memory_bytes, MIB, 4 * GIB)

static const struct bound {
	size_t offset;
	uint64_t least;
	uint64_t most;
} bounds[] = {
#define X(field, least, most) {offsetof(struct config, field), least, most},
	CONFIG_BOUNDS(X)
#undef X
};

/* All but the one text, dir. */
_Static_assert(sizeof(bounds) / sizeof(*bounds) == CONFIG_SETTING_COUNT - 1,
	       "a bound for every number");

static char *text_of(struct config *config, const struct setting *setting)
{
	return (char *)config + setting->offset;
}

static uint64_t number_at(const struct config *config, size_t offset)
{
	uint64_t number;

	memcpy(&number, (const char *)config + offset, sizeof(number));
	return number;
}

void config__quote(char *out, size_t size, const char *string)
{
	struct text text = {0};

	text__escaped(&text, string, strnlen(string, 80));
	snprintf(out, size, "%s", text__ok(&text) && text.data ? text.data : "");
	text__free(&text);
}

/* --- one setting ---------------------------------------------------------------------------- */

static bool same_key(const char *key, const char *wanted)
{
	while (*key && (*key == *wanted || (*key == '-' && *wanted == '_')))
		key++, wanted++;
	return *key == *wanted;
}

const struct setting *config__find(const char *key)
{
	for (size_t i = 0; i < CONFIG_SETTING_COUNT; i++)
		if (same_key(key, config_settings[i].key))
			return &config_settings[i];
	return NULL;
}

#define KEY_MAX 32

/* Edits (insert, delete, replace) from a to b; KEY_MAX for what is too long to be a misspelling. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[KEY_MAX + 1];
	size_t columns = strlen(b);

	if (strlen(a) >= KEY_MAX || columns >= KEY_MAX)
		return KEY_MAX;
	for (unsigned int j = 0; j <= columns; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		unsigned int diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= columns; j++) {
			unsigned int best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[columns];
}

static void explain_unknown(const char *key, char *why, size_t why_size)
{
	const struct setting *nearest = config_settings;
	unsigned int edits = KEY_MAX;
	char quoted[400];

	for (size_t i = 0; i < CONFIG_SETTING_COUNT; i++) {
		unsigned int to = distance(key, config_settings[i].key);

		if (to < edits) {
			edits = to;
			nearest = &config_settings[i];
		}
	}
	config__quote(quoted, sizeof(quoted), key);
	if (edits < KEY_MAX)
		snprintf(why, why_size, "no setting '%s'; the nearest is %s", quoted, nearest->key);
	else
		snprintf(why, why_size, "no setting '%s'", quoted);
}

static int parse_count(const char *value, uint64_t *out)
{
	char *end;

	if (!*value || strspn(value, "0123456789") != strlen(value))
		return -EINVAL;
	errno = 0;
	*out = strtoull(value, &end, 10);
	return errno ? -ERANGE : 0;
}

static int parse_number(const struct setting *setting, const char *value, uint64_t *out)
{
	switch (setting->kind) {
	case BYTES:
		return units__parse_bytes(value, out);
	case TIME:
		return units__parse_duration(value, out);
	default:
		return parse_count(value, out);
	}
}

static int set(struct config *config, const struct setting *setting, const char *value, char *why,
	       size_t why_size)
{
	static const char *const wanted[] = {
		[TEXT] = "text",
		[BYTES] = "a size (256K, 64M, 1.5G)",
		[TIME] = "a time (500ms, 10s, 5m, 1h)",
		[COUNT] = "a whole number",
	};
	char quoted[400];
	uint64_t number;
	int error;

	if (setting->kind == TEXT) {
		if (!*value || strlen(value) >= setting->size) {
			snprintf(why, why_size, "%s: between 1 and %zu bytes", setting->key,
				 setting->size - 1);
			return *value ? -ERANGE : -EINVAL;
		}
		strcpy(text_of(config, setting), value);
		return 0;
	}
	error = parse_number(setting, value, &number);
	if (error) {
		config__quote(quoted, sizeof(quoted), value);
		snprintf(why, why_size, "%s: '%s' is %s%s", setting->key, quoted,
			 error == -ERANGE ? "too large for " : "not ", wanted[setting->kind]);
		return error;
	}
	memcpy((char *)config + setting->offset, &number, sizeof(number));
	return 0;
}

int config__set(struct config *config, const char *key, const char *value, char *why,
		size_t why_size)
{
	const struct setting *setting = config__find(key);

	if (!setting) {
		explain_unknown(key, why, why_size);
		return -ENOENT;
	}
	return set(config, setting, value, why, why_size);
}

void config__default(struct config *config)
{
	char why[80];

	memset(config, 0, sizeof(*config));
	for (size_t i = 0; i < CONFIG_SETTING_COUNT; i++)
		set(config, &config_settings[i], config_settings[i].initial, why, sizeof(why));
}

/* --- all of them together ------------------------------------------------------------------- */

static const char *print_number(char out[UNITS_MAX], const struct setting *setting, uint64_t number)
{
	switch (setting->kind) {
	case BYTES:
		return units__bytes(out, number > INT64_MAX ? INT64_MAX : (int64_t)number);
	case TIME:
		return units__duration(out, number);
	default:
		return units__count(out, number);
	}
}

static int check_bounds(const struct config *config, char *why, size_t why_size)
{
	for (size_t i = 0; i < CONFIG_SETTING_COUNT; i++) {
		char is[UNITS_MAX], least[UNITS_MAX], most[UNITS_MAX];
		const struct setting *setting = &config_settings[i];

		for (size_t j = 0; j < sizeof(bounds) / sizeof(*bounds); j++) {
			uint64_t number;

			if (bounds[j].offset != setting->offset)
				continue;
			number = number_at(config, setting->offset);
			if (number >= bounds[j].least && number <= bounds[j].most)
				continue;
			snprintf(why, why_size, "%s: %s is not between %s and %s", setting->key,
				 print_number(is, setting, number),
				 print_number(least, setting, bounds[j].least),
				 print_number(most, setting, bounds[j].most));
			return -EINVAL;
		}
	}
	return 0;
}

int config__check(const struct config *config, char *why, size_t why_size)
{
	char a[UNITS_MAX], b[UNITS_MAX], quoted[400];
	long page = sysconf(_SC_PAGESIZE);

	if (*config->dir != '/' || !config->dir[strspn(config->dir, "/")]) {
		config__quote(quoted, sizeof(quoted), config->dir);
		snprintf(why, why_size, "dir: '%s' is not a folder's absolute path", quoted);
		return -EINVAL;
	}
	if (check_bounds(config, why, why_size))
		return -EINVAL;
	if (config->sample_bytes && ((config->sample_bytes & (config->sample_bytes - 1)) ||
				     config->sample_bytes < (uint64_t)page)) {
		snprintf(why, why_size, "sample: %s is not a power of two of at least %ld bytes",
			 units__bytes(a, config->sample_bytes), page);
		return -EINVAL;
	}
	if ((config->buffer_bytes & (config->buffer_bytes - 1)) ||
	    config->buffer_bytes < (uint64_t)page) {
		snprintf(why, why_size, "buffer: %s is not a power of two of at least %ld bytes",
			 units__bytes(a, config->buffer_bytes), page);
		return -EINVAL;
	}
	if (config->sync_ns > config->window_ns) {
		snprintf(why, why_size, "sync: %s is longer than the window, %s",
			 units__duration(a, config->sync_ns),
			 units__duration(b, config->window_ns));
		return -EINVAL;
	}
	return 0;
}

void config__apply(struct config *config, const struct config *next, char *fixed, size_t fixed_size)
{
	size_t used = 0;

	if (fixed_size)
		*fixed = '\0';
	for (size_t i = 0; i < CONFIG_SETTING_COUNT; i++) {
		const struct setting *setting = &config_settings[i];
		char *mine = text_of(config, setting);
		const char *theirs = (const char *)next + setting->offset;
		bool same = setting->kind == TEXT ? !strcmp(mine, theirs)
						  : !memcmp(mine, theirs, setting->size);

		if (same)
			continue;
		if (!setting->restart)
			memcpy(mine, theirs, setting->size);
		else if (used < fixed_size)
			used += snprintf(fixed + used, fixed_size - used, "%s%s", used ? ", " : "",
					 setting->key);
	}
}
