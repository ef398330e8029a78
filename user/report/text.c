/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>

#include "base/cleanup.h"
#include "report/report.h"
#include "report/section.h"
#include "report/wording.h"

void section__heading(struct text *out, const char *title)
{
	text__printf(out, "\n%s\n", title);
}

static int append_incident(struct text *out, const struct model *model,
			   const struct incident *incident)
{
	const struct ledger_division ledger = verdict__ledger(model, incident);
	struct verdict_facts facts;
	struct verdict verdict;

	if (verdict__facts(&facts, model, incident))
		return -ENOMEM;
	verdict = verdict__judge(&facts, report__thresholds());
	section__answer(out, model, incident, &ledger, &verdict);
	section__chart(out, incident);
	section__why(out, incident, &verdict, report__thresholds());
	section__ledger(out, incident, &ledger);
	section__party_growth(out, model, incident);
	section__memory(out, model, incident);
	section__others(out, incident);
	section__killed_with(out, model, incident);
	section__timeline(out, incident);
	section__what_to_do(out, model, incident, &verdict);
	section__known(out, model, incident);
	return 0;
}

static int hand_over(struct text *out, const struct text *report)
{
	if (!text__ok(report))
		return -ENOMEM;
	text__append(out, report->data, report->length);
	return text__ok(out) ? 0 : -ENOMEM;
}

int report__incident_text(const struct model *model, size_t index, struct text *out)
{
	_cleanup_(text__free) struct text report = {0};
	int error = append_incident(&report, model, model__incident(model, index));

	return error ? error : hand_over(out, &report);
}

int report__text(const struct model *model, struct text *out)
{
	const size_t incidents = model__incident_count(model);
	_cleanup_(text__free) struct text report = {0};
	int err;

	for (size_t i = 0; i < incidents; i++) {
		err = append_incident(&report, model, model__incident(model, i));
		if (err < 0)
			return err;
		text__string(&report, "\n");
		text__pad(&report, '=', REPORT_COLUMNS);
		text__string(&report, "\n\n");
	}
	err = section__session(&report, model, incidents > 0);
	if (err < 0)
		return err;
	return hand_over(out, &report);
}
