/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/child.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "cmd/session.h"
#include "report/report.h"
#include "source/observe.h"

static const char help[] =
	"Usage: oomtrail record [-a | -p PID | -c CGROUP | -- CMD ARG...] [OPTION...]\n"
	"\n"
	"Follows memory into a recording. 'oomtrail report FILE' explains it, anywhere.\n"
	"\n"
	"What to follow (OOM kills are recorded whatever is followed):\n"
	"  -a, --all           the whole host (the default without a command)\n"
	"  -p, --pid PID       a process, its threads and its descendants to come; repeatable\n"
	"  -c, --cgroup CGROUP a cgroup and what is below it: its path below the memory "
	"controller\n"
	"                      (/system.slice/x.service) or its folder\n"
	"  -- CMD ARG...       start CMD and follow it; its exit status is passed on\n"
	"\n"
	"Options:\n"
	"  -o, --output FILE   where to (oomtrail-<UTC time>-<pid>.trail)\n"
	"  --duration T        end after T (500ms, 10s, 5m, 2h)\n"
	"  --step BYTES        smallest movement that is told (256K; more on many CPUs)\n"
	"  --call-graph HOW    which code grew it: cfi (unwinding rules; the default), fp (frame\n"
	"                      pointers alone) or none\n"
	"  --sample BYTES      one stack for so much growth, a power of two (256K, and fewer of\n"
	"                      what grows by GiB a second)\n"
	"  --buffer BYTES      size of each of the two ring buffers (1M)\n"
	"  --report FORMAT[=F] when done, print the report, text or json, or write it to F; "
	"repeatable\n"
	"  --threshold NAME=V  what the verdict of that report goes by (see oomtrail report)\n"
	"  --without WAY       do not use fentry, kprobe, stack or events for the context of OOM "
	"kills,\n"
	"                      page_fault or rss_stat for growth samples, to see what the next way "
	"yields;\n"
	"                      repeatable\n"
	"  -h, --help\n"
	"\n"
	"Without an end it records until SIGINT (Ctrl-C) or SIGTERM, -p until the processes are "
	"gone.\n"
	"Example: oomtrail record -o build.trail -- make -j8\n";

#define MAX_PIDS    64
#define MAX_REPORTS 8

struct request {
	struct session_options session;
	uint32_t pids[MAX_PIDS];
	char **command; /* NULL: none */
	uint64_t duration_ns;
	struct {
		int (*format)(const struct model *model, struct text *out);
		const char *path; /* NULL: stdout */
	} reports[MAX_REPORTS];
	size_t report_count;
	bool all;
	char output[64];
	char followed[256];
};

/* --- the command line ----------------------------------------------------------------------- */

static int add_pid(struct request *request, const char *argument)
{
	char *end;
	unsigned long pid = strtoul(argument, &end, 10);

	if (*end || !*argument || !pid || pid > 1U << 22)
		return cmd__usage("record", "'%s' is not a process id", argument);
	if (request->session.pid_count == MAX_PIDS)
		return cmd__usage("record", "more than %d processes", MAX_PIDS);
	request->pids[request->session.pid_count++] = pid;
	return CMD_DONE;
}

static int add_report(struct request *request, const char *argument)
{
	size_t length = strcspn(argument, "=");
	size_t index = request->report_count;

	if (index == MAX_REPORTS)
		return cmd__usage("record", "more than %d reports", MAX_REPORTS);
	if (length == 4 && !strncmp(argument, "text", 4))
		request->reports[index].format = report__text;
	else if (length == 4 && !strncmp(argument, "json", 4))
		request->reports[index].format = report__json;
	else
		return cmd__usage("record", "no report format '%s': text or json", argument);
	request->reports[index].path = argument[length] ? argument + length + 1 : NULL;
	request->report_count++;
	return CMD_DONE;
}

static int parse_size(const char *option, const char *argument, uint64_t *bytes)
{
	if (units__parse_bytes(argument, bytes) || !*bytes || *bytes > GIB)
		return cmd__usage("record", "%s: '%s' is not a size (64K, 1M)", option, argument);
	return CMD_DONE;
}

