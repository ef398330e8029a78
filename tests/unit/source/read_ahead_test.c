/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "recording/reader.h"
#include "recording/writer.h"
#include "source/read_ahead.h"

#define EVENTS  60000 /* several batches, several blocks */
#define UNKNOWN 61    /* a kind that no version knows yet */

static char path[64];

/* Every thousandth event is of a kind unknown to the reader; the others carry their number. */
static void record(uint64_t events)
{
	struct writer *writer;

	strcpy(path, "/tmp/oomtrail-ahead-XXXXXX");
	close(mkstemp(path));
	assert_int_equal(writer__new(&writer, path), 0);
	for (uint64_t i = 0; i < events; i++) {
		struct event_oom_counter event = {
			.header = {.size_bytes = sizeof(event),
				   .kind = i % 1000 == 999 ? UNKNOWN : EVENT_OOM_COUNTER,
				   .time_ns = i},
			.kills = i,
		};

		assert_int_equal(writer__append(writer, &event.header), 0);
	}
	assert_int_equal(writer__close(writer), 0);
	writer__free(writer);
}

static void every_event_comes_once_in_order_with_its_number(void **state)
{
	const struct event_header *event;
	struct read_ahead *ahead;
	struct reader *reader;
	uint64_t number, expected = 0;

	(void)state;
	record(EVENTS);
	assert_int_equal(reader__new(&reader, path), 0);
	assert_int_equal(read_ahead__new(&ahead, reader), 0);
	while ((event = read_ahead__next(ahead, &number))) {
		if (expected % 1000 == 999)
			expected++;
		assert_int_equal(number, expected);
		assert_int_equal(((const struct event_oom_counter *)event)->kills, expected);
		expected++;
	}
	read_ahead__free(ahead);
	assert_int_equal(expected, EVENTS - 1); /* the last one is unknown */
	assert_int_equal(reader__end(reader), READER_COMPLETE);
	assert_int_equal(reader__unknown(reader), EVENTS / 1000);
	reader__free(reader);
	unlink(path);
}

static void one_that_has_had_enough_is_not_kept_waiting(void **state)
{
	struct read_ahead *ahead;
	struct reader *reader;
	uint64_t number;

	(void)state;
	record(EVENTS);
	for (int taken = 0; taken < 3; taken++) {
		assert_int_equal(reader__new(&reader, path), 0);
		assert_int_equal(read_ahead__new(&ahead, reader), 0);
		for (int i = 0; i < taken; i++)
			assert_non_null(read_ahead__next(ahead, &number));
		read_ahead__free(ahead);
		reader__free(reader);
	}
	unlink(path);
}

static void an_empty_recording_has_no_event(void **state)
{
	struct read_ahead *ahead;
	struct reader *reader;
	uint64_t number;

	(void)state;
	record(0);
	assert_int_equal(reader__new(&reader, path), 0);
	assert_int_equal(read_ahead__new(&ahead, reader), 0);
	assert_null(read_ahead__next(ahead, &number));
	assert_null(read_ahead__next(ahead, &number));
	read_ahead__free(ahead);
	read_ahead__free(NULL);
	assert_int_equal(reader__end(reader), READER_COMPLETE);
	reader__free(reader);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_event_comes_once_in_order_with_its_number),
		cmocka_unit_test(one_that_has_had_enough_is_not_kept_waiting),
		cmocka_unit_test(an_empty_recording_has_no_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
