/* SPDX-License-Identifier: GPL-2.0-only */
#include "cmd/watching.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/locked_memory.h"
#include "base/notify.h"
#include "base/oom_score.h"
#include "base/privileges.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "cmd/probing.h"
#include "cmd/report_child.h"
#include "flight/frozen.h"
#include "flight/recorder.h"
#include "flight/store.h"
#include "source/observe.h"
#include "source/pump.h"
#include "source/queue.h"
#include "source/stack_worker.h"

#define BATCH_EVENTS    8192 /* then what is due comes first, whatever else waits in the queue */
#define TURN_MS         200  /* at most between two looks at what is due */
#define ACCOUNT_NS      (10 * NS_PER_S)
#define SPARE_BYTES     (3 * MIB)        /* of heap for a writer, a JSON and the heap itself */
#define GROWTH_BYTES    (64 * MIB)       /* beyond that, at least: stacks, very many processes */
#define GROWTH_SHARE    16               /* or a 16th of the host's memory */
#define STUCK_NS        (600 * NS_PER_S) /* of waiting for the disk before the watchdog may bite */
#define UNFINISHED_KEPT 10              /* windows of earlier runs that did not end by themselves */
#define LAST_REPORT_NS  (10 * NS_PER_S) /* at the end, for reports that are being written */

struct watching {
	const struct watching_options *options;
	struct config config;
	struct notify *notify;
	struct store *store;
	struct probing probing;
	struct queue *queue;
	struct stack_worker *stacks; /* NULL: growth is not sampled */
	struct pump *pump;
	struct recorder *recorder;
	struct report_child report;
	int signal_fd;
	bool ready;
	bool ready_due; /* to be told to the service manager */
	bool stopping;
	uint64_t beaten_ns;         /* the reading thread's own */
	_Atomic uint64_t turned_ns; /* when the main thread last came around */
};

static int fail(const char *what, int error)
{
	cmd__error("%s: %s", what, strerror(-error));
	return CMD_FAILED;
}

static void tell(void *context, const char *line)
{
	(void)context;
	cmd__error("%s", line);
}

/* --- opening -------------------------------------------------------------------------------- */

static void our_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGCHLD);
}

static int take_signals_over(struct watching *watching)
{
	sigset_t set;

	our_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	watching->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return watching->signal_fd < 0 ? fail("waiting for signals", -errno) : CMD_DONE;
}

static int open_store(struct watching *watching)
{
	struct store_holder holder = {0};
	char why[256] = "";
	int error = store__open(&watching->store, watching->config.dir, &holder, why, sizeof(why));

	if (error == -EWOULDBLOCK) {
		cmd__error("%s is in use by oomtrail watch, pid %d, since %s", watching->config.dir,
			   holder.pid, holder.since);
		return CMD_FAILED;
	}
	if (error) {
		cmd__error("%s: %s", watching->config.dir, *why ? why : strerror(-error));
		return CMD_FAILED;
	}
	return CMD_DONE;
}

/* A recorder that ends again and again must not crowd the real incidents out. */
static void drop_unfinished(struct watching *watching, char (*ids)[STORE_ID_BYTES], size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++) {
		if (!frozen__is_called(ids[i], "unfinished") || kept++ < UNFINISHED_KEPT)
			continue;
		if (!store__remove_incident(watching->store, ids[i]))
			ids[i][0] = '\0';
	}
}

/* Incidents whose reports were still to be written. */
static void take_up_reports(struct watching *watching)
{
	_cleanup_(freep) char(*ids)[STORE_ID_BYTES] = NULL;
	size_t count = 0;

	if (store__incidents(watching->store, &ids, &count))
		return;
	drop_unfinished(watching, ids, count);
	for (size_t i = 0; i < count; i++) {
		_cleanup_(closep) int report =
			store__open_file(watching->store, ids[i], "report.txt");
		_cleanup_(closep) int window =
			store__open_file(watching->store, ids[i], "window.trail");

		/* Without a window there is nothing to make a report from. */
		if (ids[i][0] && report == -ENOENT && window >= 0)
			recorder__add_job(watching->recorder, ids[i]);
	}
}

