/* SPDX-License-Identifier: GPL-2.0-only */
#include "report/growth_internal.h"

/* Of what was not seen, that which samples may have shown that were lost: those of all processes,
 * and since the recorder began. At least the rest came without a page fault. */

enum lost_of { LOST_NOTHING, LOST_SAMPLE, LOST_FAULT, LOST_UNKNOWN };

/* What one of them is, of growth. */
static enum lost_of lost_of(enum loss_reason reason)
{
	switch (reason) {
	case LOSS_RING_FULL:
	case LOSS_QUEUE_FULL:
	case LOSS_SAMPLE_QUEUE:
	case LOSS_SAMPLE_LATE:
	case LOSS_MALFORMED:
	case LOSS_NOTE_TABLE_FULL: /* only those get a note that were chosen */
	case LOSS_MODEL_FULL:
		return LOST_SAMPLE;
	/* Whether it was to be sampled, nobody had found out. */
	case LOSS_RECURSION:
		return LOST_FAULT;
	case LOSS_STACK_WORKER:
	case LOSS_CPU_UNWATCHED:
		return LOST_UNKNOWN;
	default:
		return LOST_NOTHING;
	}
}

static int64_t times(uint64_t count, uint64_t bytes)
{
	int64_t product;

	return __builtin_mul_overflow(count, bytes, &product) ? INT64_MAX : product;
}

void growths__find_lost(struct growths *growths, const struct model *model)
{
	const struct event_host *host = model__host(model);
	const uint64_t sample_bytes = growths->samples > 0 && growths->sampled_bytes > 0
					      ? (uint64_t)growths->sampled_bytes / growths->samples
					      : 0;
	int64_t lost_bytes = 0;

	growths->lost_at_most_bytes = EVENT_UNKNOWN;
	for (size_t i = 0; i < model__loss_count(model); i++) {
		const struct loss *loss = model__loss(model, i);

		if (loss->kind != EVENT_GROWTH || loss->count == 0)
			continue;
		switch (lost_of(loss->reason)) {
		case LOST_SAMPLE:
			if (!sample_bytes)
				return;
			lost_bytes = add(lost_bytes, times(loss->count, sample_bytes));
			break;
		case LOST_FAULT:
			if (!host)
				return;
			lost_bytes = add(lost_bytes, times(loss->count, host->page_bytes));
			break;
		case LOST_UNKNOWN:
			return;
		case LOST_NOTHING:
			break;
		}
	}
	if (growths->not_seen_bytes != EVENT_UNKNOWN)
		growths->lost_at_most_bytes =
			lost_bytes < growths->not_seen_bytes ? lost_bytes : growths->not_seen_bytes;
}
