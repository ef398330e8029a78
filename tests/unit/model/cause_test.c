/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "model/cause.h"

#define ID_A "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID_B "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define UUID "3e1f7a52-9d0c-4b11-8a77-0c9e6d1b2f34"

static void test_lasting_path(void **state)
{
	static const struct {
		const char *path;
		const char *expected; /* NULL: nothing is taken out */
	} rows[] = {
		{"/", NULL},
		{"", NULL},
		{"(unknown)", NULL},
		{"/system.slice/nginx.service", NULL},
		{"/user.slice/user-1000.slice/user@1000.service/app.slice", NULL},
		{"/shard-1", NULL},
		{"/system.slice/worker-1.service", NULL},
		{"/system.slice/postgresql@15-main.service", NULL},
		{"/system.slice/run-backup-12.service", NULL},
		{"/system.slice/run-.scope", NULL},
		{"/system.slice/.scope", NULL},
		{"/lxc.payload.web", NULL},
		{"/deadbeef", NULL},
		{"/x" ID_A, NULL}, /* a name that ends like an id */
		/* containers */
		{"/docker/" ID_A, "/docker/*"},
		{"/docker/" ID_A "/inner", "/docker/*/inner"},
		{"/system.slice/docker-" ID_A ".scope", "/system.slice/docker-*.scope"},
		{"/machine.slice/libpod-" ID_A ".scope/container",
		 "/machine.slice/libpod-*.scope/container"},
		{"/kubepods.slice/kubepods-burstable.slice/"
		 "kubepods-burstable-pod3e1f7a52_9d0c_4b11_8a77_0c9e6d1b2f34.slice/"
		 "cri-containerd-" ID_A ".scope",
		 "/kubepods.slice/kubepods-burstable.slice/"
		 "kubepods-burstable-pod3e1f7a52_9d0c_4b11_8a77_0c9e6d1b2f34.slice/"
		 "cri-containerd-*.scope"},
		{"/kubepods/burstable/pod" UUID, NULL},
		{"/kubepods/burstable/pod" UUID "/" ID_A, "/kubepods/burstable/pod" UUID "/*"},
		{"/kubepods/pod0123456789abcdef0123456789abcdef", NULL}, /* a static pod */
		{"/kubepods.slice:cri-containerd:" ID_A, "/kubepods.slice:cri-containerd:*"},
		{"/kubepods/besteffort/pod" UUID "/crio-" ID_A,
		 "/kubepods/besteffort/pod" UUID "/crio-*"},
		{"/ecs/0123456789abcdef0123456789abcdef/" ID_A, "/ecs/*/*"},
		{"/" UUID, "/*"},
		{"/3e1f7a52-9d0c-4b11-8a77-0c9e6d1b2f3", NULL}, /* one digit short */
		/* transient units */
		{"/system.slice/run-u12.service", "/system.slice/run-*.service"},
		{"/system.slice/run-r0123456789abcdef0123456789abcdef.scope",
		 "/system.slice/run-*.scope"},
		{"/system.slice/run-4711.scope", "/system.slice/run-*.scope"},
		{"/system.slice/run-p4711-i12.service", "/system.slice/run-*.service"},
		{"/user.slice/user-1000.slice/session-7.scope",
		 "/user.slice/user-1000.slice/session-*.scope"},
		{"/user.slice/user-1000.slice/session-c2.scope",
		 "/user.slice/user-1000.slice/session-*.scope"},
		{"/a/app-gnome-firefox-4711.scope", "/a/app-gnome-firefox-*.scope"},
		{"/a/snap.firefox.firefox-" UUID ".scope", "/a/snap.firefox.firefox-*.scope"},
		{"/a/app-foo@0123456789abcdef0123456789abcdef.service", "/a/app-foo@*.service"},
		{"/machine.slice/machine-qemu\\x2d3\\x2dweb.scope",
		 "/machine.slice/machine-qemu\\x2d*\\x2dweb.scope"},
		{"/machine.slice/machine-web.scope", NULL},
		{"/machine.slice/machine-qemu\\x2d3.scope", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct text text = {0};
		bool cut = cause__lasting_path(&text, rows[i].path);

		text__string(&text, ""); /* a NUL also after nothing */
		assert_string_equal(text.data ? text.data : "",
				    rows[i].expected ? rows[i].expected : rows[i].path);
		assert_int_equal(cut, rows[i].expected != NULL);
		text__free(&text);
	}
}

static void test_what_is_one_cause(void **state)
{
	static const struct {
		struct cause one, other;
		bool same;
	} rows[] = {
		/* A limit kills whoever is largest. */
		{{CAUSE_MEMCG, "/app", 7, "big"}, {CAUSE_MEMCG, "/app", 9, "small"}, true},
		{{CAUSE_MEMCG, "/app", 7, "big"}, {CAUSE_MEMCG, "/app/x", 7, "big"}, false},
		{{CAUSE_MEMCG, "/app", 7, "big"}, {CAUSE_HOST, "/app", 7, "big"}, false},
		/* Started again; and another container of the same runtime. */
		{{CAUSE_MEMCG, "/docker/" ID_A, 7, "node"},
		 {CAUSE_MEMCG, "/docker/" ID_B, 9, "node"},
		 true},
		{{CAUSE_MEMCG, "/docker/" ID_A, 7, "node"},
		 {CAUSE_MEMCG, "/docker/" ID_B, 9, "mysqld"},
		 false},
		/* The host: by who was killed, and where. */
		{{CAUSE_HOST, "/a.service", 7, "java"},
		 {CAUSE_HOST, "/a.service", 8, "java"},
		 true},
		{{CAUSE_HOST, "/a.service", 7, "java"}, {CAUSE_HOST, "/a.service", 7, "sh"}, false},
		{{CAUSE_HOST, "/a.service", 7, "java"},
		 {CAUSE_HOST, "/b.service", 7, "java"},
		 false},
		{{CAUSE_HOST, "/a", 7, "java"}, {CAUSE_CPUSET, "/a", 7, "java"}, false},
		{{CAUSE_HOST, "/a", 7, "java"}, {CAUSE_MEMPOLICY, "/a", 7, "java"}, false},
		{{CAUSE_NOT_DETERMINED, "/a", 7, "java"},
		 {CAUSE_NOT_DETERMINED, "/a", 7, "java"},
		 true},
		{{CAUSE_NOT_DETERMINED, "/a", 7, "java"}, {CAUSE_MEMCG, "/a", 7, "java"}, false},
		{{CAUSE_BY_HAND, "/a", 7, "java"}, {CAUSE_BY_HAND, "/b", 8, "sh"}, true},
		/* Two cgroups nobody knows the names of are not the same. */
		{{CAUSE_MEMCG, "(unknown)", 7, "a"}, {CAUSE_MEMCG, "(unknown)", 7, "a"}, true},
		{{CAUSE_MEMCG, "(unknown)", 7, "a"}, {CAUSE_MEMCG, "(unknown)", 8, "a"}, false},
		{{CAUSE_MEMCG, NULL, 7, "a"}, {CAUSE_MEMCG, NULL, 8, "a"}, false},
		/* A name of all 16 bytes has no NUL. */
		{{CAUSE_HOST, "/a", 7, "0123456789abcdefX"},
		 {CAUSE_HOST, "/a", 7, "0123456789abcdefY"},
		 true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char one[CAUSE_FINGERPRINT_BYTES], other[CAUSE_FINGERPRINT_BYTES];

		assert_int_equal(cause__fingerprint(&rows[i].one, one), 0);
		assert_int_equal(cause__fingerprint(&rows[i].other, other), 0);
		assert_int_equal(strlen(one), 16);
		assert_int_equal(strspn(one, "0123456789abcdef"), 16);
		assert_int_equal(!strcmp(one, other), rows[i].same);
	}
}

/* Incidents of months are grouped by it: it must not change from one version to the next. */
static void test_fingerprint_is_for_ever(void **state)
{
	const struct cause cause = {CAUSE_MEMCG, "/system.slice/app.service", 7, "app"};
	char fingerprint[CAUSE_FINGERPRINT_BYTES];

	(void)state;
	assert_int_equal(cause__fingerprint(&cause, fingerprint), 0);
	assert_string_equal(fingerprint, "7f1a31d878cb235e");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lasting_path),
		cmocka_unit_test(test_what_is_one_cause),
		cmocka_unit_test(test_fingerprint_is_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
