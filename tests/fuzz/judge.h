/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdint.h>

#include "bpf/events.h"

/*
 * What a stream of events does to everything behind the reader: model, digest, reports. Aborts
 * where a promise is broken that no sanitizer knows of.
 */
struct judge;

struct judge *judge__new(void);
void judge__event(struct judge *judge, const struct event_header *event);

/* Ends the stream and renders the reports: text holds no control bytes but newlines, JSON is
 * JSON. Frees the judge; returns the digest of model and reports. */
uint64_t judge__finish(struct judge *judge);
