/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

/* 128 bits: 8 EiB times 100 does not fit into 64. */
__extension__ typedef unsigned __int128 wide;

static const uint64_t powers_of_ten[] = {
	1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
};

#define FRACTION_DIGITS_MAX 9

/* value / unit in units of 1/10^decimals, rounded half up. */
static uint64_t rounded(uint64_t value, uint64_t unit, unsigned int decimals)
{
	return (uint64_t)(((wide)value * powers_of_ten[decimals] * 2 + unit) / ((wide)unit * 2));
}

static uint64_t magnitude(int64_t value)
{
	return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

/* With `digits` digits behind the point below 10, and one less for each digit before it. */
static void print_scaled(char *out, const char *sign, uint64_t value, uint64_t unit,
			 unsigned int digits, const char *name)
{
	unsigned int decimals = digits;
	uint64_t number = rounded(value, unit, decimals);

	while (decimals > 0 && number >= powers_of_ten[digits + 1])
		number = rounded(value, unit, --decimals);
	if (decimals == 0)
		snprintf(out, UNITS_MAX, "%s%llu %s", sign, (unsigned long long)number, name);
	else
		snprintf(out, UNITS_MAX, "%s%llu.%0*llu %s", sign,
			 (unsigned long long)(number / powers_of_ten[decimals]), (int)decimals,
			 (unsigned long long)(number % powers_of_ten[decimals]), name);
}

static const char *print_bytes(char *out, const char *sign, uint64_t bytes)
{
	static const char *const names[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	unsigned int power = 0;

	if (bytes == 0)
		return strcpy(out, "0");
	while (power < 6 && rounded(bytes, 1ULL << (10 * power), 0) >= 1024)
		power++;
	print_scaled(out, sign, bytes, 1ULL << (10 * power),
		     power == 0  ? 0
		     : power < 3 ? 1
				 : 2,
		     names[power]);
	return out;
}

const char *units__bytes(char out[UNITS_MAX], int64_t bytes)
{
	return print_bytes(out, bytes < 0 ? "-" : "", magnitude(bytes));
}

const char *units__delta(char out[UNITS_MAX], int64_t bytes)
{
	return print_bytes(out, bytes < 0 ? "-" : "+", magnitude(bytes));
}

/* "3 h 10 min" from a number of the smaller unit, at most the days in 64 bits of ns; the second
 * part is left out when it is 0. */
static void print_pair(char *out, uint64_t number, unsigned int per_large, const char *large,
		       const char *small)
{
	unsigned int first = (unsigned int)(number / per_large);
	unsigned int second = (unsigned int)(number % per_large);

	if (second == 0)
		snprintf(out, UNITS_MAX, "%u %s", first, large);
	else
		snprintf(out, UNITS_MAX, "%u %s %u %s", first, large, second, small);
}

const char *units__duration(char out[UNITS_MAX], uint64_t ns)
{
	uint64_t seconds = rounded(ns, NS_PER_S, 0);
	uint64_t minutes = rounded(ns, 60 * NS_PER_S, 0);
	uint64_t hours = rounded(ns, 3600 * NS_PER_S, 0);

	if (ns == 0)
		return strcpy(out, "0");
	if (ns < NS_PER_US)
		print_scaled(out, "", ns, 1, 0, "ns");
	else if (rounded(ns, NS_PER_US, 0) < 1000)
		print_scaled(out, "", ns, NS_PER_US, 1, "us");
	else if (rounded(ns, NS_PER_MS, 0) < 1000)
		print_scaled(out, "", ns, NS_PER_MS, 1, "ms");
	else if (seconds < 120)
		print_scaled(out, "", ns, NS_PER_S, 1, "s");
	else if (seconds < 3600)
		print_pair(out, seconds, 60, "min", "s");
	else if (minutes < 48 * 60)
		print_pair(out, minutes, 60, "h", "min");
	else
		print_pair(out, hours, 24, "d", "h");
	return out;
}

const char *units__offset(char out[UNITS_MAX], int64_t ns)
{
	uint64_t size = magnitude(ns);
	unsigned int decimals = 1;
	uint64_t number;

	if (rounded(size, NS_PER_MS, 0) < 10)
		decimals = 3;
	else if (rounded(size, 10 * NS_PER_MS, 0) < 100)
		decimals = 2;
	number = rounded(size, NS_PER_S, decimals);
	if (number == 0)
		return strcpy(out, "0");
	snprintf(out, UNITS_MAX, "%c%llu.%0*llu s", ns < 0 ? '-' : '+',
		 (unsigned long long)(number / powers_of_ten[decimals]), (int)decimals,
		 (unsigned long long)(number % powers_of_ten[decimals]));
	return out;
}

const char *units__count(char out[UNITS_MAX], uint64_t count)
{
	char reversed[UNITS_MAX];
	size_t length = 0;
	size_t digits = 0;

	do {
		if (digits > 0 && digits % 3 == 0)
			reversed[length++] = ',';
		reversed[length++] = (char)('0' + count % 10);
		count /= 10;
		digits++;
	} while (count > 0);
	for (size_t i = 0; i < length; i++)
		out[i] = reversed[length - 1 - i];
	out[length] = '\0';
	return out;
}

/* gmtime_r() is no choice: with a "right/" time zone configured it counts leap seconds. */
const char *units__utc(char out[UNITS_MAX], int64_t realtime_ns)
{
	static const unsigned int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	unsigned int year = 1970, month = 0, of_day, days_left;

	if (realtime_ns < 0)
		return strcpy(out, "?");
	of_day = (unsigned int)((uint64_t)realtime_ns / NS_PER_S % 86400);
	days_left = (unsigned int)((uint64_t)realtime_ns / NS_PER_S / 86400);
	for (;;) {
		bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
		unsigned int days = month_days[month] + (month == 1 && leap);

		if (days_left < days)
			break;
		days_left -= days;
		if (++month == 12) {
			month = 0;
			year++;
		}
	}
	snprintf(out, UNITS_MAX, "%04u-%02u-%02uT%02u:%02u:%02uZ", year, month + 1, days_left + 1,
		 of_day / 3600, of_day / 60 % 60, of_day % 60);
	return out;
}

const char *units__utc_id(char out[UNITS_MAX], int64_t realtime_ns)
{
	char utc[UNITS_MAX], *to = out;

	if (realtime_ns < 0)
		return strcpy(out, "unknown");
	for (const char *from = units__utc(utc, realtime_ns); *from; from++) {
		if (*from != '-' && *from != ':')
			*to++ = *from;
	}
	*to = '\0';
	return out;
}

/* A number with a decimal fraction: value / 10^digits. */
struct decimal {
	uint64_t value;
	unsigned int digits;
};

/* Reads "12" or "1.25" at `*string` and moves it behind; -EINVAL when there is none or it does not
 * fit. Signs and blanks are none. */
static int decimal__parse(struct decimal *decimal, const char **string)
{
	const char *at = *string;
	struct decimal number = {0};
	bool fraction = false;

	if (*at < '0' || *at > '9')
		return -EINVAL;
	for (;; at++) {
		if (*at == '.' && !fraction && at[1] >= '0' && at[1] <= '9') {
			fraction = true;
			continue;
		}
		if (*at < '0' || *at > '9')
			break;
		if (number.digits == FRACTION_DIGITS_MAX ||
		    __builtin_mul_overflow(number.value, 10, &number.value) ||
		    __builtin_add_overflow(number.value, (uint64_t)(*at - '0'), &number.value))
			return -EINVAL;
		number.digits += fraction;
	}
	*decimal = number;
	*string = at;
	return 0;
}

/* The decimal times `unit`, rounded half up. */
static int decimal__scale(const struct decimal *decimal, uint64_t unit, uint64_t *out)
{
	wide divisor = powers_of_ten[decimal->digits];
	wide value = ((wide)decimal->value * unit * 2 + divisor) / (divisor * 2);

	if (value > UINT64_MAX)
		return -EINVAL;
	*out = (uint64_t)value;
	return 0;
}

int units__parse_bytes(const char *string, uint64_t *bytes)
{
	static const char letters[] = "kmgt";
	struct decimal decimal;
	uint64_t unit = 1;
	const char *letter;

	if (decimal__parse(&decimal, &string))
		return -EINVAL;
	if (*string == ' ' && string[1] != '\0')
		string++;
	letter = *string ? strchr(letters, *string | 0x20) : NULL;
	if (letter) {
		unit = 1ULL << (10 * (letter - letters + 1));
		string++;
		if ((*string | 0x20) == 'i' && (string[1] | 0x20) == 'b')
			string++;
	}
	if ((*string | 0x20) == 'b')
		string++;
	if (*string || (unit == 1 && decimal.digits > 0))
		return -EINVAL;
	return decimal__scale(&decimal, unit, bytes);
}

const char *units__signal(char out[UNITS_MAX], unsigned int number)
{
	const char *name = number < NSIG ? sigabbrev_np((int)number) : NULL;

	if (name)
		snprintf(out, UNITS_MAX, "SIG%s", name);
	else
		snprintf(out, UNITS_MAX, "signal %u", number);
	return out;
}

int units__parse_duration(const char *string, uint64_t *ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{"", NS_PER_S},         {"us", NS_PER_US},       {"ms", NS_PER_MS},
		{"s", NS_PER_S},        {"m", 60 * NS_PER_S},    {"min", 60 * NS_PER_S},
		{"h", 3600 * NS_PER_S}, {"d", 86400 * NS_PER_S},
	};
	struct decimal decimal;

	if (decimal__parse(&decimal, &string))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(string, units[i].name) == 0)
			return decimal__scale(&decimal, units[i].ns, ns);
	}
	return -EINVAL;
}
