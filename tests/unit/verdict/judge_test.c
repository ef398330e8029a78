/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "verdict/verdict.h"

#define MIB_(n) ((int64_t)(n) * (int64_t)MIB)
#define S(n)    ((uint64_t)(n)*NS_PER_S)

/* A rise of a MiB a second for so long, behind a plateau of 20 MiB of so long. */
static struct trend rise(uint64_t plateau_s, uint64_t rise_s)
{
	struct trend_point points[4096];
	size_t count = 0;

	points[count++] = (struct trend_point){S(1), MIB_(20)};
	if (plateau_s)
		points[count++] = (struct trend_point){S(1 + plateau_s), MIB_(20)};
	for (uint64_t i = 1; i <= rise_s; i++)
		points[count++] =
			(struct trend_point){S(1 + plateau_s + i), MIB_(20) + MIB_((int64_t)i)};
	return trend__of(points, count, S(1 + plateau_s + rise_s));
}

/* A victim that grew by itself to the limit of its cgroup: what cases change. */
static struct verdict_facts usual(uint64_t plateau_s, uint64_t rise_s)
{
	return (struct verdict_facts){
		.domain_known = true,
		.followed_all = true,
		.victim_is_culprit = true,
		.window_ns = S(90),
		.limit_bytes = MIB_(256),
		.usage_bytes = MIB_(256),
		.grew_bytes = MIB_(200),
		.victim = {.known = true,
			   .held_bytes = MIB_(240),
			   .grew_bytes = MIB_(190),
			   .lived_ns = S(plateau_s + rise_s)},
		.culprit = {.known = true,
			    .held_bytes = MIB_(240),
			    .grew_bytes = MIB_(190),
			    .lived_ns = S(plateau_s + rise_s)},
		.trend = rise(plateau_s, rise_s),
		.shmem_bytes = 0,
		.cache_bytes = 0,
		.kernel_bytes = MIB_(5),
		.hugetlb_bytes = EVENT_UNKNOWN,
		.services = 1,
		.kills_of_cause = 0,
		.swap_bytes = 0,
	};
}

static const struct evidence *find(const struct verdict *verdict, enum evidence_kind kind)
{
	for (size_t i = 0; i < verdict->evidence_count; i++) {
		if (verdict->evidence[i].kind == kind)
			return &verdict->evidence[i];
	}
	return NULL;
}

static const struct advice *advised(const struct verdict *verdict, enum advice_kind kind)
{
	for (size_t i = 0; i < verdict->advice_count; i++) {
		if (verdict->advice[i].kind == kind)
			return &verdict->advice[i];
	}
	return NULL;
}

static struct verdict judge(const struct verdict_facts *facts)
{
	return verdict__judge(facts, &thresholds__default);
}

static void expect(const char *what, const struct verdict *verdict, enum verdict_kind kind,
		   enum evidence_kind evidence)
{
	if (verdict->kind != kind)
		fail_msg("%s: %s, not %s", what, verdict_kind__word(verdict->kind),
			 verdict_kind__word(kind));
	if (!find(verdict, evidence))
		fail_msg("%s: evidence %d is missing", what, (int)evidence);
}

/* --- one process's growth, by how long it rose and what came before ------------------------------
 */

