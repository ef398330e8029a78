/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/stacks/told.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "stacks/resident.h"

#define PAGES 256U
#define BLOCK (64 * KIB)
#define EVERY (10 * NS_PER_S)
#define LONG  (10 * NS_PER_S) /* time enough for any look */

struct world {
	struct told *told;
	struct resident *resident;
	struct stack_growth growth; /* the next one */
	uint64_t now_ns;
	pid_t pid;
	int orders, answers; /* to the child, and from it */
	char *memory;        /* of the child: the same address here */
	size_t page_bytes;
	char folder[64];
};

/* --- a process that does as it is told -------------------------------------------------------- */

static void touch(const struct world *world, size_t first, size_t count)
{
	for (size_t i = first; i < first + count; i++)
		world->memory[i * world->page_bytes] = 1;
}

static void obey(const struct world *world, char order)
{
	const size_t half = PAGES / 2 * world->page_bytes;
	char *const again[] = {"sleep", "1000", NULL};

	switch (order) {
	case 't':
		touch(world, 0, PAGES);
		break;
	case 'd': /* the first half */
		madvise(world->memory, half, MADV_DONTNEED);
		break;
	case 'u': /* the second half */
		munmap(world->memory + half, half);
		break;
	case 'm': /* the second half moves */
		mremap(world->memory + half, half, half, MREMAP_MAYMOVE | MREMAP_FIXED,
		       world->memory + 4 * half);
		break;
	case 'x':
		execvp("sleep", again);
		break;
	}
}

static void __attribute__((noreturn)) be_child(const struct world *world, int orders, int answers)
{
	char order;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(orders, &order, 1) == 1) {
		obey(world, order);
		if (write(answers, &order, 1) != 1)
			break;
	}
	_exit(0);
}

static void tell_child(const struct world *world, char order)
{
	char answer;

	assert_int_equal(write(world->orders, &order, 1), 1);
	assert_int_equal(read(world->answers, &answer, 1), 1);
}

static void start_child(struct world *world)
{
	int orders[2], answers[2];

	assert_int_equal(pipe2(orders, O_CLOEXEC), 0);
	assert_int_equal(pipe2(answers, O_CLOEXEC), 0);
	world->pid = fork();
	assert_true(world->pid >= 0);
	if (world->pid == 0) {
		close(orders[1]);
		be_child(world, orders[0], answers[1]);
	}
	close(orders[0]);
	close(answers[1]);
	world->orders = orders[1];
	world->answers = answers[0];
	tell_child(world, 't');
}

static void end_child(struct world *world)
{
	if (!world->pid)
		return;
	kill(world->pid, SIGKILL);
	waitpid(world->pid, NULL, 0);
	close(world->orders);
	close(world->answers);
	world->pid = 0;
}

/* --- the world -------------------------------------------------------------------------------- */

static void begin(struct world *world, const struct resident_options *wanted)
{
	struct resident_options options = *wanted;

	options.sink = told__sink(world->told);
	resident__free(world->resident);
	assert_int_equal(resident__new(&world->resident, &options), 0);
}

