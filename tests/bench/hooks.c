/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * What programs of hooks.bpf.c see of a command's growth, and what they take for it:
 *
 *     hooks [-e] PAGES PROGRAM[:PERIOD],... COMMAND...
 *
 * One page in PAGES, a power of two, is chosen; "-" instead of programs attaches none. The command
 * is followed from its exec to its exit, or, where it forks, its last child from the fork on, and
 * its counter of anonymous memory is read at both. Adds to what the command prints: rose_bytes=,
 * seen_bytes=, addressed_bytes=; with -e empty programs are attached beside each, and
 * above.TRACEPOINT= says how many ns more a run takes of a program that ran for the command, where
 * kernel.bpf_stats_enabled has them measured. Exit status 3: a program cannot be attached.
 */

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/hooks.skel.h"

#define MAX_HOOKS    8
#define MAX_CPUS     512
#define NOT_ATTACHED 3

struct hook {
	const char *place; /* the tracepoint, or perf_event */
	unsigned long period;
	struct bpf_program *program;
	/* Empty ones in front and behind: what whoever comes first has to wait for is nobody's own
	 * work, and as much as many of these programs take. */
	struct bpf_program *first;
	struct bpf_program *empty;
};

static struct hooks_bpf *bpf;
static struct hook hooks[MAX_HOOKS];
static int hook_count;
static pid_t measured;
static unsigned long before_bytes, rose_bytes;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* --- programs ---------------------------------------------------------------------------- */

static void refuse(const struct hook *hook, const char *why)
{
	fprintf(stderr, "%s: %s\n", hook->place, why);
	exit(NOT_ATTACHED);
}

static struct bpf_program *load_program(const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(bpf->obj, name);

	if (!program) {
		fprintf(stderr, "no program %s\n", name);
		exit(2);
	}
	bpf_program__set_autoload(program, true);
	return program;
}

static void choose_program(char *name, bool beside_empty)
{
	struct hook *hook = &hooks[hook_count++];
	char *period = strchr(name, ':');
	const char *slash;
	char empty[64];

	if (period)
		*period++ = '\0';
	hook->period = period ? strtoul(period, NULL, 10) : 1;
	hook->program = load_program(name);
	slash = strchr(bpf_program__section_name(hook->program), '/');
	hook->place = slash ? slash + 1 : "perf_event";
	if (slash && libbpf_find_vmlinux_btf_id(hook->place, BPF_TRACE_RAW_TP) < 0)
		refuse(hook, "no such tracepoint");
	if (!beside_empty)
		return;
	snprintf(empty, sizeof(empty), "first_%s", hook->place);
	hook->first = load_program(empty);
	snprintf(empty, sizeof(empty), "empty_%s", hook->place);
	hook->empty = load_program(empty);
}

static int attach_events(struct bpf_program *program, unsigned long period)
{
	struct perf_event_attr attr = {.size = sizeof(attr),
				       .type = PERF_TYPE_SOFTWARE,
				       .config = PERF_COUNT_SW_PAGE_FAULTS,
				       .sample_period = period};

	for (int cpu = 0; cpu < MAX_CPUS; cpu++) {
		int fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

		if (fd < 0 && (errno == ENODEV || errno == EINVAL))
			continue;
		if (fd < 0 || !bpf_program__attach_perf_event(program, fd))
			return -errno;
	}
	return 0;
}

static void attach(const struct hook *hook, struct bpf_program *program)
{
	int error = 0;

	if (bpf_program__type(program) == BPF_PROG_TYPE_PERF_EVENT)
		error = attach_events(program, hook->period);
	else if (!bpf_program__attach(program))
		error = -errno;
	if (error)
		refuse(hook, strerror(-error));
}

static void attach_all(void)
{
	int error = hooks_bpf__load(bpf);

	if (error)
		refuse(&hooks[0], strerror(-error));
	for (int i = 0; i < hook_count; i++) {
		if (hooks[i].first)
			attach(&hooks[i], hooks[i].first);
		attach(&hooks[i], hooks[i].program);
		if (hooks[i].empty)
			attach(&hooks[i], hooks[i].empty);
	}
}

static struct bpf_prog_info info_of(const struct bpf_program *program)
{
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
		die("bpf_obj_get_info_by_fd");
	return info;
}

static double ns_of(struct bpf_prog_info info)
{
	return (double)info.run_time_ns / (double)info.run_cnt;
}

