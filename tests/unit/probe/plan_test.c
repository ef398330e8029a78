/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/deputy.h"
#include "probe/plan.h"
#include "probe/probe.h"

/* A host on which everything works: 6.12 with cgroup v2. Each test takes something away. */
static struct facts able_host(void)
{
	struct facts facts = {
		.kernel = "6.12.0 x86_64",
		.lockdown = "none",
		.may_bpf = true,
		.page_bytes = 4096,
		.cpus = 4,
		.online_cpus = 4,
		.cgroupfs = {.version = 2, .mount = "/sys/fs/cgroup"},
		.mark_victim_arguments = 2,
		.mark_victim_has_task = true,
		.rss_stat_arguments = 2,
		.exit_mmap_arguments = 1,
		.fork_arguments = 2,
		.exec_arguments = 3,
		.prepare_exec_arguments = 2,
		.exit_arguments = 1,
		.rename_arguments = 2,
		.signal_arguments = 5,
		.cgroup_mkdir_arguments = 2,
		.cgroup_rmdir_arguments = 2,
		.cgroup_attach_arguments = 4,
		.memcg_reclaim_arguments = 2,
		.direct_reclaim_arguments = 2,
		.page_fault_arguments = 3,
		.percpu_rss = true,
		.mm_owner = true,
		.memcg = true,
		.oom_control = true,
		.memcg_events = true,
		.percpu_lookup = true,
	};

	return facts;
}

static struct plan make(const struct facts *facts, const struct plan_options *options)
{
	static const struct plan_options everything;
	struct plan plan;
	char refusal[256] = "";

	assert_int_equal(
		plan__make(&plan, facts, options ? options : &everything, refusal, sizeof(refusal)),
		0);
	assert_string_equal(refusal, "");
	return plan;
}

static bool uses(const struct plan *plan, const char *program)
{
	for (size_t i = 0; i < plan->program_count; i++) {
		if (!strcmp(plan->programs[i], program))
			return true;
	}
	return false;
}

static void best_ways_need_no_excuse(void **state)
{
	struct facts facts = able_host();
	struct plan plan = make(&facts, NULL);

	(void)state;
	for (int i = 0; i < CAPABILITY_COUNT; i++) {
		assert_string_not_equal(plan.ways[i].way, "");
		assert_string_equal(plan.ways[i].why, "");
	}
	assert_true(uses(&plan, "on_oom_kill_process_fentry"));
	assert_false(uses(&plan, "on_oom_kill_process_kprobe"));
	assert_true(uses(&plan, "on_mark_victim"));
	assert_false(uses(&plan, "on_mark_victim_pid"));
	assert_false(plan.lru_address_spaces);
}

static size_t place_of(const struct plan *plan, const char *program)
{
	size_t i = 0;

	while (i < plan->program_count && strcmp(plan->programs[i], program) != 0)
		i++;
	return i;
}

/* Behind it: they do what none before them has. */
static void programs_that_are_preempted_have_deputies_behind_them(void **state)
{
	static const char *const names[][DEPUTY_LAST] = {
#define X(name, program) DEPUTY_NAMES(program),
		DEPUTIZED(X)
#undef X
	};
	struct facts facts = able_host();
	struct plan without = make(&facts, NULL), with;

	(void)state;
	facts.programs_preempted = true;
	with = make(&facts, NULL);
	for (size_t what = 0; what < DEPUTIZED_END; what++) {
		size_t place = place_of(&with, names[what][0]);

		assert_true(uses(&without, names[what][0]));
		for (size_t i = 1; i < DEPUTY_LAST; i++) {
			assert_false(uses(&without, names[what][i]));
			assert_int_equal(place_of(&with, names[what][i]), place + i);
		}
	}
	assert_int_equal(with.program_count,
			 without.program_count + DEPUTIZED_END * (DEPUTY_LAST - 1));
	assert_true(with.program_count <= PLAN_MAX_PROGRAMS);
}