static int make_world(void **state)
{
	static struct world world;
	const struct resident_options plain = {.turn_ns = LONG};

	world = (struct world){.folder = "/tmp/resident_test.XXXXXX",
			       .told = told__new(),
			       .now_ns = 1000 * NS_PER_S,
			       .page_bytes = (size_t)sysconf(_SC_PAGESIZE)};
	/* With room behind it to move to, and none of it huge. */
	world.memory = mmap(NULL, 4 * PAGES * world.page_bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(world.memory != MAP_FAILED);
	madvise(world.memory, 4 * PAGES * world.page_bytes, MADV_NOHUGEPAGE);
	begin(&world, &plain);
	start_child(&world);
	*state = &world;
	return mkdtemp(world.folder) ? 0 : -1;
}

static int remove_world(void **state)
{
	struct world *world = *state;
	char command[128];

	end_child(world);
	resident__free(world->resident);
	munmap(world->memory, 4 * PAGES * world->page_bytes);
	free(world->told);
	snprintf(command, sizeof(command), "rm -rf '%s'", world->folder);
	return system(command);
}

/* One page of the child's, by this stack. */
static void came(struct world *world, size_t page, uint32_t stack, int32_t anon, int32_t swap)
{
	struct stack_growth growth = {
		.task = {.pid = (uint32_t)world->pid, .tid = (uint32_t)world->pid},
		.time_ns = world->now_ns,
		.mm_id = 1,
		.address = (uint64_t)(uintptr_t)world->memory + page * world->page_bytes,
		.block_bytes = BLOCK,
		.stack = stack,
	};

	growth.pages[GROWTH_ANON] = anon;
	growth.pages[GROWTH_SWAP] = swap;
	world->told->growths[world->told->growth_count++] = growth;
	assert_int_equal(resident__add(world->resident, &growth), 0);
}

/* All of the child's: the even ones by stack 1, the odd ones by stack 2. */
static void all_came(struct world *world)
{
	for (size_t i = 0; i < PAGES; i++)
		came(world, i, 1 + i % 2, 1, 0);
}

/* What has been found is told a turn later; nothing is told twice. */
static void look_on(struct world *world)
{
	const size_t gone_count = world->told->gone_count;

	world->now_ns += EVERY;
	assert_int_equal(resident__turn(world->resident, world->now_ns, world->now_ns), 0);
	assert_int_equal(world->told->gone_count, gone_count);
	world->now_ns += LONG + RESIDENT_GRACE_NS;
	assert_int_equal(resident__tell(world->resident, world->now_ns), 0);
}

static void look(struct world *world)
{
	world->told->gone_count = 0;
	look_on(world);
}

static uint64_t gone_samples(const struct world *world, uint32_t stack)
{
	uint64_t samples = 0;

	for (size_t i = 0; i < world->told->gone_count; i++) {
		const struct stack_gone *gone = &world->told->gone[i];

		assert_int_equal(gone->task.pid, world->pid);
		if (gone->stack != stack)
			continue;
		samples += gone->samples;
		assert_int_equal(gone->bytes[GROWTH_ANON], gone->samples * BLOCK);
	}
	return samples;
}

static uint64_t pages_kept(const struct world *world)
{
	return resident__counts(world->resident).pages;
}

/* --- what goes -------------------------------------------------------------------------------- */

static void test_what_is_there_stays(void **state)
{
	struct world *world = *state;

	all_came(world);
	look(world);
	/* It is told that it was looked at, once. */
	assert_int_equal(world->told->gone_count, 1);
	assert_int_equal(world->told->gone[0].samples, 0);
	assert_int_equal(world->told->gone[0].task.pid, world->pid);
	look(world);
	assert_int_equal(world->told->gone_count, 0);
	assert_int_equal(pages_kept(world), PAGES);
	assert_int_equal(resident__counts(world->resident).looks, 2);
	assert_int_equal(resident__counts(world->resident).unreadable, 0);
}

static void test_what_is_given_back_is_gone(void **state)
{
	struct world *world = *state;

	all_came(world);
	tell_child(world, 'd');
	look(world);
	assert_int_equal(world->told->gone_count, 2);
	assert_int_equal(gone_samples(world, 1), PAGES / 4);
	assert_int_equal(gone_samples(world, 2), PAGES / 4);
	assert_int_equal(pages_kept(world), PAGES / 2);
	tell_child(world, 'u');
	look(world);
	assert_int_equal(gone_samples(world, 1), PAGES / 4);
	assert_int_equal(gone_samples(world, 2), PAGES / 4);
	assert_int_equal(pages_kept(world), 0);
	look(world);
	assert_int_equal(world->told->gone_count, 0);
}

/* Given back and taken again between two looks: the address is there, what was there is not. */
static void test_what_comes_again_takes_the_place(void **state)
{
	struct world *world = *state;

	all_came(world);
	tell_child(world, 'd');
	tell_child(world, 't');
	for (size_t i = 0; i < PAGES / 2; i++)
		came(world, i, 3, 1, 0);
	/* Some may have been told at once, for want of room. */
	look_on(world);
	assert_int_equal(gone_samples(world, 1), PAGES / 4);
	assert_int_equal(gone_samples(world, 2), PAGES / 4);
	assert_int_equal(gone_samples(world, 3), 0);
	assert_int_equal(pages_kept(world), PAGES);
	tell_child(world, 'd');
	look(world);
	assert_int_equal(gone_samples(world, 3), PAGES / 2);
	assert_int_equal(gone_samples(world, 1), 0);
}

/* However often: the table does not grow by it, and each is told once. */
static void test_churn_fills_nothing(void **state)
{
	struct world *world = *state;
	const struct resident_options small = {.turn_ns = LONG, .max_bytes = 64 * KIB};

	begin(world, &small);
	for (int round = 0; round < 12; round++) {
		for (size_t i = 0; i < PAGES; i++)
			came(world, i, 1, 1, 0);
	}
	assert_int_equal(resident__counts(world->resident).refused, 0);
	world->told->gone_count = 0;
	look(world);
	assert_int_equal(resident__counts(world->resident).gone, 11 * PAGES);
	assert_int_equal(pages_kept(world), PAGES);
	assert_true(resident__counts(world->resident).bytes <= 65 * KIB);
}

static void test_what_comes_back_from_swap_keeps_its_owner(void **state)
{
	struct world *world = *state;

	came(world, 0, 1, 1, 0);
	came(world, 0, 2, 1, -1);
	look(world);
	assert_int_equal(gone_samples(world, 1) + gone_samples(world, 2), 0);
	tell_child(world, 'd');
	look(world);
	assert_int_equal(gone_samples(world, 1), 1);
	assert_int_equal(gone_samples(world, 2), 0);
}

/* A page of a file that is copied: what it takes away was told with it. */
static void test_one_for_another(void **state)
{
	struct world *world = *state;
	struct stack_growth growth;

	came(world, 0, 1, 1, 0);
	growth = world->told->growths[0];
	growth.pages[GROWTH_ANON] = -1;
	growth.pages[GROWTH_SHMEM] = 1;
	growth.stack = 2;
	world->told->growths[world->told->growth_count++] = growth;
	assert_int_equal(resident__add(world->resident, &growth), 0);
	tell_child(world, 'd');
	look(world);
	assert_int_equal(world->told->gone_count, 1);
	assert_int_equal(world->told->gone[0].stack, 2);
	assert_int_equal(world->told->gone[0].samples, 1);
	assert_int_equal(world->told->gone[0].bytes[GROWTH_ANON], 0);
	assert_int_equal(world->told->gone[0].bytes[GROWTH_SHMEM], BLOCK);
}

/* As resident.h says: until moved pages are followed. */
static void test_moved_pages_look_gone(void **state)
{
	struct world *world = *state;

	all_came(world);
	tell_child(world, 'm');
	look(world);
	assert_int_equal(gone_samples(world, 1) + gone_samples(world, 2), PAGES / 2);
}

/* --- who goes --------------------------------------------------------------------------------- */

static void assert_forgotten(struct world *world)
{
	look(world);
	assert_int_equal(world->told->gone_count, 0);
	assert_int_equal(pages_kept(world), 0);
	assert_int_equal(resident__counts(world->resident).processes, 0);
	assert_int_equal(resident__counts(world->resident).unreadable, 0);
}

static void test_who_has_ended_is_forgotten(void **state)
{
	struct world *world = *state;

	all_came(world);
	end_child(world);
	assert_forgotten(world);
}

/* Its memory is gone already, its number is not. */
static void test_who_is_a_zombie_is_forgotten(void **state)
{
	struct world *world = *state;
	siginfo_t info;

	all_came(world);
	kill(world->pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)world->pid, &info, WEXITED | WNOWAIT), 0);
	assert_forgotten(world);
}

