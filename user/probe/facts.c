/* SPDX-License-Identifier: GPL-2.0-only */
#include "probe/facts.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sysfs/procfs.h"
#include "sysfs/psi.h"

static void find_lockdown(struct facts *out, const char *root)
{
	char line[128], *open, *close;

	if (sysfs__read_line(root, "/sys/kernel/security/lockdown", line, sizeof(line)))
		return;
	open = strchr(line, '[');
	close = open ? strchr(open, ']') : NULL;
	if (close)
		snprintf(out->lockdown, sizeof(out->lockdown), "%.*s", (int)(close - open - 1),
			 open + 1);
}

static bool may_bpf(const char *root)
{
	uint64_t caps = 0;

	if (procfs__capabilities(root, &caps))
		return false;
	if (caps >> CAP_SYS_ADMIN & 1)
		return true;
	return (caps >> CAP_BPF & 1) && (caps >> CAP_PERFMON & 1);
}

/* Prototype of a tracepoint's BTF type; its first parameter is the registration's void pointer. */
static const struct btf_type *tracepoint_proto(const struct btf *btf, const char *name)
{
	char type_name[128];
	const struct btf_type *type;
	int id;

	snprintf(type_name, sizeof(type_name), "btf_trace_%s", name);
	id = btf__find_by_name_kind(btf, type_name, BTF_KIND_TYPEDEF);
	if (id < 0)
		return NULL;
	type = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);
	if (!type || !btf_is_ptr(type))
		return NULL;
	type = btf__type_by_id(btf, type->type);
	return type && btf_is_func_proto(type) ? type : NULL;
}

static int tracepoint_arguments(const struct btf *btf, const char *name)
{
	const struct btf_type *proto = tracepoint_proto(btf, name);

	return proto ? btf_vlen(proto) - 1 : 0;
}

static bool first_argument_is_pointer(const struct btf *btf, const char *name)
{
	const struct btf_type *proto = tracepoint_proto(btf, name), *type;

	if (!proto || btf_vlen(proto) < 2)
		return false;
	type = btf__type_by_id(btf, btf__resolve_type(btf, btf_params(proto)[1].type));
	return type && btf_is_ptr(type);
}

static bool has_struct(const struct btf *btf, const char *name)
{
	return btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT) > 0;
}

/* Members of structs and unions without a name are the outer one's, as in C. */
static bool type_has_member(const struct btf *btf, int id, const char *member)
{
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, id) : NULL;

	if (!type || !btf_is_composite(type))
		return false;
	for (int i = 0; i < btf_vlen(type); i++) {
		const struct btf_member *at = &btf_members(type)[i];
		const char *name = btf__name_by_offset(btf, at->name_off);

		if (*name ? !strcmp(name, member) : type_has_member(btf, (int)at->type, member))
			return true;
	}
	return false;
}

static bool has_member(const struct btf *btf, const char *name, const char *member)
{
	return type_has_member(btf, btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT), member);
}

/* NULL: the kernel's enum has no such value. */
static const struct btf_enum *find_enum(const struct btf *btf, const char *kind, const char *name)
{
	const int id = btf__find_by_name_kind(btf, kind, BTF_KIND_ENUM);
	const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(btf, id);

	for (int i = 0; type && i < btf_vlen(type); i++) {
		if (!strcmp(btf__name_by_offset(btf, btf_enum(type)[i].name_off), name))
			return &btf_enum(type)[i];
	}
	return NULL;
}

static bool has_helper(const struct btf *btf, const char *name)
{
	return find_enum(btf, "bpf_func_id", name) != NULL;
}

/* Has the array that cgroups count in a place for every number? Before 5.13 it was no struct's, and
 * had. */
static bool is_ledger_numbered(const struct btf *btf)
{
	const struct btf_enum *numbers = find_enum(btf, "memcg_stat_item", "MEMCG_NR_STAT");
	const int id = btf__find_by_name_kind(btf, "memcg_vmstats", BTF_KIND_STRUCT);
	const struct btf_type *type = id < 0 ? NULL : btf__type_by_id(btf, id);

	for (int i = 0; type && numbers && i < btf_vlen(type); i++) {
		const struct btf_member *member = &btf_members(type)[i];
		const struct btf_type *array = btf__type_by_id(btf, member->type);

		if (!strcmp(btf__name_by_offset(btf, member->name_off), "state"))
			return btf_is_array(array) &&
			       btf_array(array)->nelems == (uint32_t)numbers->val;
	}
	return numbers != NULL;
}

