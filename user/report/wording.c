/* SPDX-License-Identifier: GPL-2.0-only */
#include <inttypes.h>
#include <string.h>

#include "base/units.h"
#include "report/wording.h"

void wording__bytes(struct text *out, int64_t bytes)
{
	char buffer[UNITS_MAX];

	text__string(out, bytes == EVENT_UNKNOWN ? "unknown" : units__bytes(buffer, bytes));
}

void wording__limit(struct text *out, int64_t bytes)
{
	if (bytes == EVENT_NO_LIMIT)
		text__string(out, "no limit");
	else
		wording__bytes(out, bytes);
}

void wording__delta(struct text *out, int64_t bytes)
{
	char buffer[UNITS_MAX];

	text__string(out, bytes == EVENT_UNKNOWN ? "unknown" : units__delta(buffer, bytes));
}

void wording__count(struct text *out, uint64_t count)
{
	char buffer[UNITS_MAX];

	text__string(out, units__count(buffer, count));
}

void wording__counted(struct text *out, uint64_t count, const char *one, const char *many)
{
	wording__count(out, count);
	text__printf(out, " %s", count == 1 ? one : many);
}

void wording__duration(struct text *out, uint64_t ns)
{
	char buffer[UNITS_MAX];

	text__string(out, units__duration(buffer, ns));
}

void wording__utc(struct text *out, int64_t realtime_ns)
{
	char buffer[UNITS_MAX];

	if (realtime_ns == EVENT_UNKNOWN)
		text__string(out, "at an unknown time");
	else
		text__string(out, units__utc(buffer, realtime_ns));
}

void wording__percent(struct text *out, uint64_t part, uint64_t whole, unsigned int decimals)
{
	const uint64_t scale = decimals >= 2 ? 100 : decimals == 1 ? 10 : 1;
	unsigned __int128 scaled;
	uint64_t value;

	if (whole == 0) {
		text__string(out, "unknown");
		return;
	}
	scaled = ((unsigned __int128)part * 100 * scale + whole / 2) / whole;
	value = scaled > UINT64_MAX ? UINT64_MAX : (uint64_t)scaled;
	text__printf(out, "%" PRIu64, value / scale);
	if (scale > 1)
		text__printf(out, ".%0*" PRIu64, scale == 100 ? 2 : 1, value % scale);
	text__string(out, "%");
}

/* Rounded half up, one decimal below `decimal_below`. */
static void say_quotient(struct text *out, unsigned __int128 part, uint64_t whole,
			 uint64_t decimal_below)
{
	const unsigned __int128 tenths = (part * 10 + whole / 2) / whole;
	const unsigned __int128 rounded = (part + whole / 2) / whole;

	if (tenths < (unsigned __int128)decimal_below * 10 && tenths % 10 != 0)
		text__printf(out, "%" PRIu64 ".%u", (uint64_t)(tenths / 10),
			     (unsigned int)(tenths % 10));
	else
		wording__count(out, rounded > UINT64_MAX ? UINT64_MAX : (uint64_t)rounded);
}

void wording__ns(struct text *out, uint64_t sum_ns, uint64_t count)
{
	say_quotient(out, sum_ns, count, 100);
	text__string(out, " ns");
}

void wording__per_second(struct text *out, uint64_t count, uint64_t ns)
{
	say_quotient(out, (unsigned __int128)count * NS_PER_S, ns, 10);
}

void wording__rate(struct text *out, int64_t bytes, uint64_t ns)
{
	char buffer[UNITS_MAX];
	__int128 rate;

	if (bytes == EVENT_UNKNOWN || ns == 0) {
		text__string(out, "unknown rate");
		return;
	}
	rate = (__int128)bytes * NS_PER_S / ns;
	if (rate > INT64_MAX)
		rate = INT64_MAX;
	text__printf(out, "%s/s", units__bytes(buffer, (int64_t)rate));
}

void wording__task(struct text *out, const char *comm, uint32_t pid)
{
	if (comm[0] != '\0')
		text__escaped_array(out, comm, EVENT_COMM_BYTES);
	else
		text__string(out, "(name unknown)");
	text__printf(out, ", pid %" PRIu32, pid);
}

void wording__argv(struct text *out, const char *argv, uint32_t bytes, uint32_t flags,
		   size_t max_columns)
{
	if (flags & ARGV_UNREADABLE) {
		text__string(out, "(command line could not be read)");
	} else if (!argv) {
		text__string(out, "(command line unknown)");
	} else if (bytes == 0) {
		text__string(out, "(no command line)");
	} else {
		text__argv(out, argv, bytes, max_columns);
		if (flags & ARGV_CUT)
			text__string(out, " (recorded up to here)");
	}
}

void wording__service(struct text *out, const struct service *service)
{
	switch (service->kind) {
	case SERVICE_NONE:
		text__string(out, "no service");
		return;
	case SERVICE_SYSTEMD:
		break;
	case SERVICE_CONTAINER:
		if (service->runtime[0] != '\0') {
			text__escaped_array(out, service->runtime, sizeof(service->runtime));
			text__string(out, " ");
		}
		text__string(out, "container ");
		break;
	case SERVICE_PM2:
		text__string(out, "PM2 application ");
		break;
	case SERVICE_TREE:
		text__string(out, "process tree ");
		break;
	}
	text__escaped_array(out, service->name, sizeof(service->name));
}

