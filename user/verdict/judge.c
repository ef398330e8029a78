/* SPDX-License-Identifier: GPL-2.0-only */
#include "verdict/verdict.h"

#include "base/units.h"

/* The first rule that its figures carry. No way through them adds more than there is room for. */

static struct evidence *add(struct verdict *verdict, enum evidence_kind kind)
{
	struct evidence *evidence = &verdict->evidence[verdict->evidence_count++];

	evidence->kind = kind;
	return evidence;
}

static struct advice *advise(struct verdict *verdict, enum advice_kind kind)
{
	struct advice *advice = &verdict->advice[verdict->advice_count++];

	advice->kind = kind;
	return advice;
}

static void add_share(struct verdict *verdict, enum evidence_kind kind, int64_t bytes,
		      int64_t of_bytes)
{
	struct evidence *evidence = add(verdict, kind);

	evidence->bytes = bytes;
	evidence->of_bytes = of_bytes;
}

/* More than so many percent of the other; what is not known is not. */
static bool is_share(int64_t bytes, int64_t of_bytes, uint64_t percent)
{
	return bytes > 0 && of_bytes > 0 &&
	       (__int128)bytes * 100 > (__int128)of_bytes * (int64_t)percent;
}

/* Upwards, to what people set limits to. */
static int64_t round_limit(int64_t bytes)
{
	int64_t step = 16LL << 20;

	while (step * 16 < bytes)
		step *= 2;
	return (bytes + step - 1) / step * step;
}

static bool has_limit(const struct verdict_facts *facts)
{
	return !facts->is_host && facts->limit_bytes > 0 && facts->limit_bytes != EVENT_NO_LIMIT;
}

/* --- advice ----------------------------------------------------------------------------------- */

/* By so much; `for_now`: it buys time and nothing else. */
static void advise_limit(struct verdict *verdict, const struct verdict_facts *facts,
			 int64_t more_bytes, bool for_now)
{
	struct advice *advice;
	__int128 ns;

	if (!has_limit(facts))
		return;
	advice = advise(verdict, ADVICE_RAISE_LIMIT);
	advice->bytes = round_limit(facts->limit_bytes + more_bytes);
	if (!for_now || facts->trend.rate <= 0)
		return;
	ns = (__int128)(advice->bytes - facts->limit_bytes) * (int64_t)NS_PER_S / facts->trend.rate;
	advice->ns = ns > INT64_MAX ? 0 : (uint64_t)ns;
}

static void advise_swap(struct verdict *verdict, const struct verdict_facts *facts)
{
	if (facts->is_host && facts->swap_bytes == 0 && facts->limit_bytes > 0)
		advise(verdict, ADVICE_ADD_SWAP)->bytes = round_limit(facts->limit_bytes / 4);
}

static void advise_on_growth(struct verdict *verdict, const struct verdict_facts *facts,
			     enum verdict_kind growth)
{
	advise(verdict, ADVICE_STACKS);
	if (growth == VERDICT_LEAK)
		advise_limit(verdict, facts, facts->limit_bytes, true);
	else if (growth == VERDICT_SPIKE)
		advise_limit(verdict, facts, facts->trend.rose_bytes, false);
	else
		advise_limit(verdict, facts, facts->limit_bytes / 2, false);
	if (has_limit(facts))
		advise(verdict, ADVICE_BOUND_HEAP)->bytes = facts->limit_bytes / 4 * 3;
	advise_swap(verdict, facts);
}

/* --- one process's growth --------------------------------------------------------------------- */

static void add_rise(struct verdict *verdict, const struct trend *trend)
{
	struct evidence *evidence = add(verdict, EVIDENCE_ROSE);

	evidence->bytes = trend->rose_bytes;
	evidence->ns = trend->to_ns - trend->rise_from_ns;
	evidence->rate = trend->rate;
	evidence->shape = trend->shape;
}

static enum verdict_kind judge_sustained(struct verdict *verdict, const struct trend *trend,
					 uint64_t rise_ns)
{
	struct evidence *evidence;

	add_rise(verdict, trend);
	evidence = add(verdict, EVIDENCE_NEVER_FELL);
	evidence->bytes = trend->fell_back_bytes;
	evidence->ns = rise_ns;
	return VERDICT_LEAK;
}

static enum verdict_kind judge_start(struct verdict *verdict, const struct verdict_facts *facts)
{
	add_rise(verdict, &facts->trend);
	add(verdict, EVIDENCE_FROM_ITS_START)->ns = facts->culprit.lived_ns;
	return facts->is_host ? VERDICT_SPIKE : VERDICT_LIMIT_TOO_SMALL;
}

