/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <zlib.h>

#include "base/text.h"
#include "model/model.h"
#include "profile.pb-c.h"
#include "recording/reader.h"
#include "report/folded.h"
#include "report/report.h"
#include "tests/fuzz/judge.h"

struct judge {
	struct model *model;
	bool absurd; /* sums that were told whole, of any size: they saturate */
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
	judge->absurd |= event->kind == EVENT_KEPT_GROWTH;
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

static int64_t folded_bytes(const struct text *folded)
{
	const char *line = folded->data;
	const char *const end = folded->length ? line + folded->length : line;
	int64_t sum = 0;

	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *space;

		require(newline);
		space = memrchr(line, ' ', (size_t)(newline - line));
		require(space && space > line);
		sum += strtoll(space + 1, NULL, 10);
		line = newline + 1;
	}
	return sum;
}

/* Every reference within it leads somewhere. */
static int64_t profile_bytes(const struct text *packed)
{
	static unsigned char raw[64U << 20];
	z_stream stream = {.next_in = (unsigned char *)packed->data,
			   .avail_in = (unsigned int)packed->length,
			   .next_out = raw,
			   .avail_out = sizeof(raw)};
	Oomtrail__Profile *profile;
	int64_t sum = 0;

	require(inflateInit2(&stream, MAX_WBITS + 16) == Z_OK);
	require(inflate(&stream, Z_FINISH) == Z_STREAM_END);
	inflateEnd(&stream);
	profile = oomtrail__profile__unpack(NULL, stream.total_out, raw);
	require(profile);
	for (size_t i = 0; i < profile->n_sample; i++) {
		const Oomtrail__Sample *sample = profile->sample[i];

		require(sample->n_value == profile->n_sample_type);
		sum += sample->value[0];
		for (size_t k = 0; k < sample->n_location_id; k++)
			require(sample->location_id[k] - 1 < profile->n_location);
	}
	for (size_t i = 0; i < profile->n_location; i++)
		require(profile->location[i]->mapping_id <= profile->n_mapping);
	oomtrail__profile__free_unpacked(profile, NULL);
	return sum;
}

/* What the other formats make of it, added to the hash: the JSON's sum, if nothing is absurd. */
static uint64_t judge__export(const struct judge *judge, const json_t *json, uint64_t hash)
{
	const json_t *sum = json_object_get(json_object_get(json, "growth"), "sampled_bytes");
	struct text folded = {0}, pprof = {0};
	int64_t left_out_bytes;
	const int err = report__folded(judge->model, NULL, &folded, &left_out_bytes);

	require(err == (model__growth_count(judge->model) ? 0 : -ENOENT));
	require(report__pprof(judge->model, NULL, &pprof) == err);
	require(is_for_a_terminal(&folded));
	if (!err && !judge->absurd) {
		require(json_is_integer(sum));
		require(folded_bytes(&folded) + left_out_bytes == json_integer_value(sum));
		require(profile_bytes(&pprof) == json_integer_value(sum));
	}
	hash = text__hash(&pprof, text__hash(&folded, hash));
	text__free(&folded);
	text__free(&pprof);
	return hash;
}

uint64_t judge__finish(struct judge *judge)
{
	struct text text = {0};
	struct text json = {0};
	struct text kills = {0};
	json_t *parsed;
	uint64_t hash = model__digest(judge->model);

	require(model__finish(judge->model) == 0);
	hash ^= model__digest(judge->model) << 1;
	require(report__text(judge->model, &text) == 0);
	require(is_for_a_terminal(&text));
	require(report__kills(judge->model, &kills) == 0);
	require(is_for_a_terminal(&kills));
	require(report__json(judge->model, &json) == 0);
	parsed = json_loadb(json.data, json.length, JSON_REJECT_DUPLICATES, NULL);
	require(parsed);
	hash = text__hash(&json, text__hash(&text, text__hash(&kills, hash)));
	hash = judge__export(judge, parsed, hash);
	json_decref(parsed);
	text__free(&text);
	text__free(&json);
	text__free(&kills);
	judge__go_on(judge);
	model__free(judge->model);
	free(judge);
	return hash;
}