/* What an earlier run, which may not have ended by its own will, has left. */
static void recover(struct watching *watching)
{
	char id[STORE_ID_BYTES];
	size_t recovered = 0;
	int error = store__recover(watching->store, frozen__id_of, NULL, &recovered);

	if (error)
		fail("putting right what an earlier run left", error);
	if (recovered)
		cmd__error("%zu incident%s of an earlier run recovered", recovered,
			   recovered == 1 ? "" : "s");
	error = store__prepare(watching->store, RECORDER_JSON_BYTES);
	if (error)
		fail("preparing the next incident's folder", error);
	error = frozen__keep_unfinished(watching->store, id);
	if (error < 0)
		fail("keeping the window of a run that did not end", error);
	if (error > 0)
		cmd__error("the last run did not end by itself: its window is incident %s", id);
	take_up_reports(watching);
}

static int open_recorder(struct watching *watching)
{
	struct recorder_options options = {.store = watching->store,
					   .config = &watching->config,
					   .tell = tell,
					   .clock_ns = observe__now_ns};
	int error = recorder__new(&watching->recorder, &options);

	if (error)
		return fail("starting", error);
	recover(watching);
	return CMD_DONE;
}

/* Called by the reading thread: a disk that hangs is no reason to be killed. */
static void beat(void *context)
{
	struct watching *watching = context;
	uint64_t every_ns = notify__watchdog_ns(watching->notify);
	uint64_t now_ns = observe__now_ns();
	uint64_t turned_ns = atomic_load_explicit(&watching->turned_ns, memory_order_relaxed);

	if (!every_ns || now_ns - watching->beaten_ns < every_ns / 2 ||
	    (turned_ns && now_ns > turned_ns && now_ns - turned_ns > STUCK_NS))
		return;
	watching->beaten_ns = now_ns;
	notify__send(watching->notify, "WATCHDOG=1");
}

/* Forks, before there is anything to inherit. */
static int prepare_stacks(struct watching *watching)
{
	char why[256] = "";

	if (!watching->probing.plan.samples ||
	    !stack_worker__new(&watching->stacks, why, sizeof(why)))
		return CMD_DONE;
	cmd__error("following stacks: %s (sample = 0 records without them)", why);
	return CMD_FAILED;
}

static int start_stacks(struct watching *watching)
{
	const struct stack_worker_options options = {
		.ring_fd = probe__stacks_ring(watching->probing.probe),
		.rooms_fd = probe__stack_rooms(watching->probing.probe),
	};
	char why[256] = "";

	if (!watching->stacks || !stack_worker__start(watching->stacks, &options, why, sizeof(why)))
		return CMD_DONE;
	cmd__error("following stacks: %s (sample = 0 records without them)", why);
	return CMD_FAILED;
}

static int open_source(struct watching *watching)
{
	const struct config *config = &watching->config;
	struct probe_options probe = {
		.scope = FOLLOW_ALL,
		.step_bytes = config->step_bytes,
		.critical_bytes = (uint32_t)config->buffer_bytes,
		.bulk_bytes = (uint32_t)config->buffer_bytes,
		.sample_bytes = config->sample_bytes,
		.sample_rate = SAMPLE_RATE,
	};
	struct pump_options options = {
		.live = {.facts = &watching->probing.facts,
			 .plan = &watching->probing.plan,
			 .scope = FOLLOW_ALL,
			 .followed = "the host",
			 .account_every_ns = ACCOUNT_NS},
		.beat = beat,
		.context = watching,
	};
	char why[512] = "";
	int error;

	if (probing__load(&watching->probing, &probe) || start_stacks(watching))
		return CMD_FAILED;
	options.live.stacks = watching->stacks;
	error = queue__new(&watching->queue, config->queue_bytes);
	if (error)
		return fail("starting", error);
	options.queue = watching->queue;
	options.live.step_bytes = probe__step_bytes(&watching->probing.facts, config->step_bytes);
	error = pump__new(&watching->pump, watching->probing.probe, &options, why, sizeof(why));
	if (error) {
		cmd__error("starting: %s", why);
		return CMD_FAILED;
	}
	return CMD_DONE;
}

