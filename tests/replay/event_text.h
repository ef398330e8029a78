/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * Events as text that people write and review.
 *
 * One event a line: KIND TIME FIELD=VALUE ...; a line that begins with # says something to the
 * reader. TIME is in seconds. Fields are named as in bpf/events.h, those of a contained struct
 * with its name and a dot where an event has two of the kind (victim.pid, parent.pid) and bare
 * otherwise (pid, anon_bytes). What is not given is unknown, or zero where that cannot be; a tid
 * is the pid. Bytes may be said as 96M, spans as 250ms, limits as none, enums and flags by their
 * names (flags joined by |). Text stands in double quotes with \\, \", \n, \t and \xNN; the
 * arguments of an argv are separated by \x00. The points of a series are TIME:VALUE,VALUE...
 * separated by semicolons; the frames of a stack are numbers separated by commas.
 */

#include "bpf/events.h"

typedef int (*event_sink)(void *context, const struct event_header *event);

/* Hands every event of the file to `sink`. -errno, after a line on stderr, also when it fails. */
int event_text__read(const char *path, event_sink sink, void *context);

/* Prints the event as a line on stdout; nothing when its kind is unknown. */
void event_text__print(const struct event_header *event);
