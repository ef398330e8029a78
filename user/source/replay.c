/* SPDX-License-Identifier: GPL-2.0-only */
#include "source/replay.h"

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

int replay__run(struct replay *replay, struct reader *reader, struct model *model)
{
	const struct event_header *event;
	struct replay result = {0};
	int err;

	while ((event = reader__next(reader))) {
		if (event->kind < EVENT_KIND_END) {
			result.kind_events[event->kind]++;
			result.kind_bytes[event->kind] += event->size_bytes;
		}
		if (event->kind == EVENT_DIGEST)
			replay__compare(&result, model, (const struct event_digest *)event,
					reader__events(reader) + reader__unknown(reader) - 1);
		err = model__apply(model, event);
		if (err < 0)
			return err;
	}
	err = model__finish(model);
	if (err < 0)
		return err;
	*replay = result;
	return 0;
}