static void wait_for_exec(const struct world *world)
{
	const struct timespec pause = {.tv_nsec = 1000000};
	char answer;

	/* The pipe is closed by it. */
	assert_int_equal(write(world->orders, "x", 1), 1);
	assert_int_equal(read(world->answers, &answer, 1), 0);
	nanosleep(&pause, NULL);
}

/* Found out by the look itself, if it was looked at before. */
static void test_who_is_another_program_is_forgotten(void **state)
{
	struct world *world = *state;

	all_came(world);
	look(world);
	wait_for_exec(world);
	assert_forgotten(world);
}

/* Told while what was found is not yet told. */
static void test_an_exec_that_is_heard_of_late(void **state)
{
	struct world *world = *state;

	all_came(world);
	wait_for_exec(world);
	world->now_ns += EVERY;
	assert_int_equal(resident__turn(world->resident, world->now_ns, world->now_ns), 0);
	assert_int_equal(resident__counts(world->resident).looks, 1);
	world->now_ns += NS_PER_S / 2;
	assert_int_equal(resident__turn(world->resident, world->now_ns, world->now_ns), 0);
	assert_int_equal(world->told->gone_count, 0);
	resident__forget(world->resident, (uint32_t)world->pid);
	assert_forgotten(world);
}

static void test_another_address_space_begins_anew(void **state)
{
	struct world *world = *state;
	struct stack_growth growth;

	all_came(world);
	growth = world->told->growths[0];
	growth.mm_id = 2;
	assert_int_equal(resident__add(world->resident, &growth), 0);
	assert_int_equal(pages_kept(world), 1);
	tell_child(world, 'd');
	look(world);
	assert_int_equal(gone_samples(world, 1) + gone_samples(world, 2), 1);
}

