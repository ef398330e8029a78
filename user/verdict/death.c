/* SPDX-License-Identifier: GPL-2.0-only */
#include "verdict/death.h"

#include <string.h>

/* Programs by the name that they run under, of which a kill means something. A comm has 15 bytes.
 */
static const struct {
	const char *comm;
	bool is_prefix;
	enum death death;
} senders[] = {
	{"systemd-oomd", false, DEATH_OOM_DAEMON},
	{"earlyoom", false, DEATH_OOM_DAEMON},
	{"nohang", false, DEATH_OOM_DAEMON},
	{"oomd", false, DEATH_OOM_DAEMON},
	{"kubelet", false, DEATH_RUNTIME},
	{"containerd", true, DEATH_RUNTIME},
	{"dockerd", false, DEATH_RUNTIME},
	{"runc", true, DEATH_RUNTIME},
	{"crun", false, DEATH_RUNTIME},
	{"conmon", false, DEATH_RUNTIME},
	{"podman", false, DEATH_RUNTIME},
	{"crio", false, DEATH_RUNTIME},
	{"systemd", false, DEATH_SERVICE_MANAGER},
	{"PM2 v", true, DEATH_PM2},
};

static const char *const commands[] = {"bash", "sh",   "dash",  "zsh",     "fish",
				       "ksh",  "kill", "pkill", "killall", "timeout"};

static bool has_name(const char comm[EVENT_COMM_BYTES], const char *name, bool is_prefix)
{
	return !strncmp(comm, name, is_prefix ? strlen(name) : EVENT_COMM_BYTES);
}

static enum death of_sender(const struct death_facts *facts)
{
	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		if (has_name(facts->sender_comm, senders[i].comm, senders[i].is_prefix))
			return senders[i].death;
	}
	return DEATH_PROCESS;
}

static bool is_command(const struct death_facts *facts)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (has_name(facts->sender_comm, commands[i], false))
			return true;
	}
	return false;
}

static enum death of_the_kernel(const struct death_facts *facts)
{
	if (facts->itself && facts->flags & SIGNAL_CPU_LIMITED)
		return DEATH_CPU_LIMIT;
	if (facts->by_init && facts->flags & SIGNAL_SENDER_EXITING)
		return DEATH_NAMESPACE_ENDED;
	return DEATH_KERNEL;
}

static enum death of_a_process(const struct death_facts *facts)
{
	const enum death death = of_sender(facts);

	if (facts->flags & SIGNAL_FORCED)
		return DEATH_FORCED;
	if (facts->flags & SIGNAL_ASYNC)
		return DEATH_ASYNC;
	/* Whoever ends sends nothing by itself any more. */
	if (facts->flags & SIGNAL_SENDER_EXITING)
		return DEATH_PARENT_ENDED;
	if (death == DEATH_OOM_DAEMON)
		return death;
	if (facts->flags & SIGNAL_BY_WRITE)
		return DEATH_CGROUP_KILL;
	if (death != DEATH_PROCESS)
		return death;
	if (facts->itself)
		return DEATH_ITSELF;
	if (facts->by_parent)
		return DEATH_PARENT;
	return is_command(facts) ? DEATH_COMMAND : DEATH_PROCESS;
}

enum death death__of(const struct death_facts *facts)
{
	switch (facts->class) {
	case KILL_OOM:
		return DEATH_OOM;
	case KILL_OOM_EXITING:
		return DEATH_OOM_EXITING;
	case KILL_OOM_SHARED_MM:
		return DEATH_OOM_SHARED_MM;
	case KILL_KERNEL:
		return of_the_kernel(facts);
	case KILL_SIGNAL:
		break;
	}
	return of_a_process(facts);
}

static const struct process *known(const struct model *model, const struct task_ref *task)
{
	const struct process *process = model__process_by_pid(model, task->pid);

	return process && process->task.start_ns == task->start_ns ? process : NULL;
}

static bool is_same(const struct task_ref *a, const struct task_ref *b)
{
	return a->pid == b->pid && a->start_ns == b->start_ns;
}

enum death death__of_kill(const struct model *model, const struct kill *kill)
{
	const struct process *target = known(model, &kill->target);
	const struct process *sender = known(model, &kill->sender);
	struct death_facts facts = {
		.class = kill->class,
		.flags = kill->flags,
		.itself = is_same(&kill->sender, &kill->target),
		.by_parent = target && kill->sender.pid && is_same(&kill->sender, &target->parent),
		.by_init = sender && sender->ns_pid == 1,
	};

	memcpy(facts.sender_comm, kill->sender_comm, sizeof(facts.sender_comm));
	return death__of(&facts);
}

const char *death__word(enum death death)
{
	static const char *const known_words[] = {
#define X(name, word, words) word,
		DEATHS(X)
#undef X
	};

	return known_words[death];
}

const char *death__words(enum death death)
{
	static const char *const known_words[] = {
#define X(name, word, words) words,
		DEATHS(X)
#undef X
	};

	return known_words[death];
}
