/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>

#include <jansson.h>

#include "base/text.h"
#include "model/model.h"
#include "recording/reader.h"
#include "report/folded.h"
#include "report/report.h"
#include "tests/fuzz/judge.h"

struct judge {
	struct model *model;
};

static void require(bool promise)
{
	if (!promise)
		abort();
}

struct judge *judge__new(void)
{
	struct judge *judge = calloc(1, sizeof(*judge));

	require(judge && model__new(&judge->model) == 0);
	return judge;
}

void judge__event(struct judge *judge, const struct event_header *event)
{
	require(model__apply(judge->model, event) == 0);
}

static uint64_t text__hash(const struct text *text, uint64_t hash)
{
	for (size_t i = 0; i < text->length; i++)
		hash = (hash ^ (unsigned char)text->data[i]) * 0x100000001b3ULL;
	return hash;
}

static bool is_for_a_terminal(const struct text *text)
{
	for (size_t i = 0; i < text->length; i++) {
		unsigned char c = (unsigned char)text->data[i];

		if ((c < ' ' && c != '\n') || c == 0x7f)
			return false;
	}
	return true;
}

static int feed(void *context, const struct event_header *event)
{
	require(event__check(event, event->size_bytes) == 0);
	return model__apply(context, event);
}

/* Another model can go on from whatever this one has come to. */
static void judge__go_on(struct judge *judge)
{
	struct state_options options = {.now_ns = model__span(judge->model).last_ns,
					.keep_dead_ns = INCIDENT_WINDOW_NS,
					.dead_max = 8};
	struct text text = {0};
	struct model *next;

	require(model__new(&next) == 0);
	require(model__move_out(judge->model, &options, feed, next) == 0);
	require(!model__is_restoring(next));
	require(model__finish(next) == 0);
	require(report__text(next, &text) == 0);
	text__free(&text);
	model__free(next);
}

/* What the other formats make of it, added to the hash. */
static uint64_t judge__export(const struct judge *judge, uint64_t hash)
{
	struct text folded = {0}, pprof = {0};
	int64_t left_out_bytes;
	const int err = report__folded(judge->model, NULL, &folded, &left_out_bytes);

	require(err == (model__growth_count(judge->model) ? 0 : -ENOENT));
	require(report__pprof(judge->model, NULL, &pprof) == err);
	require(is_for_a_terminal(&folded));
	hash = text__hash(&pprof, text__hash(&folded, hash));
	text__free(&folded);
	text__free(&pprof);
	return hash;
}

uint64_t judge__finish(struct judge *judge)
{
	struct text text = {0};
	struct text json = {0};
	json_t *parsed;
	uint64_t hash = model__digest(judge->model);

	require(model__finish(judge->model) == 0);
	hash ^= model__digest(judge->model) << 1;
	require(report__text(judge->model, &text) == 0);
	require(is_for_a_terminal(&text));
	require(report__json(judge->model, &json) == 0);
	parsed = json_loadb(json.data, json.length, JSON_REJECT_DUPLICATES, NULL);
	require(parsed);
	json_decref(parsed);
	hash = text__hash(&json, text__hash(&text, hash));
	hash = judge__export(judge, hash);
	text__free(&text);
	text__free(&json);
	judge__go_on(judge);
	model__free(judge->model);
	free(judge);
	return hash;
}
