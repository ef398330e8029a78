/* SPDX-License-Identifier: GPL-2.0-only */
#include "maps/first_look.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "maps/proc_maps.h"

#define PARENTS_MAX 8 /* that are gone through, each forked by the next */

struct looking {
	struct address_spaces *spaces;
	struct address_space *space;
	uint32_t pid;
	uint64_t time_ns;
	int error; /* the first mapping that found no room */
};

static int on_mapping(void *context, const struct told_mapping *told)
{
	struct looking *looking = context;
	int error = address_spaces__add(looking->spaces, looking->space, told, 0);

	if (!looking->error)
		looking->error = error;
	return error == -ENOMEM ? error : 0;
}

static int on_waiting(void *context, const struct map_event *event)
{
	struct looking *looking = context;

	if (event->pid != looking->pid || event->time_ns <= looking->time_ns)
		return 0;
	switch (event->kind) {
	case MAP_EVENT_EXEC:
	case MAP_EVENT_FORKED:
		return -ESRCH;
	case MAP_EVENT_MAPPED:
		address_space__raise(looking->space, event->mapping.start, event->mapping.end,
				     event->time_ns);
		return 0;
	default:
		return 0;
	}
}

/* What /proc says of one process; *out is NULL unless 0 or -ENOSPC is returned. */
static int look_at(struct first_look *look, uint32_t pid, uint32_t tid, uint64_t time_ns,
		   struct address_space **out)
{
	struct looking looking = {.spaces = look->spaces, .pid = pid, .time_ns = time_ns};
	int error = address_space__new(&looking.space);

	*out = NULL;
	if (error)
		return error;
	error = proc_maps__read(look->proc, tid, false, on_mapping, &looking, &look->skipped);
	if (error == -ESRCH && tid != pid)
		error = proc_maps__read(look->proc, pid, false, on_mapping, &looking,
					&look->skipped);
	if (!error && look->perf) {
		perf_maps__drain(look->perf);
		error = perf_maps__peek(look->perf, on_waiting, &looking);
	}
	if (error) {
		address_space__unref(looking.space);
		return error;
	}
	*out = looking.space;
	return looking.error;
}

static int look_up(struct first_look *look, struct process_maps *process, uint32_t tid,
		   uint64_t time_ns, uint64_t now_ns, unsigned int depth);

/* What it was forked with; its parent may have mapped more since, which is no harm. */
static int look_at_parent(struct first_look *look, struct process_maps *process, uint64_t now_ns,
			  unsigned int depth)
{
	uint64_t born_ns;
	uint32_t parent_pid = process_maps__began_as(process, &born_ns);
	struct process_maps *parent;
	int error = 0;

	if (!parent_pid || depth == PARENTS_MAX)
		return -ESRCH;
	process_maps__hold(process);
	parent = address_spaces__process(look->spaces, parent_pid, 0, born_ns);
	if (!parent)
		error = -ENOMEM;
	else if (parent == process)
		error = -ESRCH;
	else if (process_maps__wants_look(parent))
		error = look_up(look, parent, parent_pid, born_ns, now_ns, depth + 1);
	if (!error && !process_maps__was_one_at(parent, born_ns))
		error = -ESRCH;
	if (!error)
		address_spaces__inherit(look->spaces, process, parent, now_ns);
	process_maps__release(process);
	return error;
}

static int look_up(struct first_look *look, struct process_maps *process, uint32_t tid,
		   uint64_t time_ns, uint64_t now_ns, unsigned int depth)
{
	struct address_space *looked = NULL;
	int error = -ESRCH, kept;

	if (process_maps__is_newest(process))
		error = look_at(look, process_maps__pid(process), tid, time_ns, &looked);
	if (error == -ESRCH && !process_maps__is_known(process))
		error = look_at_parent(look, process, now_ns, depth);
	kept = address_spaces__looked(look->spaces, process, looked, now_ns);
	return error ? error : kept;
}

int first_look(struct first_look *look, struct process_maps *process, uint32_t tid,
	       uint64_t time_ns, uint64_t now_ns, char *why, size_t why_size)
{
	uint32_t pid = process_maps__pid(process);
	int error = look_up(look, process, tid, time_ns, now_ns, 0);

	look->looks++;
	switch (error) {
	case 0:
		break;
	case -ESRCH:
		look->vanished++;
		snprintf(why, why_size,
			 "process %u was gone, or another program, before its mappings were read",
			 pid);
		break;
	case -ENOSPC:
		snprintf(why, why_size, "process %u has more than %u executable mappings", pid,
			 ADDRESS_SPACE_MAPPINGS_MAX);
		break;
	case -EACCES:
	case -EPERM:
		look->failed++;
		snprintf(why, why_size,
			 "reading the mappings of process %u needs CAP_SYS_PTRACE (root)", pid);
		break;
	default:
		look->failed++;
		snprintf(why, why_size, "reading the mappings of process %u: %s", pid,
			 strerror(-error));
	}
	return error;
}
