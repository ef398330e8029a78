/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * libFuzzer target: what processes of our own say that have read hostile files, and are not
 * believed therefore. The first byte says what the others are: 'i' what the one that names stacks
 * tells the recorder, 'l' what a child that has read debug information tells of source lines. The
 * second one says in which pieces they come: that makes no difference.
 */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "recording/reader.h"
#include "source/stack_inlet.h"
#include "symbols/lines.c" /* the reader alone: no child is forked here */
#include "tests/fuzz/mend.h"

#define LINES 8

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	int error;
	uint64_t hash;
};

static void require(bool promise)
{
	if (!promise)
		abort();
}

static uint64_t hash_of(uint64_t hash, const void *data, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		hash = (hash ^ ((const uint8_t *)data)[i]) * 0x100000001b3ULL;
	return hash;
}

static void open_sockets(int sockets[2])
{
	require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets) == 0);
}

/* The next piece of what is left; all of it where `pieces` is 0. */
static size_t say(int socket, const uint8_t **at, size_t *left, uint8_t pieces)
{
	const size_t bytes = pieces && *left > pieces ? pieces * (size_t)pieces % *left + 1 : *left;

	require(send(socket, *at, bytes, MSG_NOSIGNAL) == (ssize_t)bytes);
	*at += bytes;
	*left -= bytes;
	return bytes;
}

/* --- the one that names stacks ---------------------------------------------------------------- */

struct hearing {
	struct stack_inlet *inlet;
	uint64_t lost[LOSS_END];
	uint64_t hash;
};

static void judge_number(const struct stack_numbers *last, const struct event_header *event)
{
	switch (event->kind) {
	case EVENT_MODULE:
		require(((const struct event_module *)event)->module_id <= last->module);
		break;
	case EVENT_FRAME:
		require(((const struct event_frame *)event)->frame_id <= last->frame);
		break;
	case EVENT_STACK:
		require(((const struct event_stack *)event)->stack_id <= last->stack);
		break;
	case EVENT_FILE:
		require(((const struct event_file *)event)->file_id <= last->file);
		break;
	case EVENT_FRAME_LINE:
	case EVENT_GROWTH:
	case EVENT_GROWTH_GONE:
	case EVENT_LOSS:
		break;
	default:
		require(false);
	}
}

static int hear(void *context, const struct event_header *event)
{
	struct hearing *hearing = context;

	require((uintptr_t)event % 8 == 0 && event__check(event, event->size_bytes) == 0);
	judge_number(&hearing->inlet->numbers, event);
	if (event->kind == EVENT_LOSS) {
		const struct event_loss *loss = (const struct event_loss *)event;

		require(loss->reason < LOSS_END && loss->count >= hearing->lost[loss->reason]);
		hearing->lost[loss->reason] = loss->count;
	}
	hearing->hash = hash_of(hearing->hash, event, event->size_bytes);
	return 0;
}

static int hear_process(struct hearing *hearing, const uint8_t *data, size_t size, uint8_t pieces)
{
	struct stack_inlet *inlet = hearing->inlet;
	int sockets[2], error = 0;

	open_sockets(sockets);
	stack_inlet__begin(inlet);
	require(stack_inlet__receive(inlet, sockets[0]) == -EAGAIN);
	while (!error && size > 0) {
		size_t said = say(sockets[1], &data, &size, pieces);

		while (!error && said > 0) {
			const int got = stack_inlet__receive(inlet, sockets[0]);

			require(got > 0);
			said -= (size_t)got;
			error = stack_inlet__pass_on(inlet, hear, hearing);
			/* There is room for more, or that would be taken for its end. */
			require(error || inlet->bytes < sizeof(inlet->data));
			require(!inlet->greeted ||
				memchr(inlet->greeting.why, '\0', sizeof(inlet->greeting.why)));
		}
	}
	require(error == 0 || error == -EBADMSG);
	close(sockets[0]);
	close(sockets[1]);
	return error;
}