static void every_capability_has_a_name(void **state)
{
	(void)state;
	for (int i = 0; i < CAPABILITY_COUNT; i++) {
		assert_non_null(capability__name(i));
		/* It must fit the event that carries it. */
		assert_true(strlen(capability__name(i)) <
			    sizeof(((struct event_probe *)NULL)->capability));
	}
}

static void ways_fit_their_event(void **state)
{
	struct facts facts = able_host();
	struct plan plan = make(&facts, NULL);

	(void)state;
	for (int i = 0; i < CAPABILITY_COUNT; i++)
		assert_true(strlen(plan.ways[i].way) < sizeof(((struct event_probe *)NULL)->way));
}

static void oom_context_falls_back_in_order(void **state)
{
	struct facts facts = able_host();
	struct plan_options options = {0};
	struct plan plan;

	(void)state;
	facts.try_fentry_oom = -EPERM;
	plan = make(&facts, NULL);
	assert_true(uses(&plan, "on_oom_kill_process_kprobe"));
	assert_non_null(strstr(plan.ways[CAPABILITY_OOM_CONTEXT].why, "EPERM"));

	facts.try_kprobe = -ENOENT;
	plan = make(&facts, NULL);
	assert_false(uses(&plan, "on_oom_kill_process_kprobe"));
	assert_non_null(strstr(plan.ways[CAPABILITY_OOM_CONTEXT].way, "stack"));
	assert_non_null(strstr(plan.ways[CAPABILITY_OOM_CONTEXT].why, "kprobe: this kernel has"));

	options.no_stack = true;
	plan = make(&facts, &options);
	assert_non_null(strstr(plan.ways[CAPABILITY_OOM_CONTEXT].way, "OOM events"));
	assert_false(plan.oom_stack);

	options.no_events = true;
	plan = make(&facts, &options);
	assert_false(plan.oom_events);
	assert_string_equal(plan.ways[CAPABILITY_OOM_CONTEXT].way, "");
	assert_non_null(strstr(plan.ways[CAPABILITY_OOM_CONTEXT].why, "forbidden"));
}

static void forbidden_ways_are_not_taken(void **state)
{
	struct facts facts = able_host();
	struct plan_options options = {.no_fentry = true};
	struct plan plan = make(&facts, &options);

	(void)state;
	assert_false(uses(&plan, "on_oom_kill_process_fentry"));
	assert_true(uses(&plan, "on_oom_kill_process_kprobe"));
}

static void old_kernel_names_victims_by_number(void **state)
{
	struct facts facts = able_host();
	struct plan plan;

	(void)state;
	facts.mark_victim_arguments = 1;
	facts.mark_victim_has_task = false;
	facts.exit_mmap_arguments = 0;
	facts.prepare_exec_arguments = 0;
	facts.percpu_rss = facts.percpu_lookup = false;
	plan = make(&facts, NULL);
	assert_false(uses(&plan, "on_prepare_exec"));
	assert_true(uses(&plan, "on_mark_victim_pid"));
	assert_false(uses(&plan, "on_mark_victim"));
	assert_false(uses(&plan, "on_exit_mmap"));
	assert_true(plan.lru_address_spaces);
	assert_false(uses(&plan, "learn_cpu_offsets"));
	assert_string_equal(plan.ways[CAPABILITY_EXACT].way, "per-thread parts summed");
	assert_true(plan.exact_sums);
	facts.mm_owner = false;
	plan = make(&facts, NULL);
	assert_string_equal(plan.ways[CAPABILITY_EXACT].way, "");
	assert_false(plan.exact_sums);
}

static void missing_things_are_said_to_be_missing(void **state)
{
	struct facts facts = able_host();
	struct plan plan;

	(void)state;
	facts.psi = -EOPNOTSUPP;
	facts.signal_arguments = 0;
	facts.try_iterator = -EINVAL;
	facts.cgroupfs.version = 0;
	plan = make(&facts, NULL);
	assert_string_equal(plan.ways[CAPABILITY_PRESSURE].way, "");
	assert_non_null(strstr(plan.ways[CAPABILITY_PRESSURE].why, "psi=1"));
	assert_string_equal(plan.ways[CAPABILITY_SIGNAL].way, "");
	assert_string_equal(plan.ways[CAPABILITY_SNAPSHOT].way, "");
	assert_false(uses(&plan, "iter_processes"));
	assert_false(plan.walks);
	assert_string_equal(plan.ways[CAPABILITY_STATISTICS].way, "");
	assert_string_equal(plan.ways[CAPABILITY_HELD_BACK].way, "");
}

