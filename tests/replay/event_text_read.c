/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "recording/reader.h"
#include "tests/replay/event_fields.h"
#include "tests/replay/event_text.h"

static void fill_in_defaults(const struct struct_layout *layout, char *base)
{
	for (size_t i = 0; i < layout->count; i++) {
		const struct field *field = &layout->fields[i];

		if (field->type == FIELD_NUMBER)
			field__store(field, base, field->otherwise);
		else if (field->type == FIELD_STRUCT)
			fill_in_defaults(field->layout, base + field->offset);
	}
}

static void fill_in_repetitions(const struct struct_layout *layout, char *base)
{
	for (size_t i = 0; i < layout->count; i++) {
		const struct field *field = &layout->fields[i];

		if (field->repeats_previous && field__load(field, base) == 0)
			field__store(field, base, field__load(field__repeated(field), base));
		else if (field->type == FIELD_STRUCT)
			fill_in_repetitions(field->layout, base + field->offset);
	}
}

/* The field called `name`, and through `base` the struct it is in. */
static const struct field *find_field(const struct struct_layout *layout, const char *name,
				      char **base)
{
	for (size_t i = 0; i < layout->count; i++) {
		const struct field *field = &layout->fields[i];
		const struct field *inner;
		size_t prefix = strlen(field->name);
		char *inner_base = *base + field->offset;

		if (field->type == FIELD_STRUCT && strncmp(name, field->name, prefix) == 0) {
			inner = find_field(field->layout, name + prefix, &inner_base);
			if (inner) {
				*base = inner_base;
				return inner;
			}
		} else if (field->type != FIELD_HIDDEN && strcmp(name, field->name) == 0) {
			return field;
		}
	}
	return NULL;
}

static const struct value_name *find_name(const struct value_name *names, const char *name,
					  size_t length)
{
	for (; names && names->name; names++) {
		if (strlen(names->name) == length && strncmp(names->name, name, length) == 0)
			return names;
	}
	return NULL;
}

static bool parse_names(const struct field *field, const char *string, int64_t *value)
{
	int64_t sum = 0;

	for (;;) {
		size_t length = strcspn(string, field->is_flags ? "|" : "");
		const struct value_name *name = find_name(field->names, string, length);

		if (!name)
			return false;
		sum |= name->value;
		if (!string[length])
			break;
		string += length + 1;
	}
	*value = sum;
	return true;
}

static bool parse_number(const struct field *field, const char *string, int64_t *value)
{
	bool negative = *string == '-';
	uint64_t number;
	char *end;
	int err = 0;

	if (parse_names(field, string, value))
		return true;
	if (field->is_signed && strcmp(string, "unknown") == 0) {
		*value = EVENT_UNKNOWN;
		return true;
	}
	string += negative;
	if (*string < '0' || *string > '9')
		return false;
	errno = 0;
	number = strtoull(string, &end, 0);
	if (*end && field__is_in(field, "_bytes"))
		err = units__parse_bytes(string, &number);
	else if (*end && field__is_in(field, "_ns"))
		err = units__parse_duration(string, &number);
	else if (*end)
		err = -EINVAL;
	*value = negative ? -(int64_t)number : (int64_t)number;
	return !err && !errno;
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | 0x20) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Unescapes a quoted string in place; `*string` is moved behind its closing quote. */
static bool parse_quoted(char **string, char **text, size_t *length)
{
	char *in = *string + 1;
	char *out = in;

	*text = in;
	while (*in && *in != '"') {
		if (*in != '\\') {
			*out++ = *in++;
			continue;
		}
		switch (in[1]) {
		case 'n':
			*out++ = '\n';
			break;
		case 't':
			*out++ = '\t';
			break;
		case '"':
		case '\\':
			*out++ = in[1];
			break;
		case 'x':
			if (hex_digit(in[2]) < 0 || hex_digit(in[3]) < 0)
				return false;
			*out++ = (char)(hex_digit(in[2]) << 4 | hex_digit(in[3]));
			in += 2;
			break;
		default:
			return false;
		}
		in += 2;
	}
	*length = (size_t)(out - *text);
	*string = in + 1;
	return *in == '"';
}

/* An event being put together. */
struct assembly {
	const struct struct_layout *layout;
	size_t argv_bytes;
	union {
		struct event_header header;
		char bytes[EVENT_MAX_BYTES];
	};
};

#define ROWS_MAX (EVENT_SERIES_POINTS * 7)

/* "TIME:VALUE,...;TIME:..." into rows of 64-bit numbers; the text is cut up. */
static const char *set_rows(struct assembly *assembly, char *base, char *text)
{
	const struct field value = {.name = "_bytes", .is_signed = true};
	int64_t *rows = (int64_t *)base;
	size_t count = 0;
	char *point, *number;

	while ((point = strsep(&text, ";"))) {
		number = strsep(&point, ":");
		if (count == ROWS_MAX || units__parse_duration(number, (uint64_t *)&rows[count++]))
			return "not a time of a point";
		while ((number = strsep(&point, ","))) {
			if (count == ROWS_MAX || !parse_number(&value, number, &rows[count++]))
				return "not a value of a point";
		}
	}
	assembly->argv_bytes = count * sizeof(rows[0]);
	return NULL;
}

