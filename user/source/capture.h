/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdint.h>

#include "bpf/events.h"
#include "model/model.h"
#include "recording/writer.h"

/*
 * The live side of the seam: one numbered sequence of events into the recording and the model,
 * with the model's digest woven in, so that a replay can prove that it arrives at the same state.
 */
struct capture;

/* `writer` (may be NULL) and `model` stay the caller's. */
int capture__new(struct capture **out, struct writer *writer, struct model *model);

/* An order_sink. A full disk ends the recording, not the model: the first error of the writer is
 * kept for capture__write_error(). 0 or -ENOMEM. */
int capture__admit(void *capture, const struct event_header *event);

/* Appends a digest of all that was admitted, as the next event. */
int capture__digest(struct capture *capture);

uint64_t capture__events(const struct capture *capture);
int capture__write_error(const struct capture *capture); /* 0 or -errno */

/* From now on without a recording. */
void capture__detach(struct capture *capture);

void capture__free(struct capture *capture);
