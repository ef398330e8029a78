/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/model/sampled.h"

/* A hostile or at least careless stream: every kind, small ids so that they meet, values from
 * sensible to absurd. The same seed makes the same stream. */
struct noise {
	uint64_t state;
};

static uint64_t noise__next(struct noise *noise)
{
	noise->state ^= noise->state << 13;
	noise->state ^= noise->state >> 7;
	noise->state ^= noise->state << 17;
	return noise->state;
}

static const uint32_t sizes[EVENT_KIND_END] = {
#define X(name, number, type) [number] = sizeof(struct type),
	EVENT_KINDS(X)
#undef X
};

/* 64-bit words of mostly small numbers; the fields fall where they may. */
static void noise__fill(struct noise *noise, uint64_t *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t value = noise__next(noise);

		switch (value & 7) {
		case 0:
			words[i] = noise__next(noise);
			break;
		case 1:
			words[i] = UINT64_MAX;
			break;
		case 2:
			words[i] = (value >> 8) % 5 * MIB * 100;
			break;
		default:
			words[i] = ((value >> 8) % 40) | ((value >> 16) % 40) << 32;
		}
	}
}

/* Else hardly a sample would be one, nor a definition be referred to. */
static void noise__sample(struct noise *noise, struct event_header *header)
{
	if (header->kind == EVENT_GROWTH) {
		struct event_growth *growth = (struct event_growth *)header;

		growth->block_bytes = 4096ULL << noise__next(noise) % 9;
		growth->stack_id = noise__next(noise) % 8;
	} else if (header->kind == EVENT_STACK) {
		struct event_stack *stack = (struct event_stack *)header;

		stack->stack_id = noise__next(noise) % 8;
		stack->end = noise__next(noise) % STACK_END_COUNT;
		stack->frame_count = noise__next(noise) % 8;
	}
}

static void noise__apply(struct noise *noise, struct model *model, uint64_t *time_ns)
{
	union {
		struct event_header header;
		uint64_t words[128];
	} event;
	uint16_t kind = (uint16_t)(noise__next(noise) % EVENT_KIND_END);

	if (!sizes[kind])
		return;
	noise__fill(noise, event.words, 128);
	event.header = (struct event_header){.size_bytes = sizes[kind] + 64, .kind = kind};
	if (event.header.size_bytes > sizeof(event))
		event.header.size_bytes = sizeof(event);
	noise__sample(noise, &event.header);
	*time_ns += noise__next(noise) % (300 * NS_PER_MS);
	event.header.time_ns = *time_ns;
	if (noise__next(noise) % 50 == 0)
		event.header.time_ns = noise__next(noise) % (*time_ns + 1);
	if (noise__next(noise) % 10000 == 0)
		*time_ns += UINT64_MAX / 1000;
	assert_int_equal(model__apply(model, &event.header), 0);
}

static uint64_t run_noise(uint64_t seed, unsigned int events)
{
	struct noise noise = {.state = seed};
	struct model *model = new_model();
	uint64_t time_ns = NS_PER_S, digest;

	for (unsigned int i = 0; i < events; i++)
		noise__apply(&noise, model, &time_ns);
	digest = model__digest(model);
	for (size_t i = 0; i < model__process_count(model); i++)
		(void)model__service(model, model__process(model, i));
	assert_int_equal(model__finish(model), 0);
	model__free(model);
	return digest;
}

static void test_noise(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++)
		assert_true(run_noise(seed, 5000) == run_noise(seed, 5000));
	assert_true(run_noise(1, 5000) != run_noise(2, 5000));
}

