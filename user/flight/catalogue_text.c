/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "flight/catalogue.h"
#include "report/build.h"

static void append_escaped(struct text *out, const char *string)
{
	text__escaped(out, string, strlen(string));
}

static void append_count(struct text *out, uint64_t count, const char *one, const char *many)
{
	char number[UNITS_MAX];

	text__printf(out, "%s %s", units__count(number, count), count == 1 ? one : many);
}

/* --- causes ----------------------------------------------------------------------------------- */

/* Of one cause, or of one kind when there is none. Incidents of versions that knew no causes go by
 * their domain. */
static bool is_same_group(const struct catalogue_entry *a, const struct catalogue_entry *b)
{
	if (a->kind != b->kind)
		return false;
	if (a->kind != CATALOGUE_OOM)
		return true;
	return strcmp(a->fingerprint, b->fingerprint) == 0 &&
	       (a->fingerprint[0] || strcmp(a->domain, b->domain) == 0);
}

struct group {
	uint64_t incidents;
	uint64_t kills;
	const char *last;
	bool several_victims;
};

static struct group group__sum(const struct catalogue *catalogue, size_t first)
{
	const struct catalogue_entry *entry = &catalogue->entries[first];
	struct group group = {.last = entry->last};

	for (size_t i = first; i < catalogue->count; i++) {
		const struct catalogue_entry *other = &catalogue->entries[i];

		if (!is_same_group(entry, other))
			continue;
		group.incidents++;
		group.kills += other->kill_count;
		if (strcmp(other->last, group.last) > 0)
			group.last = other->last;
		if (strcmp(other->victim, entry->victim) != 0)
			group.several_victims = true;
	}
	return group;
}

static void append_oom_group(struct text *out, const struct catalogue_entry *entry,
			     const struct group *group)
{
	if (entry->domain[0])
		append_escaped(out, entry->domain);
	else
		text__string(out, "(which limit was full is not known)");
	text__string(out, "  kernel OOM");
	if (entry->victim[0]) {
		text__string(out, ": ");
		append_escaped(out, entry->victim);
		if (group->several_victims)
			text__string(out, " and others");
	}
	text__string(out, ", ");
	append_count(out, group->kills, "kill", "kills");
	text__string(out, " in ");
	append_count(out, group->incidents, "incident", "incidents");
	if (group->last[0])
		text__printf(out, ", the last %s", group->last);
	text__string(out, "\n");
}

static void append_group(struct text *out, const struct catalogue *catalogue, size_t first)
{
	const struct catalogue_entry *entry = &catalogue->entries[first];
	const struct group group = group__sum(catalogue, first);

	switch (entry->kind) {
	case CATALOGUE_OOM:
		append_oom_group(out, entry, &group);
		break;
	case CATALOGUE_ASKED:
		text__string(out, "frozen on demand\n");
		break;
	case CATALOGUE_UNFINISHED:
		text__string(out,
			     "unfinished: the recorder or the host ended without closing it\n");
		break;
	case CATALOGUE_DAMAGED:
		text__string(out, "damaged\n");
		break;
	}
}

/* --- incidents -------------------------------------------------------------------------------- */

static size_t id_columns(const struct catalogue *catalogue)
{
	size_t columns = 0;

	for (size_t i = 0; i < catalogue->count; i++) {
		const size_t length = strlen(catalogue->entries[i].id);

		columns = length > columns ? length : columns;
	}
	return columns;
}

static void append_entry(struct text *out, const struct catalogue_entry *entry, size_t columns)
{
	const size_t line = out->length;
	char bytes[UNITS_MAX];

	text__printf(out, "  %s", entry->id);
	text__pad_to(out, line, 2 + columns);
	text__printf(out, "  %-20s  ", entry->time[0] ? entry->time : "?");
	if (entry->kind == CATALOGUE_OOM) {
		if (entry->victim[0])
			append_escaped(out, entry->victim);
		else
			text__string(out, "?");
		if (entry->victim_pid)
			text__printf(out, ", pid %" PRIu32, entry->victim_pid);
		text__string(out, "  ");
		append_count(out, entry->kill_count, "kill", "kills");
		text__string(out, "  ");
	}
	text__string(out, units__bytes(bytes, (int64_t)entry->bytes));
	if (entry->note[0]) {
		text__string(out, "  ");
		append_escaped(out, entry->note);
	} else if (!entry->finished && strcmp(entry->id, CATALOGUE_WINDOW) != 0) {
		text__string(out, "  (its report is not written yet)");
	}
	text__string(out, "\n");
}

static bool is_first_of_group(const struct catalogue *catalogue, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (is_same_group(&catalogue->entries[i], &catalogue->entries[index]))
			return false;
	}
	return true;
}

static void append_groups(struct text *out, const struct catalogue *catalogue)
{
	const size_t columns = id_columns(catalogue);

	for (size_t i = 0; i < catalogue->count; i++) {
		if (!is_first_of_group(catalogue, i))
			continue;
		if (i > 0)
			text__string(out, "\n");
		append_group(out, catalogue, i);
		for (size_t j = i; j < catalogue->count; j++) {
			if (is_same_group(&catalogue->entries[i], &catalogue->entries[j]))
				append_entry(out, &catalogue->entries[j], columns);
		}
	}
}

/* --- kills ------------------------------------------------------------------------------------ */

struct kill_row {
	const struct catalogue_kill *kill;
	const struct catalogue_entry *entry;
	size_t order; /* as they were listed: by time within an incident */
};

