/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * What a growth sample costs the process that names stacks, without the rings: CPU time of the
 * first sample of a program nobody has seen, of the first one of a further process of it, and of
 * the same stack again and again. Samples are of a thread that stands still
 * (build/workloads/chain).
 */

#include "tests/unit/stacks/caught.h"

#define FRAMES_DEEP "16"
#define ROUNDS      9
#define AGAIN       20000
#define TURN        100 /* samples at a time */

static uint64_t frames_told;

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

static int take_module(void *context, const struct stack_module *module)
{
	(void)context, (void)module;
	return 0;
}

static int take_frame(void *context, const struct stack_frame *frame)
{
	(void)context, (void)frame;
	return 0;
}

static int take_line(void *context, const struct stack_frame_line *line)
{
	(void)context, (void)line;
	return 0;
}

static int take_chain(void *context, const struct stack_chain *chain)
{
	(void)context;
	/* A walk that ends early would be a cheap one. */
	assert_int_equal(chain->end, STACK_END_COMPLETE);
	frames_told = chain->count;
	return 0;
}

static int take_file(void *context, const struct stack_file *file)
{
	(void)context, (void)file;
	return 0;
}

static int take_growth(void *context, const struct stack_growth *growth)
{
	++*(uint64_t *)context;
	assert_true(growth->stack != 0);
	return 0;
}

static int take_gone(void *context, const struct stack_gone *gone)
{
	(void)context, (void)gone;
	return 0;
}

static struct stacks *new_stacks(uint64_t *taken)
{
	const struct stacks_options options = {
		.sink = {.context = taken,
			 .module = take_module,
			 .frame = take_frame,
			 .line = take_line,
			 .stack = take_chain,
			 .file = take_file,
			 .growth = take_growth,
			 .gone = take_gone},
	};
	struct stacks *stacks = NULL;
	char why[256] = "";

	if (stacks__new(&stacks, &options, why, sizeof(why)))
		fail_msg("%s", why);
	return stacks;
}

/* CPU time until all of them are told. What perf holds by now is heard before. */
static uint64_t time_of(struct stacks *stacks, union caught *caught, unsigned int count)
{
	uint64_t begin;

	assert_int_equal(stacks__turn(stacks, caught__now_ns()), 0);
	begin = cpu_ns();
	for (unsigned int i = 0; i < count; i++) {
		caught->sample.header.id++;
		caught->sample.address += STACK_PAGE_BYTES;
		stacks__take(stacks, caught, sizeof(*caught));
	}
	assert_int_equal(stacks__turn(stacks, caught__now_ns() + NS_PER_S), 0);
	return cpu_ns() - begin;
}

static int by_value(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

static double median_us(uint64_t values[ROUNDS])
{
	qsort(values, ROUNDS, sizeof(*values), by_value);
	return (double)values[ROUNDS / 2] / 1000;
}

int main(void)
{
	uint64_t cold[ROUNDS], next[ROUNDS], again = 0, taken = 0;

	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct stander first = stander__of("deep", FRAMES_DEEP);
		struct stander second = stander__of("deep", FRAMES_DEEP);
		union caught *of_first = caught__take(first.pid, (pid_t)first.tid);
		union caught *of_second = caught__take(second.pid, (pid_t)second.tid);
		struct stacks *stacks = new_stacks(&taken);

		cold[round] = time_of(stacks, of_first, 1);
		next[round] = time_of(stacks, of_second, 1);
		for (unsigned int i = 0; !round && i < AGAIN; i += TURN)
			again += time_of(stacks, of_first, TURN);
		stacks__free(stacks);
		free(of_first);
		free(of_second);
		stander__end(&first);
		stander__end(&second);
	}
	assert_true(taken == AGAIN + 2 * ROUNDS);
	printf("cold_us=%.0f\nnext_us=%.0f\nwarm_ns=%.0f\nframes=%lu\n", median_us(cold),
	       median_us(next), (double)again / AGAIN, (unsigned long)frames_told);
	return 0;
}
