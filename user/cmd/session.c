/* SPDX-License-Identifier: GPL-2.0-only */
#include "cmd/session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/oom_score.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "cmd/probing.h"
#include "recording/writer.h"
#include "source/capture.h"
#include "source/live.h"
#include "source/observe.h"
#include "source/stack_worker.h"
#include "sysfs/procfs.h"

struct session {
	struct probing probing;
	struct model *model;
	struct writer *writer;
	struct capture *capture;
	struct live *live;
	struct stack_worker *stacks; /* NULL: growth is not sampled */
	const char *output;
	int signal_fd;
};

void session__our_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGCHLD);
}

void session__block_signals(void)
{
	sigset_t set;

	session__our_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* A reader of our output that has gone is a write error, not our death. */
	signal(SIGPIPE, SIG_IGN);
}

static int fail(const char *what, int error)
{
	cmd__error("%s: %s", what, strerror(-error));
	return CMD_FAILED;
}

static int find_cgroup(const struct session *session, const char *path, uint64_t *id)
{
	int error = cgroupfs__id(&session->probing.facts.cgroupfs, path, id);

	switch (error) {
	case 0:
		return CMD_DONE;
	case -EXDEV:
		cmd__error("%s is not in the memory controller's hierarchy (%s)", path,
			   session->probing.facts.cgroupfs.mount);
		break;
	default:
		cmd__error("no cgroup %s below %s: %s", path,
			   session->probing.facts.cgroupfs.version
				   ? session->probing.facts.cgroupfs.mount
				   : "any memory controller",
			   strerror(-error));
	}
	return CMD_FAILED;
}

/*
 * The programs in the kernel see pids as the initial namespace counts them; ours would name
 * somebody else there. And a thread's id names no process: nothing would ever match.
 */
static int check_pids(const struct session_options *options)
{
	if (!options->pid_count)
		return CMD_DONE;
	if (!procfs__in_initial_pid_namespace("")) {
		cmd__error("processes can be followed from the host's pid namespace only; here use "
			   "-a or -c, or start the container with --pid=host");
		return CMD_FAILED;
	}
	for (size_t i = 0; i < options->pid_count; i++) {
		uint32_t leader;

		if (!procfs__thread_group("", options->pids[i], &leader) &&
		    leader != options->pids[i]) {
			cmd__error("%u is a thread of process %u: follow that", options->pids[i],
				   leader);
			return CMD_FAILED;
		}
	}
	return CMD_DONE;
}

static int follow_pids(struct session *session, const struct session_options *options)
{
	for (size_t i = 0; i < options->pid_count; i++) {
		int error;

		if (kill(options->pids[i], 0) && errno == ESRCH) {
			cmd__error("no process %u", options->pids[i]);
			return CMD_FAILED;
		}
		error = probe__follow(session->probing.probe, options->pids[i]);
		if (error)
			return fail("following a process", error);
	}
	return CMD_DONE;
}

/* Forks, before there is anything to inherit. */
static int prepare_stacks(struct session *session)
{
	char why[256] = "";

	if (!session->probing.plan.samples ||
	    !stack_worker__new(&session->stacks, why, sizeof(why)))
		return CMD_DONE;
	cmd__error("following stacks: %s (--call-graph none records without them)", why);
	return CMD_FAILED;
}

static void tell_news(struct session *session)
{
	char news[640];

	if (session->stacks && stack_worker__news(session->stacks, news, sizeof(news)))
		cmd__error("%s", news);
}

static int start_stacks(struct session *session, const struct session_options *options)
{
	const struct stack_worker_options stacks = {
		.ring_fd = probe__stacks_ring(session->probing.probe),
		.rooms_fd = probe__stack_rooms(session->probing.probe),
		.frame_pointers = options->frame_pointers,
		.begins_pid = options->pid_count ? options->pids[0] : 0,
	};
	char why[256] = "";

	if (!session->stacks || !stack_worker__start(session->stacks, &stacks, why, sizeof(why)))
		return CMD_DONE;
	cmd__error("following stacks: %s (--call-graph none records without them)", why);
	return CMD_FAILED;
}

static int load(struct session *session, const struct session_options *options)
{
	struct probe_options probe_options = {
		.scope = options->scope,
		.step_bytes = options->step_bytes,
		.critical_bytes = options->critical_bytes,
		.bulk_bytes = options->bulk_bytes,
		.sample_bytes = options->sample_bytes,
		/* Who asks for a number gets it. */
		.sample_rate = options->sample_bytes ? 0 : SAMPLE_RATE,
	};

	if (check_pids(options) || probing__look(&session->probing, &options->ways))
		return CMD_FAILED;
	if (options->scope == FOLLOW_CGROUP &&
	    find_cgroup(session, options->cgroup, &probe_options.cgroup_id))
		return CMD_FAILED;
	if (prepare_stacks(session) || probing__load(&session->probing, &probe_options))
		return CMD_FAILED;
	if (start_stacks(session, options))
		return CMD_FAILED;
	return follow_pids(session, options);
}