static int kill_row__compare(const void *a, const void *b)
{
	const struct kill_row *first = a, *second = b;
	const int order = strcmp(second->kill->time, first->kill->time);

	return order ? order : (second->order > first->order) - (second->order < first->order);
}

static const char *class_words(const char *class)
{
	if (strcmp(class, "oom") == 0)
		return "OOM";
	if (strcmp(class, "oom-exiting") == 0)
		return "OOM, was exiting";
	if (strcmp(class, "oom-shared-mm") == 0)
		return "shared its memory";
	return class;
}

static void append_kill(struct text *out, const struct kill_row *row)
{
	const size_t line = out->length;
	const char *time = row->kill->time;

	text__printf(out, "%-20s  %7" PRIu32 "  ", time[0] ? time : "?", row->kill->pid);
	append_escaped(out, row->kill->comm);
	text__pad_to(out, line, 48);
	text__string(out, "  ");
	append_escaped(out, class_words(row->kill->class));
	text__pad_to(out, line, 67);
	text__printf(out, "  %s\n", row->entry->id);
}

static int append_kills(struct text *out, const struct catalogue *catalogue)
{
	_cleanup_(freep) struct kill_row *rows = NULL;
	uint64_t omitted = 0;
	size_t count = 0;

	for (size_t i = 0; i < catalogue->count; i++)
		count += catalogue->entries[i].kills_listed;
	rows = calloc(count ? count : 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	count = 0;
	/* The oldest first, so that `order` grows with time. */
	for (size_t i = catalogue->count; i-- > 0;) {
		const struct catalogue_entry *entry = &catalogue->entries[i];

		omitted += entry->kill_count - entry->kills_listed;
		for (size_t j = 0; j < entry->kills_listed; j++, count++)
			rows[count] = (struct kill_row){&entry->kills[j], entry, count};
	}
	qsort(rows, count, sizeof(*rows), kill_row__compare);
	for (size_t i = 0; i < count; i++)
		append_kill(out, &rows[i]);
	if (omitted > 0) {
		append_count(out, omitted, "more kill was", "more kills were");
		text__string(out, " counted, beyond what an incident lists\n");
	}
	return 0;
}

static int hand_over(struct text *out, const struct text *list)
{
	if (!text__ok(list))
		return -ENOMEM;
	text__append(out, list->data, list->length);
	return text__ok(out) ? 0 : -ENOMEM;
}

int catalogue__text(const struct catalogue *catalogue, bool kills, struct text *out)
{
	_cleanup_(text__free) struct text list = {0};
	int err = 0;

	if (kills)
		err = append_kills(&list, catalogue);
	else
		append_groups(&list, catalogue);
	if (err < 0 || (list.length == 0 && !list.failed))
		return err;
	return hand_over(out, &list);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void set_string(struct build *build, json_t *object, const char *key, const char *string)
{
	if (string[0])
		build__text(build, object, key, string, strlen(string));
}

static json_t *kills__new(struct build *build, const struct catalogue_entry *entry)
{
	json_t *array = json_array();

	for (size_t i = 0; i < entry->kills_listed; i++) {
		const struct catalogue_kill *kill = &entry->kills[i];
		json_t *row = json_object();

		set_string(build, row, "time", kill->time);
		build__count(build, row, "pid", kill->pid);
		set_string(build, row, "comm", kill->comm);
		set_string(build, row, "class", kill->class);
		build__append(build, array, row);
	}
	return array;
}

static void set_oom(struct build *build, json_t *object, const struct catalogue_entry *entry)
{
	json_t *victim = json_object();

	set_string(build, object, "fingerprint", entry->fingerprint);
	set_string(build, object, "domain", entry->domain);
	set_string(build, victim, "comm", entry->victim);
	if (entry->victim_pid)
		build__count(build, victim, "pid", entry->victim_pid);
	build__set(build, object, "victim", victim);
	set_string(build, object, "culprit", entry->culprit);
	build__count(build, object, "kill_count", entry->kill_count);
	set_string(build, object, "last", entry->last);
	build__set(build, object, "kills", kills__new(build, entry));
}

static json_t *entry__new(struct build *build, const struct catalogue_entry *entry)
{
	static const char *const kinds[] = {
		[CATALOGUE_OOM] = "oom",
		[CATALOGUE_ASKED] = "asked",
		[CATALOGUE_UNFINISHED] = "unfinished",
		[CATALOGUE_DAMAGED] = "damaged",
	};
	json_t *object = json_object();

	build__string(build, object, "id", entry->id);
	build__string(build, object, "kind", kinds[entry->kind]);
	set_string(build, object, "time", entry->time);
	if (entry->kind == CATALOGUE_OOM)
		set_oom(build, object, entry);
	build__count(build, object, "bytes", entry->bytes);
	build__bool(build, object, "finished", entry->finished);
	set_string(build, object, "note", entry->note);
	return object;
}

int catalogue__json(const struct catalogue *catalogue, const char *dir, struct text *out)
{
	struct build build = {0};
	json_t *json = json_object(), *incidents = json_array();
	int err;

	build__string(&build, json, "schema", "oomtrail.incidents/1");
	build__text(&build, json, "dir", dir, strlen(dir));
	for (size_t i = 0; i < catalogue->count; i++)
		build__append(&build, incidents, entry__new(&build, &catalogue->entries[i]));
	build__set(&build, json, "incidents", incidents);
	err = build.failed ? -ENOMEM : build__dump(json, out);
	json_decref(json);
	return err;
}