static uint64_t start_ns_of(pid_t pid)
{
	char path[64], text[1024] = "", *at;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	in = fopen(path, "re");
	assert_non_null(in);
	assert_true(fread(text, 1, sizeof(text) - 1, in) > 0);
	fclose(in);
	at = strrchr(text, ')');
	for (int field = 2; field < 22; field++)
		at = strchr(at + 1, ' ');
	return strtoull(at, NULL, 10) * (NS_PER_S / (uint64_t)sysconf(_SC_CLK_TCK));
}

static void test_a_pid_that_is_somebody_elses(void **state)
{
	struct world *world = *state;
	struct stack_growth growth;

	came(world, 0, 1, 1, 0);
	growth = world->told->growths[0];
	/* It is this one ... (time asleep apart) */
	growth.task.start_ns = start_ns_of(world->pid);
	assert_int_equal(resident__add(world->resident, &growth), 0);
	look(world);
	assert_int_equal(pages_kept(world), 1);
	/* ... and it is not one that is younger. */
	growth.task.start_ns += NS_PER_S;
	assert_int_equal(resident__add(world->resident, &growth), 0);
	tell_child(world, 'd');
	assert_forgotten(world);
}

/* --- bounds ----------------------------------------------------------------------------------- */

static void test_what_finds_no_room_is_counted(void **state)
{
	struct world *world = *state;
	const struct resident_options small = {.turn_ns = LONG, .max_bytes = 4 * KIB};

	begin(world, &small);
	all_came(world);
	assert_in_range(pages_kept(world), 10, 4 * KIB / 32);
	assert_int_equal(resident__counts(world->resident).refused, PAGES - pages_kept(world));
	assert_true(resident__counts(world->resident).bytes <= 5 * KIB);
	/* What goes makes room. */
	tell_child(world, 'd');
	tell_child(world, 'u');
	look(world);
	assert_int_equal(pages_kept(world), 0);
	came(world, 0, 1, 1, 0);
	assert_int_equal(pages_kept(world), 1);
}

/* A turn that has no time does a little, and the next ones the rest. */
static void test_a_look_goes_on_in_the_next_turn(void **state)
{
	struct world *world = *state;
	const struct resident_options hasty = {.turn_ns = 1};
	int turns = 0;

	begin(world, &hasty);
	/* Far from one another, and therefore read one by one. */
	for (size_t i = 0; i < PAGES; i += 65)
		came(world, i, 1, 1, 0);
	tell_child(world, 'd');
	world->now_ns += EVERY;
	while (!resident__counts(world->resident).looks) {
		assert_true(turns++ < 10);
		assert_int_equal(resident__turn(world->resident, world->now_ns, 0), 0);
	}
	assert_int_equal(turns, 4);
	assert_int_equal(resident__tell(world->resident, UINT64_MAX), 0);
	assert_int_equal(gone_samples(world, 1), 2);
	assert_int_equal(pages_kept(world), 2);
}

/* Not even over whom it has just looked at and not told of yet. */
static void test_the_last_look_passes_over_nobody(void **state)
{
	struct world *world = *state;

	all_came(world);
	tell_child(world, 'd');
	world->now_ns += EVERY;
	assert_int_equal(resident__turn(world->resident, world->now_ns, world->now_ns), 0);
	assert_int_equal(world->told->gone_count, 0);
	tell_child(world, 'u');
	assert_int_equal(resident__look(world->resident, world->now_ns + 1, LONG), 0);
	assert_int_equal(resident__tell(world->resident, UINT64_MAX), 0);
	assert_int_equal(gone_samples(world, 1), PAGES / 2);
	assert_int_equal(gone_samples(world, 2), PAGES / 2);
}

