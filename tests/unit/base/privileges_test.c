/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/privileges.h"
#include "sysfs/cgroupfs.h"
#include "sysfs/procfs.h"

#define BIT(cap) (1ULL << (cap))
#define KEPT     (BIT(CAP_BPF) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_IPC_LOCK))

#define CHECK(condition)                                                                \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			_exit(1);                                                       \
		}                                                                       \
	} while (0)

/* Each test in a process of its own: what is dropped does not come back. */
static void in_child(void (*body)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* The hexadecimal or decimal number behind `key` in a status file. */
static uint64_t status_row(const char *text, const char *key, int base)
{
	const char *row = strstr(text, key);

	CHECK(row);
	return strtoull(row + strlen(key), NULL, base);
}

static void read_status(char *text, size_t size)
{
	CHECK(sysfs__read("", "/proc/self/status", text, size) > 0);
}

static void drop(void)
{
	char why[256] = "nothing";
	int error = privileges__drop(PRIVILEGES_RECORDER, why, sizeof(why));

	if (error) {
		fprintf(stderr, "%d: %s\n", error, why);
		_exit(1);
	}
	CHECK(!strcmp(why, "nothing"));
}

static void drop_and_look(void)
{
	char before[8192], after[8192];
	uint64_t held;

	read_status(before, sizeof(before));
	held = status_row(before, "\nCapPrm:", 16);
	drop();
	read_status(after, sizeof(after));
	CHECK(status_row(after, "\nCapPrm:", 16) == (held & KEPT));
	CHECK(status_row(after, "\nCapEff:", 16) == (held & KEPT));
	CHECK(status_row(after, "\nCapInh:", 16) == 0);
	CHECK(status_row(after, "\nCapAmb:", 16) == 0);
	CHECK(status_row(after, "\nNoNewPrivs:", 10) == 1);
	if (held & BIT(CAP_SETPCAP))
		CHECK(status_row(after, "\nCapBnd:", 16) ==
		      (status_row(before, "\nCapBnd:", 16) & KEPT));
	/* What is gone cannot be taken back, and a second time changes nothing. */
	drop();
	read_status(before, sizeof(before));
	CHECK(status_row(before, "\nCapEff:", 16) == (held & KEPT));
}

static void inherit(void)
{
	static const cap_value_t cap = CAP_IPC_LOCK;
	cap_t caps = cap_get_proc();

	CHECK(caps && !cap_set_flag(caps, CAP_INHERITABLE, 1, &cap, CAP_SET));
	CHECK(!cap_set_proc(caps));
	CHECK(!cap_set_ambient(cap, CAP_SET));
	cap_free(caps);
	drop_and_look();
}

/* As under a service manager that has cut the bounding set, CAP_SETPCAP included. */
static void drop_with_little(void)
{
	static const cap_value_t little[] = {CAP_BPF, CAP_KILL};
	char text[8192];
	cap_t caps = cap_init();

	CHECK(caps && !cap_set_flag(caps, CAP_PERMITTED, 2, little, CAP_SET));
	CHECK(!cap_set_flag(caps, CAP_EFFECTIVE, 2, little, CAP_SET));
	CHECK(!cap_set_proc(caps));
	cap_free(caps);
	drop();
	read_status(text, sizeof(text));
	CHECK(status_row(text, "\nCapPrm:", 16) == BIT(CAP_BPF));
	CHECK(status_row(text, "\nCapEff:", 16) == BIT(CAP_BPF));
	CHECK(status_row(text, "\nNoNewPrivs:", 10) == 1);
}

static void drop_with_none(void)
{
	char text[8192];

	CHECK(!setresuid(65534, 65534, 65534));
	drop();
	read_status(text, sizeof(text));
	CHECK(status_row(text, "\nCapEff:", 16) == 0);
}

/* What the recorder reads while it runs, of processes that are not its own user's. */
static void look_around(pid_t other)
{
	struct cgroupfs cgroupfs;
	struct memcg_stat stat;
	uint64_t id, ticks;
	char argv[256];
	int folder;

	CHECK(procfs__argv("", other, argv, sizeof(argv)) > 0);
	CHECK(!procfs__start_ticks("", other, &ticks) && ticks);
	if (cgroupfs__find(&cgroupfs, ""))
		return;
	CHECK(!cgroupfs__id(&cgroupfs, "/", &id));
	folder = cgroupfs__open_id(&cgroupfs, id);
	CHECK(folder >= 0);
	CHECK(!cgroupfs__stat(&cgroupfs, folder, &stat));
	close(folder);
}

static pid_t other;

static void drop_and_look_around(void)
{
	drop();
	look_around(other);
	/* To end somebody else's process would take CAP_KILL. */
	CHECK(kill(other, SIGKILL) == -1 && errno == EPERM);
}

static void *wait_for_end(void *pipe_end)
{
	char byte;

	CHECK(read(*(int *)pipe_end, &byte, 1) == 0);
	return NULL;
}

/* Joined is not yet gone for the kernel. The alarm ends whoever waits for ever. */
static void wait_to_be_alone(void)
{
	char status[8192];

	alarm(10);
	do
		read_status(status, sizeof(status));
	while (status_row(status, "\nThreads:", 10) > 1);
	alarm(0);
}

static void drop_beside_a_thread(void)
{
	char why[256], before[8192], after[8192];
	pthread_t thread;
	int ends[2];

	CHECK(!pipe(ends));
	read_status(before, sizeof(before));
	CHECK(!pthread_create(&thread, NULL, wait_for_end, &ends[0]));
	CHECK(privileges__drop(PRIVILEGES_RECORDER, why, sizeof(why)) == -EBUSY);
	CHECK(strstr(why, "threads"));
	read_status(after, sizeof(after));
	CHECK(status_row(before, "\nCapEff:", 16) == status_row(after, "\nCapEff:", 16));
	CHECK(status_row(after, "\nNoNewPrivs:", 10) == status_row(before, "\nNoNewPrivs:", 10));
	close(ends[1]);
	CHECK(!pthread_join(thread, NULL));
	wait_to_be_alone();
	drop();
}

/* Who starts the process that names stacks keeps what that one keeps, and what starting takes. */
static void drop_twice(void)
{
	const uint64_t naming =
		BIT(CAP_SYS_PTRACE) | BIT(CAP_CHECKPOINT_RESTORE) | BIT(CAP_DAC_READ_SEARCH);
	const uint64_t starting = naming | BIT(CAP_PERFMON) | BIT(CAP_IPC_LOCK) | BIT(CAP_BPF);
	char text[8192], why[256];
	uint64_t held;

	read_status(text, sizeof(text));
	held = status_row(text, "\nCapPrm:", 16);
	CHECK(!privileges__drop(PRIVILEGES_KEEPER, why, sizeof(why)));
	read_status(text, sizeof(text));
	CHECK(status_row(text, "\nCapEff:", 16) == (held & starting));
	CHECK(!privileges__drop(PRIVILEGES_STACKS, why, sizeof(why)));
	read_status(text, sizeof(text));
	CHECK(status_row(text, "\nCapPrm:", 16) == (held & naming));
	CHECK(status_row(text, "\nCapEff:", 16) == (held & naming));
}

static void naming_stacks_is_left_with_less_than_starting_it(void **state)
{
	(void)state;
	in_child(drop_twice);
}

static bool is_admin(void)
{
	char text[8192];

	read_status(text, sizeof(text));
	return status_row(text, "\nCapEff:", 16) & BIT(CAP_SYS_ADMIN);
}

static bool is_tracer(void)
{
	char text[8192];

	read_status(text, sizeof(text));
	return status_row(text, "\nCapEff:", 16) & BIT(CAP_SYS_PTRACE);
}

static void try_without(void)
{
	char before[8192], after[8192], why[256];
	uint64_t held;

	read_status(before, sizeof(before));
	held = status_row(before, "\nCapPrm:", 16);
	CHECK(!privileges__suffice_without(CAP_SYS_ADMIN, is_admin));
	CHECK(privileges__suffice_without(CAP_SYS_ADMIN, is_tracer) ==
	      !!(held & BIT(CAP_SYS_PTRACE)));
	read_status(after, sizeof(after));
	CHECK(status_row(after, "\nCapEff:", 16) == status_row(before, "\nCapEff:", 16));
	CHECK(!privileges__drop(PRIVILEGES_KEEPER_ADMIN, why, sizeof(why)));
	CHECK(is_admin() == !!(held & BIT(CAP_SYS_ADMIN)));
	CHECK(!privileges__drop(PRIVILEGES_STACKS, why, sizeof(why)));
	CHECK(!is_admin());
}

static void a_privilege_is_kept_only_where_nothing_goes_without(void **state)
{
	(void)state;
	in_child(try_without);
}

static void only_what_is_needed_stays(void **state)
{
	(void)state;
	in_child(drop_and_look);
}

static void nothing_is_inherited(void **state)
{
	(void)state;
	if (geteuid())
		skip();
	in_child(inherit);
}

static void what_is_not_held_is_not_asked_for(void **state)
{
	(void)state;
	if (geteuid())
		skip();
	in_child(drop_with_little);
	in_child(drop_with_none);
}

static void cgroups_and_processes_of_others_stay_in_sight(void **state)
{
	int ready[2];
	char byte;

	(void)state;
	if (geteuid())
		skip();
	assert_int_equal(pipe(ready), 0);
	other = fork();
	assert_true(other >= 0);
	if (!other) {
		CHECK(!setresgid(65534, 65534, 65534) && !setresuid(65534, 65534, 65534));
		CHECK(!prctl(PR_SET_PDEATHSIG, SIGKILL));
		CHECK(write(ready[1], "r", 1) == 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	in_child(drop_and_look_around);
	assert_int_equal(kill(other, SIGKILL), 0);
	assert_int_equal(waitpid(other, NULL, 0), other);
	close(ready[0]);
	close(ready[1]);
}

static void it_is_refused_beside_another_thread(void **state)
{
	(void)state;
	in_child(drop_beside_a_thread);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_needed_stays),
		cmocka_unit_test(a_privilege_is_kept_only_where_nothing_goes_without),
		cmocka_unit_test(naming_stacks_is_left_with_less_than_starting_it),
		cmocka_unit_test(nothing_is_inherited),
		cmocka_unit_test(what_is_not_held_is_not_asked_for),
		cmocka_unit_test(cgroups_and_processes_of_others_stay_in_sight),
		cmocka_unit_test(it_is_refused_beside_another_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