/* Not of what ran for somebody else only. */
static void tell_costs(void)
{
	__u64 most = 1;

	for (int i = 0; i < hook_count; i++) {
		__u64 runs = info_of(hooks[i].program).run_cnt;

		most = runs > most ? runs : most;
	}
	for (int i = 0; i < hook_count; i++) {
		struct bpf_prog_info info = info_of(hooks[i].program),
				     empty = info_of(hooks[i].empty);

		if (info.run_cnt > most / 10 && empty.run_cnt)
			printf("above.%s=%.1f\n", hooks[i].place, ns_of(info) - ns_of(empty));
	}
}

/* --- the command ------------------------------------------------------------------------- */

static unsigned long anon_bytes(pid_t pid)
{
	unsigned long kib = 0;
	char line[256];
	FILE *file;

	snprintf(line, sizeof(line), "/proc/%d/status", pid);
	file = fopen(line, "r");
	if (!file)
		die(line);
	while (fgets(line, sizeof(line), file) && sscanf(line, "RssAnon: %lu kB", &kib) != 1)
		;
	fclose(file);
	return kib << 10;
}

static void begin(pid_t pid)
{
	measured = pid;
	before_bytes = anon_bytes(pid);
	bpf->bss->seen_bytes = bpf->bss->addressed_bytes = 0;
	bpf->bss->measured = (__u32)pid;
}

static void end(void)
{
	bpf->bss->measured = 0;
	rose_bytes = anon_bytes(measured) - before_bytes;
}

/* What it goes on with: a signal, or none. */
static int stopped(pid_t pid, int status)
{
	unsigned long child;

	switch (status >> 16) {
	case 0:
		/* A new child is stopped by one that is not its own. */
		return WSTOPSIG(status) == SIGSTOP ? 0 : WSTOPSIG(status);
	case PTRACE_EVENT_EXEC:
		begin(pid);
		break;
	case PTRACE_EVENT_FORK:
		if (ptrace(PTRACE_GETEVENTMSG, pid, NULL, &child))
			die("PTRACE_GETEVENTMSG");
		begin((pid_t)child);
		break;
	case PTRACE_EVENT_EXIT:
		if (pid == measured)
			end();
		break;
	}
	return 0;
}

static pid_t start(char **command)
{
	const unsigned long options =
		PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL;
	pid_t pid = fork();
	int status;

	if (pid < 0)
		die("fork");
	if (!pid) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) || raise(SIGSTOP))
			die("PTRACE_TRACEME");
		execvp(command[0], command);
		die(command[0]);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, options) || ptrace(PTRACE_CONT, pid, NULL, NULL))
		die("ptrace");
	return pid;
}

static int follow(pid_t first)
{
	int status, first_status = -1;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) > 0) {
		if (WIFSTOPPED(status)) {
			/* It may have been killed meanwhile. */
			ptrace(PTRACE_CONT, pid, NULL, (long)stopped(pid, status));
			continue;
		}
		if (pid == first)
			first_status = status;
	}
	return first_status;
}

int main(int argc, char **argv)
{
	bool beside_empty = argc > 1 && !strcmp(argv[1], "-e");
	const __u32 page_bytes = (__u32)sysconf(_SC_PAGESIZE);
	unsigned long pages;
	int status;

	argv += beside_empty;
	argc -= beside_empty;
	pages = argc < 4 ? 0 : strtoul(argv[1], NULL, 10);
	if (!pages || pages & (pages - 1))
		return 2;
	bpf = hooks_bpf__open();
	if (!bpf)
		die("hooks_bpf__open");
	bpf->rodata->knob_page_bytes = page_bytes;
	bpf->rodata->knob_page_shift = (__u32)__builtin_ctz(page_bytes);
	bpf->rodata->knob_sample_shift = (__u32)__builtin_ctzl(pages * page_bytes);
	for (char *name = strtok(argv[2], ","); name && strcmp(name, "-"); name = strtok(NULL, ","))
		choose_program(name, beside_empty);
	attach_all();
	status = follow(start(argv + 3));
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		fprintf(stderr, "%s did not end well\n", argv[3]);
		return 1;
	}
	printf("rose_bytes=%lu\nseen_bytes=%llu\naddressed_bytes=%llu\n", rose_bytes,
	       (unsigned long long)bpf->bss->seen_bytes,
	       (unsigned long long)bpf->bss->addressed_bytes);
	if (beside_empty)
		tell_costs();
	return 0;
}
