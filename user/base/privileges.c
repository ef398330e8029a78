/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/privileges.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "base/cleanup.h"

struct kept {
	size_t count;
	cap_value_t caps[7];
};

static const struct kept kept_by[] = {
	[PRIVILEGES_RECORDER] = {3, {CAP_BPF, CAP_DAC_READ_SEARCH, CAP_IPC_LOCK}},
	[PRIVILEGES_STACKS] = {3, {CAP_SYS_PTRACE, CAP_CHECKPOINT_RESTORE, CAP_DAC_READ_SEARCH}},
	[PRIVILEGES_KEEPER] = {6,
			       {CAP_SYS_PTRACE, CAP_CHECKPOINT_RESTORE, CAP_DAC_READ_SEARCH,
				CAP_PERFMON, CAP_IPC_LOCK, CAP_BPF}},
	[PRIVILEGES_KEEPER_ADMIN] = {7,
				     {CAP_SYS_PTRACE, CAP_CHECKPOINT_RESTORE, CAP_DAC_READ_SEARCH,
				      CAP_PERFMON, CAP_IPC_LOCK, CAP_BPF, CAP_SYS_ADMIN}},
};

static void cap_freep(cap_t *caps)
{
	if (*caps)
		cap_free(*caps);
}

static int fail(char *why, size_t why_size, const char *what)
{
	int error = errno;

	snprintf(why, why_size, "%s: %s", what, strerror(error));
	return -error;
}

static bool is_kept(const struct kept *kept, cap_value_t cap)
{
	for (size_t i = 0; i < kept->count; i++)
		if (kept->caps[i] == cap)
			return true;
	return false;
}

/* /proc/self/task has two links of its own and one a thread. Without /proc nobody can tell. */
static bool has_other_threads(void)
{
	struct stat info;

	return !stat("/proc/self/task", &info) && info.st_nlink > 3;
}

/* While CAP_SETPCAP is still there; a service manager may have cut it before us. */
static int cut_bounding_set(const struct kept *kept, cap_t held, char *why, size_t why_size)
{
	cap_flag_value_t may;

	if (cap_get_flag(held, CAP_SETPCAP, CAP_EFFECTIVE, &may))
		return fail(why, why_size, "reading capabilities");
	if (may != CAP_SET)
		return 0;
	for (cap_value_t cap = 0; cap < cap_max_bits(); cap++)
		if (!is_kept(kept, cap) && cap_get_bound(cap) > 0 && cap_drop_bound(cap))
			return fail(why, why_size, "cutting the bounding set");
	return 0;
}

/* What is to be kept and is held at all: permitted and effective, not inheritable. */
static int keep(const struct kept *kept, cap_t held, cap_t wanted)
{
	for (size_t i = 0; i < kept->count; i++) {
		cap_flag_value_t has;

		if (cap_get_flag(held, kept->caps[i], CAP_PERMITTED, &has))
			return -1;
		if (has == CAP_SET &&
		    (cap_set_flag(wanted, CAP_PERMITTED, 1, &kept->caps[i], CAP_SET) ||
		     cap_set_flag(wanted, CAP_EFFECTIVE, 1, &kept->caps[i], CAP_SET)))
			return -1;
	}
	return 0;
}

int privileges__drop(enum privileges which, char *why, size_t why_size)
{
	const struct kept *kept = &kept_by[which];
	_cleanup_(cap_freep) cap_t held = cap_get_proc();
	_cleanup_(cap_freep) cap_t wanted = cap_init();
	int error;

	if (!held || !wanted)
		return fail(why, why_size, "reading capabilities");
	if (has_other_threads()) {
		errno = EBUSY;
		return fail(why, why_size, "dropping privileges beside other threads");
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail(why, why_size, "setting no_new_privs");
	error = cut_bounding_set(kept, held, why, why_size);
	if (error)
		return error;
	/* What is not inheritable any more the kernel takes out of the ambient set. */
	if (keep(kept, held, wanted) || cap_set_proc(wanted))
		return fail(why, why_size, "dropping capabilities");
	return 0;
}

bool privileges__suffice_without(int cap, bool (*attempt)(void))
{
	const cap_value_t value = cap;
	_cleanup_(cap_freep) cap_t held = cap_get_proc();
	_cleanup_(cap_freep) cap_t less = held ? cap_dup(held) : NULL;
	bool permitted;

	if (!less || cap_set_flag(less, CAP_EFFECTIVE, 1, &value, CAP_CLEAR) || cap_set_proc(less))
		return false;
	permitted = attempt();
	(void)cap_set_proc(held);
	return permitted;
}
