/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/report/grown.h"

#include <errno.h>
#include <stdlib.h>

#include <jansson.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "profile.pb-c.h"
#include "report/folded.h"
#include "report/report.h"

DEFINE_FREEP(model)

static void test_folded(void **state)
{
	_cleanup_(model__freep) struct model *model = grown__story();
	_cleanup_(text__free) struct text out = {0};
	int64_t left_out_bytes = -1;

	(void)state;
	assert_int_equal(report__folded(model, NULL, &out, &left_out_bytes), 0);
	assert_string_equal(
		out.data, "work\\x3ber;main;fill\\x3b\\x1b[2J;malloc;sysmalloc 41943040\n"
			  "node;main;0x7f0000002000;0x7f0000001000;0x7f0000001000 6291456\n"
			  "work\\x3ber;[callers unknown];fill\\x3b\\x1b[2J;worker+0x5010 4194304\n"
			  "work\\x3ber;[no stack] 3145728\n");
	assert_int_equal(left_out_bytes, 0);
}

static void test_folded_says_what_it_cannot(void **state)
{
	_cleanup_(model__freep) struct model *model = grown__story();
	_cleanup_(text__free) struct text out = {0};
	struct event_growth growth = grown__pages(4100, 23, 0, 0);
	int64_t left_out_bytes = 0;

	(void)state;
	growth.pages[GROWTH_FILE] = -5;
	story__tell(model, &growth);
	assert_int_equal(report__folded(model, NULL, &out, &left_out_bytes), 0);
	assert_null(strstr(out.data, "node;[no stack]"));
	assert_int_equal(left_out_bytes, -MIB_(5));
}

/* Of a process that was only met by its samples. */
static void test_folded_without_a_name(void **state)
{
	_cleanup_(model__freep) struct model *model = story__begin(2, FOLLOW_ALL);
	_cleanup_(text__free) struct text out = {0};
	int64_t left_out_bytes;

	(void)state;
	grown__sample(model, 4100, 77, 0, 3);
	GROWN_STACK(model, 9, STACK_END_COMPLETE, 0);
	grown__sample(model, 4200, 77, 9, 2);
	assert_int_equal(report__folded(model, NULL, &out, &left_out_bytes), 0);
	assert_null(strstr(out.data, "\n;"));
	assert_memory_equal(out.data, "[no name];", strlen("[no name];"));
}

static void test_nothing_sampled(void **state)
{
	_cleanup_(model__freep) struct model *model = grown__story();
	const struct growth_filter nobody = {.pid = 99};
	_cleanup_(text__free) struct text out = {0};
	int64_t left_out_bytes;

	(void)state;
	assert_int_equal(report__folded(model, &nobody, &out, &left_out_bytes), -ENOENT);
	assert_int_equal(report__pprof(model, &nobody, &out), -ENOENT);
	assert_int_equal(out.length, 0);
}

/* --- pprof ------------------------------------------------------------------------------------ */

