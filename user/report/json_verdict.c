/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/cleanup.h"
#include "report/json.h"
#include "report/report.h"
#include "report/verdict_words.h"

/* Names in it are escaped: it is readable text. */
static json_t *words__new(const struct text *words)
{
	return text__ok(words) ? json_stringn(words->data, words->length) : NULL;
}

static json_t *evidence__new(struct build *build, const struct incident *incident,
			     const struct verdict *verdict)
{
	json_t *array = json_array();

	for (size_t i = 0; i < verdict->evidence_count; i++) {
		_cleanup_(text__free) struct text words = {0};

		evidence__say(&words, incident, &verdict->evidence[i]);
		build__append(build, array, words__new(&words));
	}
	return array;
}

static json_t *actions__new(struct build *build, const struct model *model,
			    const struct incident *incident, const struct verdict *verdict)
{
	json_t *array = json_array();

	for (size_t i = 0; i < verdict->advice_count; i++) {
		_cleanup_(text__free) struct text words = {0};

		if (advice__say(&words, model, incident, &verdict->advice[i]))
			build__append(build, array, words__new(&words));
	}
	return array;
}

static json_t *thresholds__new(struct build *build, const struct thresholds *thresholds, int from,
			       int end)
{
	static const char *const suffixes[] = {"_bytes", "_ns", "_percent", "_count"};
	json_t *object = json_object();

	for (int i = from; i < end; i++) {
		_cleanup_(text__free) struct text key = {0};

		text__printf(&key, "%s%s", threshold__name(i), suffixes[threshold__unit(i)]);
		if (!text__ok(&key)) {
			build->failed = true;
			break;
		}
		build__count(build, object, key.data, thresholds->values[i]);
	}
	return object;
}

static json_t *summary__new(const struct incident *incident, const struct verdict *verdict)
{
	_cleanup_(text__free) struct text words = {0};

	verdict__say(&words, incident, verdict);
	return words__new(&words);
}

void json__set_verdict(struct build *build, json_t *parent, const struct model *model,
		       const struct incident *incident)
{
	const struct thresholds *thresholds = report__thresholds();
	struct verdict_facts facts;
	struct verdict verdict;
	json_t *object;

	if (verdict__facts(&facts, model, incident)) {
		build->failed = true;
		return;
	}
	verdict = verdict__judge(&facts, thresholds);
	object = json_object();
	build__string(build, object, "kind", verdict_kind__word(verdict.kind));
	if (verdict.growth != verdict.kind)
		build__string(build, object, "growth", verdict_kind__word(verdict.growth));
	build__set(build, object, "summary", summary__new(incident, &verdict));
	build__set(build, object, "evidence", evidence__new(build, incident, &verdict));
	build__set(build, object, "actions", actions__new(build, model, incident, &verdict));
	build__set(build, object, "thresholds",
		   thresholds__new(build, thresholds, 0, THRESHOLD_OUTLOOKS));
	build__set(build, parent, "verdict", object);
}
