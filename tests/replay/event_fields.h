/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/events.h"

/*
 * What the events of bpf/events.h consist of, as a table: the text form of a recording is read and
 * written by walking it. It cannot fall behind: a struct whose fields do not add up to its size
 * does not compile.
 */

enum field_type {
	FIELD_NUMBER,
	FIELD_TEXT,    /* char array, NUL-padded */
	FIELD_STRUCT,  /* its fields take part under `name` as prefix */
	FIELD_ARGV,    /* the flexible array at the end */
	FIELD_ROWS,    /* the same of a series: points of a time and values */
	FIELD_NUMBERS, /* the same of 32-bit numbers */
	FIELD_HIDDEN   /* reserved, or follows from something else */
};

struct value_name {
	const char *name; /* NULL ends the list */
	int64_t value;
};

struct field {
	const char *name; /* of a struct: what precedes its fields' names, "" or with a dot */
	enum field_type type;
	bool is_signed;
	bool is_flags;         /* names may be joined by '|' */
	bool repeats_previous; /* unless given */
	uint32_t offset;
	uint32_t size;
	uint32_t length_offset;         /* of an array at the end: where its length stands */
	int64_t otherwise;              /* value unless given */
	const struct value_name *names; /* NULL: none */
	const struct struct_layout *layout;
};

struct struct_layout {
	const char *name;
	const struct field *fields;
	size_t count;
	size_t size;
};

struct event_layout {
	const char *name; /* of the kind, as in EVENT_KINDS */
	uint16_t kind;
	const struct struct_layout *layout;
};

extern const struct event_layout event_layouts[];
extern const size_t event_layout_count;

/* Values a point of the series in this event. */
unsigned int event__series_width(const struct event_header *event);

/* A number's value in the struct at `base`. */
int64_t field__load(const struct field *field, const char *base);
/* Whose value a field that repeats has unless given; the header is the first of all. */
const struct field *field__repeated(const struct field *field);
bool field__store(const struct field *field, char *base, int64_t value); /* false: does not fit */
bool field__is_in(const struct field *field, const char *unit); /* by its name: "_bytes", "_ns" */