/* From here on nothing new is needed: neither memory of the kernel nor privileges. */
static int settle_in(struct watching *watching)
{
	const uint64_t share_bytes = watching->probing.facts.memory_bytes / GROWTH_SHARE;
	const uint64_t reserve_bytes = watching->config.memory_bytes + SPARE_BYTES;
	bool locked = false;
	char why[256] = "";
	int error;

	oom_score__spare_us(reserve_bytes +
			    (share_bytes > GROWTH_BYTES ? share_bytes : GROWTH_BYTES));
	error = locked_memory__reserve(reserve_bytes, &locked);
	if (error)
		return fail("reserving memory", error);
	if (!locked)
		cmd__error("memory is not locked (CAP_IPC_LOCK is missing): under pressure the "
			   "recorder may have to wait for its own pages");
	error = privileges__drop(PRIVILEGES_RECORDER, why, sizeof(why));
	if (error)
		cmd__error("privileges are kept: %s", why);
	error = pump__start(watching->pump);
	return error ? fail("starting the reading thread", error) : CMD_DONE;
}

/* --- running -------------------------------------------------------------------------------- */

static int take_events(struct watching *watching)
{
	const struct event_header *event;

	queue__slept(watching->queue);
	for (int i = 0; i < BATCH_EVENTS && (event = queue__peek(watching->queue)); i++) {
		int error = recorder__admit(watching->recorder, event);

		if (error)
			return error;
		queue__drop(watching->queue);
	}
	/* There may be more, and nobody else will say so. */
	if (queue__peek(watching->queue))
		queue__wake(watching->queue);
	return 0;
}

static void reload(struct watching *watching)
{
	struct config next;
	char why[512] = "", fixed[256] = "";

	notify__reloading(watching->notify);
	if (watching->options->read_settings(watching->options->context, &next, why, sizeof(why))) {
		cmd__error("settings stay as they were: %s", why);
	} else {
		config__apply(&watching->config, &next, fixed, sizeof(fixed));
		recorder__configure(watching->recorder, &watching->config);
		cmd__error("settings read again%s%s", *fixed ? "; only a restart changes " : "",
			   fixed);
	}
	watching->ready_due = true;
}

/* Whoever asks twice does not want to wait. */
static void stop(struct watching *watching)
{
	if (watching->stopping) {
		pump__hurry(watching->pump);
		return;
	}
	watching->stopping = true;
	notify__send(watching->notify, "STOPPING=1");
	pump__stop(watching->pump);
}

static void tell_news(struct watching *watching)
{
	char news[640];

	if (watching->stacks && stack_worker__news(watching->stacks, news, sizeof(news)))
		cmd__error("%s", news);
}

