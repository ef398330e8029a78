/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "report/reading.h"

const char *event_kind__name(char out[EVENT_NAME_MAX], uint32_t kind)
{
	static const char *const names[EVENT_KIND_END] = {
#define X(name, number, type) [number] = #name,
		EVENT_KINDS(X)
#undef X
	};
	const char *name = kind < EVENT_KIND_END && names[kind] ? names[kind] : "unknown";
	size_t i;

	for (i = 0; name[i] != '\0' && i + 1 < EVENT_NAME_MAX; i++)
		out[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i];
	out[i] = '\0';
	return out;
}

const char *loss__reason(const struct loss *loss)
{
	static const char *const reasons[] = {
#define X(name, text) [LOSS_##name] = text,
		LOSSES(X)
#undef X
	};

	_Static_assert(sizeof(reasons) / sizeof(reasons[0]) == LOSS_END, "a reason has no text");
	return (unsigned int)loss->reason < LOSS_END ? reasons[loss->reason] : "unknown reason";
}

static const char *kind__touches(uint32_t kind)
{
	switch (kind) {
	case EVENT_FORK:
	case EVENT_EXEC:
	case EVENT_PROCESS:
	case EVENT_KEPT_PROCESS:
		return "processes may be missing, or lack their name and command line";
	case EVENT_EXIT:
		return "processes may be shown as alive that have exited";
	case EVENT_RENAME:
	case EVENT_ARGV:
		return "names and command lines may be old or unknown";
	case EVENT_RSS:
	case EVENT_KEPT_SERIES:
		return "sizes and growth of processes may be too small or too large";
	case EVENT_CGROUP:
	case EVENT_CGROUP_GONE:
	case EVENT_ATTACH:
	case EVENT_KEPT_CGROUP:
	case EVENT_KEPT_ATTACH:
		return "cgroups may be missing or wrong";
	case EVENT_MEMCG:
	case EVENT_MEMCG_STAT:
		return "usage and limits of cgroups may be old";
	case EVENT_MEMCG_EVENTS:
	case EVENT_KEPT_HELD:
		return "who was held back at a limit may be missing";
	case EVENT_MODULE:
	case EVENT_FRAME:
	case EVENT_FRAME_LINE:
	case EVENT_STACK:
	case EVENT_FILE:
		return "which code and which files grew the memory may lack names";
	case EVENT_GROWTH:
	case EVENT_KEPT_GROWTH:
		return "growth by stack may be too small";
	case EVENT_GROWTH_GONE:
		return "what grew and has gone may be shown as still there";
	case EVENT_RECLAIM:
		return "reclaim may be missing from the timeline";
	case EVENT_SIGNAL:
		return "SIGKILLs may be missing";
	case EVENT_OOM_KILL:
		return "OOM kills may be missing";
	default:
		return "";
	}
}

const char *loss__touches(const struct loss *loss)
{
	switch (loss->reason) {
	case LOSS_MM_TABLE_FULL:
		return "growth of some processes was not seen";
	case LOSS_CGROUP_TABLE_FULL:
		return "usage of some cgroups was not seen";
	case LOSS_RECLAIM_TABLE_FULL:
		return "some reclaim was not seen";
	case LOSS_FOLLOWED_TABLE_FULL:
		return "some descendants were not followed";
	case LOSS_HISTORY:
		return "how processes that have ended had grown";
	case LOSS_VICTIM_NOT_FOUND:
		return kind__touches(EVENT_OOM_KILL);
	case LOSS_KILLS_COUNTED:
		return "whom later kills of the same cause took";
	case LOSS_SAMPLE_UNSEEN:
		return "growth by stack may be too large";
	case LOSS_OBSERVATION:
		return loss->kind ? kind__touches(loss->kind)
				  : "command lines or statistics may be unknown";
	case LOSS_RECURSION:
	case LOSS_MALFORMED:
	case LOSS_RING_FULL:
	default:
		return loss->kind ? kind__touches(loss->kind) : "any figure may be touched";
	}
}

uint64_t model__lost_events(const struct model *model)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < model__loss_count(model); i++) {
		const struct loss *loss = model__loss(model, i);

		if (loss__is_of_events(loss->reason) &&
		    __builtin_add_overflow(lost, loss->count, &lost))
			lost = UINT64_MAX;
	}
	return lost;
}
