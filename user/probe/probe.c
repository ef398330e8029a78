/* SPDX-License-Identifier: GPL-2.0-only */
#include "probe/probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "bpf/reclaim_state.h"
#include "bpf/waker.h"
#include "oomtrail.skel.h"
#include "probe/fault_events.h"
#include "probe/misses.h"

#define SAMPLE_BYTES      (256 * KIB)
#define STACKS_RING_BYTES (8 * MIB)

struct probe {
	struct oomtrail_bpf *skeleton;
	const struct plan *plan;
	struct bpf_link *links[PLAN_MAX_PROGRAMS];
	struct fault_events faults;
	bool percpu_rss;
	int measuring_fd; /* bpf_stats are on while it is open; -1 */
};

/* libbpf reports through a callback without context: the first warning, which names the program
 * at fault, for `why`. */
static char first_warning[256];

static int listen_to_libbpf(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level == LIBBPF_WARN && !*first_warning)
		vsnprintf(first_warning, sizeof(first_warning), format, arguments);
	return 0;
}

static int explain(char *why, size_t size, int error, const char *what)
{
	first_warning[strcspn(first_warning, "\n")] = '\0';
	snprintf(why, size, "%s: %s%s%s", what, strerror(-error), *first_warning ? ": " : "",
		 first_warning);
	return error;
}

uint64_t probe__memcg_step_bytes(uint64_t step_bytes)
{
	return step_bytes ? step_bytes : 256 * KIB;
}

/* What one CPU may hold back: percpu_counter_batch, max(32, 2 x CPUs online) pages. */
static uint64_t held_back_bytes(const struct facts *facts)
{
	const uint64_t batch = facts->online_cpus > 16 ? 2 * facts->online_cpus : 32;

	return facts->percpu_rss ? batch * facts->page_bytes : 0;
}

uint64_t probe__step_bytes(const struct facts *facts, uint64_t step_bytes)
{
	uint64_t held_back = held_back_bytes(facts) * facts->online_cpus;

	step_bytes = probe__memcg_step_bytes(step_bytes);
	return step_bytes > held_back ? step_bytes : held_back;
}

/* Of a power of two; 0 stays 0. */
static uint32_t shift_of(uint64_t bytes)
{
	return bytes ? (uint32_t)__builtin_ctzll(bytes) : 0;
}

static void configure(struct oomtrail_bpf *skeleton, const struct plan *plan,
		      const struct facts *facts, const struct probe_options *options)
{
	struct bpf_program *program;

	skeleton->rodata->knob_page_bytes = facts->page_bytes;
	skeleton->rodata->knob_page_shift = shift_of(facts->page_bytes);
	skeleton->rodata->knob_cpus = facts->cpus < PLAN_MAX_CPUS ? facts->cpus : PLAN_MAX_CPUS;
	skeleton->rodata->knob_step_bytes = probe__step_bytes(facts, options->step_bytes);
	skeleton->rodata->knob_memcg_step_bytes = probe__memcg_step_bytes(options->step_bytes);
	skeleton->rodata->knob_step_pages = skeleton->rodata->knob_step_bytes / facts->page_bytes;
	skeleton->rodata->knob_follow = options->scope;
	skeleton->rodata->knob_follow_cgroup = options->cgroup_id;
	/* Memory can be taken away while we run; half of it is still no other number. */
	skeleton->rodata->knob_host_pages = facts->memory_bytes / facts->page_bytes / 2;
	skeleton->rodata->knob_oom_stack = plan->oom_stack;
	skeleton->rodata->knob_oom_events = plan->oom_events;
	skeleton->rodata->knob_signals = facts->signal_arguments;
	skeleton->rodata->knob_deputies = facts->programs_preempted;
	if (options->critical_bytes)
		bpf_map__set_max_entries(skeleton->maps.critical, options->critical_bytes);
	if (options->bulk_bytes)
		bpf_map__set_max_entries(skeleton->maps.bulk, options->bulk_bytes);
	skeleton->data->critical_waker.bytes = bpf_map__max_entries(skeleton->maps.critical) / 4;
	skeleton->data->bulk_waker.bytes = bpf_map__max_entries(skeleton->maps.bulk) / 4;
	/* Soon enough for stacks that want more room. */
	skeleton->data->stacks_waker.bytes = STACKS_RING_BYTES / 32;
	skeleton->rodata->knob_sample_bytes =
		plan->samples ? options->sample_bytes ?: SAMPLE_BYTES : 0;
	skeleton->rodata->knob_sample_shift = shift_of(skeleton->rodata->knob_sample_bytes);
	/* A moment of 2^27 ns (bpf/thin.bpf.h). */
	skeleton->rodata->knob_moment_samples =
		(uint32_t)(((uint64_t)options->sample_rate << 27) / NS_PER_S);
	skeleton->rodata->knob_stacks_bytes = STACKS_RING_BYTES;
	skeleton->rodata->knob_huge_bytes = facts->huge_bytes;
	skeleton->rodata->knob_huge_shift = shift_of(facts->huge_bytes);
	/* It may have given up as much before. */
	skeleton->rodata->knob_huge_in_parts = 2 * held_back_bytes(facts) > facts->huge_bytes;
	bpf_map__set_max_entries(skeleton->maps.stacks,
				 plan->samples ? STACKS_RING_BYTES : facts->page_bytes);
	skeleton->rodata->knob_addresses_reused = plan->lru_address_spaces;
	if (plan->lru_address_spaces)
		bpf_map__set_type(skeleton->maps.mms, BPF_MAP_TYPE_LRU_HASH);

	bpf_object__for_each_program(program, skeleton->obj)
		bpf_program__set_autoload(program, false);
	for (size_t i = 0; i < plan->program_count; i++) {
		program = bpf_object__find_program_by_name(skeleton->obj, plan->programs[i]);
		if (program)
			bpf_program__set_autoload(program, true);
	}
}