void wording__exit_status(struct text *out, uint32_t code)
{
	const uint32_t number = code & 0x7f;
	char name[UNITS_MAX];

	if (number == 0)
		text__printf(out, "exit status %" PRIu32, (code >> 8) & 0xff);
	else
		text__printf(out, "killed by %s", units__signal(name, number));
}

void wording__memory(struct text *out, const struct memory *memory)
{
	const struct {
		int64_t bytes;
		const char *kind;
	} kinds[] = {
		{memory->anon_bytes, "anon"},       {memory->file_bytes, "file"},
		{memory->shmem_bytes, "shmem"},     {memory->swap_bytes, "swap"},
		{memory->hugetlb_bytes, "hugetlb"}, {memory->page_table_bytes, "page tables"},
	};
	bool any = false, known = false;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		known |= kinds[i].bytes != EVENT_UNKNOWN;
		if (kinds[i].bytes <= 0)
			continue;
		text__string(out, any ? ", " : "");
		wording__bytes(out, kinds[i].bytes);
		text__printf(out, " %s", kinds[i].kind);
		any = true;
	}
	if (!any)
		text__string(out, known ? "0" : "unknown");
}

/* Columns of data[from..to), an escaped string. */
static size_t columns_between(char *data, size_t from, size_t to)
{
	const char saved = data[to];
	size_t columns;

	data[to] = '\0';
	columns = text__columns(data + from);
	data[to] = saved;
	return columns;
}

/* Where the word that begins at `at` ends. A figure and its unit are one word. */
static size_t word_end(const struct text *body, size_t at)
{
	static const char figure[] = "+-(0123456789.,";
	size_t end = at + (body->data[at] == ' ');
	const size_t digits = strspn(body->data + end, figure);
	const size_t length = strcspn(body->data + end, " ");

	end += length;
	if (digits > 0 && digits == length && end < body->length && body->data[end - 1] >= '0')
		end += 1 + strcspn(body->data + end + 1, " ");
	return end;
}

void wording__paragraph(struct text *out, const char *label, size_t indent, const struct text *body)
{
	const size_t label_columns = text__columns(label);
	char *data = body->data;
	size_t column = label_columns < indent ? indent : label_columns;
	size_t at = 0;

	out->failed |= body->failed;
	text__string(out, label);
	text__pad(out, ' ', column - label_columns);
	while (data && at < body->length) {
		const size_t end = word_end(body, at);
		const size_t columns = columns_between(data, at, end);

		/* A word carries the blank before it; a broken line drops that blank. */
		if (column + columns > REPORT_COLUMNS && column > indent) {
			text__string(out, "\n");
			text__pad(out, ' ', indent);
			column = indent;
			at += data[at] == ' ';
			continue;
		}
		text__append(out, data + at, end - at);
		column += columns;
		at = end;
	}
	text__string(out, "\n");
}

void wording__cell_right(struct text *out, const struct text *cell, size_t width)
{
	const size_t columns = cell->data ? text__columns(cell->data) : 0;

	out->failed |= cell->failed;
	text__pad(out, ' ', columns < width ? width - columns : 1);
	text__append(out, cell->data, cell->length);
}

void wording__cell_left(struct text *out, const struct text *cell, size_t width)
{
	const size_t columns = cell->data ? text__columns(cell->data) : 0;
	const char *line = out->length > 0 ? memrchr(out->data, '\n', out->length) : NULL;
	const size_t start = out->length > 0 ? text__columns(line ? line + 1 : out->data) : 0;

	out->failed |= cell->failed;
	text__append(out, cell->data, cell->length);
	if (columns < width) {
		text__pad(out, ' ', width - columns);
		return;
	}
	text__string(out, "\n");
	text__pad(out, ' ', start + width);
}

void wording__flow(struct text *out, size_t *column, size_t indent, size_t limit,
		   const struct text *entry)
{
	const size_t columns = entry->data ? text__columns(entry->data) : 0;

	if (*column > 0 && *column + 3 + columns > limit) {
		text__string(out, "\n");
		*column = 0;
	}
	text__pad(out, ' ', *column > 0 ? 3 : indent);
	*column += (*column > 0 ? 3 : indent) + columns;
	text__append(out, entry->data, entry->length);
	out->failed |= entry->failed;
}

void wording__host(struct text *out, const struct event_host *host)
{
	text__escaped_array(out, host->name, sizeof(host->name));
	text__string(out, ", Linux ");
	text__escaped_array(out, host->kernel, sizeof(host->kernel));
	text__string(out, ", ");
	wording__counted(out, host->cpus, "CPU", "CPUs");
	text__string(out, ", ");
	wording__bytes(out, (int64_t)host->memory_bytes);
	text__string(out, " of memory, ");
	wording__bytes(out, (int64_t)host->swap_bytes);
	text__string(out, " of swap");
}
