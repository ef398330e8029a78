/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/* What verdicts go by, each an option of the commands that give one, told with every verdict. */

#include <stddef.h>
#include <stdint.h>

enum threshold_unit { THRESHOLD_BYTES, THRESHOLD_NS, THRESHOLD_PERCENT, THRESHOLD_COUNT };

/* X(NAME, name of the option, unit, default, meaning) */
#define THRESHOLDS_OF_VERDICTS(X)                                                           \
	X(CULPRIT, "culprit", THRESHOLD_PERCENT, 50,                                        \
	  "who grew by more than this share of all growth is whom it is about")             \
	X(BYSTANDER, "bystander", THRESHOLD_PERCENT, 10,                                    \
	  "a victim that grew by less than this share of it did not cause its death")       \
	X(KIND, "kind", THRESHOLD_PERCENT, 50,                                              \
	  "a kind of memory that is more than this share of all there is")                  \
	X(START, "start", THRESHOLD_NS, 30 * 1000000000ULL,                                 \
	  "who has lived for less than this was still starting")                            \
	X(SUSTAINED, "sustained", THRESHOLD_NS, 30 * 1000000000ULL,                         \
	  "before a kill, a rise that lasts for this is a leak, a shorter one a spike")     \
	X(FORKS, "forks", THRESHOLD_COUNT, 32,                                              \
	  "so many processes born within the window, none of them large, are a fork storm") \
	X(HUGETLB, "hugetlb", THRESHOLD_PERCENT, 25,                                        \
	  "huge pages set aside that are more than this share of the host's memory")

#define THRESHOLDS_OF_OUTLOOKS(X)                                                            \
	X(NORMAL, "normal", THRESHOLD_BYTES, 50ULL << 20, "a rise by no more than this, or") \
	X(NORMAL_SHARE, "normal-share", THRESHOLD_PERCENT, 5,                                \
	  "this share of the limit that binds, is normal")                                   \
	X(HOURLY, "hourly", THRESHOLD_BYTES, 100ULL << 20,                                   \
	  "a rise by more than this an hour, and")                                           \
	X(HOURLY_SHARE, "hourly-share", THRESHOLD_PERCENT, 10,                               \
	  "this share of the limit that binds, is worth a warning")                          \
	X(LASTING, "lasting", THRESHOLD_NS, 600 * 1000000000ULL,                             \
	  "of the living, a rise that has lasted for this and goes on is a leak")            \
	X(HIGH, "high", THRESHOLD_PERCENT, 80,                                               \
	  "of the limit that binds, held by processes: WARNING")                             \
	X(CRITICAL, "critical", THRESHOLD_PERCENT, 95, "the same: CRITICAL")

#define THRESHOLDS(X)             \
	THRESHOLDS_OF_VERDICTS(X) \
	THRESHOLDS_OF_OUTLOOKS(X)

enum threshold {
#define X(name, option, unit, value, text) THRESHOLD_##name,
	THRESHOLDS(X)
#undef X
		THRESHOLD_END,
	THRESHOLD_OUTLOOKS = THRESHOLD_NORMAL /* the first that is of those */
};

struct thresholds {
	uint64_t values[THRESHOLD_END];
};

extern const struct thresholds thresholds__default;

/* "sustained=2min", "kind=60%". -EINVAL: `why` says what is wrong with it. */
int thresholds__set(struct thresholds *thresholds, const char *option, char *why, size_t why_size);

const char *threshold__name(enum threshold threshold);
const char *threshold__meaning(enum threshold threshold);
enum threshold_unit threshold__unit(enum threshold threshold);