/* Runs once what finds things out in the kernel. */
static int learn(const struct bpf_program *program)
{
	LIBBPF_OPTS(bpf_test_run_opts, run);

	if (!bpf_program__autoload(program))
		return 0;
	return bpf_prog_test_run_opts(bpf_program__fd(program), &run);
}

/* Where the kernel's table cannot be read, its order is checked by what the root's memory.stat
 * says. What is not found stays unknown. */
static int learn_ledger(struct oomtrail_bpf *skeleton, const struct facts *facts)
{
	_cleanup_(closep) int root = -1;
	struct memcg_stat stat;
	int error = learn(skeleton->progs.learn_ledger);

	if (error || !skeleton->bss->ledger_root_slots || !facts->cgroupfs.version)
		return error;
	root = open(facts->cgroupfs.mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || cgroupfs__stat(&facts->cgroupfs, root, &stat))
		return 0;
	error = learn(skeleton->progs.learn_ledger);
	if (!error &&
	    !ledger_places__check(&facts->ledger_places, skeleton->bss->ledger_root,
				  skeleton->bss->ledger_root_slots, &stat, facts->page_bytes))
		memcpy(skeleton->data->ledger_places, facts->ledger_places.of,
		       sizeof(facts->ledger_places.of));
	return error;
}

int probe__new(struct probe **out, const struct plan *plan, const struct facts *facts,
	       const struct probe_options *options, char *why, size_t why_size)
{
	/* Named, because libbpf (1.1) otherwise searches the types of modules too for those that
	 * the kernel lacks, and that takes CAP_SYS_ADMIN. */
	LIBBPF_OPTS(bpf_object_open_opts, open_options,
		    .btf_custom_path = "/sys/kernel/btf/vmlinux");
	struct probe *probe = calloc(1, sizeof(*probe));
	int error;

	first_warning[0] = '\0';
	if (!probe)
		return explain(why, why_size, -ENOMEM, "loading the BPF programs");
	libbpf_set_print(listen_to_libbpf);
	probe->measuring_fd = -1;
	probe->plan = plan;
	probe->skeleton = oomtrail_bpf__open_opts(&open_options);
	if (!probe->skeleton) {
		error = explain(why, why_size, -errno, "opening the BPF programs");
		probe__free(probe);
		return error;
	}
	configure(probe->skeleton, plan, facts, options);
	error = oomtrail_bpf__load(probe->skeleton);
	if (error) {
		explain(why, why_size, error, "the kernel refuses the BPF programs");
		probe__free(probe);
		return error;
	}
	error = learn(probe->skeleton->progs.learn_cpu_offsets);
	error = error ?: learn(probe->skeleton->progs.learn_huge_fault);
	error = error ?: learn_ledger(probe->skeleton, facts);
	if (error) {
		explain(why, why_size, error,
			"locating per-CPU areas, huge page faults and statistics");
		probe__free(probe);
		return error;
	}
	*out = probe;
	return 0;
}

int probe__follow(struct probe *probe, uint32_t pid)
{
	uint8_t one = 1;

	return bpf_map__update_elem(probe->skeleton->maps.followed, &pid, sizeof(pid), &one,
				    sizeof(one), BPF_ANY);
}

int probe__attach(struct probe *probe, char *why, size_t why_size)
{
	for (size_t i = 0; i < probe->plan->program_count; i++) {
		const char *name = probe->plan->programs[i];
		struct bpf_program *program =
			bpf_object__find_program_by_name(probe->skeleton->obj, name);
		int error;

		if (!program || bpf_program__type(program) == BPF_PROG_TYPE_SYSCALL)
			continue;
		if (name == probe->plan->fault_event) {
			error = fault_events__attach(&probe->faults, program);
			if (!error)
				continue;
			probe__detach(probe);
			return explain(why, why_size, error, name);
		}
		probe->links[i] = bpf_program__attach(program);
		if (probe->links[i])
			continue;
		error = -errno;
		probe__detach(probe);
		return explain(why, why_size, error, name);
	}
	return 0;
}

unsigned int probe__unwatched_cpus(struct probe *probe)
{
	return fault_events__unwatched(&probe->faults, "/sys/devices/system/cpu/online");
}