static void growth_of_one(void **state)
{
	static const struct {
		const char *what;
		uint64_t plateau_s, rise_s;
		enum verdict_kind kind;
		enum evidence_kind evidence;
	} cases[] = {
		{"30 s of it are a leak", 60, 30, VERDICT_LEAK, EVIDENCE_NEVER_FELL},
		{"a second less is a spike", 60, 29, VERDICT_SPIKE, EVIDENCE_BEFORE},
		{"from its start, 29 s", 0, 29, VERDICT_LIMIT_TOO_SMALL, EVIDENCE_FROM_ITS_START},
		{"from its start, 30 s", 0, 30, VERDICT_LEAK, EVIDENCE_NEVER_FELL},
		{"a fifth of its life is its beginning", 5, 20, VERDICT_LIMIT_TOO_SMALL,
		 EVIDENCE_FROM_ITS_START},
		{"more than that is not", 6, 20, VERDICT_SPIKE, EVIDENCE_BEFORE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct verdict_facts facts = usual(cases[i].plateau_s, cases[i].rise_s);
		const struct verdict verdict = judge(&facts);

		expect(cases[i].what, &verdict, cases[i].kind, cases[i].evidence);
		assert_int_equal(verdict.growth, verdict.kind);
		assert_non_null(advised(&verdict, ADVICE_STACKS));
		assert_non_null(advised(&verdict, ADVICE_RAISE_LIMIT));
	}
}

static void what_was_not_followed_from_its_start_is_not_judged_by_it(void **state)
{
	struct verdict_facts facts = usual(0, 20);
	struct verdict verdict;

	(void)state;
	facts.culprit.lived_ns = S(3600);
	verdict = judge(&facts);
	expect("lived longer than it was followed", &verdict, VERDICT_UNKNOWN,
	       EVIDENCE_NOT_KNOWN_BEFORE);
	assert_int_equal(find(&verdict, EVIDENCE_NOT_KNOWN_BEFORE)->ns, S(20));
	assert_non_null(advised(&verdict, ADVICE_KEEP_WATCHING));
	facts.trend = rise(0, 40);
	verdict = judge(&facts);
	expect("and rose for long enough all the same", &verdict, VERDICT_LEAK,
	       EVIDENCE_NEVER_FELL);
}

static void thresholds_decide(void **state)
{
	struct thresholds thresholds = thresholds__default;
	const struct verdict_facts facts = usual(60, 29);
	char why[256];

	(void)state;
	assert_int_equal(verdict__judge(&facts, &thresholds).kind, VERDICT_SPIKE);
	assert_int_equal(thresholds__set(&thresholds, "sustained=29s", why, sizeof(why)), 0);
	assert_int_equal(verdict__judge(&facts, &thresholds).kind, VERDICT_LEAK);
	assert_int_equal(thresholds__set(&thresholds, "culprit=95%", why, sizeof(why)), 0);
	/* 190 of 200 MiB are not more than that. */
	assert_int_equal(verdict__judge(&facts, &thresholds).kind, VERDICT_UNKNOWN);
	assert_int_equal(thresholds__set(&thresholds, "culprit=94", why, sizeof(why)), 0);
	assert_int_equal(verdict__judge(&facts, &thresholds).kind, VERDICT_LEAK);
}

static void thresholds_that_are_none_are_refused(void **state)
{
	static const char *const wrong[] = {
		"",        "sustained", "sustained=", "sustained=x", "kind=101%",
		"kind=-1", "forks=1%",  "sustain=3s", "sustainedx=", "forks=99999999999999999999"};
	struct thresholds thresholds = thresholds__default;
	char why[256];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		why[0] = '\0';
		if (thresholds__set(&thresholds, wrong[i], why, sizeof(why)) == 0)
			fail_msg("'%s' was taken", wrong[i]);
		assert_string_not_equal(why, "");
	}
	assert_memory_equal(&thresholds, &thresholds__default, sizeof(thresholds));
}

static void figures_of_advice_are_of_the_incident(void **state)
{
	struct verdict_facts facts = usual(60, 64);
	struct verdict verdict = judge(&facts);

	(void)state;
	/* A MiB a second. */
	assert_int_equal(advised(&verdict, ADVICE_RAISE_LIMIT)->bytes, MIB_(512));
	assert_int_equal(advised(&verdict, ADVICE_RAISE_LIMIT)->ns, S(256));
	assert_int_equal(advised(&verdict, ADVICE_BOUND_HEAP)->bytes, MIB_(192));
	facts = usual(60, 20);
	verdict = judge(&facts);
	assert_int_equal(advised(&verdict, ADVICE_RAISE_LIMIT)->bytes, MIB_(288));
	assert_int_equal(advised(&verdict, ADVICE_RAISE_LIMIT)->ns, 0);
	facts.limit_bytes = EVENT_UNKNOWN;
	verdict = judge(&facts);
	assert_null(advised(&verdict, ADVICE_RAISE_LIMIT));
	assert_null(advised(&verdict, ADVICE_BOUND_HEAP));
	/* All that there may be is a number as well, nothing may be added to it. */
	facts.limit_bytes = EVENT_NO_LIMIT;
	verdict = judge(&facts);
	assert_null(advised(&verdict, ADVICE_RAISE_LIMIT));
}

/* --- who ----------------------------------------------------------------------------------------
 */

static void a_victim_that_did_not_grow_is_no_cause(void **state)
{
	struct verdict_facts facts = usual(60, 40);
	struct verdict verdict;

	(void)state;
	facts.victim_is_culprit = false;
	facts.victim.held_bytes = MIB_(128);
	facts.victim.grew_bytes = MIB_(20);
	verdict = judge(&facts);
	expect("a tenth of it", &verdict, VERDICT_COLLATERAL, EVIDENCE_VICTIM_GREW);
	assert_int_equal(verdict.growth, VERDICT_LEAK);
	assert_non_null(advised(&verdict, ADVICE_PART));
	facts.victim.grew_bytes++;
	verdict = judge(&facts);
	expect("more than that", &verdict, VERDICT_LEAK, EVIDENCE_CULPRIT_GREW);
	facts.victim.grew_bytes = EVENT_UNKNOWN;
	verdict = judge(&facts);
	expect("nobody knows", &verdict, VERDICT_LEAK, EVIDENCE_CULPRIT_GREW);
	facts.victim.grew_bytes = MIB_(-30);
	verdict = judge(&facts);
	expect("it even shrank", &verdict, VERDICT_COLLATERAL, EVIDENCE_VICTIM_GREW);
	facts.victim.held_bytes++;
	verdict = judge(&facts);
	expect("but it held most", &verdict, VERDICT_UNKNOWN, EVIDENCE_VICTIM_HELD);
}