static enum verdict_kind judge_short(struct verdict *verdict, const struct trend *trend)
{
	struct evidence *evidence;

	add_rise(verdict, trend);
	evidence = add(verdict, EVIDENCE_BEFORE);
	evidence->bytes = trend->highest_before_bytes;
	evidence->ns = trend->rise_from_ns - trend->from_ns;
	return VERDICT_SPIKE;
}

/* Of a course that fell back again and again only the end is a rise. */
static enum verdict_kind judge_growth(struct verdict *verdict, const struct verdict_facts *facts,
				      const struct thresholds *thresholds)
{
	const uint64_t start_ns = thresholds->values[THRESHOLD_START];
	const uint64_t sustained_ns = thresholds->values[THRESHOLD_SUSTAINED];
	const struct trend *trend = &facts->trend;
	const uint64_t rise_ns = trend->to_ns - trend->rise_from_ns;
	const uint64_t known_ns = trend->to_ns - trend->from_ns;
	const uint64_t lived_ns = facts->culprit.lived_ns;
	struct evidence *fell;

	if (trend->shape == TREND_UNKNOWN || trend->shape == TREND_FLAT)
		return VERDICT_UNKNOWN;
	if (trend->shape == TREND_SAWTOOTH) {
		fell = add(verdict, EVIDENCE_FELL);
		fell->count = trend->falls;
		fell->bytes = trend->highest_bytes - trend->lowest_bytes;
	}
	if (rise_ns >= sustained_ns)
		return judge_sustained(verdict, trend, rise_ns);
	/* A fifth of its life: what comes before main(), and a moment of reading files. */
	if (lived_ns <= start_ns && rise_ns * 5 >= lived_ns * 4)
		return judge_start(verdict, facts);
	if (rise_ns * 5 < known_ns * 4)
		return judge_short(verdict, trend);
	/* It rose for as long as it is known, which is not long. */
	add_rise(verdict, trend);
	add(verdict, EVIDENCE_NOT_KNOWN_BEFORE)->ns = known_ns;
	return VERDICT_UNKNOWN;
}

/* --- kinds of memory -------------------------------------------------------------------------- */

static bool judge_kinds(struct verdict *verdict, const struct verdict_facts *facts,
			const struct thresholds *thresholds)
{
	const uint64_t percent = thresholds->values[THRESHOLD_KIND];
	const int64_t of = facts->usage_bytes;

	if (facts->is_host && is_share(facts->hugetlb_bytes, facts->limit_bytes,
				       thresholds->values[THRESHOLD_HUGETLB])) {
		verdict->kind = VERDICT_HUGETLB;
		add_share(verdict, EVIDENCE_HUGETLB, facts->hugetlb_bytes, facts->limit_bytes);
		advise(verdict, ADVICE_HUGE_PAGES)->bytes = facts->hugetlb_bytes;
	} else if (is_share(facts->shmem_bytes, of, percent)) {
		verdict->kind = VERDICT_TMPFS;
		add_share(verdict, EVIDENCE_SHMEM, facts->shmem_bytes, of);
		advise(verdict, ADVICE_EMPTY_TMPFS)->bytes = facts->shmem_bytes;
		advise_limit(verdict, facts, facts->shmem_bytes, false);
	} else if (is_share(facts->kernel_bytes, of, percent)) {
		verdict->kind = VERDICT_KERNEL_MEMORY;
		add_share(verdict, EVIDENCE_KERNEL, facts->kernel_bytes, of);
		advise(verdict, ADVICE_KERNEL)->bytes = facts->kernel_bytes;
	} else if (is_share(facts->cache_bytes, of, percent)) {
		verdict->kind = VERDICT_PAGE_CACHE;
		add_share(verdict, EVIDENCE_CACHE, facts->cache_bytes, of);
		advise_limit(verdict, facts, facts->limit_bytes / 2, false);
	}
	return verdict->kind != VERDICT_UNKNOWN;
}

static bool judge_forks(struct verdict *verdict, const struct verdict_facts *facts,
			const struct thresholds *thresholds)
{
	struct evidence *evidence;

	if (facts->born_count < thresholds->values[THRESHOLD_FORKS] ||
	    !is_share(facts->born_bytes, facts->usage_bytes, 50) ||
	    is_share(facts->born_largest_bytes, facts->born_bytes, 10))
		return false;
	verdict->kind = VERDICT_FORK_STORM;
	evidence = add(verdict, EVIDENCE_BORN);
	evidence->count = facts->born_count;
	evidence->ns = facts->window_ns;
	evidence->bytes = facts->born_bytes;
	evidence->of_bytes = facts->born_largest_bytes;
	advise(verdict, ADVICE_BOUND_TASKS)->count = facts->born_count / 2;
	return true;
}

