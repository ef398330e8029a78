/* SPDX-License-Identifier: GPL-2.0-only */
#include "cmd/watching_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/locked_memory.h"
#include "base/oom_score.h"
#include "base/privileges.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "flight/frozen.h"
#include "source/observe.h"

#define ACCOUNT_NS      (10 * NS_PER_S)
#define SPARE_BYTES     (3 * MIB)        /* of heap for a writer, a JSON and the heap itself */
#define GROWTH_BYTES    (64 * MIB)       /* beyond that, at least: stacks, very many processes */
#define GROWTH_SHARE    16               /* or a 16th of the host's memory */
#define STUCK_NS        (600 * NS_PER_S) /* of waiting for the disk before the watchdog may bite */
#define UNFINISHED_KEPT 10 /* windows of earlier runs that did not end by themselves */

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
	return watching->signal_fd < 0 ? watching__fail("waiting for signals", -errno) : CMD_DONE;
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
		watching__fail("putting right what an earlier run left", error);
	if (recovered)
		cmd__error("%zu incident%s of an earlier run recovered", recovered,
			   recovered == 1 ? "" : "s");
	error = store__prepare(watching->store, RECORDER_JSON_BYTES);
	if (error)
		watching__fail("preparing the next incident's folder", error);
	error = frozen__keep_unfinished(watching->store, id);
	if (error < 0)
		watching__fail("keeping the window of a run that did not end", error);
	if (error > 0)
		cmd__error("the last run did not end by itself: its window is incident %s", id);
	take_up_reports(watching);
}

static int open_recorder(struct watching *watching)
{
	struct recorder_options options = {.store = watching->store,
					   .config = &watching->config,
					   .tell = watching__tell,
					   .clock_ns = observe__now_ns};
	int error = recorder__new(&watching->recorder, &options);

	if (error)
		return watching__fail("starting", error);
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
		return watching__fail("starting", error);
	options.queue = watching->queue;
	options.live.step_bytes = probe__step_bytes(&watching->probing.facts, config->step_bytes);
	error = pump__new(&watching->pump, watching->probing.probe, &options, why, sizeof(why));
	if (error) {
		cmd__error("starting: %s", why);
		return CMD_FAILED;
	}
	return CMD_DONE;
}

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
		return watching__fail("reserving memory", error);
	if (!locked)
		cmd__error("memory is not locked (CAP_IPC_LOCK is missing): under pressure the "
			   "recorder may have to wait for its own pages");
	error = privileges__drop(PRIVILEGES_RECORDER, why, sizeof(why));
	if (error)
		cmd__error("privileges are kept: %s", why);
	error = pump__start(watching->pump);
	return error ? watching__fail("starting the reading thread", error) : CMD_DONE;
}

int watching__open(struct watching *watching)
{
	struct plan_options ways = watching->options->ways;
	int error = notify__new(&watching->notify);

	ways.no_samples |= !watching->config.sample_bytes;
	if (error)
		return watching__fail("NOTIFY_SOCKET", error);
	/* What an earlier run left is looked at before anything is attached: nobody reads the rings
	 * meanwhile. */
	return take_signals_over(watching) || probing__look(&watching->probing, &ways) ||
			       prepare_stacks(watching) || open_store(watching) ||
			       open_recorder(watching) || open_source(watching) ||
			       settle_in(watching)
		       ? CMD_FAILED
		       : CMD_DONE;
}