/* "NUMBER,NUMBER" into 32-bit numbers; the text is cut up. */
static const char *set_numbers(struct assembly *assembly, char *base, char *text)
{
	uint32_t *numbers = (uint32_t *)base;
	size_t count = 0;
	char *number, *end;

	while (*text && (number = strsep(&text, ","))) {
		if (count == EVENT_STACK_FRAMES)
			return "too many numbers";
		numbers[count++] = (uint32_t)strtoul(number, &end, 0);
		if (end == number || *end)
			return "not a number";
		if (!text)
			break;
	}
	assembly->argv_bytes = count * sizeof(numbers[0]);
	return NULL;
}

static void set_length(const struct field *field, char *base, size_t length)
{
	const __u32 told = (__u32)length;

	memcpy(base + field->length_offset, &told, sizeof(told));
}

static const char *set_text(struct assembly *assembly, const struct field *field, char *base,
			    char *text, size_t length)
{
	const char *wrong;

	if (field->type == FIELD_TEXT) {
		if (length > field->size)
			return "text is too long";
		memcpy(base + field->offset, text, length);
		return NULL;
	}
	if (field->type == FIELD_ROWS || field->type == FIELD_NUMBERS) {
		text[length] = '\0';
		wrong = field->type == FIELD_ROWS
				? set_rows(assembly, base + field->offset, text)
				: set_numbers(assembly, base + field->offset, text);
		set_length(field, base,
			   field->type == FIELD_ROWS ? assembly->argv_bytes
						     : assembly->argv_bytes / sizeof(uint32_t));
		return wrong;
	}
	if (length > EVENT_ARGV_BYTES)
		return "argv is too long";
	memcpy(base + field->offset, text, length);
	set_length(field, base, length);
	assembly->argv_bytes = length;
	return NULL;
}

/* Takes in one FIELD=VALUE at `*line` and moves behind it. Returns what is wrong with it. */
static const char *parse_assignment(struct assembly *assembly, char **line)
{
	char *name = *line;
	char *base = assembly->bytes;
	const struct field *field;
	size_t length = strcspn(name, "= ");
	char *text;
	int64_t value;

	if (name[length] != '=')
		return "FIELD=VALUE expected";
	name[length] = '\0';
	*line = name + length + 1;
	field = find_field(assembly->layout, name, &base);
	if (!field)
		return "no such field";
	if (**line == '"') {
		if (!parse_quoted(line, &text, &length) || (**line && **line != ' '))
			return "malformed text";
		if (field->type == FIELD_NUMBER)
			return "a number expected";
		return set_text(assembly, field, base, text, length);
	}
	if (field->type != FIELD_NUMBER)
		return "text in double quotes expected";
	text = *line;
	length = strcspn(text, " ");
	*line += length + (text[length] != '\0');
	text[length] = '\0';
	if (!parse_number(field, text, &value) || !field__store(field, base, value))
		return "not a value of this field";
	return NULL;
}

static const char *parse_event(struct assembly *assembly, char *line)
{
	const struct event_layout *event = NULL;
	size_t length = strcspn(line, " ");
	char *time = line + length;
	uint64_t time_ns;

	for (size_t i = 0; i < event_layout_count; i++) {
		if (strlen(event_layouts[i].name) == length &&
		    strncmp(event_layouts[i].name, line, length) == 0)
			event = &event_layouts[i];
	}
	if (!event)
		return "no such kind of event";
	time += strspn(time, " ");
	line = time + strcspn(time, " ");
	if (*line)
		*line++ = '\0';
	if (units__parse_duration(time, &time_ns))
		return "no time";

	memset(assembly, 0, sizeof(*assembly));
	assembly->layout = event->layout;
	fill_in_defaults(event->layout, assembly->bytes);
	while (*(line += strspn(line, " "))) {
		const char *wrong = parse_assignment(assembly, &line);

		if (wrong)
			return wrong;
	}
	assembly->header.kind = event->kind;
	assembly->header.time_ns = time_ns;
	fill_in_repetitions(event->layout, assembly->bytes);
	assembly->header.size_bytes =
		(__u32)((event->layout->size + assembly->argv_bytes + 7) / 8 * 8);
	if (event__check(&assembly->header, sizeof(assembly->bytes)))
		return "not an intact event";
	return NULL;
}

int event_text__read(const char *path, event_sink sink, void *context)
{
	static struct assembly assembly;
	FILE *in = fopen(path, "re");
	char *line = NULL;
	size_t capacity = 0;
	unsigned long number = 0;
	int err = in ? 0 : -errno;

	if (err)
		fprintf(stderr, "trail-text: %s: %s\n", path, strerror(-err));
	while (!err && getline(&line, &capacity, in) >= 0) {
		const char *wrong;

		number++;
		line[strcspn(line, "\n")] = '\0';
		if (!line[strspn(line, " ")] || line[0] == '#')
			continue;
		wrong = parse_event(&assembly, line);
		err = wrong ? -EINVAL : sink(context, &assembly.header);
		if (err)
			fprintf(stderr, "trail-text: %s:%lu: %s\n", path, number,
				wrong ? wrong : strerror(-err));
	}
	free(line);
	if (in)
		fclose(in);
	return err;
}