void probe__detach(struct probe *probe)
{
	/* A last look: who was not watched is known no more when nobody is. */
	(void)probe__unwatched_cpus(probe);
	/* The last first: a kill that came without a signal would seem one of a process that was
	 * exiting, were the program that sees signals gone before the one that sees kills. */
	fault_events__detach(&probe->faults);
	for (size_t i = PLAN_MAX_PROGRAMS; i-- > 0;) {
		bpf_link__destroy(probe->links[i]);
		probe->links[i] = NULL;
	}
}

int probe__critical_ring(const struct probe *probe)
{
	return bpf_map__fd(probe->skeleton->maps.critical);
}

int probe__bulk_ring(const struct probe *probe)
{
	return bpf_map__fd(probe->skeleton->maps.bulk);
}

uint32_t probe__critical_ring_bytes(const struct probe *probe)
{
	return bpf_map__max_entries(probe->skeleton->maps.critical);
}

uint32_t probe__bulk_ring_bytes(const struct probe *probe)
{
	return bpf_map__max_entries(probe->skeleton->maps.bulk);
}

int probe__stacks_ring(const struct probe *probe)
{
	return probe->plan->samples ? bpf_map__fd(probe->skeleton->maps.stacks) : -1;
}

int probe__stack_rooms(const struct probe *probe)
{
	return bpf_map__fd(probe->skeleton->maps.stack_rooms);
}

int probe__walk(const struct probe *probe, enum probe_walk walk)
{
	const char *name = walk == PROBE_WALK_MOVERS ? "iter_movers" : "iter_processes";

	for (size_t i = 0; i < probe->plan->program_count; i++) {
		int fd;

		if (strcmp(probe->plan->programs[i], name) || !probe->links[i])
			continue;
		fd = bpf_iter_create(bpf_link__fd(probe->links[i]));
		return fd < 0 ? -errno : fd;
	}
	return -ENOTSUP;
}

bool probe__movers(struct probe *probe)
{
	bool any = probe->skeleton->bss->movers;

	/* Cleared before the walk: whatever moves during it is found by the next one. */
	probe->skeleton->bss->movers = 0;
	return any;
}

void probe__collect_reclaim(struct probe *probe,
			    void (*sink)(void *context, const struct event_header *event),
			    void *context)
{
	int map = bpf_map__fd(probe->skeleton->maps.reclaims);
	uint64_t key, *cursor = NULL;
	struct reclaim_state state;

	while (bpf_map_get_next_key(map, cursor, &key) == 0) {
		cursor = &key;
		if (bpf_map_lookup_elem(map, &key, &state) == 0 && state.event.runs)
			sink(context, &state.event.header);
	}
}

uint64_t probe__ring_losses(const struct probe *probe, unsigned int kind)
{
	if (kind == EVENT_GROWTH)
		return probe->skeleton->bss->stack_losses;
	return kind < EVENT_KIND_END ? probe->skeleton->bss->ring_losses[kind] : 0;
}

uint64_t probe__table_losses(const struct probe *probe, enum loss_reason reason)
{
	return reason < LOSS_END ? probe->skeleton->bss->table_losses[reason] : 0;
}

uint64_t probe__recursion_misses(const struct probe *probe, unsigned int kind)
{
	return misses__of(probe->skeleton->obj, probe->skeleton->bss->deputy_stood_in, kind);
}

int probe__start_measuring(struct probe *probe)
{
	int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);

	if (fd < 0)
		return -errno;
	probe__stop_measuring(probe);
	probe->measuring_fd = fd;
	return 0;
}

void probe__stop_measuring(struct probe *probe)
{
	closep(&probe->measuring_fd);
	probe->measuring_fd = -1;
}

bool probe__program_cost(const struct probe *probe, size_t index, struct program_cost *out)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, probe->skeleton->obj)
	{
		struct bpf_prog_info info = {};
		uint32_t size = sizeof(info);

		if (!bpf_program__autoload(program) || index--)
			continue;
		/* A program that cannot be asked has cost nothing we know of. */
		if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size))
			info.run_cnt = info.run_time_ns = 0;
		*out = (struct program_cost){.name = bpf_program__name(program),
					     .runs = info.run_cnt,
					     .run_ns = info.run_time_ns};
		return true;
	}
	return false;
}

uint64_t probe__kernel_bytes(const struct probe *probe)
{
	struct bpf_map *map;
	uint64_t bytes = 0;

	bpf_object__for_each_map(map, probe->skeleton->obj)
	{
		char path[64], line[128];
		FILE *file;

		/* fdinfo's memlock is the kernel's own account of a map. */
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", bpf_map__fd(map));
		file = fopen(path, "re");
		while (file && fgets(line, sizeof(line), file)) {
			unsigned long long memlock;

			if (sscanf(line, "memlock: %llu", &memlock) == 1)
				bytes += memlock;
		}
		if (file)
			fclose(file);
	}
	return bytes;
}

void probe__free(struct probe *probe)
{
	if (!probe)
		return;
	probe__stop_measuring(probe);
	probe__detach(probe);
	oomtrail_bpf__destroy(probe->skeleton);
	free(probe);
}
