/* SPDX-License-Identifier: GPL-2.0-only */
#include "report/json.h"
#include "verdict/verdict.h"

static json_t *row__new(struct build *build, const char *name, int64_t bytes)
{
	json_t *object = json_object();

	build__string(build, object, "name", name);
	build__bytes(build, object, "bytes", bytes);
	return object;
}

static json_t *rows__new(struct build *build, const struct ledger_division *ledger)
{
	json_t *array = json_array();

	for (int row = 0; row < LEDGER_ROW_COUNT; row++)
		build__append(build, array,
			      row__new(build, ledger_row__key(row), ledger->rows[row]));
	return array;
}

static json_t *of_which__new(struct build *build, const struct ledger_division *ledger)
{
	json_t *array = json_array();

	build__append(build, array, row__new(build, "file_mapped", ledger->file_mapped_bytes));
	build__append(build, array, row__new(build, "swap", ledger->swap_bytes));
	build__append(build, array, row__new(build, "removed_cgroups", ledger->dying_bytes));
	return array;
}

void json__set_ledger(struct build *build, json_t *parent, const struct model *model,
		      const struct incident *incident)
{
	const struct ledger_division ledger = verdict__ledger(model, incident);
	json_t *object;

	if (!ledger.known) {
		build__null(build, parent, "ledger");
		return;
	}
	object = json_object();
	build__bytes(build, object, "usage_bytes", ledger.usage_bytes);
	build__set(build, object, "rows", rows__new(build, &ledger));
	/* Below 0 where rows say more than usage: no unknown. */
	build__set(build, object, "unexplained_bytes", json_integer(ledger.unexplained_bytes));
	build__bytes(build, object, "error_bytes", ledger.error_bytes);
	build__set(build, object, "of_which", of_which__new(build, &ledger));
	build__string(build, object, "statistics",
		      ledger.error_bytes == EVENT_UNKNOWN ? "stale" : "fresh");
	build__bool(build, object, "complete", !ledger.cut);
	build__set(build, parent, "ledger", object);
}
