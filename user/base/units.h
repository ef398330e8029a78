/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Sizes and times for people. Integers only: no float rounding, no locale. */

#define KIB       (1ULL << 10)
#define MIB       (1ULL << 20)
#define GIB       (1ULL << 30)

#define NS_PER_US 1000ULL
#define NS_PER_MS 1000000ULL
#define NS_PER_S  1000000000ULL

#define UNITS_MAX 32 /* bytes any of the formatters needs */

/* "0", "512 B", "4.0 KiB", "12 MiB", "1.52 GiB", "15.6 GiB": rounded half up; below 10 two decimals
 * for GiB and above, one for the rest, and one less for each digit more. Negative: "-4.0 KiB".
 * EVENT_UNKNOWN is the caller's business. Returns `out`. */
const char *units__bytes(char out[UNITS_MAX], int64_t bytes);
/* The same with a sign always: "+4.0 KiB", "-1.20 GiB", "0". */
const char *units__delta(char out[UNITS_MAX], int64_t bytes);
/* A span: "250 us", "4.2 ms", "31 ms", "1.2 s", "88 s", "2 min 5 s", "3 h 10 min", "2 d 4 h". */
const char *units__duration(char out[UNITS_MAX], uint64_t ns);
/* A moment relative to another, in seconds: "-41.0 s", "+0.04 s", "+0.003 s", "0". */
const char *units__offset(char out[UNITS_MAX], int64_t ns);
/* "1,204". */
const char *units__count(char out[UNITS_MAX], uint64_t count);
/* "SIGKILL", or "signal 127" of one without a name. */
const char *units__signal(char out[UNITS_MAX], unsigned int number);
/* RFC 3339 in UTC with whole seconds, "2026-11-20T22:41:07Z"; years 1970 to 9999, else "?". */
const char *units__utc(char out[UNITS_MAX], int64_t realtime_ns);
/* The same moment as names of files begin with it, "20261120T224107Z"; else "unknown". */
const char *units__utc_id(char out[UNITS_MAX], int64_t realtime_ns);

/* "64M", "1.5G", "4096", "512 KiB" (K, M, G, T are powers of 1024; B, iB may follow; case does not
 * matter). -EINVAL on anything else, negative or overflow. */
int units__parse_bytes(const char *string, uint64_t *bytes);
/* "200us", "250ms", "10s", "1.5m" or "1.5min", "2h", "7d"; a bare number is seconds. -EINVAL
 * likewise. */
int units__parse_duration(const char *string, uint64_t *ns);