/* Each step is something a report can show, so each must change the digest. */
static void test_everything_counts(void **state)
{
	struct model *model = new_model();
	struct event_recorder recorder = {.header = header(EVENT_RECORDER, sizeof(recorder), 6)};
	struct event_program program = {.header = header(EVENT_PROGRAM, sizeof(program), 6)};
	uint64_t digests[32];
	size_t count = 0;

	(void)state;
	digests[count++] = model__digest(model);
	host(model, 1, FOLLOW_ALL, 5);
	digests[count++] = model__digest(model);
	cgroup(model, 2, 1, 0, "", counters(0, EVENT_NO_LIMIT, 0));
	digests[count++] = model__digest(model);
	process(model, 2, state_of(10, 1, "a", 1, M));
	digests[count++] = model__digest(model);
	argv_of(model, 2, 10, "a", 2);
	digests[count++] = model__digest(model);
	rss(model, 3, 10, 2 * M);
	digests[count++] = model__digest(model);
	memcg(model, 3, 1, counters(5, EVENT_NO_LIMIT, 0));
	digests[count++] = model__digest(model);
	memcg(model, 3, 1, counters(5, EVENT_NO_LIMIT, 1));
	digests[count++] = model__digest(model);
	attach(model, 3, 10, 7);
	digests[count++] = model__digest(model);
	sigkill(model, 4, 1, 10, 1);
	digests[count++] = model__digest(model);
	sigkill(model, 4, 1, 10, 0);
	digests[count++] = model__digest(model);
	oom_kill(model, 4, state_of(10, 1, "a", 1, M), state_of(10, 1, "a", 1, M), 1,
		 counters(5, 5, 1));
	digests[count++] = model__digest(model);
	exit_of(model, 5, 10, 9);
	digests[count++] = model__digest(model);
	apply(model, &recorder);
	digests[count++] = model__digest(model);
	recorder.header.flags = EVENT_CLOSING;
	apply(model, &recorder);
	digests[count++] = model__digest(model);
	apply(model, &program);
	digests[count++] = model__digest(model);
	program.runs = 1;
	apply(model, &program);
	digests[count++] = model__digest(model);
	two_stacks(model, 7);
	grow(model, 7, 10, 1, 1);
	digests[count++] = model__digest(model);
	grow(model, 7, 10, 1, 1);
	digests[count++] = model__digest(model);
	grow(model, 7, 10, 2, 1);
	digests[count++] = model__digest(model);
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < i; j++)
			assert_true(digests[i] != digests[j]);
	}
	model__free(model);
}

/* Which stack it was, down to the names; not the number it was told under. */
static uint64_t digest_of(uint32_t number, uint64_t address, const char *name, const char *path)
{
	struct model *model = new_model();
	uint64_t digest;

	process(model, 1, state_of(10, 0, "a", 1, M));
	module_named(model, 1, number, path);
	frame_at(model, 1, number, number, address, name);
	stack_of(model, 1, number, STACK_END_COMPLETE, number, 0);
	grow(model, 2, 10, number, 1);
	digest = model__digest(model);
	model__free(model);
	return digest;
}

static void test_the_code_that_grew_it_counts(void **state)
{
	const uint64_t digest = digest_of(1, 0x1010, "one", "/bin/app");

	(void)state;
	assert_true(digest_of(5, 0x1010, "one", "/bin/app") == digest);
	assert_true(digest_of(1, 0x1020, "one", "/bin/app") != digest);
	assert_true(digest_of(1, 0x1010, "two", "/bin/app") != digest);
	assert_true(digest_of(1, 0x1010, "one", "/bin/other") != digest);
}

static void test_digest_is_no_part_of_itself(void **state)
{
	struct model *model = new_model();
	struct event_digest event = {.header = header(EVENT_DIGEST, sizeof(event), 9)};
	uint64_t before;

	(void)state;
	process(model, 2, state_of(10, 1, "a", 1, M));
	before = model__digest(model);
	apply(model, &event);
	assert_true(model__digest(model) == before);
	model__free(model);
}

static void test_short_and_unknown_events(void **state)
{
	struct model *model = new_model();
	struct event_rss event = {.header = header(EVENT_RSS, 24, 1)};

	(void)state;
	apply(model, &event);
	assert_int_equal(model__loss_count(model), 1);
	assert_int_equal(model__loss(model, 0)->reason, LOSS_MALFORMED);
	event.header.kind = 31;
	apply(model, &event);
	event.header.kind = 65535;
	apply(model, &event);
	assert_int_equal(model__span(model).events, 1);
	model__free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_everything_counts),
		cmocka_unit_test(test_the_code_that_grew_it_counts),
		cmocka_unit_test(test_digest_is_no_part_of_itself),
		cmocka_unit_test(test_short_and_unknown_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