/* Hidden addresses are 0, which few of the shown ones are. */
static int try_kallsyms(const char *root)
{
	char buffer[4096];
	const int got = sysfs__read(root, "/proc/kallsyms", buffer, sizeof(buffer));

	if (got <= 0)
		return got ? got : -ENODATA;
	for (const char *line = buffer; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strtoull(line, NULL, 16) > 0)
			return 0;
	}
	return -EPERM;
}

static void read_btf(struct facts *out, const struct btf *btf)
{
	out->mark_victim_arguments = tracepoint_arguments(btf, "mark_victim");
	out->mark_victim_has_task = first_argument_is_pointer(btf, "mark_victim");
	out->rss_stat_arguments = tracepoint_arguments(btf, "rss_stat");
	out->exit_mmap_arguments = tracepoint_arguments(btf, "exit_mmap");
	out->fork_arguments = tracepoint_arguments(btf, "sched_process_fork");
	out->exec_arguments = tracepoint_arguments(btf, "sched_process_exec");
	out->prepare_exec_arguments = tracepoint_arguments(btf, "sched_prepare_exec");
	out->exit_arguments = tracepoint_arguments(btf, "sched_process_exit");
	out->rename_arguments = tracepoint_arguments(btf, "task_rename");
	out->signal_arguments = tracepoint_arguments(btf, "signal_generate");
	out->cgroup_mkdir_arguments = tracepoint_arguments(btf, "cgroup_mkdir");
	out->cgroup_rmdir_arguments = tracepoint_arguments(btf, "cgroup_rmdir");
	out->cgroup_attach_arguments = tracepoint_arguments(btf, "cgroup_attach_task");
	out->memcg_reclaim_arguments = tracepoint_arguments(btf, "mm_vmscan_memcg_reclaim_begin");
	out->direct_reclaim_arguments = tracepoint_arguments(btf, "mm_vmscan_direct_reclaim_begin");
	out->page_fault_arguments = tracepoint_arguments(btf, "page_fault_user");
	if (!tracepoint_arguments(btf, "page_fault_kernel"))
		out->page_fault_arguments = 0;
	out->unmapped_area_arguments = tracepoint_arguments(btf, "vm_unmapped_area");
	out->percpu_rss = !has_struct(btf, "mm_rss_stat");
	out->thread_rss = has_struct(btf, "task_rss_stat");
	out->mm_owner = has_member(btf, "mm_struct", "owner");
	/* The type of the guard that tracepoints have instead of one against preemption. */
	out->programs_preempted =
		btf__find_by_name_kind(btf, "class_srcu_fast_notrace_t", BTF_KIND_TYPEDEF) > 0;
	out->memcg = has_struct(btf, "mem_cgroup");
	out->oom_control = has_struct(btf, "oom_control");
	out->memcg_events = has_member(btf, "mem_cgroup", "memory_events_local");
	out->percpu_lookup = has_helper(btf, "BPF_FUNC_map_lookup_percpu_elem");
	out->ledger_numbered = is_ledger_numbered(btf);
	ledger_places__suppose(&out->ledger_places, btf);
	/* Switched off at boot, there is not even a file; a kernel without PSI has the
	 * struct too, but empty. */
	if (out->psi == -ENOENT && has_member(btf, "psi_group", "avgs_lock"))
		out->psi = -EOPNOTSUPP;
}

/* --- trials: an empty program, loaded and attached, then dropped ----------------------------- */

static int load_empty(enum bpf_prog_type type, enum bpf_attach_type attach, int btf_id,
		      uint32_t flags)
{
	const struct bpf_insn empty[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = attach,
		    .attach_btf_id = btf_id > 0 ? btf_id : 0, .prog_flags = flags);

	if (btf_id < 0)
		return btf_id;
	return bpf_prog_load(type, "trial", "GPL", empty, 2, &options);
}

static int attach_and_drop(int program)
{
	_cleanup_(closep) int fd = program;
	_cleanup_(closep) int link = -1;

	if (fd < 0)
		return fd;
	link = bpf_raw_tracepoint_open(NULL, fd);
	return link < 0 ? link : 0;
}

static int try_kprobe(const char *root)
{
	struct perf_event_attr attr = {.size = sizeof(attr)};
	_cleanup_(closep) int fd = -1;
	char type[16];

	if (sysfs__read_line(root, "/sys/bus/event_source/devices/kprobe/type", type, sizeof(type)))
		return -ENOENT;
	attr.type = atoi(type);
	attr.config1 = (uint64_t)(uintptr_t) "oom_kill_process";
	fd = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : 0;
}

