/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "symbols/demangle.h"

static void assert_readable(const char *name, const char *expected)
{
	char *readable = demangle(name);

	if (!readable)
		fail_msg("%s: not demangled", name);
	assert_string_equal(readable, expected);
	free(readable);
}

static void assert_stays(const char *name)
{
	char *readable = demangle(name);

	if (readable)
		fail_msg("%.60s became %.60s", name, readable);
}

static void test_cplusplus(void **state)
{
	(void)state;
	assert_readable("_Z3foov", "foo");
	assert_readable("_Z3fooi", "foo");
	assert_readable("_ZNSt6vectorIiSaIiEE9push_backERKi",
			"std::vector<int, std::allocator<int> >::push_back");
	assert_readable("_ZN5cache5entryC1ESt6vectorIcSaIcEE", "cache::entry::entry");
	assert_readable("_ZN5cache5entryD0Ev", "cache::entry::~entry");
	assert_readable("_ZNK5cache5entryltERKS0_", "cache::entry::operator<");
	assert_readable("_ZZ4mainENKUlvE_clEv", "main::{lambda()#1}::operator()");
	assert_readable("_ZN12_GLOBAL__N_14growEm", "(anonymous namespace)::grow");
	assert_readable("_Z4growIiEvT_", "grow<int>");
	assert_readable("_ZTv0_n24_N5cache5entryD1Ev", "virtual thunk to cache::entry::~entry()");
	/* Parts that the compiler split off. */
	assert_readable("_Z3foov.cold", "foo");
	assert_readable("_Z3foov.part.0", "foo");
}

static void test_rust(void **state)
{
	(void)state;
	assert_readable("_ZN4core3fmt5Write9write_fmt17h0123456789abcdefE",
			"core::fmt::Write::write_fmt");
	assert_readable("_ZN71_$LT$Test$u20$$u2b$$u20$$u27$static$u20$as$u20$foo..Bar$LT$Test$GT$$"
			"GT$3bar17h930b740aa94f1d3aE",
			"<Test + 'static as foo::Bar<Test>>::bar");
	assert_readable("_RNvC6_123foo3bar", "123foo::bar");
	assert_readable("_RNvNtCs1234_7mycrate3foo3bar", "mycrate::foo::bar");
	assert_readable("_RINvNtC3std3mem8align_ofdE", "std::mem::align_of::<f64>");
	assert_readable("_RNCNCNgCs6DXkGYLi8lr_2cc5spawn00B5_",
			"cc::spawn::{closure#0}::{closure#0}");
}

static void test_others_stay(void **state)
{
	(void)state;
	assert_stays("");
	assert_stays("_");
	assert_stays("_Z");
	assert_stays("_R");
	assert_stays("main");
	assert_stays("_start");
	assert_stays("__libc_malloc");
	assert_stays("runtime.mallocgc");
	assert_stays("_Zebra");
	assert_stays("_ZN");
}

static void test_a_cut_name_stays_or_is_read(void **state)
{
	static const char whole[] =
		"_ZNSt8_Rb_treeISsSt4pairIKSsSt6vectorIiSaIiEEESt10_Select1stIS5_ESt4lessISsE"
		"SaIS5_EE16_M_insert_uniqueERKS5_";
	char name[sizeof(whole)];

	(void)state;
	for (size_t length = 0; length < sizeof(whole); length++) {
		memcpy(name, whole, length);
		name[length] = '\0';
		free(demangle(name));
	}
	assert_readable(whole, "std::_Rb_tree<std::string, std::pair<std::string const, "
			       "std::vector<int, std::allocator<int> > >, "
			       "std::_Select1st<std::pair<std::string const, std::vector<int, "
			       "std::allocator<int> > > >, std::less<std::string>, "
			       "std::allocator<std::pair<std::string const, std::vector<int, "
			       "std::allocator<int> > > > >::_M_insert_unique");
}

/* A reference to part `number`, below base * base: the number less one, "_" behind it. */
static char *put_reference(char *at, char tag, unsigned int number, unsigned int base)
{
	static const char upper[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char both[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const char *digits = base == 36 ? upper : both;

	*at++ = tag;
	if (number > base)
		*at++ = digits[(number - 1) / base];
	if (number > 0)
		*at++ = digits[(number - 1) % base];
	*at++ = '_';
	return at;
}

/* f<A, B, C...>, each argument a pair of two of the one before: 2^depth bytes when written out. */
static void exploding_cplusplus(char *name, unsigned int depth)
{
	char *at = name + sprintf(name, "_Z1fISt4pairIiiE");

	for (unsigned int i = 1; i <= depth; i++) {
		at += sprintf(at, "S0_I");
		at = put_reference(at, 'S', i + 1, 36);
		at = put_reference(at, 'S', i + 1, 36);
		*at++ = 'E';
	}
	strcpy(at, "EvT_");
}

static void exploding_rust(char *name, unsigned int depth)
{
	char *at = name + sprintf(name, "_RINvC1a1f");
	unsigned int before = (unsigned int)(at - name) - 2;

	at += sprintf(at, "TeeE");
	for (unsigned int i = 0; i < depth; i++) {
		unsigned int here = (unsigned int)(at - name) - 2;

		*at++ = 'T';
		at = put_reference(at, 'B', before, 62);
		at = put_reference(at, 'B', before, 62);
		*at++ = 'E';
		before = here;
	}
	strcpy(at, "E");
}

static void test_names_that_explode(void **state)
{
	struct rusage before, behind;
	char name[1024];

	(void)state;
	exploding_cplusplus(name, 2);
	assert_readable(name,
			"f<std::pair<int, int>, std::pair<std::pair<int, int>, std::pair<int, "
			"int> >, std::pair<std::pair<std::pair<int, int>, std::pair<int, "
			"int> >, std::pair<std::pair<int, int>, std::pair<int, int> > > >");
	getrusage(RUSAGE_SELF, &before);
	exploding_cplusplus(name, 34);
	assert_stays(name);
	exploding_rust(name, 2);
	assert_readable(name, "a::f::<(str, str), ((str, str), (str, str)), (((str, str), (str, "
			      "str)), ((str, str), (str, str)))>");
	exploding_rust(name, 40);
	assert_stays(name);
	getrusage(RUSAGE_SELF, &behind);
	assert_true(behind.ru_maxrss - before.ru_maxrss < 16 * 1024);
}

static void test_deep_names(void **state)
{
	static char name[70000];

	(void)state;
	for (size_t length = 10; length < sizeof(name) - 8; length *= 3) {
		memset(name, 'P', sizeof(name));
		memcpy(name, "_Z1f", 4);
		strcpy(name + length, "i");
		free(demangle(name));
		memset(name, 'R', sizeof(name));
		memcpy(name, "_RNvC", 4);
		name[length] = '\0';
		free(demangle(name));
		memset(name, 'N', sizeof(name));
		memcpy(name, "_Z", 2);
		name[length] = '\0';
		assert_stays(name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cplusplus),
		cmocka_unit_test(test_rust),
		cmocka_unit_test(test_others_stay),
		cmocka_unit_test(test_a_cut_name_stays_or_is_read),
		cmocka_unit_test(test_names_that_explode),
		cmocka_unit_test(test_deep_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
