/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>

#include "base/cleanup.h"
#include "report/section.h"
#include "report/verdict_words.h"
#include "report/wording.h"

#define ITEM_INDENT 5

void section__verdict(struct text *out, const struct incident *incident,
		      const struct verdict *verdict)
{
	_cleanup_(text__free) struct text body = {0};

	verdict__say(&body, incident, verdict);
	if (verdict->advice_count)
		text__string(&body, "; see WHAT TO DO");
	wording__paragraph(out, "VERDICT", ANSWER_INDENT, &body);
}

void section__thresholds(struct text *out, const struct thresholds *thresholds, int from, int end)
{
	_cleanup_(text__free) struct text body = {0};

	for (int i = from; i < end; i++) {
		text__string(&body,
			     i > from ? ", " : "by these thresholds (--threshold NAME=VALUE): ");
		threshold__say(&body, thresholds, i);
	}
	wording__paragraph(out, "  ", SECTION_INDENT, &body);
}

void section__why(struct text *out, const struct incident *incident, const struct verdict *verdict,
		  const struct thresholds *thresholds)
{
	section__heading(out, "WHY THIS VERDICT");
	for (size_t i = 0; i < verdict->evidence_count; i++) {
		_cleanup_(text__free) struct text body = {0};

		evidence__say(&body, incident, &verdict->evidence[i]);
		wording__paragraph(out, "  - ", 4, &body);
	}
	section__thresholds(out, thresholds, 0, THRESHOLD_OUTLOOKS);
}

void section__what_to_do(struct text *out, const struct model *model,
			 const struct incident *incident, const struct verdict *verdict)
{
	unsigned int number = 0;

	for (size_t i = 0; i < verdict->advice_count; i++) {
		_cleanup_(text__free) struct text body = {0};
		char label[16];

		if (!advice__say(&body, model, incident, &verdict->advice[i]))
			continue;
		if (++number == 1)
			section__heading(out, "WHAT TO DO");
		snprintf(label, sizeof(label), "  %u. ", number);
		wording__paragraph(out, label, ITEM_INDENT, &body);
	}
}
