/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bpf/events.h"
#include "model/model.h"
#include "recording/reader.h"

/* What a recording held, kind by kind, and whether the model came the way it came live. */
struct replay {
	uint64_t kind_events[EVENT_KIND_END];
	uint64_t kind_bytes[EVENT_KIND_END];
	uint64_t digests;     /* that agreed with the model */
	bool differs;         /* one did not; later ones are not compared */
	uint64_t differs_at;  /* number of that digest's event, counted from 0 */
	uint64_t digest_here; /* of the model then */
	uint64_t digest_told; /* what the recording says */
};

/* Feeds everything the reader still has to the model and finishes the model. A digest is compared
 * before it is applied: it speaks of the events before it. How the recording ended is the
 * reader's to tell. 0, -ENOMEM, or -EAGAIN when the thread that reads ahead cannot be had. */
int replay__run(struct replay *replay, struct reader *reader, struct model *model);

/* The same of what came until `until_ns`, as if that had been the end. */
int replay__run_until(struct replay *replay, struct reader *reader, struct model *model,
		      uint64_t until_ns);

/* The same as replay__run() for a model that more is to be told: it is not finished. */
int replay__feed(struct replay *replay, struct reader *reader, struct model *model);
