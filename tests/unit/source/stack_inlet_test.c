/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "source/observe.h"
#include "source/stack_inlet.h"

struct told {
	uint64_t counts[8];
	size_t count;
};

static int take(void *context, const struct event_header *event)
{
	struct told *told = context;

	assert_int_equal(event->kind, EVENT_LOSS);
	assert_int_equal(event->size_bytes, sizeof(struct event_loss));
	assert_true(told->count < 8);
	told->counts[told->count++] = ((const struct event_loss *)event)->count;
	return 0;
}

static void say(int socket, const void *what, size_t bytes)
{
	assert_int_equal(send(socket, what, bytes, 0), bytes);
}

static void say_loss(int socket, uint32_t reason, uint64_t count)
{
	struct event_loss loss = {.reason = reason, .kind = EVENT_GROWTH, .count = count};

	observe__header(&loss.header, EVENT_LOSS, sizeof(loss));
	say(socket, &loss, sizeof(loss));
}

static int hear(struct stack_inlet *inlet, int socket, struct told *told)
{
	assert_true(stack_inlet__receive(inlet, socket) > 0);
	return stack_inlet__pass_on(inlet, take, told);
}

/* A process that is started again counts from 0; what the one before it has lost stays lost. */
static void test_losses_add_up_over_processes(void **state)
{
	const struct stack_greeting greeting = {0};
	struct stack_inlet *inlet = calloc(1, sizeof(*inlet));
	struct told told = {0};
	int sockets[2];

	(void)state;
	assert_non_null(inlet);
	for (int process = 0; process < 2; process++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
		stack_inlet__begin(inlet);
		say(sockets[1], &greeting, sizeof(greeting));
		say_loss(sockets[1], LOSS_SAMPLE_QUEUE, process ? 3 : 5);
		say_loss(sockets[1], LOSS_SAMPLE_QUEUE, process ? 4 : 7);
		say_loss(sockets[1], LOSS_SAMPLE_LATE, 1);
		assert_int_equal(hear(inlet, sockets[0], &told), 0);
		close(sockets[0]);
		close(sockets[1]);
	}
	assert_int_equal(told.count, 6);
	assert_int_equal(told.counts[0], 5);
	assert_int_equal(told.counts[1], 7);
	assert_int_equal(told.counts[2], 1);
	assert_int_equal(told.counts[3], 10);
	assert_int_equal(told.counts[4], 11);
	assert_int_equal(told.counts[5], 2);
	free(inlet);
}

/* Of one that lies about them, and one that goes on: the sum does not begin at 0 again. */
static void test_losses_beyond_all_numbers(void **state)
{
	const struct stack_greeting greeting = {0};
	struct stack_inlet *inlet = calloc(1, sizeof(*inlet));
	struct told told = {0};
	int sockets[2];

	(void)state;
	assert_non_null(inlet);
	for (int process = 0; process < 3; process++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
		stack_inlet__begin(inlet);
		say(sockets[1], &greeting, sizeof(greeting));
		say_loss(sockets[1], LOSS_SAMPLE_QUEUE, process ? 4 : UINT64_MAX - 3);
		assert_int_equal(hear(inlet, sockets[0], &told), 0);
		close(sockets[0]);
		close(sockets[1]);
	}
	assert_int_equal(told.count, 3);
	assert_true(told.counts[0] == UINT64_MAX - 3);
	assert_true(told.counts[1] == UINT64_MAX);
	assert_true(told.counts[2] == UINT64_MAX);
	free(inlet);
}

/* What is passed on is as long as it says: the rest would be whatever lies behind it. */
static void test_a_loss_that_is_longer_than_one(void **state)
{
	const struct stack_greeting greeting = {0};
	struct stack_inlet *inlet = calloc(1, sizeof(*inlet));
	struct {
		struct event_loss loss;
		char more[4096];
	} longer = {.loss = {.reason = LOSS_SAMPLE_QUEUE, .kind = EVENT_GROWTH, .count = 5}};
	struct told told = {0};
	int sockets[2];

	(void)state;
	assert_non_null(inlet);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	observe__header(&longer.loss.header, EVENT_LOSS, sizeof(longer));
	stack_inlet__begin(inlet);
	say(sockets[1], &greeting, sizeof(greeting));
	say(sockets[1], &longer, sizeof(longer));
	say_loss(sockets[1], LOSS_SAMPLE_QUEUE, 6);
	assert_int_equal(hear(inlet, sockets[0], &told), 0);
	assert_int_equal(told.count, 2);
	assert_int_equal(told.counts[0], 5);
	assert_int_equal(told.counts[1], 6);
	close(sockets[0]);
	close(sockets[1]);
	free(inlet);
}

static void test_a_loss_for_no_known_reason_makes_no_sense(void **state)
{
	const struct stack_greeting greeting = {0};
	struct stack_inlet *inlet = calloc(1, sizeof(*inlet));
	struct told told = {0};
	int sockets[2];

	(void)state;
	assert_non_null(inlet);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	stack_inlet__begin(inlet);
	say(sockets[1], &greeting, sizeof(greeting));
	say_loss(sockets[1], LOSS_END, 1);
	assert_int_equal(hear(inlet, sockets[0], &told), -EBADMSG);
	assert_int_equal(told.count, 0);
	close(sockets[0]);
	close(sockets[1]);
	free(inlet);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_losses_add_up_over_processes),
		cmocka_unit_test(test_losses_beyond_all_numbers),
		cmocka_unit_test(test_a_loss_that_is_longer_than_one),
		cmocka_unit_test(test_a_loss_for_no_known_reason_makes_no_sense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
