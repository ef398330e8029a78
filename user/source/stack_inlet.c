/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/stack_inlet.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "recording/reader.h"

/* Whatever it says, a sum never falls. */
static uint64_t sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

void stack_inlet__begin(struct stack_inlet *inlet)
{
	inlet->greeted = false;
	inlet->bytes = 0;
	for (int reason = 0; reason < LOSS_END; reason++) {
		inlet->lost_before[reason] = sum(inlet->lost_before[reason], inlet->lost[reason]);
		inlet->lost[reason] = 0;
	}
}

int stack_inlet__receive(struct stack_inlet *inlet, int socket)
{
	ssize_t got = recv(socket, inlet->data + inlet->bytes, sizeof(inlet->data) - inlet->bytes,
			   MSG_DONTWAIT);

	if (got < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	inlet->bytes += (size_t)got;
	return (int)got;
}

static bool is_sound(const struct event_header *event, size_t available)
{
	if (event__check(event, available))
		return false;
	switch (event->kind) {
	case EVENT_MODULE:
	case EVENT_FRAME:
	case EVENT_FRAME_LINE:
	case EVENT_STACK:
	case EVENT_FILE:
	case EVENT_GROWTH:
	case EVENT_GROWTH_GONE:
	case EVENT_LOSS:
		return true;
	default:
		return false;
	}
}

static void note(uint32_t *last, uint32_t id)
{
	if (id > *last)
		*last = id;
}

static bool is_beat(const struct event_header *event)
{
	return event->kind == STACK_BEAT && event->size_bytes == sizeof(*event);
}

/* Who comes next tells what is new under other numbers. */
static void note_number(struct stack_numbers *numbers, const struct event_header *event)
{
	switch (event->kind) {
	case EVENT_MODULE:
		note(&numbers->module, ((const struct event_module *)event)->module_id);
		break;
	case EVENT_FRAME:
		note(&numbers->frame, ((const struct event_frame *)event)->frame_id);
		break;
	case EVENT_STACK:
		note(&numbers->stack, ((const struct event_stack *)event)->stack_id);
		break;
	case EVENT_FILE:
		note(&numbers->file, ((const struct event_file *)event)->file_id);
		break;
	default:
		break;
	}
}

/* False: there is more to come. */
static bool take_greeting(struct stack_inlet *inlet, size_t *at)
{
	if (inlet->greeted)
		return true;
	if (inlet->bytes < sizeof(inlet->greeting))
		return false;
	memcpy(&inlet->greeting, inlet->data, sizeof(inlet->greeting));
	inlet->greeting.why[sizeof(inlet->greeting.why) - 1] = '\0';
	inlet->greeted = true;
	*at = sizeof(inlet->greeting);
	return true;
}

/* Added to what those before it have lost. */
static int pass_on_loss(struct stack_inlet *inlet, const struct event_loss *told, order_sink sink,
			void *context)
{
	struct event_loss loss = *told;

	if (loss.reason >= LOSS_END)
		return -EBADMSG;
	/* It may be told as part of something longer, which has not been copied. */
	loss.header.size_bytes = sizeof(loss);
	if (loss.count > inlet->lost[loss.reason])
		inlet->lost[loss.reason] = loss.count;
	loss.count = sum(inlet->lost_before[loss.reason], inlet->lost[loss.reason]);
	return sink(context, &loss.header);
}

int stack_inlet__pass_on(struct stack_inlet *inlet, order_sink sink, void *context)
{
	size_t at = 0;
	int error = 0;

	if (!take_greeting(inlet, &at))
		return 0;
	while (!error && inlet->bytes - at >= sizeof(struct event_header)) {
		const struct event_header *event = (const void *)(inlet->data + at);

		if (event->size_bytes <= EVENT_MAX_BYTES && event->size_bytes > inlet->bytes - at)
			break;
		if (is_beat(event)) {
			at += sizeof(*event);
			continue;
		}
		if (!is_sound(event, inlet->bytes - at)) {
			error = -EBADMSG;
			break;
		}
		note_number(&inlet->numbers, event);
		error = event->kind == EVENT_LOSS
				? pass_on_loss(inlet, (const struct event_loss *)event, sink,
					       context)
				: sink(context, event);
		at += event->size_bytes;
	}
	memmove(inlet->data, inlet->data + at, inlet->bytes - at);
	inlet->bytes -= at;
	return error;
}