static int parse_buffer(struct request *request, const char *argument)
{
	uint64_t bytes;

	if (parse_size("--buffer", argument, &bytes))
		return CMD_USAGE;
	if (bytes & (bytes - 1) || bytes < (uint64_t)sysconf(_SC_PAGESIZE))
		return cmd__usage("record", "--buffer: %s is not a power of two of at least a page",
				  argument);
	request->session.critical_bytes = request->session.bulk_bytes = bytes;
	return CMD_DONE;
}

static int parse_call_graph(struct request *request, const char *argument)
{
	request->session.ways.no_samples = !strcmp(argument, "none");
	request->session.frame_pointers = !strcmp(argument, "fp");
	if (!request->session.ways.no_samples && !request->session.frame_pointers &&
	    strcmp(argument, "cfi") != 0)
		return cmd__usage("record", "--call-graph: '%s' is none of cfi, fp and none",
				  argument);
	return CMD_DONE;
}

static int parse_sample(struct request *request, const char *argument)
{
	uint64_t *bytes = &request->session.sample_bytes;

	if (parse_size("--sample", argument, bytes))
		return CMD_USAGE;
	if (*bytes & (*bytes - 1) || *bytes < (uint64_t)sysconf(_SC_PAGESIZE))
		return cmd__usage("record", "--sample: %s is not a power of two of at least a page",
				  argument);
	return CMD_DONE;
}

enum long_option { DURATION = 256, STEP, BUFFER, REPORT, WITHOUT, CALL_GRAPH, SAMPLE, THRESHOLD };

static int take_option(struct request *request, int option)
{
	switch (option) {
	case 'a':
		request->all = true;
		return CMD_DONE;
	case 'p':
		return add_pid(request, optarg);
	case 'c':
		if (request->session.cgroup)
			return cmd__usage("record", "-c: one cgroup only");
		request->session.cgroup = optarg;
		return CMD_DONE;
	case 'o':
		request->session.output = optarg;
		return CMD_DONE;
	case DURATION:
		if (units__parse_duration(optarg, &request->duration_ns))
			return cmd__usage("record", "--duration: '%s' is not a time (10s, 5m)",
					  optarg);
		return CMD_DONE;
	case STEP:
		return parse_size("--step", optarg, &request->session.step_bytes);
	case BUFFER:
		return parse_buffer(request, optarg);
	case CALL_GRAPH:
		return parse_call_graph(request, optarg);
	case SAMPLE:
		return parse_sample(request, optarg);
	case REPORT:
		return add_report(request, optarg);
	case THRESHOLD:
		return cmd__threshold("record", optarg);
	default:
		return cmd__forbid("record", &request->session.ways, optarg);
	}
}

static void describe(struct request *request)
{
	struct text words = {0};

	if (request->session.scope == FOLLOW_CGROUP) {
		text__printf(&words, "cgroup %s", request->session.cgroup);
	} else if (request->command) {
		text__printf(&words, "command %s", request->command[0]);
	} else if (request->session.scope == FOLLOW_PROCESSES) {
		text__string(&words, "process");
		for (size_t i = 0; i < request->session.pid_count; i++)
			text__printf(&words, " %u", request->pids[i]);
		text__string(&words, " and descendants");
	} else {
		text__string(&words, "the whole host");
	}
	snprintf(request->followed, sizeof(request->followed), "%s",
		 text__ok(&words) ? words.data : "");
	text__free(&words);
}

