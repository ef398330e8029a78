/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/stacks/caught.h"

#include <sys/mman.h>

#include "stacks/queue.h"

#define SAMPLE_BYTES (sizeof(struct stack_sample) + 2 * STACK_PAGE_BYTES)

struct world {
	struct told *told;
	struct stacks *stacks;
	union caught caught; /* of nobody */
};

static void make_sample(union caught *caught, uint64_t id)
{
	memset(caught, 0, sizeof(*caught));
	caught->sample.header = (struct stack_sample_header){
		.size_bytes = SAMPLE_BYTES,
		.kind = STACK_SAMPLE_TAKEN,
		.time_ns = caught__now_ns(),
		.id = id,
	};
	caught->sample.task = (struct task_ref){.pid = 0x7ffffff0, .tid = 0x7ffffff0};
	caught->sample.stack_from = 0x7ffd00001f80;
	caught->sample.stack_bytes = STACK_PAGE_BYTES;
	caught->sample.pages[GROWTH_ANON] = 1;
}

static int make_world(void **state)
{
	static struct world world;

	world.told = told__new();
	world.stacks = NULL;
	make_sample(&world.caught, 1);
	*state = &world;
	return 0;
}

static int remove_world(void **state)
{
	struct world *world = *state;

	stacks__free(world->stacks);
	free(world->told);
	return 0;
}

/* In memory that ends where the record does: what reads further is seen by the sanitizer. */
static void give(struct world *world, const void *data, size_t bytes)
{
	void *copy = malloc(bytes ? bytes : 1);

	memcpy(copy, data, bytes);
	stacks__take(world->stacks, copy, bytes);
	free(copy);
}

static void assert_torn(struct world *world, const union caught *caught, size_t bytes)
{
	struct stacks_counts before = stacks__counts(world->stacks), after;

	give(world, caught, bytes);
	after = stacks__counts(world->stacks);
	assert_int_equal(after.samples, before.samples + 1);
	assert_int_equal(after.torn, before.torn + 1);
	assert_int_equal(after.bytes, before.bytes);
}

static void test_sizes_that_make_no_sense(void **state)
{
	struct world *world = *state;
	union caught *caught = &world->caught;

	world->stacks = caught__stacks(world->told, 0);
	for (size_t bytes = 0; bytes < sizeof(caught->sample); bytes++) {
		assert_torn(world, caught, bytes);
		caught->sample.header.size_bytes = (__u32)bytes;
		assert_torn(world, caught, bytes);
		caught->sample.header.size_bytes = SAMPLE_BYTES;
	}
	assert_torn(world, caught, SAMPLE_BYTES - 1);
	assert_torn(world, caught, SAMPLE_BYTES + 8);
	for (__u32 kind = 0; kind < 5; kind++) {
		caught->sample.header.kind = kind;
		if (kind != STACK_SAMPLE_TAKEN)
			assert_torn(world, caught, SAMPLE_BYTES);
	}
	make_sample(caught, 1);
	/* The room is two pages, of which the first begins below. */
	for (__u32 bytes = 2 * STACK_PAGE_BYTES - 0xf80 + 1; bytes; bytes <<= 1) {
		caught->sample.stack_bytes = bytes;
		assert_torn(world, caught, SAMPLE_BYTES);
	}
	caught->sample.stack_bytes = UINT32_MAX;
	assert_torn(world, caught, SAMPLE_BYTES);
	/* More frames of the kernel than there is room for. */
	make_sample(caught, 1);
	caught->sample.kernel_frames = STACK_KERNEL_FRAMES + 1;
	assert_torn(world, caught, SAMPLE_BYTES);
	caught->sample.kernel_frames = UINT32_MAX;
	assert_torn(world, caught, SAMPLE_BYTES);
	make_sample(caught, 1);
	/* No stack at all; and a page's part without room for it. */
	caught->sample.stack_bytes = 0;
	caught->sample.header.size_bytes = sizeof(caught->sample) + 0xf7f;
	assert_torn(world, caught, sizeof(caught->sample) + 0xf7f);
	assert_int_equal(stacks__finish(world->stacks), 0);
	assert_int_equal(world->told->growth_count, 0);
	make_sample(caught, 1);
	caught->sample.stack_bytes = 2 * STACK_PAGE_BYTES - 0xf80;
	give(world, caught, SAMPLE_BYTES);
	caught->sample.header.size_bytes = sizeof(caught->sample) + 0xf80;
	caught->sample.stack_bytes = 0;
	give(world, caught, sizeof(caught->sample) + 0xf80);
	assert_int_equal(stacks__finish(world->stacks), 0);
	assert_int_equal(world->told->growth_count, 2);
}

