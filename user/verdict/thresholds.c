/* SPDX-License-Identifier: GPL-2.0-only */
#include "verdict/thresholds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

const struct thresholds thresholds__default = {{
#define X(name, option, unit, value, text) value,
	THRESHOLDS(X)
#undef X
}};

static const struct {
	const char *name, *meaning;
	enum threshold_unit unit;
} known[THRESHOLD_END] = {
#define X(name, option, unit, value, text) {option, text, unit},
	THRESHOLDS(X)
#undef X
};

static int parse_count(const char *string, const char *suffix, uint64_t max, uint64_t *value)
{
	char *end;

	if (*string < '0' || *string > '9')
		return -EINVAL;
	errno = 0;
	*value = strtoull(string, &end, 10);
	if (errno || *value > max || (*end && strcmp(end, suffix) != 0))
		return -EINVAL;
	return 0;
}

static int parse(enum threshold_unit unit, const char *string, uint64_t *value)
{
	switch (unit) {
	case THRESHOLD_BYTES:
		return units__parse_bytes(string, value);
	case THRESHOLD_NS:
		return units__parse_duration(string, value);
	case THRESHOLD_PERCENT:
		return parse_count(string, "%", 100, value);
	default:
		return parse_count(string, "", UINT32_MAX, value);
	}
}

static int refuse(char *why, size_t size, const char *option)
{
	int length = snprintf(why, size, "no threshold '%s'; there are", option);

	for (int i = 0; i < THRESHOLD_END && length > 0 && (size_t)length < size; i++)
		length += snprintf(why + length, size - (size_t)length, "%s %s", i ? "," : "",
				   known[i].name);
	return -EINVAL;
}

int thresholds__set(struct thresholds *thresholds, const char *option, char *why, size_t why_size)
{
	static const char *const kinds[] = {"a size (64M)", "a time (30s, 2min)", "a share (50%)",
					    "a number"};
	const size_t length = strcspn(option, "=");

	for (int i = 0; i < THRESHOLD_END; i++) {
		uint64_t value;

		if (strlen(known[i].name) != length || strncmp(known[i].name, option, length) != 0)
			continue;
		if (option[length] == '=' && !parse(known[i].unit, option + length + 1, &value)) {
			thresholds->values[i] = value;
			return 0;
		}
		snprintf(why, why_size, "threshold '%s' wants %s, as in %s=...", known[i].name,
			 kinds[known[i].unit], known[i].name);
		return -EINVAL;
	}
	return refuse(why, why_size, option);
}

const char *threshold__name(enum threshold threshold)
{
	return known[threshold].name;
}

const char *threshold__meaning(enum threshold threshold)
{
	return known[threshold].meaning;
}

enum threshold_unit threshold__unit(enum threshold threshold)
{
	return known[threshold].unit;
}