static int open_sinks(struct session *session, const struct session_options *options)
{
	int error = model__new(&session->model);

	if (!error && options->output)
		error = writer__new(&session->writer, options->output);
	if (error && options->output) {
		cmd__error("cannot write %s: %s", options->output, strerror(-error));
		return CMD_FAILED;
	}
	if (!error)
		error = capture__new(&session->capture, session->writer, session->model);
	return error ? fail("starting", error) : CMD_DONE;
}

/* True when somebody asked us to end. */
static bool take_signals(struct session *session)
{
	struct signalfd_siginfo info;
	bool interrupted = false;

	while (read(session->signal_fd, &info, sizeof(info)) == sizeof(info))
		interrupted |= info.ssi_signo != SIGCHLD;
	return interrupted;
}

/* Until somebody asks for the end again. */
static bool may_wait(void *context)
{
	return !take_signals(context);
}

static uint64_t count_events(void *context)
{
	return capture__events(((struct session *)context)->capture);
}

static uint64_t count_bytes(void *context)
{
	return session__written_bytes(context);
}

static int start(struct session *session, const struct session_options *options)
{
	struct live_options live_options = {
		.facts = &session->probing.facts,
		.plan = &session->probing.plan,
		.scope = options->scope,
		.followed = options->followed,
		.step_bytes = probe__step_bytes(&session->probing.facts, options->step_bytes),
		.sink = capture__admit,
		.context = session->capture,
		.account = {count_events, count_bytes, session},
		.stacks = session->stacks,
		.patience = {may_wait, session},
	};
	sigset_t signals;
	char why[512] = "";
	int error;

	oom_score__spare_us(0);
	session__our_signals(&signals);
	session->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (session->signal_fd < 0)
		return fail("waiting for signals", -errno);
	error = live__new(&session->live, session->probing.probe, &live_options);
	if (error)
		return fail("reading the rings", error);
	error = live__attach(session->live, why, sizeof(why));
	if (!error)
		error = live__open(session->live, why, sizeof(why));
	if (error) {
		cmd__error("starting: %s", *why ? why : strerror(-error));
		return CMD_FAILED;
	}
	return CMD_DONE;
}

int session__open(struct session **out, const struct session_options *options)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return fail("starting", -ENOMEM);
	session->signal_fd = -1;
	session->output = options->output;
	/* The file comes after everything that may be refused: nothing half-done is left behind. */
	if (load(session, options) || open_sinks(session, options)) {
		session__free(session);
		return CMD_FAILED;
	}
	if (start(session, options)) {
		if (options->output)
			unlink(options->output);
		session__free(session);
		return CMD_FAILED;
	}
	*out = session;
	return CMD_DONE;
}

static int tick(struct session *session)
{
	int error = live__run(session->live);

	tell_news(session);
	if (!error && session->writer)
		error = writer__tick(session->writer, observe__now_ns());
	if (!error)
		error = capture__write_error(session->capture);
	return error;
}

int session__run(struct session *session, uint64_t until_ns,
		 bool (*stop)(void *context, bool interrupted), void *context)
{
	for (;;) {
		struct pollfd fds[] = {{.fd = live__fd(session->live), .events = POLLIN},
				       {.fd = session->signal_fd, .events = POLLIN}};
		uint64_t now_ns = observe__now_ns();
		int timeout = live__timeout_ms(session->live), error;

		if (until_ns <= now_ns)
			return CMD_DONE;
		if (until_ns - now_ns < timeout * NS_PER_MS)
			timeout = (until_ns - now_ns) / NS_PER_MS + 1;
		if (poll(fds, 2, timeout) < 0 && errno != EINTR)
			return fail("waiting", -errno);
		error = tick(session);
		if (error && session->output && capture__write_error(session->capture)) {
			cmd__error("writing %s: %s; it can be read up to here", session->output,
				   strerror(-error));
			return CMD_FAILED;
		}
		if (error)
			return fail("recording", error);
		if (stop(context, take_signals(session)))
			return CMD_DONE;
	}
}

int session__close(struct session *session)
{
	int error = live__close(session->live);

	tell_news(session);
	if (!error)
		error = capture__digest(session->capture);
	if (!error)
		error = capture__write_error(session->capture);
	if (!error && session->writer)
		error = writer__close(session->writer);
	if (error) {
		cmd__error("closing %s: %s", session->output ? session->output : "the session",
			   strerror(-error));
		return CMD_FAILED;
	}
	error = model__finish(session->model);
	return error ? fail("finishing", error) : CMD_DONE;
}

const struct model *session__model(const struct session *session)
{
	return session->model;
}

uint64_t session__written_bytes(const struct session *session)
{
	return session->writer ? writer__bytes(session->writer) : 0;
}

void session__free(struct session *session)
{
	if (!session)
		return;
	live__free(session->live);
	stack_worker__free(session->stacks);
	capture__free(session->capture);
	writer__free(session->writer);
	model__free(session->model);
	probing__free_contents(&session->probing);
	closep(&session->signal_fd);
	free(session);
}
