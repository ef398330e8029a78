/* SPDX-License-Identifier: GPL-2.0-only */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "source/queue.h"

#define SMALLEST (256 * KIB)
#define EVENTS   300000

/* An event of some length whose contents follow from its number. */
static uint32_t make(char *room, uint64_t number, uint16_t kind)
{
	struct event_header *event = (struct event_header *)room;
	uint32_t size = 16 + (uint32_t)(number * 2654435761U % 61) * 8;

	*event = (struct event_header){.size_bytes = size, .kind = kind, .time_ns = number};
	memset(room + sizeof(*event), (int)(number & 0xff), size - sizeof(*event));
	return size;
}

static void check(const struct event_header *event, uint64_t number)
{
	_Alignas(8) char expected[1024];

	assert_int_equal(event->time_ns, number);
	assert_int_equal(event->size_bytes, make(expected, number, event->kind));
	assert_memory_equal(event, expected, event->size_bytes);
}

struct putting {
	struct queue *queue;
	uint64_t refused;
};

/* Never waits: what is refused is put again, which only this test may do. */
static void *put_all(void *context)
{
	struct putting *putting = context;
	_Alignas(8) char room[1024];

	for (uint64_t number = 0; number < EVENTS; number++) {
		make(room, number, EVENT_EXIT);
		while (!queue__put(putting->queue, (struct event_header *)room)) {
			putting->refused++;
			queue__wake(putting->queue);
		}
		if (number % 64 == 63)
			queue__wake(putting->queue);
	}
	queue__wake(putting->queue);
	return NULL;
}

static void two_threads_see_every_event_whole_and_in_order(void **state)
{
	struct putting putting = {0};
	pthread_t thread;

	(void)state;
	assert_int_equal(queue__new(&putting.queue, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, put_all, &putting), 0);
	for (uint64_t number = 0; number < EVENTS;) {
		struct pollfd readable = {.fd = queue__fd(putting.queue), .events = POLLIN};
		const struct event_header *event;

		assert_int_equal(poll(&readable, 1, 60000), 1);
		queue__slept(putting.queue);
		while ((event = queue__peek(putting.queue))) {
			check(event, number++);
			queue__drop(putting.queue);
		}
	}
	pthread_join(thread, NULL);
	assert_null(queue__peek(putting.queue));
	queue__free(putting.queue);
}

static uint64_t fill(struct queue *queue, uint16_t kind)
{
	_Alignas(8) char room[1024];
	uint64_t bytes = 0;

	for (uint64_t number = 0;; number++) {
		uint32_t size = make(room, number, kind);

		if (!queue__put(queue, (struct event_header *)room))
			return bytes;
		bytes += size;
	}
}

static void growth_leaves_room_for_lives_and_both_for_kills(void **state)
{
	uint64_t growth, lives, kills;
	struct queue *queue;

	(void)state;
	assert_int_equal(queue__new(&queue, 0), 0);
	growth = fill(queue, EVENT_RSS);
	assert_in_range(growth, SMALLEST * 3 / 4 - 1024, SMALLEST * 3 / 4);
	assert_true(queue__is_busy(queue));
	lives = fill(queue, EVENT_FORK);
	assert_in_range(growth + lives, SMALLEST * 15 / 16 - 1024, SMALLEST * 15 / 16);
	kills = fill(queue, EVENT_OOM_KILL);
	assert_in_range(growth + lives + kills, SMALLEST - 2048, SMALLEST);
	queue__free(queue);
}

static void what_was_refused_fits_again_once_there_is_room(void **state)
{
	_Alignas(8) char room[1024];
	struct queue *queue;

	(void)state;
	assert_int_equal(queue__new(&queue, 0), 0);
	fill(queue, EVENT_OOM_KILL);
	make(room, 1, EVENT_RSS);
	assert_false(queue__put(queue, (struct event_header *)room));
	while (queue__peek(queue))
		queue__drop(queue);
	assert_false(queue__is_busy(queue));
	/* Behind the place where the room ends, too. */
	for (uint64_t number = 0; number < 10000; number++) {
		make(room, number, EVENT_RSS);
		assert_true(queue__put(queue, (struct event_header *)room));
		check(queue__peek(queue), number);
		queue__drop(queue);
	}
	queue__free(queue);
}

static void a_size_is_rounded_up(void **state)
{
	struct queue *queue;

	(void)state;
	assert_int_equal(queue__new(&queue, SMALLEST + 1), 0);
	assert_in_range(fill(queue, EVENT_OOM_KILL), 2 * SMALLEST - 2048, 2 * SMALLEST);
	queue__free(queue);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_threads_see_every_event_whole_and_in_order),
		cmocka_unit_test(growth_leaves_room_for_lives_and_both_for_kills),
		cmocka_unit_test(what_was_refused_fits_again_once_there_is_room),
		cmocka_unit_test(a_size_is_rounded_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
