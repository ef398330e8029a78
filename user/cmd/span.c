/* SPDX-License-Identifier: GPL-2.0-only */
#include "cmd/span.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"

static bool parse_end(struct span_end *end, const char *text, size_t length)
{
	char copy[32];

	*end = (struct span_end){0};
	if (!length)
		return true;
	end->given = true;
	end->from_end = *text == '-';
	text += end->from_end;
	length -= end->from_end;
	if (length >= sizeof(copy))
		return false;
	snprintf(copy, sizeof(copy), "%.*s", (int)length, text);
	return units__parse_duration(copy, &end->ns) == 0;
}

bool span__parse(struct span *span, const char *text)
{
	const char *dots = strstr(text, "..");
	size_t length = dots ? (size_t)(dots - text) : strlen(text);

	if (!*text || !parse_end(&span->from, text, length))
		return false;
	span->to = (struct span_end){0};
	return !dots || parse_end(&span->to, dots + 2, strlen(dots + 2));
}

static uint64_t settle(const struct span_end *end, uint64_t first_ns, uint64_t last_ns,
		       uint64_t otherwise_ns)
{
	if (!end->given)
		return otherwise_ns;
	if (end->from_end)
		return last_ns - first_ns > end->ns ? last_ns - end->ns : first_ns;
	return end->ns < UINT64_MAX - first_ns ? first_ns + end->ns : UINT64_MAX;
}

bool span__settle(const struct span *span, uint64_t first_ns, uint64_t last_ns, uint64_t *from_ns,
		  uint64_t *to_ns)
{
	*from_ns = settle(&span->from, first_ns, last_ns, 0);
	*to_ns = settle(&span->to, first_ns, last_ns, UINT64_MAX);
	return *from_ns <= *to_ns;
}