static int settle(struct request *request, int argc, char **argv)
{
	int chosen = request->all + !!request->session.cgroup + !!request->session.pid_count +
		     (optind < argc);
	char utc[UNITS_MAX];

	if (chosen > 1)
		return cmd__usage("record", "-a, -p, -c and a command exclude each other");
	if (optind < argc)
		request->command = argv + optind;
	if (request->session.cgroup)
		request->session.scope = FOLLOW_CGROUP;
	else if (request->command || request->session.pid_count)
		request->session.scope = FOLLOW_PROCESSES;
	describe(request);
	request->session.followed = request->followed;
	request->session.pids = request->pids;
	if (!request->session.output) {
		/* Two that start in the same second must not take each other's file. */
		snprintf(request->output, sizeof(request->output), "oomtrail-%s-%d.trail",
			 units__utc_id(utc, time(NULL) * (int64_t)NS_PER_S), getpid());
		request->session.output = request->output;
	}
	return CMD_DONE;
}

static int parse(struct request *request, int argc, char **argv)
{
	static const struct option options[] = {
		{"all", no_argument, NULL, 'a'},
		{"pid", required_argument, NULL, 'p'},
		{"cgroup", required_argument, NULL, 'c'},
		{"output", required_argument, NULL, 'o'},
		{"duration", required_argument, NULL, DURATION},
		{"step", required_argument, NULL, STEP},
		{"buffer", required_argument, NULL, BUFFER},
		{"report", required_argument, NULL, REPORT},
		{"without", required_argument, NULL, WITHOUT},
		{"call-graph", required_argument, NULL, CALL_GRAPH},
		{"sample", required_argument, NULL, SAMPLE},
		{"threshold", required_argument, NULL, THRESHOLD},
		{"help", no_argument, NULL, CMD_HELP},
		{},
	};
	int option;

	request->duration_ns = UINT64_MAX;
	while ((option = getopt_long(argc, argv, "+:ap:c:o:h", options, NULL)) != -1) {
		if (option == CMD_HELP)
			return CMD_HELP;
		if (option == ':' || option == '?')
			return cmd__bad_option("record", option, argv);
		if (take_option(request, option))
			return CMD_USAGE;
	}
	return settle(request, argc, argv);
}

/* --- when to stop --------------------------------------------------------------------------- */

struct watch {
	struct child child;
	const struct request *request;
	struct pollfd processes[MAX_PIDS]; /* pidfds of -p: readable when the process has ended */
	size_t process_count;
	int status; /* of the command, as of waitpid(2) */
	bool command_started;
	bool command_ended;
	bool interrupted;
};

/* Held before they are followed, so that neither a zombie nor a reused pid is taken for them. One
 * that cannot be held is gone, or no process: session__open() says which. */
static void hold_pids(struct watch *watch)
{
	const struct request *request = watch->request;

	for (size_t i = 0; i < request->session.pid_count; i++) {
		int fd = syscall(SYS_pidfd_open, request->pids[i], 0);

		if (fd >= 0)
			watch->processes[watch->process_count++] =
				(struct pollfd){.fd = fd, .events = POLLIN};
	}
}

static void drop_pids(struct watch *watch)
{
	for (size_t i = 0; i < watch->process_count; i++)
		close(watch->processes[i].fd);
}

static bool all_gone(struct watch *watch)
{
	return poll(watch->processes, watch->process_count, 0) == (int)watch->process_count;
}

static bool should_stop(void *context, bool interrupted)
{
	struct watch *watch = context;

	if (watch->request->command) {
		/* Ctrl-C reaches the command as well: it ends, and so do we, with its status. */
		if (interrupted && watch->child.pid)
			kill(watch->child.pid, watch->interrupted ? SIGKILL : SIGTERM);
		watch->interrupted |= interrupted;
		watch->command_ended = child__ended(&watch->child, &watch->status);
		return watch->command_ended;
	}
	if (watch->request->session.scope == FOLLOW_PROCESSES && all_gone(watch))
		return true;
	return interrupted;
}

/* The recording has ended before the command: it is the user's, not ours to kill. */
static void await_command(struct watch *watch)
{
	sigset_t signals;
	int signal;

	fprintf(stderr, "oomtrail: waiting for the command to end\n");
	session__our_signals(&signals);
	while (!(watch->command_ended = child__ended(&watch->child, &watch->status))) {
		if (sigwait(&signals, &signal) == 0 && signal != SIGCHLD)
			kill(watch->child.pid, SIGTERM);
	}
}