/* Of a program that is there, so that there are rules to be led astray by. */
static void test_registers_and_stacks_that_make_no_sense(void **state)
{
	static const uint64_t values[] = {
		0,
		1,
		7,
		4095,
		0x7ffd00001f80,
		0x7fffffffffff,
		1ULL << 47,
		1ULL << 63,
		UINT64_MAX - 7,
		UINT64_MAX,
	};
	struct world *world = *state;
	struct stander stander = stander__of("plain", NULL);
	union caught *caught = caught__take(stander.pid, (pid_t)stander.tid);
	uint64_t random = 1, told = 0, ends = 0;
	struct stacks_counts counts;

	world->stacks = caught__stacks(world->told, 0);
	for (size_t i = 0; i < 1500; i++) {
		union caught *copy = malloc(sizeof(*copy));
		struct stack_sample *sample = &copy->sample;

		memcpy(copy, caught, sizeof(*copy));
		random = random * 6364136223846793005ULL + 1442695040888963407ULL;
		switch (i % 5) {
		case 0: /* one register, the program counter left */
			sample->registers[(random >> 33) % COUNTER] = values[i / 5 % 10];
			break;
		case 1: /* all of them but the program counter */
			for (unsigned int at = 0; at < STACK_REGISTERS; at++)
				sample->registers[at] =
					at == COUNTER ? sample->registers[at] : values[i / 5 % 10];
			break;
		case 2: /* the program counter */
			sample->registers[COUNTER] = values[i / 5 % 10];
			break;
		case 3: /* the stack, read as one from anywhere */
			sample->stack_from =
				(values[i / 5 % 10] & ~4095ULL) | (sample->stack_from & 4095);
			sample->registers[STACK_POINTER] = sample->stack_from + STACK_BELOW;
			break;
		case 4: /* what is on it */
			for (int word = 0; word < 64; word++) {
				random = random * 6364136223846793005ULL + 1442695040888963407ULL;
				memcpy(sample->stack + (sample->stack_from & 4095) +
					       (random >> 40) % (sample->stack_bytes / 8) * 8,
				       &values[(random >> 33) % 10], 8);
			}
		}
		stacks__take(world->stacks, copy, sizeof(*copy));
		free(copy);
		assert_int_equal(stacks__finish(world->stacks), 0);
		told++;
		assert_int_equal(world->told->growth_count, told);
	}
	counts = stacks__counts(world->stacks);
	for (int end = 0; end < STACK_END_COUNT; end++)
		ends += counts.ends[end];
	assert_int_equal(ends, 1500);
	assert_true(counts.ends[STACK_END_COMPLETE] > 0 && counts.ends[STACK_END_NO_MAPPING] > 0);
	assert_int_equal(counts.torn, 0);
	free(caught);
	stander__end(&stander);
}

static void give_more(struct world *world, uint64_t id, __s32 file, __s32 swap)
{
	const struct stack_sample_more more = {
		.header = {.size_bytes = sizeof(more),
			   .kind = STACK_SAMPLE_MORE,
			   .time_ns = caught__now_ns(),
			   .id = id},
		.pages = {[GROWTH_FILE] = file, [GROWTH_SWAP] = swap},
	};

	give(world, &more, sizeof(more));
}

static void test_more_of_a_sample_that_waits(void **state)
{
	struct world *world = *state;
	struct stack_growth *growths = world->told->growths;

	world->stacks = caught__stacks(world->told, 0);
	for (uint64_t id = 1; id <= 3; id++) {
		make_sample(&world->caught, id);
		give(world, &world->caught, SAMPLE_BYTES);
	}
	give_more(world, 2, 15, -1);
	give_more(world, 2, 1, 0);
	give_more(world, 3, 7, 0);
	give_more(world, 4, 7, 0); /* of none */
	assert_int_equal(stacks__counts(world->stacks).late_more, 1);
	assert_int_equal(stacks__finish(world->stacks), 0);
	assert_int_equal(world->told->growth_count, 3);
	assert_int_equal(growths[0].pages[GROWTH_FILE], 0);
	assert_int_equal(growths[1].pages[GROWTH_FILE], 16);
	assert_int_equal(growths[1].pages[GROWTH_SWAP], -1);
	assert_int_equal(growths[1].pages[GROWTH_ANON], 1);
	assert_int_equal(growths[2].pages[GROWTH_FILE], 7);
	/* It is gone. */
	give_more(world, 2, 1, 0);
	assert_int_equal(stacks__counts(world->stacks).late_more, 2);
	assert_int_equal(stacks__counts(world->stacks).torn, 0);
	/* One of wrong size, and one that no number of pages can be. */
	give(world, &world->caught, SAMPLE_BYTES);
	world->caught.sample.header.kind = STACK_SAMPLE_MORE;
	assert_torn(world, &world->caught, SAMPLE_BYTES);
	give_more(world, 3, INT32_MAX, 0);
	give_more(world, 3, 1, -1);
	assert_int_equal(stacks__counts(world->stacks).torn, 2);
	assert_int_equal(stacks__finish(world->stacks), 0);
	assert_int_equal(growths[3].pages[GROWTH_FILE], INT32_MAX);
	assert_int_equal(growths[3].pages[GROWTH_SWAP], 0);
}

