/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "report/build.h"

/* Fifteen digits are what a double carries exactly both ways: any number of microseconds up to 30
 * years prints as it was meant, without a digit of rounding. */
#define REAL_DIGITS 15
#define KEY_MAX     64

void build__set(struct build *build, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value) != 0)
		build->failed = true;
}

void build__append(struct build *build, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) != 0)
		build->failed = true;
}

void build__string(struct build *build, json_t *object, const char *key, const char *string)
{
	build__set(build, object, key, json_string(string));
}

void build__bool(struct build *build, json_t *object, const char *key, bool value)
{
	build__set(build, object, key, json_boolean(value));
}

void build__null(struct build *build, json_t *object, const char *key)
{
	build__set(build, object, key, json_null());
}

void build__count(struct build *build, json_t *object, const char *key, uint64_t count)
{
	const json_int_t number = count > INT64_MAX ? INT64_MAX : (json_int_t)count;

	build__set(build, object, key, json_integer(number));
}

void build__bytes(struct build *build, json_t *object, const char *key, int64_t bytes)
{
	if (bytes != EVENT_UNKNOWN)
		build__set(build, object, key, json_integer(bytes));
}

void build__limit(struct build *build, json_t *object, const char *key, int64_t bytes)
{
	if (bytes == EVENT_NO_LIMIT)
		build__string(build, object, key, "max");
	else
		build__bytes(build, object, key, bytes);
}

void build__ms(struct build *build, json_t *object, const char *key, int64_t ns)
{
	const int64_t us = ns / (int64_t)NS_PER_US;

	if (us % 1000 == 0)
		build__set(build, object, key, json_integer(us / 1000));
	else
		build__set(build, object, key, json_real((double)us / 1000.0));
}

void build__ns(struct build *build, json_t *object, const char *key, uint64_t sum_ns,
	       uint64_t count)
{
	const unsigned __int128 tenths = ((unsigned __int128)sum_ns * 10 + count / 2) / count;

	if (tenths % 10 == 0)
		build__count(build, object, key, (uint64_t)(tenths / 10));
	else
		build__set(build, object, key, json_real((double)tenths / 10.0));
}

void build__utc(struct build *build, json_t *object, const char *key, int64_t realtime_ns)
{
	char buffer[UNITS_MAX];

	if (realtime_ns == EVENT_UNKNOWN)
		build__null(build, object, key);
	else
		build__string(build, object, key, units__utc(buffer, realtime_ns));
}

/* True when every byte was UTF-8. */
static bool append_utf8(struct text *out, const char *bytes, size_t length)
{
	bool valid = true;

	while (length > 0) {
		uint32_t code;
		size_t size = utf8__decode(bytes, length, &code);

		if (size == 0) {
			text__string(out, "\xef\xbf\xbd");
			valid = false;
			size = 1;
		} else {
			text__append(out, bytes, size);
		}
		bytes += size;
		length -= size;
	}
	return valid;
}

static json_t *hex__new(const char *bytes, size_t length)
{
	_cleanup_(text__free) struct text hex = {0};

	for (size_t i = 0; i < length; i++)
		text__printf(&hex, "%02x", (unsigned char)bytes[i]);
	return text__ok(&hex) ? json_stringn(hex.data ? hex.data : "", hex.length) : NULL;
}

static json_t *text__new(const char *bytes, size_t length, bool *valid)
{
	_cleanup_(text__free) struct text utf8 = {0};

	*valid = append_utf8(&utf8, bytes, length);
	return text__ok(&utf8) ? json_stringn(utf8.data ? utf8.data : "", utf8.length) : NULL;
}

void build__text(struct build *build, json_t *object, const char *key, const char *bytes,
		 size_t length)
{
	char twin[KEY_MAX];
	bool valid;

	build__set(build, object, key, text__new(bytes, length, &valid));
	if (valid)
		return;
	snprintf(twin, sizeof(twin), "%s_hex", key);
	build__set(build, object, twin, hex__new(bytes, length));
}

void build__text_array(struct build *build, json_t *object, const char *key, const char *array,
		       size_t size)
{
	build__text(build, object, key, array, strnlen(array, size));
}

void build__argv(struct build *build, json_t *object, const char *argv, uint32_t bytes,
		 uint32_t flags)
{
	json_t *arguments, *twins;
	bool all_valid = true;

	if (flags & ARGV_UNREADABLE)
		build__null(build, object, "argv");
	if (!argv || flags & ARGV_UNREADABLE)
		return;
	arguments = json_array();
	twins = json_array();
	for (uint32_t at = 0; at < bytes;) {
		const size_t length = strnlen(argv + at, bytes - at);
		bool valid;

		build__append(build, arguments, text__new(argv + at, length, &valid));
		build__append(build, twins, hex__new(argv + at, length));
		all_valid &= valid;
		at += length + 1;
	}
	build__set(build, object, "argv", arguments);
	if (all_valid)
		json_decref(twins);
	else
		build__set(build, object, "argv_hex", twins);
	if (flags & ARGV_CUT)
		build__bool(build, object, "argv_cut", true);
}

static int append_chunk(const char *data, size_t length, void *out)
{
	text__append(out, data, length);
	return text__ok(out) ? 0 : -1;
}

int build__dump(const json_t *json, struct text *out)
{
	if (json_dump_callback(json, append_chunk, out,
			       JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII |
				       JSON_REAL_PRECISION(REAL_DIGITS)) != 0)
		return -ENOMEM;
	text__string(out, "\n");
	return text__ok(out) ? 0 : -ENOMEM;
}
