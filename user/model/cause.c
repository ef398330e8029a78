/* SPDX-License-Identifier: GPL-2.0-only */
#include "model/cause.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/model_internal.h"

#define ID_DIGITS_MIN   32
#define RUN_DIGITS_MIN  16 /* systemd-run's "run-r<id>" */
#define UUID_CHARACTERS 36
#define ESCAPED_DASH    "\\x2d" /* '-' inside a unit's name */

/* Part of a path's component: not NUL-terminated. */
struct part {
	const char *begin;
	size_t length;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex_digit(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool part__begins(const struct part *part, const char *prefix)
{
	return part->length >= strlen(prefix) && !memcmp(part->begin, prefix, strlen(prefix));
}

/* Takes `suffix` off the end; something must be left. */
static bool part__cut(struct part *part, const char *suffix)
{
	size_t length = strlen(suffix);

	if (part->length <= length || memcmp(part->begin + part->length - length, suffix, length))
		return false;
	part->length -= length;
	return true;
}

/* The first `length` characters, when what stands before the rest can end a name. */
static bool part__shorten(struct part *part, size_t length)
{
	char before = length ? part->begin[length - 1] : '-';

	if (before != '-' && before != ':' && before != '@')
		return false;
	part->length = length;
	return true;
}

static bool part__cut_uuid(struct part *part)
{
	const char *uuid = part->begin + part->length - UUID_CHARACTERS;

	if (part->length < UUID_CHARACTERS)
		return false;
	for (size_t i = 0; i < UUID_CHARACTERS; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? uuid[i] != '-' : !is_hex_digit(uuid[i]))
			return false;
	}
	return part__shorten(part, part->length - UUID_CHARACTERS);
}

static bool part__cut_id(struct part *part)
{
	size_t digits = 0;

	while (digits < part->length && is_hex_digit(part->begin[part->length - 1 - digits]))
		digits++;
	return digits >= ID_DIGITS_MIN && part__shorten(part, part->length - digits);
}

/* "-4711" at the end, with a letter of `letters` before the digits or none. */
static bool part__cut_number(struct part *part, const char *letters)
{
	size_t length = part->length;

	while (length && is_digit(part->begin[length - 1]))
		length--;
	if (length == part->length || !length)
		return false;
	if (strchr(letters, part->begin[length - 1]))
		length--;
	if (!length || part->begin[length - 1] != '-')
		return false;
	part->length = length;
	return true;
}

static bool part__cut_run_id(struct part *part)
{
	size_t digits = 0;

	while (digits < part->length && is_hex_digit(part->begin[part->length - 1 - digits]))
		digits++;
	if (digits < RUN_DIGITS_MIN || digits + 2 > part->length ||
	    memcmp(part->begin + part->length - digits - 2, "-r", 2))
		return false;
	part->length -= digits + 1;
	return true;
}

/* What systemd-run made up: "run-u12", "run-r<id>", "run-4711", "run-p4711-i12"; all of it. */
static bool part__cut_run(struct part *part)
{
	static const size_t prefix = sizeof("run-") - 1;
	struct part rest = *part;

	if (!part__begins(part, "run-"))
		return false;
	while (part__cut_run_id(&rest) || part__cut_number(&rest, "upi")) {
		if (rest.length == prefix) {
			part->length = prefix;
			return true;
		}
		rest.length--; /* the dash, for the next round */
	}
	return false;
}

/* "machine-qemu\x2d3\x2dname": the 3 counts starts. */
static bool part__say_machine(const struct part *part, struct text *out)
{
	const char *end = part->begin + part->length, *number, *rest;

	if (!part__begins(part, "machine-"))
		return false;
	number = memmem(part->begin, part->length, ESCAPED_DASH, strlen(ESCAPED_DASH));
	if (!number)
		return false;
	number += strlen(ESCAPED_DASH);
	for (rest = number; rest < end && is_digit(*rest); rest++)
		;
	if (rest == number || (size_t)(end - rest) < strlen(ESCAPED_DASH) ||
	    memcmp(rest, ESCAPED_DASH, strlen(ESCAPED_DASH)))
		return false;
	text__append(out, part->begin, (size_t)(number - part->begin));
	text__string(out, "*");
	text__append(out, rest, (size_t)(end - rest));
	return true;
}

static bool component__say(struct text *out, const char *component, size_t length)
{
	struct part part = {component, length};
	bool scope = part__cut(&part, ".scope");
	bool service = !scope && part__cut(&part, ".service");
	size_t stem = part.length;
	bool cut;

	if (scope && part__say_machine(&part, out)) {
		text__append(out, component + stem, length - stem);
		return true;
	}
	cut = part__cut_uuid(&part) || part__cut_id(&part);
	if (!cut && (scope || service))
		cut = part__cut_run(&part);
	if (!cut && scope)
		cut = part__cut_number(&part, part__begins(&part, "session-") ? "c" : "");
	text__append(out, component, part.length);
	if (cut)
		text__string(out, "*");
	text__append(out, component + stem, length - stem);
	return cut;
}

bool cause__lasting_path(struct text *out, const char *path)
{
	bool cut = false;

	while (*path) {
		size_t length = strcspn(path, "/");

		cut |= component__say(out, path, length);
		path += length;
		if (*path == '/') {
			text__string(out, "/");
			path++;
		}
	}
	return cut;
}

int cause__fingerprint(const struct cause *cause, char out[CAUSE_FINGERPRINT_BYTES])
{
	static const char *const names[] = {
		[CAUSE_MEMCG] = "memcg",     [CAUSE_HOST] = "host",
		[CAUSE_CPUSET] = "cpuset",   [CAUSE_MEMPOLICY] = "mempolicy",
		[CAUSE_BY_HAND] = "by hand", [CAUSE_NOT_DETERMINED] = "not determined",
	};
	struct digest digest = {.value = DIGEST_SEED};
	_cleanup_(text__free) struct text path = {0};
	bool cut = cause__lasting_path(&path, cause->cgroup ? cause->cgroup : "");

	if (!text__ok(&path))
		return -ENOMEM;
	digest__text(&digest, names[cause->class]);
	if (cause->class != CAUSE_BY_HAND) {
		digest__bytes(&digest, path.data, path.length);
		if (!cause->cgroup || cause->cgroup[0] != '/')
			digest__u64(&digest, cause->cgroup_id);
		if (cut || cause->class != CAUSE_MEMCG)
			digest__bytes(&digest, cause->comm, strnlen(cause->comm, EVENT_COMM_BYTES));
	}
	snprintf(out, CAUSE_FINGERPRINT_BYTES, "%016" PRIx64, digest.value);
	return 0;
}