/* The command's own status, as a shell would tell it. */
static int command_status(const struct watch *watch)
{
	if (!watch->command_ended)
		return CMD_DONE;
	if (WIFSIGNALED(watch->status)) {
		fprintf(stderr, "oomtrail: the command was killed by signal %d (%s)\n",
			WTERMSIG(watch->status), strsignal(WTERMSIG(watch->status)));
		return 128 + WTERMSIG(watch->status);
	}
	return WEXITSTATUS(watch->status);
}

/* --- the run -------------------------------------------------------------------------------- */

static int write_reports(const struct request *request, const struct model *model)
{
	for (size_t i = 0; i < request->report_count; i++) {
		struct text text = {0};
		int error = request->reports[i].format(model, &text);

		if (error)
			cmd__error("making the report: %s", strerror(-error));
		else
			error = cmd__write(request->reports[i].path, text.data, text.length);
		text__free(&text);
		if (error)
			return CMD_FAILED;
	}
	return CMD_DONE;
}

static void summarise(const struct request *request, const struct session *session)
{
	const struct model *model = session__model(session);
	struct model_span span = model__span(model);
	char size[UNITS_MAX], events[UNITS_MAX], took[UNITS_MAX];
	uint64_t lost = 0;

	for (size_t i = 0; i < model__loss_count(model); i++)
		lost += model__loss(model, i)->count;
	fprintf(stderr, "oomtrail: %s: %s, %s events in %s, %" PRIu64 " lost, %zu OOM incident%s\n",
		request->session.output, units__bytes(size, session__written_bytes(session)),
		units__count(events, span.events),
		units__duration(took, span.last_ns - span.first_ns), lost,
		model__incident_count(model), model__incident_count(model) == 1 ? "" : "s");
	fprintf(stderr, "oomtrail: to read it: oomtrail report %s\n", request->session.output);
}

static int run(struct request *request, struct session *session, struct watch *watch)
{
	uint64_t now_ns = observe__now_ns();
	uint64_t until_ns = request->duration_ns < UINT64_MAX - now_ns
				    ? now_ns + request->duration_ns
				    : UINT64_MAX;
	int error;

	fprintf(stderr, "oomtrail: recording to %s\n", request->session.output);
	if (request->command) {
		error = child__go(&watch->child);
		if (error) {
			/* It holds nothing that anybody asked for. */
			unlink(request->session.output);
			if (error == -EPIPE) {
				cmd__error("interrupted before %s was started",
					   request->command[0]);
				return CMD_FAILED;
			}
			cmd__error("cannot run %s: %s", request->command[0], strerror(-error));
			return error == -ENOENT ? 127 : 126;
		}
		watch->command_started = true;
	}
	if (session__run(session, until_ns, should_stop, watch) || session__close(session))
		return CMD_FAILED;
	summarise(request, session);
	return write_reports(request, session__model(session));
}

int cmd_record(int argc, char **argv)
{
	struct request request = {0};
	struct watch watch = {.child = {.go_fd = -1, .failed_fd = -1}, .request = &request};
	struct session *session = NULL;
	int status = parse(&request, argc, argv);

	if (status == CMD_HELP)
		return cmd__help(help);
	if (status)
		return status;
	session__block_signals();
	if (request.command) {
		int error = child__hold(&watch.child, request.command);

		if (error) {
			cmd__error("starting the command: %s", strerror(-error));
			return CMD_FAILED;
		}
		request.pids[request.session.pid_count++] = watch.child.pid;
	} else {
		hold_pids(&watch);
	}
	status = session__open(&session, &request.session);
	if (!status)
		status = run(&request, session, &watch);
	if (watch.command_started && watch.child.pid)
		await_command(&watch);
	if (!status)
		status = command_status(&watch);
	child__end(&watch.child);
	drop_pids(&watch);
	session__free(session);
	return status;
}
