/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/replay.h"

#include "source/read_ahead.h"

static void replay__compare(struct replay *replay, const struct model *model,
			    const struct event_digest *told, uint64_t number)
{
	const uint64_t digest = model__digest(model);

	if (replay->differs)
		return;
	if (digest == told->digest && told->events == number) {
		replay->digests++;
		return;
	}
	replay->differs = true;
	replay->differs_at = number;
	replay->digest_here = digest;
	replay->digest_told = told->digest;
}

static int replay__take(struct replay *replay, struct model *model,
			const struct event_header *event, uint64_t number)
{
	if (event->kind < EVENT_KIND_END) {
		replay->kind_events[event->kind]++;
		replay->kind_bytes[event->kind] += event->size_bytes;
	}
	if (event->kind == EVENT_DIGEST)
		replay__compare(replay, model, (const struct event_digest *)event, number);
	return model__apply(model, event);
}

static int feed(struct replay *replay, struct reader *reader, struct model *model,
		uint64_t until_ns)
{
	const struct event_header *event;
	struct replay result = {0};
	struct read_ahead *ahead;
	uint64_t number;
	int err = read_ahead__new(&ahead, reader);

	if (err < 0)
		return err;
	while (err == 0 && (event = read_ahead__next(ahead, &number)) && event->time_ns <= until_ns)
		err = replay__take(&result, model, event, number);
	read_ahead__free(ahead);
	if (err < 0)
		return err;
	*replay = result;
	return 0;
}

int replay__feed(struct replay *replay, struct reader *reader, struct model *model)
{
	return feed(replay, reader, model, UINT64_MAX);
}

int replay__run_until(struct replay *replay, struct reader *reader, struct model *model,
		      uint64_t until_ns)
{
	struct replay result;
	int err = feed(&result, reader, model, until_ns);

	if (err == 0)
		err = model__finish(model);
	if (err < 0)
		return err;
	*replay = result;
	return 0;
}

int replay__run(struct replay *replay, struct reader *reader, struct model *model)
{
	return replay__run_until(replay, reader, model, UINT64_MAX);
}