static void who_is_held_back_is_read_from_files(void **state)
{
	struct facts facts = able_host();
	struct plan plan;

	(void)state;
	facts.cgroupfs.version = 2;
	plan = make(&facts, NULL);
	assert_non_null(strstr(plan.ways[CAPABILITY_HELD_BACK].way, "memory.events.local"));
	assert_string_equal(plan.ways[CAPABILITY_HELD_BACK].why, "");
	facts.cgroupfs.version = 1;
	plan = make(&facts, NULL);
	assert_non_null(strstr(plan.ways[CAPABILITY_HELD_BACK].way, "memory.oom_control"));
	assert_non_null(strstr(plan.ways[CAPABILITY_HELD_BACK].why, "memory.high"));
	/* When to look is known from reclaim alone. */
	facts.memcg_reclaim_arguments = 0;
	plan = make(&facts, NULL);
	assert_string_equal(plan.ways[CAPABILITY_HELD_BACK].way, "");
	assert_non_null(strstr(plan.ways[CAPABILITY_HELD_BACK].why, "vmscan"));
}

static void statistics_are_found_as_the_kernel_numbers_them(void **state)
{
	struct facts facts = able_host();
	struct plan plan;

	(void)state;
	facts.memcg = facts.ledger_numbered = facts.percpu_lookup = true;
	facts.percpu_rss = false;
	plan = make(&facts, NULL);
	assert_string_equal(plan.ways[CAPABILITY_LEDGER].way, "statistics by number");
	assert_string_equal(plan.ways[CAPABILITY_LEDGER].why, "");
	assert_true(uses(&plan, "learn_cpu_offsets"));
	assert_false(uses(&plan, "learn_ledger"));
	/* 5.10 */
	facts.percpu_lookup = false;
	plan = make(&facts, NULL);
	assert_non_null(strstr(plan.ways[CAPABILITY_LEDGER].why, "CPUs hold back"));
	assert_false(uses(&plan, "learn_cpu_offsets"));
	/* Since 6.10 */
	facts.ledger_numbered = false;
	facts.percpu_rss = facts.percpu_lookup = true;
	plan = make(&facts, NULL);
	assert_true(uses(&plan, "learn_ledger"));
	assert_string_equal(plan.ways[CAPABILITY_LEDGER].why, "");
	facts.try_syscall_program = -EPERM;
	plan = make(&facts, NULL);
	assert_string_equal(plan.ways[CAPABILITY_LEDGER].way, "");
	facts.memcg = false;
	plan = make(&facts, NULL);
	assert_string_equal(plan.ways[CAPABILITY_LEDGER].way, "");
	assert_non_null(strstr(plan.ways[CAPABILITY_LEDGER].why, "memory controller"));
}

static void growth_is_sampled(const struct facts *facts, const struct plan_options *options,
			      const char *program, const char *way)
{
	static const char *const programs[] = {"on_page_fault_user", "on_early_fault_user",
					       "on_fault_event", "on_early_fault_event"};
	struct plan plan = make(facts, options);

	assert_true(plan.samples);
	assert_string_equal(plan.ways[CAPABILITY_GROWTH].way, way);
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++)
		assert_int_equal(uses(&plan, programs[i]), !strcmp(programs[i], program));
	assert_int_equal(plan.fault_event != NULL, strstr(way, "perf") != NULL);
}