static void take_signals(struct watching *watching, uint64_t now_ns)
{
	struct signalfd_siginfo info;

	while (read(watching->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		int error = 0;

		switch (info.ssi_signo) {
		case SIGHUP:
			reload(watching);
			break;
		case SIGUSR1:
			error = recorder__freeze(watching->recorder, now_ns);
			if (error)
				cmd__error("freezing the window: %s", strerror(-error));
			break;
		case SIGINT:
		case SIGTERM:
			stop(watching);
			break;
		default:
			break;
		}
	}
}

static void write_reports(struct watching *watching, uint64_t now_ns)
{
	char id[STORE_ID_BYTES];
	bool done;

	if (report_child__ended(&watching->report, &done))
		recorder__job_done(watching->recorder, done, now_ns);
	if (!report_child__is_running(&watching->report) &&
	    recorder__next_job(watching->recorder, now_ns, id)) {
		int error = report_child__start(&watching->report, watching->config.dir, id);

		if (error) {
			cmd__error("starting to write the report of %s: %s", id, strerror(-error));
			recorder__job_done(watching->recorder, false, now_ns);
		}
	}
}

static void become_ready(struct watching *watching)
{
	char size[UNITS_MAX];

	if (watching->ready || !pump__has_opened(watching->pump))
		return;
	watching->ready = true;
	watching->ready_due = true;
	cmd__error("watching the host; incidents go to %s (window %s)", watching->config.dir,
		   units__bytes(size, (int64_t)watching->config.max_size_bytes));
}

/* Again when the manager's queue was full: it would wait for the word in vain. */
static void tell_ready(struct watching *watching)
{
	if (watching->ready_due)
		watching->ready_due = notify__send(watching->notify,
						   "READY=1\nSTATUS=watching the host") == -EAGAIN;
}

/* True: nothing more will come. */
static bool turn(struct watching *watching, int *status)
{
	struct pollfd fds[] = {{.fd = queue__fd(watching->queue), .events = POLLIN},
			       {.fd = watching->signal_fd, .events = POLLIN}};
	const char *why = "";
	bool ended;
	int error;

	poll(fds, 2, TURN_MS);
	/* Looked at before the queue: what came in before the end is taken, too. */
	ended = pump__has_ended(watching->pump, &error, &why);
	if (ended && error) {
		cmd__error("%s", why);
		*status = CMD_FAILED;
	}
	error = take_events(watching);
	if (error) {
		*status = fail("keeping events", error);
		return true;
	}
	recorder__settle(watching->recorder, observe__now_ns());
	pump__account(watching->pump, recorder__events(watching->recorder),
		      recorder__written_bytes(watching->recorder));
	atomic_store_explicit(&watching->turned_ns, observe__now_ns(), memory_order_relaxed);
	become_ready(watching);
	take_signals(watching, observe__now_ns());
	tell_ready(watching);
	tell_news(watching);
	write_reports(watching, observe__now_ns());
	return ended && !queue__peek(watching->queue);
}

static int finish(struct watching *watching)
{
	uint64_t until_ns = observe__now_ns() + LAST_REPORT_NS;
	int error = recorder__close(watching->recorder, observe__now_ns());
	size_t lost = recorder__unpublished(watching->recorder);

	do {
		write_reports(watching, observe__now_ns());
		if (report_child__is_running(&watching->report))
			poll(NULL, 0, 5);
	} while (report_child__is_running(&watching->report) && observe__now_ns() < until_ns);
	if (lost)
		cmd__error("%zu incident%s could not be written and end with this process", lost,
			   lost == 1 ? "" : "s");
	return error || lost ? CMD_FAILED : CMD_DONE;
}

static int run(struct watching *watching)
{
	struct plan_options ways = watching->options->ways;
	int status = CMD_DONE, error = notify__new(&watching->notify);

	ways.no_samples |= !watching->config.sample_bytes;
	if (error)
		return fail("NOTIFY_SOCKET", error);
	/* What an earlier run left is looked at before anything is attached: nobody reads the rings
	 * meanwhile. */
	if (take_signals_over(watching) || probing__look(&watching->probing, &ways) ||
	    prepare_stacks(watching) || open_store(watching) || open_recorder(watching) ||
	    open_source(watching) || settle_in(watching))
		return CMD_FAILED;
	while (!turn(watching, &status))
		;
	return finish(watching) ? CMD_FAILED : status;
}

int watching__run(const struct watching_options *options)
{
	struct watching watching = {.options = options, .config = options->config, .signal_fd = -1};
	int status = run(&watching);

	pump__free(watching.pump);
	tell_news(&watching);
	stack_worker__free(watching.stacks);
	report_child__end(&watching.report);
	recorder__free(watching.recorder);
	queue__free(watching.queue);
	probing__free_contents(&watching.probing);
	store__free(watching.store);
	notify__free(watching.notify);
	closep(&watching.signal_fd);
	return status;
}