/* --- who -------------------------------------------------------------------------------------- */

static void judge_culprit(struct verdict *verdict, const struct verdict_facts *facts,
			  const struct thresholds *thresholds)
{
	struct evidence *grew = add(verdict, EVIDENCE_CULPRIT_GREW);

	grew->bytes = facts->culprit.grew_bytes;
	grew->of_bytes = facts->grew_bytes;
	grew->ns = facts->window_ns;
	if (!facts->victim_is_culprit && facts->victim.grew_bytes != EVENT_UNKNOWN &&
	    !is_share(facts->victim.grew_bytes, facts->grew_bytes,
		      thresholds->values[THRESHOLD_BYSTANDER])) {
		if (is_share(facts->victim.held_bytes, facts->usage_bytes, 50)) {
			add_share(verdict, EVIDENCE_VICTIM_HELD, facts->victim.held_bytes,
				  facts->usage_bytes);
			advise(verdict, ADVICE_KEEP_WATCHING);
			return;
		}
		verdict->kind = VERDICT_COLLATERAL;
		add_share(verdict, EVIDENCE_VICTIM_GREW, facts->victim.grew_bytes,
			  facts->grew_bytes);
		advise(verdict, ADVICE_PART);
	}
	verdict->growth = judge_growth(verdict, facts, thresholds);
	if (verdict->kind != VERDICT_COLLATERAL)
		verdict->kind = verdict->growth;
	if (verdict->growth == VERDICT_UNKNOWN)
		advise(verdict, ADVICE_KEEP_WATCHING);
	advise_on_growth(verdict, facts, verdict->growth);
}

static void judge_many(struct verdict *verdict, const struct verdict_facts *facts)
{
	if (!facts->culprit.known || facts->culprit.grew_bytes <= 0)
		add(verdict, EVIDENCE_NOBODY_GREW)->ns = facts->window_ns;
	else
		add_share(verdict, EVIDENCE_NO_CULPRIT, facts->culprit.grew_bytes,
			  facts->grew_bytes);
	if (facts->is_host && facts->domain_known && facts->followed_all && facts->services >= 3) {
		verdict->kind = VERDICT_HOST_TOO_SMALL;
		add(verdict, EVIDENCE_SERVICES)->count = facts->services;
		advise(verdict, ADVICE_FEWER_SERVICES);
		advise_swap(verdict, facts);
	} else {
		advise(verdict, ADVICE_KEEP_WATCHING);
	}
}

/* Of a host of which only some were followed nobody knows who else grew. */
static bool has_culprit(const struct verdict_facts *facts, const struct thresholds *thresholds)
{
	return facts->culprit.known && (!facts->is_host || facts->followed_all) &&
	       is_share(facts->culprit.grew_bytes, facts->grew_bytes,
			thresholds->values[THRESHOLD_CULPRIT]);
}

/* Its growth is its own memory: whatever else there is was there before. */
static bool grew_by_itself(const struct verdict_facts *facts, const struct thresholds *thresholds)
{
	return has_culprit(facts, thresholds) &&
	       is_share(facts->culprit.own_bytes, facts->grew_bytes,
			thresholds->values[THRESHOLD_CULPRIT]);
}

struct verdict verdict__judge(const struct verdict_facts *facts,
			      const struct thresholds *thresholds)
{
	struct verdict verdict = {.kind = VERDICT_UNKNOWN};

	if (facts->by_hand)
		verdict.kind = VERDICT_BY_HAND;
	else if (grew_by_itself(facts, thresholds))
		judge_culprit(&verdict, facts, thresholds);
	else if (judge_kinds(&verdict, facts, thresholds) ||
		 judge_forks(&verdict, facts, thresholds))
		;
	else if (has_culprit(facts, thresholds))
		judge_culprit(&verdict, facts, thresholds);
	else
		judge_many(&verdict, facts);
	if (verdict.kind != VERDICT_COLLATERAL)
		verdict.growth = verdict.kind;
	if (facts->kills_of_cause > 1)
		add(&verdict, EVIDENCE_AGAIN)->count = facts->kills_of_cause;
	return verdict;
}

const char *verdict_kind__word(enum verdict_kind kind)
{
	static const char *const known[] = {
#define X(name, word, words) word,
		VERDICTS(X)
#undef X
	};

	return known[kind];
}

const char *verdict_kind__words(enum verdict_kind kind)
{
	static const char *const known[] = {
#define X(name, word, words) words,
		VERDICTS(X)
#undef X
	};

	return known[kind];
}