static void nobody_is_blamed_for_less_than_most_of_it(void **state)
{
	struct verdict_facts facts = usual(60, 40);
	struct verdict verdict;

	(void)state;
	facts.culprit.grew_bytes = MIB_(100);
	verdict = judge(&facts);
	expect("half of it", &verdict, VERDICT_UNKNOWN, EVIDENCE_NO_CULPRIT);
	facts.culprit.grew_bytes++;
	verdict = judge(&facts);
	expect("a byte more", &verdict, VERDICT_LEAK, EVIDENCE_CULPRIT_GREW);
	facts.culprit = (struct verdict_party){0};
	verdict = judge(&facts);
	expect("nobody at all", &verdict, VERDICT_UNKNOWN, EVIDENCE_NOBODY_GREW);
}

static void a_host_of_many_that_grew_is_too_small(void **state)
{
	struct verdict_facts facts = usual(60, 40);
	struct verdict verdict;

	(void)state;
	facts.is_host = true;
	facts.culprit.grew_bytes = MIB_(60);
	facts.services = 3;
	verdict = judge(&facts);
	expect("three services", &verdict, VERDICT_HOST_TOO_SMALL, EVIDENCE_SERVICES);
	assert_int_equal(advised(&verdict, ADVICE_ADD_SWAP)->bytes, MIB_(64));
	facts.swap_bytes = MIB_(1);
	verdict = judge(&facts);
	assert_null(advised(&verdict, ADVICE_ADD_SWAP));
	facts.services = 2;
	verdict = judge(&facts);
	expect("two", &verdict, VERDICT_UNKNOWN, EVIDENCE_NO_CULPRIT);
	facts.services = 3;
	facts.followed_all = false;
	verdict = judge(&facts);
	expect("of others nothing is known", &verdict, VERDICT_UNKNOWN, EVIDENCE_NO_CULPRIT);
	facts.followed_all = true;
	facts.culprit.grew_bytes = MIB_(190);
	verdict = judge(&facts);
	expect("one that grew", &verdict, VERDICT_LEAK, EVIDENCE_NEVER_FELL);
	assert_null(advised(&verdict, ADVICE_RAISE_LIMIT));
	facts.trend = rise(0, 20);
	facts.culprit.lived_ns = S(20);
	verdict = judge(&facts);
	expect("a host has no limit to raise", &verdict, VERDICT_SPIKE, EVIDENCE_FROM_ITS_START);
}

/* --- what ---------------------------------------------------------------------------------------
 */

static void kinds_of_memory(void **state)
{
	struct verdict_facts facts = usual(60, 40);
	struct verdict verdict;

	(void)state;
	facts.shmem_bytes = MIB_(128);
	verdict = judge(&facts);
	expect("half of it shared", &verdict, VERDICT_LEAK, EVIDENCE_CULPRIT_GREW);
	facts.shmem_bytes++;
	verdict = judge(&facts);
	expect("more than half", &verdict, VERDICT_TMPFS, EVIDENCE_SHMEM);
	assert_non_null(advised(&verdict, ADVICE_EMPTY_TMPFS));
	facts.shmem_bytes = EVENT_UNKNOWN;
	facts.kernel_bytes = MIB_(129);
	verdict = judge(&facts);
	expect("the kernel's", &verdict, VERDICT_KERNEL_MEMORY, EVIDENCE_KERNEL);
	facts.kernel_bytes = EVENT_UNKNOWN;
	facts.cache_bytes = MIB_(129);
	verdict = judge(&facts);
	expect("files", &verdict, VERDICT_PAGE_CACHE, EVIDENCE_CACHE);
	facts.hugetlb_bytes = MIB_(65);
	verdict = judge(&facts);
	expect("huge pages are the host's", &verdict, VERDICT_PAGE_CACHE, EVIDENCE_CACHE);
	facts.is_host = true;
	verdict = judge(&facts);
	expect("and there they count first", &verdict, VERDICT_HUGETLB, EVIDENCE_HUGETLB);
	facts.hugetlb_bytes = MIB_(64);
	verdict = judge(&facts);
	expect("a quarter is not too many", &verdict, VERDICT_PAGE_CACHE, EVIDENCE_CACHE);
	facts.by_hand = true;
	verdict = judge(&facts);
	assert_int_equal(verdict.kind, VERDICT_BY_HAND);
	assert_int_equal(verdict.evidence_count, 0);
}

