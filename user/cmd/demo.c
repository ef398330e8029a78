/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/oom_score.h"
#include "base/text.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "cmd/session.h"
#include "report/report.h"
#include "source/observe.h"
#include "sysfs/cgroupfs.h"

static const char help[] =
	"Usage: oomtrail demo [-o FILE]\n"
	"\n"
	"Provokes a real OOM kill and reports it: in a throwaway cgroup limited to 96 MiB one "
	"process\n"
	"leaks, another minds its own business. Both, the cgroup and all traces of it are removed\n"
	"afterwards, also when interrupted. Nothing else on the host is touched.\n"
	"\n"
	"  -o, --output FILE   keep the recording\n"
	"  -h, --help\n";

#define LIMIT_BYTES   (96 * MIB)
#define BYSTAND_BYTES (12 * MIB)
#define LEAK_STEP     (1 * MIB)
#define LEAK_EVERY_US 20000
#define HARD_STOP     (512 * MIB) /* of address space: the leak ends here whatever happens */
#define DEADLINE_NS   (30 * NS_PER_S)
#define SETTLE_NS     (300 * NS_PER_MS) /* for the kill's aftermath to be seen */

struct demo {
	char folder[PATH_MAX]; /* of the cgroup; "": not made */
	pid_t leaker;          /* 0: none, or reaped */
	pid_t victim;          /* the same, for ever */
	pid_t bystander;
	bool killed;
	bool interrupted;
	uint64_t settled_ns;
};

/* --- the actors ----------------------------------------------------------------------------- */

static char *grow(size_t bytes)
{
	char *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		_exit(1);
	memset(memory, 1, bytes);
	return memory;
}

static void leak(void)
{
	for (;;) {
		grow(LEAK_STEP);
		usleep(LEAK_EVERY_US);
	}
}

static void bystand(void)
{
	grow(BYSTAND_BYTES);
	for (;;)
		pause();
}

/* Starts an actor inside the cgroup: nothing is grown before the limit holds for it. */
static pid_t start(const char *folder, const char *name, void (*act)(void))
{
	const struct rlimit stop = {.rlim_cur = HARD_STOP, .rlim_max = HARD_STOP};
	sigset_t none;
	pid_t pid = fork();

	if (pid)
		return pid < 0 ? -errno : pid;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, name);
	/* The recorder is spared under pressure; those it starts must not be. */
	oom_score__set_adj(0, 0);
	if (cgroupfs__move(folder, getpid()) || setrlimit(RLIMIT_AS, &stop))
		_exit(1);
	act();
	_exit(0);
}

/* --- the play ------------------------------------------------------------------------------- */

static bool is_over(void *context, bool interrupted)
{
	struct demo *demo = context;
	int status;

	if (interrupted) {
		demo->interrupted = true;
		return true;
	}
	if (demo->settled_ns)
		return observe__now_ns() >= demo->settled_ns;
	if (waitpid(demo->leaker, &status, WNOHANG) != demo->leaker)
		return false;
	demo->leaker = 0;
	demo->killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	demo->settled_ns = observe__now_ns() + SETTLE_NS;
	return false;
}

static void end(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGKILL);
	waitpid(*pid, NULL, 0);
	*pid = 0;
}

static void clean_up(struct demo *demo)
{
	end(&demo->leaker);
	end(&demo->bystander);
	/* The kernel empties a cgroup a moment after its last process was reaped. */
	for (int i = 0; *demo->folder && i < 200; i++) {
		if (cgroupfs__remove(demo->folder) != -EBUSY)
			return;
		usleep(5000);
	}
}

static int make_stage(struct demo *demo)
{
	struct cgroupfs cgroupfs;
	char name[64];
	int error = cgroupfs__find(&cgroupfs, "");

	snprintf(name, sizeof(name), "oomtrail-demo-%d", getpid());
	if (!error)
		error = cgroupfs__make(&cgroupfs, name, LIMIT_BYTES, demo->folder);
	if (!error)
		return CMD_DONE;
	demo->folder[0] = '\0';
	cmd__error("cannot make a memory cgroup with a limit: %s", strerror(-error));
	return CMD_FAILED;
}

static int play(struct demo *demo, struct session *session)
{
	demo->bystander = start(demo->folder, "bystander", bystand);
	demo->leaker = demo->victim = start(demo->folder, "leaker", leak);
	if (demo->bystander < 0 || demo->leaker < 0) {
		cmd__error("cannot start the demonstration's processes");
		return CMD_FAILED;
	}
	if (session__run(session, observe__now_ns() + DEADLINE_NS, is_over, demo))
		return CMD_FAILED;
	if (demo->interrupted) {
		cmd__error("interrupted; everything is cleaned up");
		return CMD_FAILED;
	}
	if (!demo->killed) {
		cmd__error("the kernel did not kill the leaking process; is the limit in force?");
		return CMD_FAILED;
	}
	return session__close(session);
}

/* Ours: the host may have had another kill in these two seconds. */
static int find_incident(const struct model *model, pid_t victim, size_t *index)
{
	for (size_t i = 0; i < model__incident_count(model); i++) {
		if (model__incident(model, i)->victim.task.pid == (uint32_t)victim) {
			*index = i;
			return 0;
		}
	}
	return -ENOENT;
}

static int print_report(const struct session *session, pid_t victim, const char *output)
{
	struct text text = {0};
	size_t index = 0;
	int error = find_incident(session__model(session), victim, &index);

	if (error) {
		cmd__error("the kernel killed pid %d, but no OOM kill of it was recorded", victim);
		return CMD_FAILED;
	}
	error = report__incident_text(session__model(session), index, &text);

	if (error)
		cmd__error("making the report: %s", strerror(-error));
	else
		error = cmd__write(NULL, text.data, text.length);
	text__free(&text);
	if (!error && output)
		fprintf(stderr, "oomtrail: the recording is in %s\n", output);
	return error ? CMD_FAILED : CMD_DONE;
}

static int perform(const char *output)
{
	struct demo demo = {0};
	struct session_options options = {.followed = "the whole host", .output = output};
	struct session *session = NULL;
	int status;

	session__block_signals();
	fprintf(stderr, "oomtrail: getting ready\n");
	status = session__open(&session, &options);
	if (!status)
		status = make_stage(&demo);
	if (!status) {
		fprintf(stderr, "oomtrail: letting a process leak in a cgroup of 96 MiB\n");
		status = play(&demo, session);
	}
	clean_up(&demo);
	if (!status)
		status = print_report(session, demo.victim, output);
	session__free(session);
	return status;
}

int cmd_demo(int argc, char **argv)
{
	static const struct option options[] = {{"output", required_argument, NULL, 'o'},
						{"help", no_argument, NULL, CMD_HELP},
						{}};
	const char *output = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "+:o:h", options, NULL)) != -1) {
		if (option == CMD_HELP)
			return cmd__help(help);
		if (option != 'o')
			return cmd__bad_option("demo", option, argv);
		output = optarg;
	}
	if (optind < argc)
		return cmd__usage("demo", "it takes no argument, not '%s'", argv[optind]);
	return perform(output);
}