static void growth_samples_fall_back_in_order(void **state)
{
	const struct plan_options no_page_fault = {.no_page_fault = true};
	const struct plan_options no_rss_stat = {.no_rss_stat = true};
	struct facts facts = able_host();

	(void)state;
	growth_is_sampled(&facts, NULL, "on_page_fault_user", "tp_btf page_fault and rss_stat");
	growth_is_sampled(&facts, &no_rss_stat, "on_early_fault_user",
			  "tp_btf page_fault and pagemap");
	growth_is_sampled(&facts, &no_page_fault, "on_fault_event",
			  "perf page-faults and rss_stat");
	facts.percpu_rss = false; /* until 6.1 */
	growth_is_sampled(&facts, NULL, "on_early_fault_user", "tp_btf page_fault and pagemap");
	facts.thread_rss = true;
	growth_is_sampled(&facts, NULL, "on_early_fault_user",
			  "tp_btf page_fault and thread counters");
	facts.page_fault_arguments = 0; /* arm64 */
	growth_is_sampled(&facts, NULL, "on_early_fault_event",
			  "perf page-faults and thread counters");
	facts.thread_rss = false;
	growth_is_sampled(&facts, NULL, "on_early_fault_event", "perf page-faults and pagemap");
	facts.percpu_rss = true;
	growth_is_sampled(&facts, NULL, "on_fault_event", "perf page-faults and rss_stat");
}

/* Behind the longest of what else is said, and whole. */
static void kernel_frames_that_cannot_be_had_are_said_so(void **state)
{
	static const struct {
		int fact;
		const char *words;
	} cases[] = {
		{-ENOSYS, "no frames of the kernel: no bpf_get_current_task_btf"},
		{-EPERM, "no frames of the kernel: hidden (kernel.kptr_restrict, CAP_SYSLOG)"},
		{-ENODATA, "no frames of the kernel: /proc/kallsyms is empty "
			   "(ProtectKernelTunables=)"},
		{-EACCES, "no frames of the kernel: /proc/kallsyms: Permission denied"},
	};
	struct facts facts = able_host();
	struct plan plan = make(&facts, NULL);

	(void)state;
	assert_string_equal(plan.ways[CAPABILITY_GROWTH].why, "");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *why = plan.ways[CAPABILITY_GROWTH].why;

		facts = able_host();
		facts.kernel_frames = cases[i].fact;
		plan = make(&facts, NULL);
		assert_true(plan.samples);
		assert_string_equal(why, cases[i].words);
		facts.percpu_rss = false;
		facts.thread_rss = true;
		facts.page_fault_arguments = 0;
		plan = make(&facts, NULL);
		assert_non_null(strstr(why, "pagemap is asked; "));
		assert_string_equal(strstr(why, "no frames"), cases[i].words);
	}
}

static void growth_that_cannot_be_sampled_is_said_so(void **state)
{
	const struct plan_options no_samples = {.no_samples = true};
	struct facts facts = able_host();
	struct plan plan = make(&facts, &no_samples);

	(void)state;
	assert_false(plan.samples);
	assert_false(uses(&plan, "on_page_fault_user"));
	assert_string_equal(plan.ways[CAPABILITY_GROWTH].why, "not asked for");
	facts.page_fault_arguments = 0;
	facts.try_fault_events = -EPERM;
	plan = make(&facts, NULL);
	assert_false(plan.samples);
	assert_string_equal(plan.ways[CAPABILITY_GROWTH].way, "");
	assert_non_null(strstr(plan.ways[CAPABILITY_GROWTH].why, "EPERM"));
	facts = able_host();
	facts.try_mapping_events = -EPERM;
	plan = make(&facts, NULL);
	assert_false(plan.samples);
	assert_non_null(strstr(plan.ways[CAPABILITY_GROWTH].why, "mappings"));
}

static void refused(const struct facts *facts, int error, const char *word)
{
	static const struct plan_options everything;
	struct plan plan;
	char refusal[256] = "";

	assert_int_equal(plan__make(&plan, facts, &everything, refusal, sizeof(refusal)), error);
	assert_non_null(strstr(refusal, word));
	assert_null(strchr(refusal, '\n'));
}

