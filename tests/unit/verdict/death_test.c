/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "verdict/death.h"

static void deaths_by_who_sent_it_and_how(void **state)
{
	static const struct {
		enum death death;
		enum kill_class class;
		uint32_t flags;
		const char *comm;
		enum { ANYBODY, ITSELF, PARENT, INIT } by;
	} cases[] = {
		{DEATH_OOM, KILL_OOM, 0, "earlyoom", ITSELF},
		{DEATH_OOM_EXITING, KILL_OOM_EXITING, 0, "x", PARENT},
		{DEATH_OOM_SHARED_MM, KILL_OOM_SHARED_MM, SIGNAL_FROM_KERNEL, "x", ANYBODY},

		/* By the kernel. */
		{DEATH_KERNEL, KILL_KERNEL, SIGNAL_FROM_KERNEL, "x", ITSELF},
		{DEATH_ASYNC, KILL_SIGNAL, SIGNAL_ASYNC, "earlyoom", ITSELF},
		{DEATH_CPU_LIMIT, KILL_KERNEL, SIGNAL_FROM_KERNEL | SIGNAL_CPU_LIMITED, "x",
		 ITSELF},
		{DEATH_NAMESPACE_ENDED, KILL_KERNEL, SIGNAL_FROM_KERNEL | SIGNAL_SENDER_EXITING,
		 "tini", INIT},
		{DEATH_KERNEL, KILL_KERNEL, SIGNAL_FROM_KERNEL, "tini", INIT},
		{DEATH_KERNEL, KILL_KERNEL, SIGNAL_FROM_KERNEL | SIGNAL_SENDER_EXITING, "x",
		 ANYBODY},
		{DEATH_FORCED, KILL_SIGNAL, SIGNAL_FORCED, "x", ITSELF},

		/* Whoever ends sends nothing but what the kernel sends for it. */
		{DEATH_PARENT_ENDED, KILL_SIGNAL, SIGNAL_SENDER_EXITING, "bash", PARENT},
		{DEATH_PARENT_ENDED, KILL_SIGNAL, SIGNAL_SENDER_EXITING, "x", ANYBODY},

		/* By programs that are known, before any relation. */
		{DEATH_OOM_DAEMON, KILL_SIGNAL, 0, "earlyoom", ANYBODY},
		{DEATH_OOM_DAEMON, KILL_SIGNAL, 0, "systemd-oomd", ANYBODY},
		{DEATH_OOM_DAEMON, KILL_SIGNAL, SIGNAL_BY_WRITE, "systemd-oomd", ANYBODY},
		{DEATH_PROCESS, KILL_SIGNAL, 0, "earlyoomer", ANYBODY},
		{DEATH_RUNTIME, KILL_SIGNAL, 0, "containerd-shim", ANYBODY},
		{DEATH_RUNTIME, KILL_SIGNAL, 0, "runc:[2:INIT]", ANYBODY},
		{DEATH_RUNTIME, KILL_SIGNAL, 0, "kubelet", ANYBODY},
		{DEATH_SERVICE_MANAGER, KILL_SIGNAL, 0, "systemd", PARENT},
		{DEATH_PM2, KILL_SIGNAL, 0, "PM2 v5.3.0: God", PARENT},
		{DEATH_CGROUP_KILL, KILL_SIGNAL, SIGNAL_BY_WRITE, "systemd", PARENT},
		{DEATH_CGROUP_KILL, KILL_SIGNAL, SIGNAL_BY_WRITE, "sh", ITSELF},

		/* By others. */
		{DEATH_ITSELF, KILL_SIGNAL, 0, "bash", ITSELF},
		{DEATH_PARENT, KILL_SIGNAL, 0, "bash", PARENT},
		{DEATH_COMMAND, KILL_SIGNAL, 0, "bash", ANYBODY},
		{DEATH_COMMAND, KILL_SIGNAL, 0, "pkill", ANYBODY},
		{DEATH_PROCESS, KILL_SIGNAL, 0, "nginx", ANYBODY},
		{DEATH_PROCESS, KILL_SIGNAL, 0, "", ANYBODY},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct death_facts facts = {
			.class = cases[i].class,
			.flags = cases[i].flags,
			.itself = cases[i].by == ITSELF,
			.by_parent = cases[i].by == PARENT,
			.by_init = cases[i].by == INIT,
		};
		enum death death;

		memcpy(facts.sender_comm, cases[i].comm, strlen(cases[i].comm));
		death = death__of(&facts);
		if (death != cases[i].death)
			fail_msg("case %zu, %s: %s, not %s", i, cases[i].comm, death__word(death),
				 death__word(cases[i].death));
	}
}

/* All 16 bytes of it may be used. */
static void a_name_without_an_end_is_read_no_further(void **state)
{
	struct death_facts facts = {.class = KILL_SIGNAL};

	(void)state;
	memset(facts.sender_comm, 'k', sizeof(facts.sender_comm));
	assert_int_equal(death__of(&facts), DEATH_PROCESS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deaths_by_who_sent_it_and_how),
		cmocka_unit_test(a_name_without_an_end_is_read_no_further),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
