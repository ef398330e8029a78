/* SPDX-License-Identifier: GPL-2.0-only */
#include "report/growth_internal.h"
#include "report/wording.h"

/*
 * Looks are at what a process has now, and by who knows where its samples came. Of what grew before
 * its last exec nobody can say which part was looked for while it was there.
 */
static bool was_looked_for(const struct growth *growth, const struct process *process,
			   uint64_t looked_ns)
{
	return process && looked_ns && !growth->unwatched && growth->first_ns >= process->exec_ns;
}

/* Of files less may have come than went: such bytes are below 0, and nothing is taken off them. */
struct growth_stay growth_stay__of(const struct model *model, const struct growth *growth,
				   const struct process *process)
{
	const uint64_t looked_ns = model__pages_looked_ns(model, &growth->task);

	if (!was_looked_for(growth, process, looked_ns))
		return (struct growth_stay){0};
	return (struct growth_stay){
		.is_known = true,
		.is_past = process->exit_ns || process->killed,
		.bytes = growth__stayed_bytes(growth),
		.anon_bytes = growth->anon_bytes - growth->gone_anon_bytes,
		.file_bytes = growth->file_bytes - growth->gone_file_bytes,
		.shmem_bytes = growth->shmem_bytes - growth->gone_shmem_bytes,
		.looked_ns = looked_ns,
	};
}

void growth_stay__add(struct growth_stay *stay, const struct growth_stay *more)
{
	stay->is_known &= more->is_known;
	stay->is_past |= more->is_past;
	stay->bytes = add(stay->bytes, more->bytes);
	stay->anon_bytes = add(stay->anon_bytes, more->anon_bytes);
	stay->file_bytes = add(stay->file_bytes, more->file_bytes);
	stay->shmem_bytes = add(stay->shmem_bytes, more->shmem_bytes);
	if (more->looked_ns && (!stay->looked_ns || more->looked_ns < stay->looked_ns))
		stay->looked_ns = more->looked_ns;
}

void growths__sum_stay(struct growths *growths)
{
	bool is_unknown = false, is_past = false;

	growths->stayed_bytes = EVENT_UNKNOWN;
	for (size_t i = 0; i < growths->count; i++) {
		const struct growth_row *row = &growths->rows[i];

		if (row->stay.is_known) {
			const int64_t so_far =
				growths->stayed_bytes == EVENT_UNKNOWN ? 0 : growths->stayed_bytes;

			growths->stayed_bytes = add(so_far, row->stay.bytes);
			growths->looked_for_bytes = add(growths->looked_for_bytes, row->bytes);
		}
		is_unknown |= !row->stay.is_known;
		is_past |= row->stay.is_past;
		if (i + 1 < growths->count && task__compare(&row->task, &row[1].task) == 0)
			continue;
		growths->stay_unknown += is_unknown;
		growths->stay_past += is_past;
		is_unknown = is_past = false;
	}
}

/* --- in words --------------------------------------------------------------------------------- */

void growth_row__say_stay(struct text *out, const struct growth_row *row)
{
	const struct growth_stay *stay = &row->stay;

	if (!stay->is_known || row->bytes <= 0 || stay->bytes > row->bytes - row->bytes / 10)
		return;
	text__string(out, "(");
	if (stay->bytes > 0)
		wording__bytes(out, stay->bytes);
	else
		text__string(out, "none");
	text__string(out, stay->is_past ? " there when last looked at) " : " still there) ");
}

void growths__say_stay_unknown(struct text *out, const struct growths *growths)
{
	wording__bytes(out, growths->sampled_bytes - growths->looked_for_bytes);
	text__string(out, ", of ");
	wording__counted(out, growths->stay_unknown, "process", "processes");
}

void growths__say_stay(struct text *out, const struct growths *growths)
{
	if (growths->stayed_bytes == EVENT_UNKNOWN) {
		text__string(out, "still there: not known, nobody could be looked at again");
		return;
	}
	text__string(out, "still there, resident or swapped: ");
	wording__bytes(out, growths->stayed_bytes);
	text__string(out, " of ");
	wording__bytes(out, growths->looked_for_bytes);
	text__string(out, " by the last look, what came later counted as there");
	if (growths->stay_past > 0) {
		text__string(out, "; since then ");
		wording__counted(out, growths->stay_past, "process has ended or was killed",
				 "processes have ended or were killed");
	}
	if (growths->stay_unknown > 0) {
		text__string(out, "; not known of ");
		growths__say_stay_unknown(out, growths);
	}
}