static int try_perf_event(struct perf_event_attr *attr)
{
	_cleanup_(closep) int fd = -1;

	attr->size = sizeof(*attr);
	attr->type = PERF_TYPE_SOFTWARE;
	fd = syscall(SYS_perf_event_open, attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : 0;
}

int facts__try_mapping_events(void)
{
	struct perf_event_attr attr = {.config = PERF_COUNT_SW_DUMMY,
				       .mmap = 1,
				       .mmap2 = 1,
				       .task = 1,
				       .comm = 1,
				       .comm_exec = 1};

	return try_perf_event(&attr);
}

static int try_fault_events(void)
{
	struct perf_event_attr attr = {.config = PERF_COUNT_SW_PAGE_FAULTS, .sample_period = 1};

	return try_perf_event(&attr);
}

static void try_programs(struct facts *out, const struct btf *btf, const char *root)
{
	int rss_stat = btf__find_by_name_kind(btf, "btf_trace_rss_stat", BTF_KIND_TYPEDEF);
	int oom_kill = btf__find_by_name_kind(btf, "oom_kill_process", BTF_KIND_FUNC);
	int iterator = btf__find_by_name_kind(btf, "bpf_iter_task", BTF_KIND_FUNC);
	int fd;

	out->try_tracepoint =
		attach_and_drop(load_empty(BPF_PROG_TYPE_TRACING, BPF_TRACE_RAW_TP, rss_stat, 0));
	out->try_fentry_oom =
		attach_and_drop(load_empty(BPF_PROG_TYPE_TRACING, BPF_TRACE_FENTRY, oom_kill, 0));
	out->try_kprobe = try_kprobe(root);
	fd = load_empty(BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER, iterator, 0);
	out->try_iterator = fd < 0 ? fd : 0;
	closep(&fd);
	fd = load_empty(BPF_PROG_TYPE_SYSCALL, 0, 0, BPF_F_SLEEPABLE);
	out->try_syscall_program = fd < 0 ? fd : 0;
	closep(&fd);
	out->try_mapping_events = facts__try_mapping_events();
	out->try_fault_events = try_fault_events();
}

static int quiet(enum libbpf_print_level level, const char *format, va_list arguments)
{
	(void)level, (void)format, (void)arguments;
	return 0;
}

int facts__gather(struct facts *out, const char *root)
{
	struct utsname name;
	struct meminfo meminfo;
	struct btf *btf;
	char buffer[16], huge[32];
	int64_t some, full;
	int cpus = libbpf_num_possible_cpus();

	memset(out, 0, sizeof(*out));
	out->try_tracepoint = out->try_fentry_oom = out->try_kprobe = FACT_UNTRIED;
	out->try_iterator = out->try_syscall_program = FACT_UNTRIED;
	out->try_mapping_events = out->try_fault_events = FACT_UNTRIED;
	if (uname(&name))
		return -errno;
	if (cpus < 0)
		return cpus;
	snprintf(out->kernel, sizeof(out->kernel), "%.55s %.15s", name.release, name.machine);
	out->page_bytes = sysconf(_SC_PAGESIZE);
	out->cpus = cpus;
	out->online_cpus = sysconf(_SC_NPROCESSORS_ONLN);
	if (!sysfs__read_line(root, "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", huge,
			      sizeof(huge)))
		out->huge_bytes = strtoull(huge, NULL, 10);
	if (procfs__meminfo(root, &meminfo) == 0 && meminfo.total_bytes > 0)
		out->memory_bytes = meminfo.total_bytes;
	find_lockdown(out, root);
	out->may_bpf = may_bpf(root);
	out->tracefs =
		sysfs__read(root, "/sys/kernel/tracing/trace_clock", buffer, sizeof(buffer)) >= 0;
	cgroupfs__find(&out->cgroupfs, root);
	out->psi = psi__read(root, "/proc/pressure/memory", &some, &full);

	/* A refused trial is a fact, not something to print about. */
	libbpf_set_print(quiet);
	btf = sysfs__read(root, "/sys/kernel/btf/vmlinux", buffer, sizeof(buffer)) < 0
		      ? NULL
		      : btf__load_vmlinux_btf();
	out->btf = btf ? 0 : -ENOENT;
	if (!btf)
		return 0;
	read_btf(out, btf);
	out->kernel_frames =
		has_helper(btf, "BPF_FUNC_get_current_task_btf") ? try_kallsyms(root) : -ENOSYS;
	if (out->may_bpf)
		try_programs(out, btf, root);
	btf__free(btf);
	return 0;
}