static void give_early(struct world *world, uint64_t id, const void *address)
{
	struct stack_sample *sample = &world->caught.sample;

	make_sample(&world->caught, id);
	sample->task.pid = sample->task.tid = (uint32_t)getpid();
	sample->address = (uintptr_t)address;
	sample->flags |= STACK_SAMPLE_EARLY;
	memset(sample->pages, 0, sizeof(sample->pages));
	give(world, &world->caught, SAMPLE_BYTES);
	assert_int_equal(stacks__finish(world->stacks), 0);
}

/* The kernel tells of an early sample when its thread has its next page fault, however late. */
static void test_more_of_a_sample_that_was_looked_at(void **state)
{
	const size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	struct world *world = *state;
	char *pages = mmap(NULL, 2 * page_bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(pages != MAP_FAILED);
	pages[0] = 1;
	world->stacks = caught__stacks(world->told, 0);
	/* It was there, and credited. */
	give_early(world, 1, pages);
	assert_int_equal(world->told->growth_count, 1);
	give_more(world, 1, 1, 0);
	assert_int_equal(stacks__counts(world->stacks).late_more, 0);
	/* Once. */
	give_more(world, 1, 1, 0);
	assert_int_equal(stacks__counts(world->stacks).late_more, 1);
	/* It was not, and never came; or came after the look. */
	give_early(world, 2, pages + page_bytes);
	give_early(world, 3, pages + page_bytes);
	assert_int_equal(world->told->growth_count, 1);
	give_more(world, 2, 0, 0);
	assert_int_equal(stacks__counts(world->stacks).late_more, 1);
	give_more(world, 3, 1, 0);
	assert_int_equal(stacks__counts(world->stacks).late_more, 2);
	munmap(pages, 2 * page_bytes);
}

static void test_the_queue_is_bounded(void **state)
{
	const size_t max_bytes = 64 * KIB;
	struct world *world = *state;
	struct stacks_counts counts;
	uint64_t empty_bytes;

	world->stacks = caught__stacks(world->told, max_bytes);
	empty_bytes = stacks__counts(world->stacks).bytes;
	for (uint64_t id = 1; id <= 100; id++) {
		make_sample(&world->caught, id);
		give(world, &world->caught, SAMPLE_BYTES);
	}
	counts = stacks__counts(world->stacks);
	assert_int_equal(counts.samples, 100);
	assert_true(counts.refused > 0 && counts.refused < 100);
	assert_true(counts.bytes - empty_bytes <= max_bytes);
	/* More of the refused ones finds nobody. */
	give_more(world, 100, 1, 0);
	assert_int_equal(stacks__counts(world->stacks).late_more, 1);
	assert_int_equal(stacks__finish(world->stacks), 0);
	assert_int_equal(world->told->growth_count, 100 - counts.refused);
	/* There is room again. */
	give(world, &world->caught, SAMPLE_BYTES);
	assert_int_equal(stacks__counts(world->stacks).refused, counts.refused);
}

/* A look for one that was refused does not go through everything that waits. */
static void test_looks_are_bounded(void **state)
{
	struct queue queue = {.max_bytes = 64 * MIB};
	struct stack_sample_more more = {
		.header = {.size_bytes = sizeof(more), .kind = STACK_SAMPLE_MORE},
	};
	union caught *caught = &((struct world *)*state)->caught;

	for (uint64_t id = 1; id <= QUEUE_LOOKS_MAX + 1; id++) {
		make_sample(caught, id);
		assert_int_equal(queue__take(&queue, caught, SAMPLE_BYTES), QUEUE_TAKEN);
	}
	more.header.id = 2;
	assert_int_equal(queue__take(&queue, &more, sizeof(more)), QUEUE_TAKEN);
	more.header.id = 1;
	assert_int_equal(queue__take(&queue, &more, sizeof(more)), QUEUE_LATE);
	/* One fewer, and it is among those. */
	for (int i = 0; i < 2; i++) {
		struct waiting *waiting = queue__pop(&queue);

		assert_int_equal(waiting->sample.header.id, i + 1);
		free(waiting);
	}
	more.header.id = 3;
	assert_int_equal(queue__take(&queue, &more, sizeof(more)), QUEUE_TAKEN);
	more.header.id = 2;
	assert_int_equal(queue__take(&queue, &more, sizeof(more)), QUEUE_LATE);
	queue__clear(&queue);
	assert_int_equal(queue.bytes, 0);
	assert_int_equal(queue__take(&queue, &more, sizeof(more)), QUEUE_LATE);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_world, remove_world)
	const struct CMUnitTest tests[] = {
		TEST(test_sizes_that_make_no_sense),
		TEST(test_registers_and_stacks_that_make_no_sense),
		TEST(test_more_of_a_sample_that_waits),
		TEST(test_more_of_a_sample_that_was_looked_at),
		TEST(test_the_queue_is_bounded),
		TEST(test_looks_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
