/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * What a SIGKILL was for, by who sent it and how: a pure function, with a table of cases. Of memory
 * only those are that say so; the rest is what else ends processes without a word.
 */

#include <stdbool.h>
#include <stdint.h>

#include "model/model.h"

/* X(NAME, word of JSON, words of the report, behind who sent it) */
#define DEATHS(X)                                                                                 \
	X(OOM, "oom", "")                                                                         \
	X(OOM_EXITING, "oom-exiting", "")                                                         \
	X(OOM_SHARED_MM, "oom-shared-mm", "")                                                     \
	X(OOM_DAEMON, "oom-daemon",                                                               \
	  "by its name a daemon that kills when memory is short, before the kernel does")         \
	X(CGROUP_KILL, "cgroup-kill", "by a write to cgroup.kill, all of that cgroup")            \
	X(PARENT_ENDED, "parent-ended",                                                           \
	  "its parent, which ended: it had asked for that (PDEATHSIG)")                           \
	X(NAMESPACE_ENDED, "namespace-ended", "the init of its pid namespace, which ended")       \
	X(ASYNC, "asynchronous", "who merely ran then: a timer or a file was set to send it")     \
	X(CPU_LIMIT, "cpu-limit", "while it ran, as a limit of processor time does (RLIMIT_CPU)") \
	X(FORCED, "forced", "by the kernel: it could not go on, as after half of an exec")        \
	X(RUNTIME, "container-runtime", "by its name what runs containers")                       \
	X(SERVICE_MANAGER, "service-manager",                                                     \
	  "the service manager: a stop that took too long, or a rule")                            \
	X(PM2, "pm2", "its process manager: a restart, or max_memory_restart")                    \
	X(ITSELF, "itself", "itself")                                                             \
	X(PARENT, "parent", "its parent")                                                         \
	X(COMMAND, "command", "a shell or a command for that")                                    \
	X(PROCESS, "process", "")                                                                 \
	X(KERNEL, "kernel", "for no reason that is known")

enum death {
#define X(name, word, words) DEATH_##name,
	DEATHS(X)
#undef X
		DEATH_COUNT
};

struct death_facts {
	enum kill_class class;
	uint32_t flags;                     /* enum signal_flag */
	bool itself;                        /* it sent it to itself */
	bool by_parent;                     /* by whom it was born of, or came to later */
	bool by_init;                       /* by the first process of a pid namespace */
	char sender_comm[EVENT_COMM_BYTES]; /* may lack its NUL */
};

enum death death__of(const struct death_facts *facts);

/* Of a kill of the model. */
enum death death__of_kill(const struct model *model, const struct kill *kill);

const char *death__word(enum death death);
const char *death__words(enum death death);