static void who_grew_by_its_own_memory_comes_before_what_lay_there(void **state)
{
	struct verdict_facts facts = usual(60, 40);
	struct verdict verdict;

	(void)state;
	facts.shmem_bytes = MIB_(150);
	facts.culprit.own_bytes = MIB_(100);
	verdict = judge(&facts);
	expect("half of the growth", &verdict, VERDICT_TMPFS, EVIDENCE_SHMEM);
	facts.culprit.own_bytes++;
	verdict = judge(&facts);
	expect("more than half", &verdict, VERDICT_LEAK, EVIDENCE_CULPRIT_GREW);
	facts.is_host = true;
	facts.followed_all = false;
	verdict = judge(&facts);
	expect("of others nothing is known", &verdict, VERDICT_TMPFS, EVIDENCE_SHMEM);
}

static void many_small_ones_are_a_fork_storm(void **state)
{
	struct verdict_facts facts = usual(60, 40);
	struct verdict verdict;

	(void)state;
	facts.born_count = 32;
	facts.born_bytes = MIB_(129);
	facts.born_largest_bytes = MIB_(12);
	verdict = judge(&facts);
	expect("32 of 4 MiB", &verdict, VERDICT_FORK_STORM, EVIDENCE_BORN);
	assert_int_equal(advised(&verdict, ADVICE_BOUND_TASKS)->count, 16);
	facts.born_count = 31;
	verdict = judge(&facts);
	expect("31", &verdict, VERDICT_LEAK, EVIDENCE_CULPRIT_GREW);
	facts.born_count = 200;
	facts.born_largest_bytes = MIB_(13);
	verdict = judge(&facts);
	expect("one of them is large", &verdict, VERDICT_LEAK, EVIDENCE_CULPRIT_GREW);
	facts.born_largest_bytes = MIB_(1);
	facts.born_bytes = MIB_(128);
	verdict = judge(&facts);
	expect("together they are half", &verdict, VERDICT_LEAK, EVIDENCE_CULPRIT_GREW);
}

static void again_and_again_is_said(void **state)
{
	struct verdict_facts facts = usual(0, 10);
	struct verdict verdict;

	(void)state;
	facts.kills_of_cause = 1;
	verdict = judge(&facts);
	assert_null(find(&verdict, EVIDENCE_AGAIN));
	facts.kills_of_cause = 12;
	verdict = judge(&facts);
	expect("12 times", &verdict, VERDICT_LIMIT_TOO_SMALL, EVIDENCE_AGAIN);
	assert_int_equal(find(&verdict, EVIDENCE_AGAIN)->count, 12);
}

static void nothing_known_is_unknown(void **state)
{
	const struct verdict_facts facts = {.limit_bytes = EVENT_UNKNOWN,
					    .usage_bytes = EVENT_UNKNOWN,
					    .shmem_bytes = EVENT_UNKNOWN,
					    .cache_bytes = EVENT_UNKNOWN,
					    .kernel_bytes = EVENT_UNKNOWN,
					    .hugetlb_bytes = EVENT_UNKNOWN,
					    .swap_bytes = EVENT_UNKNOWN};
	const struct verdict verdict = judge(&facts);

	(void)state;
	expect("nothing", &verdict, VERDICT_UNKNOWN, EVIDENCE_NOBODY_GREW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(growth_of_one),
		cmocka_unit_test(what_was_not_followed_from_its_start_is_not_judged_by_it),
		cmocka_unit_test(thresholds_decide),
		cmocka_unit_test(thresholds_that_are_none_are_refused),
		cmocka_unit_test(figures_of_advice_are_of_the_incident),
		cmocka_unit_test(a_victim_that_did_not_grow_is_no_cause),
		cmocka_unit_test(nobody_is_blamed_for_less_than_most_of_it),
		cmocka_unit_test(a_host_of_many_that_grew_is_too_small),
		cmocka_unit_test(kinds_of_memory),
		cmocka_unit_test(who_grew_by_its_own_memory_comes_before_what_lay_there),
		cmocka_unit_test(many_small_ones_are_a_fork_storm),
		cmocka_unit_test(again_and_again_is_said),
		cmocka_unit_test(nothing_known_is_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