/* One process after the other: what is lost adds up, as it is told in the end. */
static struct outcome hear_all(const uint8_t *data, size_t size, uint8_t pieces)
{
	struct hearing hearing = {.inlet = calloc(1, sizeof(*hearing.inlet))};
	struct outcome outcome;
	uint64_t lost[LOSS_END];

	require(hearing.inlet != NULL);
	outcome.error = hear_process(&hearing, data, size, pieces);
	memcpy(lost, hearing.lost, sizeof(lost));
	require(hear_process(&hearing, data, size, pieces) == outcome.error);
	for (int reason = 0; reason < LOSS_END; reason++)
		require(hearing.lost[reason] / 2 == lost[reason] ||
			hearing.lost[reason] == UINT64_MAX);
	outcome.hash =
		hash_of(hearing.hash, &hearing.inlet->numbers, sizeof(hearing.inlet->numbers));
	free(hearing.inlet);
	return outcome;
}

/* --- source lines ----------------------------------------------------------------------------- */

static struct outcome read_lines(const uint8_t *data, size_t size, uint8_t pieces)
{
	struct source_line lines[LINES] = {0};
	struct lines_search *search = calloc(1, sizeof(*search));
	struct outcome outcome = {.error = -EAGAIN};
	int sockets[2];

	require(search != NULL);
	open_sockets(sockets);
	search->lines = lines;
	search->count = LINES;
	search->fd = sockets[0];
	search->deadline_ns = UINT64_MAX;
	while (outcome.error == -EAGAIN && size > 0) {
		say(sockets[1], &data, &size, pieces);
		outcome.error = lines__look(search);
		require(outcome.error != -EAGAIN || search->bytes < sizeof(search->in));
	}
	close(sockets[1]);
	/* Who ends without having said so has not said everything. */
	if (outcome.error == -EAGAIN)
		require((outcome.error = lines__look(search)) == -EBADMSG);
	require(outcome.error == 0 || outcome.error == -ENODATA || outcome.error == -ENOMEM ||
		outcome.error == -EBADMSG);
	for (size_t i = 0; i < LINES; i++) {
		const size_t bytes = lines[i].file ? strlen(lines[i].file) : 0;

		require(!lines[i].file || (bytes > 0 && bytes < LINE_FILE_MAX_BYTES));
		require(lines[i].file || !lines[i].line);
		outcome.hash = hash_of(outcome.hash, lines[i].file, bytes) + lines[i].line;
	}
	lines__free(lines, LINES);
	lines__stop(search);
	return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome (*judge)(const uint8_t *, size_t, uint8_t);
	struct outcome whole, pieces;

	if (size < 2 || (data[0] != 'i' && data[0] != 'l'))
		return 0;
	judge = data[0] == 'i' ? hear_all : read_lines;
	whole = judge(data + 2, size - 2, 0);
	pieces = judge(data + 2, size - 2, data[1]);
	require(whole.error == pieces.error && whole.hash == pieces.hash);
	return 0;
}

/* --- mutation --------------------------------------------------------------------------------- */

static void mend_answers(uint8_t *data, size_t size, unsigned int seed)
{
	struct answer answer;

	for (size_t at = 0; size - at >= sizeof(answer);) {
		memcpy(&answer, data + at, sizeof(answer));
		if (answer.index != ANSWER_END || size - at > 2 * sizeof(answer))
			answer.index %= LINES + (seed % 8 == 0);
		if (answer.file_bytes > size - at - sizeof(answer))
			answer.file_bytes %= 64;
		memcpy(data + at, &answer, sizeof(answer));
		at += sizeof(answer);
		for (uint32_t i = 0; i < answer.file_bytes && at < size; i++, at++)
			data[at] += data[at] == '\0';
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	const size_t front = 2 + sizeof(struct stack_greeting);

	size = LLVMFuzzerMutate(data, size, max_size);
	if (size > front && data[0] == 'i')
		return front + mend_events(data + front, size - front, seed);
	if (size > 2 && data[0] == 'l' && seed % 4)
		mend_answers(data + 2, size - 2, seed);
	return size;
}