static Oomtrail__Profile *profile_of(const struct model *model, const struct growth_filter *filter)
{
	_cleanup_(text__free) struct text out = {0};
	static unsigned char raw[65536];
	z_stream stream = {.next_out = raw, .avail_out = sizeof(raw)};
	Oomtrail__Profile *profile;

	assert_int_equal(report__pprof(model, filter, &out), 0);
	stream.next_in = (unsigned char *)out.data;
	stream.avail_in = (unsigned int)out.length;
	assert_int_equal(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
	assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
	inflateEnd(&stream);
	profile = oomtrail__profile__unpack(NULL, stream.total_out, raw);
	assert_non_null(profile);
	return profile;
}

static const char *string_of(const Oomtrail__Profile *profile, int64_t index)
{
	assert_true(index >= 0 && (size_t)index < profile->n_string_table);
	return profile->string_table[index];
}

static const Oomtrail__Location *location_of(const Oomtrail__Profile *profile, uint64_t id)
{
	assert_true(id >= 1 && id <= profile->n_location);
	assert_int_equal(profile->location[id - 1]->id, id);
	return profile->location[id - 1];
}

static const char *name_at(const Oomtrail__Profile *profile, uint64_t location_id)
{
	const Oomtrail__Location *location = location_of(profile, location_id);
	uint64_t id;

	assert_int_equal(location->n_line, 1);
	id = location->line[0]->function_id;
	assert_true(id >= 1 && id <= profile->n_function);
	assert_int_equal(profile->function[id - 1]->id, id);
	return string_of(profile, profile->function[id - 1]->name);
}

static const Oomtrail__Label *label_of(const Oomtrail__Profile *profile,
				       const Oomtrail__Sample *sample, const char *key)
{
	for (size_t i = 0; i < sample->n_label; i++) {
		if (strcmp(string_of(profile, sample->label[i]->key), key) == 0)
			return sample->label[i];
	}
	return NULL;
}

static void test_pprof_types(void **state)
{
	_cleanup_(model__freep) struct model *model = grown__story();
	Oomtrail__Profile *profile = profile_of(model, NULL);

	(void)state;
	assert_string_equal(profile->string_table[0], "");
	assert_int_equal(profile->n_sample_type, 3);
	assert_string_equal(string_of(profile, profile->sample_type[0]->type), "growth_bytes");
	assert_string_equal(string_of(profile, profile->sample_type[0]->unit), "bytes");
	assert_string_equal(string_of(profile, profile->sample_type[1]->type), "resident_bytes");
	assert_string_equal(string_of(profile, profile->sample_type[1]->unit), "bytes");
	assert_string_equal(string_of(profile, profile->sample_type[2]->type), "samples");
	assert_string_equal(string_of(profile, profile->sample_type[2]->unit), "count");
	assert_string_equal(string_of(profile, profile->default_sample_type), "growth_bytes");
	assert_int_equal(profile->time_nanos, 1795214400000000000);
	assert_int_equal(profile->duration_nanos, MS(4000));
	oomtrail__profile__free_unpacked(profile, NULL);
}

static void test_pprof_samples(void **state)
{
	_cleanup_(model__freep) struct model *model = grown__story();
	Oomtrail__Profile *profile = profile_of(model, NULL);
	const Oomtrail__Sample *first = profile->sample[0];
	const Oomtrail__Location *location = location_of(profile, first->location_id[2]);
	const Oomtrail__Mapping *mapping = profile->mapping[location->mapping_id - 1];

	(void)state;
	assert_int_equal(profile->n_sample, 6);
	assert_int_equal(first->n_location_id, 4);
	assert_string_equal(name_at(profile, first->location_id[0]), "sysmalloc");
	assert_string_equal(name_at(profile, first->location_id[3]), "main");
	assert_int_equal(location->address, 0x3010);
	assert_int_equal(mapping->id, location->mapping_id);
	assert_string_equal(string_of(profile, mapping->filename), "/srv/worker");
	assert_string_equal(string_of(profile, mapping->build_id), "b1000001");
	assert_int_equal(first->value[0], MIB_(28));
	assert_int_equal(first->value[1], 0);
	assert_int_equal(first->value[2], 2);
	assert_int_equal(label_of(profile, first, "pid")->num, 21);
	assert_string_equal(string_of(profile, label_of(profile, first, "comm")->str), "work;er");
	assert_string_equal(string_of(profile, label_of(profile, first, "cgroup")->str), "/app");
	assert_string_equal(string_of(profile, label_of(profile, first, "class")->str), "anon");
	oomtrail__profile__free_unpacked(profile, NULL);
}

/* A page of its own in place of a file's, and one more: nothing in a profile is below 0. */
static void test_pprof_of_what_replaced_something(void **state)
{
	_cleanup_(model__freep) struct model *model = story__begin(2, FOLLOW_ALL);
	struct event_growth growth = grown__pages(100, 21, 0, 2);
	Oomtrail__Profile *profile;

	(void)state;
	story__process(model, 21, "worker", GROWN_APP, 0);
	growth.pages[GROWTH_FILE] = -1;
	story__tell(model, &growth);
	profile = profile_of(model, NULL);
	assert_int_equal(profile->n_sample, 1);
	assert_int_equal(profile->sample[0]->value[0], MIB_(1));
	assert_int_equal(profile->sample[0]->value[2], 1);
	assert_string_equal(string_of(profile, label_of(profile, profile->sample[0], "class")->str),
			    "anon");
	oomtrail__profile__free_unpacked(profile, NULL);
}

/* By class; where it is not known it is 0, and a comment says of how much. */
static void test_pprof_says_what_stayed(void **state)
{
	_cleanup_(model__freep) struct model *model = grown__story();
	Oomtrail__Profile *profile = profile_of(model, NULL);
	int64_t stayed = 0, file = 0;

	(void)state;
	assert_int_equal(profile->n_comment, 1);
	assert_string_equal(string_of(profile, profile->comment[0]),
			    "resident: not known, and 0 here, of 53 MiB, of 3 processes");
	oomtrail__profile__free_unpacked(profile, NULL);

	grown__sample(model, 4000, 21, 2, 1);
	grown__gone(model, 4100, 21, 1, MIB_(8), 0);
	grown__gone(model, 4100, 22, 1, 0, MIB_(1));
	story__exit(model, 4200, 22, "work;er", 0);
	profile = profile_of(model, NULL);
	for (size_t i = 0; i < profile->n_sample; i++) {
		const Oomtrail__Sample *sample = profile->sample[i];
		const char *class = string_of(profile, label_of(profile, sample, "class")->str);

		assert_true(sample->value[1] <= sample->value[0]);
		stayed += sample->value[1];
		file += strcmp(class, "file") == 0 ? sample->value[1] : 0;
	}
	assert_int_equal(file, MIB_(1));
	/* All but the node's. */
	assert_int_equal(stayed, MIB_(53 + 1 - 6 - 8 - 1));
	assert_int_equal(profile->n_comment, 2);
	assert_string_equal(string_of(profile, profile->comment[0]),
			    "resident: not known, and 0 here, of 6.0 MiB, of 1 process");
	assert_string_equal(string_of(profile, profile->comment[1]),
			    "resident: when last looked at, of 1 ended process");
	oomtrail__profile__free_unpacked(profile, NULL);
}

static void test_pprof_has_each_string_and_place_once(void **state)
{
	_cleanup_(model__freep) struct model *model = grown__story();
	Oomtrail__Profile *profile = profile_of(model, NULL);

	(void)state;
	for (size_t i = 0; i < profile->n_string_table; i++) {
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(profile->string_table[i], profile->string_table[j]);
	}
	assert_int_equal(profile->n_mapping, 2);
	/* The program before its libraries. */
	assert_string_equal(string_of(profile, profile->mapping[0]->filename), "/srv/worker");
	/* 8 frames, and two gaps: no stack, callers unknown. */
	assert_int_equal(profile->n_location, 10);
	oomtrail__profile__free_unpacked(profile, NULL);
}

/* Only a hostile recording has one. */
static void test_pprof_of_a_file_without_a_name(void **state)
{
	_cleanup_(model__freep) struct model *model = grown__story();
	struct event_growth growth = grown__pages(4100, 23, 0, 0);
	Oomtrail__Profile *profile;
	bool found = false;

	(void)state;
	grown__file(model, 1, 0, "", 0);
	growth.pages[GROWTH_FILE] = 5;
	growth.file_id = 1;
	story__tell(model, &growth);
	profile = profile_of(model, NULL);
	for (size_t i = 0; i < profile->n_sample; i++) {
		const Oomtrail__Label *label = label_of(profile, profile->sample[i], "file");

		if (label) {
			assert_string_equal(string_of(profile, label->str),
					    "a file without a name");
			found = true;
		}
	}
	assert_true(found);
	oomtrail__profile__free_unpacked(profile, NULL);
}

/* --- all of them ------------------------------------------------------------------------------ */

static int64_t folded_bytes(const struct model *model)
{
	_cleanup_(text__free) struct text out = {0};
	int64_t sum = 0, left_out_bytes;
	char *line, *rest = NULL;

	assert_int_equal(report__folded(model, NULL, &out, &left_out_bytes), 0);
	for (line = strtok_r(out.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		sum += strtoll(strrchr(line, ' '), NULL, 10);
	return sum + left_out_bytes;
}

static void test_totals_are_the_same_everywhere(void **state)
{
	_cleanup_(model__freep) struct model *model = grown__story();
	_cleanup_(text__free) struct text out = {0};
	struct event_growth growth = grown__pages(4100, 23, 0, 7);
	int64_t bytes = 0, samples = 0, listed = 0, stayed = 0, stayed_listed = 0;
	Oomtrail__Profile *profile;
	const json_t *sums;
	json_t *json, *row;
	size_t i;

	(void)state;
	growth.pages[GROWTH_FILE] = -9;
	growth.pages[GROWTH_SWAP] = -3;
	story__tell(model, &growth);
	grown__gone(model, 4200, 21, 1, MIB_(5), 0);
	grown__gone(model, 4200, 23, 4, MIB_(1), 0);
	story__end(model, 5000);
	assert_int_equal(report__json(model, &out), 0);
	json = json_loadb(out.data, out.length, JSON_REJECT_DUPLICATES, NULL);
	sums = json_object_get(json, "growth");
	json_array_foreach(json_object_get(json, "stacks"), i, row)
	{
		listed += json_integer_value(json_object_get(row, "bytes"));
		stayed_listed += json_integer_value(json_object_get(row, "resident_bytes"));
	}
	profile = profile_of(model, NULL);
	for (i = 0; i < profile->n_sample; i++) {
		bytes += profile->sample[i]->value[0];
		stayed += profile->sample[i]->value[1];
		samples += profile->sample[i]->value[2];
	}
	assert_int_equal(listed, MIB_(53 + 7 - 3 - 9));
	assert_int_equal(json_integer_value(json_object_get(sums, "sampled_bytes")), listed);
	assert_int_equal(bytes, listed);
	/* All but worker 22's; of pages of files the node has less than it had. */
	assert_int_equal(stayed_listed, MIB_(53 + 7 - 3 - 9 - 12 - 5 - 1));
	assert_int_equal(json_integer_value(json_object_get(sums, "resident_bytes")),
			 stayed_listed);
	assert_int_equal(stayed, stayed_listed);
	assert_int_equal(folded_bytes(model), listed);
	assert_int_equal(json_integer_value(json_object_get(sums, "samples")), samples);
	assert_int_equal(samples, 8);
	assert_true(json_is_real(json_object_get(json, "explained_ratio")));
	json_decref(json);
	oomtrail__profile__free_unpacked(profile, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folded),
		cmocka_unit_test(test_folded_says_what_it_cannot),
		cmocka_unit_test(test_folded_without_a_name),
		cmocka_unit_test(test_nothing_sampled),
		cmocka_unit_test(test_pprof_types),
		cmocka_unit_test(test_pprof_samples),
		cmocka_unit_test(test_pprof_of_what_replaced_something),
		cmocka_unit_test(test_pprof_says_what_stayed),
		cmocka_unit_test(test_pprof_has_each_string_and_place_once),
		cmocka_unit_test(test_pprof_of_a_file_without_a_name),
		cmocka_unit_test(test_totals_are_the_same_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