static void test_what_the_sink_says_ends_the_work(void **state)
{
	struct world *world = *state;

	all_came(world);
	tell_child(world, 'd');
	world->told->answer = -EPIPE;
	assert_int_equal(resident__look(world->resident, world->now_ns + 1, LONG), 0);
	assert_int_equal(world->told->gone_count, 0);
	assert_int_equal(resident__tell(world->resident, UINT64_MAX), -EPIPE);
	assert_int_equal(world->told->gone_count, 1);
}

/* --- hostile ---------------------------------------------------------------------------------- */

static void put_stat(const struct world *world, unsigned long signals)
{
	char path[128];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%d", world->folder, (int)world->pid);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/%d/stat", world->folder, (int)world->pid);
	out = fopen(path, "we");
	assert_non_null(out);
	fprintf(out, "%d (a) b) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 77 0 0 0 1 1 1 0 0 %lu 0",
		(int)world->pid, signals);
	fclose(out);
}

static void begin_there(struct world *world)
{
	const struct resident_options there = {.turn_ns = LONG, .proc = world->folder};

	begin(world, &there);
	all_came(world);
	alarm(20); /* whoever blocks is ended */
	look(world);
	alarm(0);
	assert_int_equal(world->told->gone_count, 0);
	assert_int_equal(pages_kept(world), PAGES);
	assert_int_equal(resident__counts(world->resident).unreadable, 1);
}

/* SIGKILL waits for it: the kernel may take its memory before it has ended. */
static void test_who_is_being_killed_is_forgotten(void **state)
{
	struct world *world = *state;
	const struct resident_options there = {.turn_ns = LONG, .proc = world->folder};
	char path[128];

	put_stat(world, 1UL << (SIGKILL - 1));
	snprintf(path, sizeof(path), "%s/%d/pagemap", world->folder, (int)world->pid);
	/* Nothing is present. */
	fclose(fopen(path, "we"));
	assert_int_equal(truncate(path, 1L << 40), 0);
	begin(world, &there);
	all_came(world);
	assert_forgotten(world);
}

static void test_a_fifo_blocks_nobody(void **state)
{
	struct world *world = *state;
	char path[128];

	put_stat(world, 0);
	snprintf(path, sizeof(path), "%s/%d/pagemap", world->folder, (int)world->pid);
	assert_int_equal(mkfifo(path, 0600), 0);
	begin_there(world);
}

static void test_a_link_leads_nowhere(void **state)
{
	struct world *world = *state;
	char path[128];

	put_stat(world, 0);
	snprintf(path, sizeof(path), "%s/%d/pagemap", world->folder, (int)world->pid);
	assert_int_equal(symlink("/proc/self/pagemap", path), 0);
	begin_there(world);
}

/* Too short to say anything: that is not the same as gone. */
static void test_an_empty_pagemap_says_nothing(void **state)
{
	struct world *world = *state;
	char path[128];

	put_stat(world, 0);
	snprintf(path, sizeof(path), "%s/%d/pagemap", world->folder, (int)world->pid);
	fclose(fopen(path, "we"));
	begin_there(world);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_world, remove_world)
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_there_stays),
		TEST(test_what_is_given_back_is_gone),
		TEST(test_what_comes_again_takes_the_place),
		TEST(test_churn_fills_nothing),
		TEST(test_what_comes_back_from_swap_keeps_its_owner),
		TEST(test_one_for_another),
		TEST(test_moved_pages_look_gone),
		TEST(test_who_has_ended_is_forgotten),
		TEST(test_who_is_a_zombie_is_forgotten),
		TEST(test_who_is_another_program_is_forgotten),
		TEST(test_an_exec_that_is_heard_of_late),
		TEST(test_another_address_space_begins_anew),
		TEST(test_a_pid_that_is_somebody_elses),
		TEST(test_what_finds_no_room_is_counted),
		TEST(test_a_look_goes_on_in_the_next_turn),
		TEST(test_the_last_look_passes_over_nobody),
		TEST(test_what_the_sink_says_ends_the_work),
		TEST(test_who_is_being_killed_is_forgotten),
		TEST(test_a_fifo_blocks_nobody),
		TEST(test_a_link_leads_nowhere),
		TEST(test_an_empty_pagemap_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