static void refusals_are_one_sentence(void **state)
{
	struct facts facts = able_host();

	(void)state;
	facts.may_bpf = false;
	refused(&facts, -EPERM, "root");

	facts = able_host();
	facts.btf = -ENOENT;
	refused(&facts, -ENOTSUP, "BTF");

	facts = able_host();
	strcpy(facts.lockdown, "confidentiality");
	refused(&facts, -EPERM, "lockdown");

	facts = able_host();
	facts.rss_stat_arguments = 0;
	refused(&facts, -ENOTSUP, "rss_stat");

	facts = able_host();
	facts.try_tracepoint = -EPERM;
	refused(&facts, -EPERM, "container");
}

static void more_cpus_than_can_be_summed_are_said_so(void **state)
{
	struct facts facts = able_host();
	struct plan plan;

	(void)state;
	facts.cpus = PLAN_MAX_CPUS;
	plan = make(&facts, NULL);
	assert_true(uses(&plan, "learn_cpu_offsets"));
	facts.cpus++;
	plan = make(&facts, NULL);
	assert_false(uses(&plan, "learn_cpu_offsets"));
	assert_string_equal(plan.ways[CAPABILITY_EXACT].way, "");
	assert_non_null(strstr(plan.ways[CAPABILITY_EXACT].why, "513"));
}

static void huge_page_faults_are_looked_up_where_they_can_be(void **state)
{
	struct facts facts = able_host();
	struct plan plan;

	(void)state;
	facts.huge_bytes = 2 << 20;
	plan = make(&facts, NULL);
	assert_true(uses(&plan, "learn_huge_fault"));
	facts.try_syscall_program = -EINVAL;
	plan = make(&facts, NULL);
	assert_false(uses(&plan, "learn_huge_fault"));
	facts.try_syscall_program = 0;
	facts.huge_bytes = 0;
	plan = make(&facts, NULL);
	assert_false(uses(&plan, "learn_huge_fault"));
}

static void step_covers_what_cpus_hold_back(void **state)
{
	struct facts facts = able_host();

	(void)state;
	/* 32 pages x 4 CPUs x 4 KiB = 512 KiB */
	assert_int_equal(probe__step_bytes(&facts, 0), 512 << 10);
	facts.online_cpus = 2;
	assert_int_equal(probe__step_bytes(&facts, 0), 256 << 10);
	facts.online_cpus = 64; /* batch is then 2 x CPUs */
	assert_int_equal(probe__step_bytes(&facts, 0), 128 * 64 * 4096);
	assert_int_equal(probe__step_bytes(&facts, 1ULL << 30), 1ULL << 30);
	/* A cgroup's usage is one counter, however many CPUs there are. */
	assert_int_equal(probe__memcg_step_bytes(0), 256 << 10);
	assert_int_equal(probe__memcg_step_bytes(1ULL << 30), 1ULL << 30);
	facts.percpu_rss = false;
	assert_int_equal(probe__step_bytes(&facts, 0), 256 << 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(best_ways_need_no_excuse),
		cmocka_unit_test(programs_that_are_preempted_have_deputies_behind_them),
		cmocka_unit_test(every_capability_has_a_name),
		cmocka_unit_test(ways_fit_their_event),
		cmocka_unit_test(oom_context_falls_back_in_order),
		cmocka_unit_test(forbidden_ways_are_not_taken),
		cmocka_unit_test(old_kernel_names_victims_by_number),
		cmocka_unit_test(missing_things_are_said_to_be_missing),
		cmocka_unit_test(who_is_held_back_is_read_from_files),
		cmocka_unit_test(statistics_are_found_as_the_kernel_numbers_them),
		cmocka_unit_test(growth_samples_fall_back_in_order),
		cmocka_unit_test(kernel_frames_that_cannot_be_had_are_said_so),
		cmocka_unit_test(growth_that_cannot_be_sampled_is_said_so),
		cmocka_unit_test(refusals_are_one_sentence),
		cmocka_unit_test(more_cpus_than_can_be_summed_are_said_so),
		cmocka_unit_test(huge_page_faults_are_looked_up_where_they_can_be),
		cmocka_unit_test(step_covers_what_cpus_hold_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
