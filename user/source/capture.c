/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/capture.h"

#include <errno.h>
#include <stdlib.h>

#include "base/units.h"

/* Often enough to say roughly where a replay departs, rare enough to cost nothing. */
#define DIGEST_EVERY_NS (30 * NS_PER_S)

struct capture {
	struct writer *writer;
	struct model *model;
	uint64_t events;
	uint64_t last_ns;
	uint64_t digest_ns;
	int write_error;
};

int capture__new(struct capture **out, struct writer *writer, struct model *model)
{
	struct capture *capture = calloc(1, sizeof(*capture));

	if (!capture)
		return -ENOMEM;
	capture->writer = writer;
	capture->model = model;
	*out = capture;
	return 0;
}

static int pass_on(struct capture *capture, const struct event_header *event)
{
	int error;

	if (capture->writer && !capture->write_error)
		capture->write_error = writer__append(capture->writer, event);
	error = model__apply(capture->model, event);
	if (error)
		return error;
	capture->events++;
	if (event->time_ns > capture->last_ns)
		capture->last_ns = event->time_ns;
	return 0;
}

int capture__digest(struct capture *capture)
{
	struct event_digest event = {
		.header = {.size_bytes = sizeof(event),
			   .kind = EVENT_DIGEST,
			   .time_ns = capture->last_ns},
		.events = capture->events,
		.digest = model__digest(capture->model),
	};

	capture->digest_ns = capture->last_ns;
	return pass_on(capture, &event.header);
}

int capture__admit(void *context, const struct event_header *event)
{
	struct capture *capture = context;
	int error = pass_on(capture, event);

	if (error)
		return error;
	if (!capture->digest_ns)
		capture->digest_ns = capture->last_ns;
	if (capture->last_ns - capture->digest_ns >= DIGEST_EVERY_NS)
		return capture__digest(capture);
	return 0;
}

uint64_t capture__events(const struct capture *capture)
{
	return capture->events;
}

int capture__write_error(const struct capture *capture)
{
	return capture->write_error;
}

void capture__detach(struct capture *capture)
{
	capture->writer = NULL;
	capture->write_error = 0;
}

void capture__free(struct capture *capture)
{
	free(capture);
}
