/* SPDX-License-Identifier: GPL-2.0-only */
#include "cmd/watching_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "source/observe.h"

#define BATCH_EVENTS   8192 /* then what is due comes first, whatever else waits in the queue */
#define TURN_MS        200  /* at most between two looks at what is due */
#define LAST_REPORT_NS (10 * NS_PER_S) /* at the end, for reports that are being written */

int watching__fail(const char *what, int error)
{
	cmd__error("%s: %s", what, strerror(-error));
	return CMD_FAILED;
}

void watching__tell(void *context, const char *line)
{
	(void)context;
	cmd__error("%s", line);
}

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
		*status = watching__fail("keeping events", error);
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
	int status = CMD_DONE;

	if (watching__open(watching))
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
