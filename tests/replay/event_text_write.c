/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "tests/replay/event_fields.h"
#include "tests/replay/event_text.h"

static void print_quoted(const char *bytes, size_t length)
{
	putchar('"');
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c == '\n')
			printf("\\n");
		else if (c < ' ' || c > '~')
			printf("\\x%02x", c);
		else
			putchar(c);
	}
	putchar('"');
}

/* Without the padding; a NUL with something behind it is part of the text. */
static size_t text_length(const char *array, size_t size)
{
	while (size > 0 && !array[size - 1])
		size--;
	return size;
}

static void print_scaled(int64_t value, const char *const units[], const int64_t sizes[])
{
	size_t i = 0;

	while (sizes[i] > 1 && (value == 0 || value % sizes[i]))
		i++;
	printf("%lld%s", (long long)(value / sizes[i]), units[i]);
}

static void print_number(const struct field *field, int64_t value)
{
	static const char *const byte_units[] = {"G", "M", "K", ""};
	static const int64_t byte_sizes[] = {GIB, MIB, KIB, 1};
	static const char *const time_units[] = {"s", "ms", "us", ""};
	static const int64_t time_sizes[] = {NS_PER_S, NS_PER_MS, NS_PER_US, 1};
	const char *separator = "";

	if (value == EVENT_UNKNOWN && field->is_signed && field->size == 8) {
		printf("unknown");
		return;
	}
	for (const struct value_name *name = field->names; name && name->name; name++) {
		if (field->is_flags ? value & name->value : value == name->value) {
			printf("%s%s", separator, name->name);
			separator = "|";
			value = field->is_flags ? value & ~name->value : 0;
			if (!field->is_flags)
				return;
		}
	}
	if (*separator && value == 0)
		return;
	if (field__is_in(field, "_bytes"))
		print_scaled(value, byte_units, byte_sizes);
	else if (field__is_in(field, "_ns"))
		print_scaled(value, time_units, time_sizes);
	else if (field->is_signed)
		printf("%lld", (long long)value);
	else
		printf("%llu", (unsigned long long)value);
}

static void print_time(uint64_t time_ns)
{
	unsigned long long rest = time_ns % NS_PER_S;
	int digits = rest ? 9 : 0;

	while (rest && rest % 10 == 0) {
		rest /= 10;
		digits--;
	}
	printf("%llu", (unsigned long long)(time_ns / NS_PER_S));
	if (digits)
		printf(".%0*llu", digits, rest);
}

static void print_rows(const struct event_header *event, const int64_t *rows, size_t bytes)
{
	const struct field value = {.name = "_bytes", .is_signed = true, .size = sizeof(rows[0])};
	unsigned int width = event__series_width(event);

	putchar('"');
	for (size_t i = 0; i < bytes / sizeof(rows[0]); i++) {
		if (i % (width + 1) == 0) {
			printf("%s", i ? ";" : "");
			print_time((uint64_t)rows[i]);
			continue;
		}
		putchar(i % (width + 1) == 1 ? ':' : ',');
		print_number(&value, rows[i]);
	}
	putchar('"');
}

static void print_numbers(const uint32_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		printf("%s%u", i ? "," : "\"", numbers[i]);
	putchar('"');
}

static void print_fields(const struct struct_layout *layout, const char *base, const char *prefix)
{
	for (size_t i = 0; i < layout->count; i++) {
		const struct field *field = &layout->fields[i];
		const char *at = base + field->offset;
		int64_t value, otherwise;
		char inner[64];
		__u32 argv_bytes;
		size_t length;

		switch (field->type) {
		case FIELD_NUMBER:
			value = field__load(field, base);
			otherwise = field->repeats_previous
					    ? field__load(field__repeated(field), base)
					    : field->otherwise;
			if (value == otherwise)
				break;
			printf(" %s%s=", prefix, field->name);
			print_number(field, value);
			break;
		case FIELD_TEXT:
			length = text_length(at, field->size);
			if (length == 0)
				break;
			printf(" %s%s=", prefix, field->name);
			print_quoted(at, length);
			break;
		case FIELD_ARGV:
			memcpy(&argv_bytes, base + field->length_offset, sizeof(argv_bytes));
			if (argv_bytes == 0)
				break;
			printf(" %s%s=", prefix, field->name);
			print_quoted(at, argv_bytes);
			break;
		case FIELD_ROWS:
			memcpy(&argv_bytes, base + field->length_offset, sizeof(argv_bytes));
			printf(" %s%s=", prefix, field->name);
			print_rows((const struct event_header *)base, (const int64_t *)at,
				   argv_bytes);
			break;
		case FIELD_NUMBERS:
			memcpy(&argv_bytes, base + field->length_offset, sizeof(argv_bytes));
			if (argv_bytes == 0)
				break;
			printf(" %s%s=", prefix, field->name);
			print_numbers((const uint32_t *)at, argv_bytes);
			break;
		case FIELD_STRUCT:
			snprintf(inner, sizeof(inner), "%s%s", prefix, field->name);
			print_fields(field->layout, at, inner);
			break;
		case FIELD_HIDDEN:
			break;
		}
	}
}

void event_text__print(const struct event_header *told)
{
	/* What a shorter one of a kind that has grown lacks is 0. */
	static union {
		struct event_header header;
		char bytes[EVENT_MAX_BYTES];
	} whole;
	const struct event_header *event = &whole.header;

	memset(&whole, 0, sizeof(whole));
	memcpy(&whole, told, told->size_bytes);
	for (size_t i = 0; i < event_layout_count; i++) {
		if (event_layouts[i].kind != event->kind)
			continue;
		printf("%s ", event_layouts[i].name);
		print_time(event->time_ns);
		print_fields(event_layouts[i].layout, (const char *)event, "");
		putchar('\n');
	}
}
