/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "base/units.h"
#include "flight/config.h"

static char folder[64];
static char path[96];
static struct config config;
static char why[512];

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/oomtrail-config-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/oomtrail.conf", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static int begin(void **state)
{
	(void)state;
	config__default(&config);
	strcpy(why, "nothing");
	return 0;
}

static int clean(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static void put(const void *data, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0600), 0);
	assert_int_equal(write(fd, data, length), length);
	close(fd);
}

static int load(const char *content)
{
	put(content, strlen(content));
	return config__load(&config, path, why, sizeof(why));
}

static void assert_why(const char *expected)
{
	char full[640];

	snprintf(full, sizeof(full), "%s%s", path, expected);
	assert_string_equal(why, full);
}

/* Refused, in these words behind the file's name, and nothing is taken over. */
static void assert_refused(const char *content, int error, const char *expected)
{
	struct config before = config;

	assert_int_equal(load(content), error);
	assert_why(expected);
	assert_memory_equal(&before, &config, sizeof(config));
}

/* --- one setting ---------------------------------------------------------------------------- */

static void defaults_are_what_the_list_says(void **state)
{
	(void)state;
	assert_string_equal(config.dir, "/var/lib/oomtrail");
	assert_int_equal(config.max_size_bytes, 256 * MIB);
	assert_int_equal(config.window_ns, 3600 * NS_PER_S);
	assert_int_equal(config.sync_ns, 10 * NS_PER_S);
	assert_int_equal(config.storm_ns, 600 * NS_PER_S);
	assert_int_equal(config.incidents, 100);
	assert_int_equal(config.incidents_bytes, GIB);
	assert_int_equal(config.step_bytes, 256 * KIB);
	assert_int_equal(config.buffer_bytes, MIB);
	assert_int_equal(config.queue_bytes, 2 * MIB);
	assert_int_equal(config.memory_bytes, 8 * MIB);
	assert_int_equal(config__check(&config, why, sizeof(why)), 0);
}

static int set(const char *key, const char *value)
{
	return config__set(&config, key, value, why, sizeof(why));
}

static void every_kind_is_set(void **state)
{
	(void)state;
	assert_int_equal(set("dir", "/srv/with blanks"), 0);
	assert_string_equal(config.dir, "/srv/with blanks");
	assert_int_equal(set("max_size", "1.5G"), 0);
	assert_int_equal(config.max_size_bytes, 3 * GIB / 2);
	assert_int_equal(set("max-size", "2M"), 0);
	assert_int_equal(config.max_size_bytes, 2 * MIB);
	assert_int_equal(set("window", "90s"), 0);
	assert_int_equal(config.window_ns, 90 * NS_PER_S);
	assert_int_equal(set("incidents", "18446744073709551615"), 0);
	assert_true(config.incidents == UINT64_MAX);
	assert_string_equal(why, "nothing");
}

static void assert_bad(const char *key, const char *value, int error, const char *expected)
{
	struct config before = config;

	assert_int_equal(set(key, value), error);
	assert_string_equal(why, expected);
	assert_memory_equal(&before, &config, sizeof(config));
}

static void bad_values_are_refused_in_words(void **state)
{
	char longest[600];

	(void)state;
	assert_bad("max_size", "much", -EINVAL, "max_size: 'much' is not a size (256K, 64M, 1.5G)");
	assert_bad("max_size", "", -EINVAL, "max_size: '' is not a size (256K, 64M, 1.5G)");
	assert_bad("max_size", "-1", -EINVAL, "max_size: '-1' is not a size (256K, 64M, 1.5G)");
	assert_bad("window", "1 parsec", -EINVAL,
		   "window: '1 parsec' is not a time (500ms, 10s, 5m, 1h)");
	assert_bad("incidents", "1e3", -EINVAL, "incidents: '1e3' is not a whole number");
	assert_bad("incidents", "-1", -EINVAL, "incidents: '-1' is not a whole number");
	assert_bad("incidents", "", -EINVAL, "incidents: '' is not a whole number");
	assert_bad("incidents", "18446744073709551616", -ERANGE,
		   "incidents: '18446744073709551616' is too large for a whole number");
	assert_bad("step", "\033[2J\n", -EINVAL,
		   "step: '\\x1b[2J\\n' is not a size (256K, 64M, 1.5G)");
	assert_bad("dir", "", -EINVAL, "dir: between 1 and 511 bytes");
	memset(longest, 'a', sizeof(longest));
	longest[0] = '/';
	longest[512] = '\0';
	assert_bad("dir", longest, -ERANGE, "dir: between 1 and 511 bytes");
	longest[511] = '\0';
	assert_int_equal(set("dir", longest), 0);
	assert_string_equal(config.dir, longest);
}

static void an_unknown_key_is_told_with_its_neighbour(void **state)
{
	char longest[5000];

	(void)state;
	assert_bad("max_sise", "1M", -ENOENT, "no setting 'max_sise'; the nearest is max_size");
	assert_bad("incident", "1", -ENOENT, "no setting 'incident'; the nearest is incidents");
	assert_bad("incidents_siz", "1", -ENOENT,
		   "no setting 'incidents_siz'; the nearest is incidents_size");
	assert_bad("wimdow", "1", -ENOENT, "no setting 'wimdow'; the nearest is window");
	assert_bad("Dir", "/x", -ENOENT, "no setting 'Dir'; the nearest is dir");
	assert_bad("", "1", -ENOENT, "no setting ''; the nearest is dir");
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(set(longest, "1"), -ENOENT);
	assert_int_equal(strlen(why), strlen("no setting ''") + 80);
}

static void a_short_why_is_cut(void **state)
{
	char little[8];

	(void)state;
	memset(little, '#', sizeof(little));
	assert_int_equal(config__set(&config, "nonsense", "1", little, 5), -ENOENT);
	assert_memory_equal(little, "no s\0###", 8);
}

/* --- the file ------------------------------------------------------------------------------- */

static void a_file_lies_over_what_was_there(void **state)
{
	(void)state;
	assert_int_equal(load("# above\n"
			      "\n"
			      "[watch]   ; the only one\n"
			      "  dir = /srv/a b/oomtrail  \n"
			      "max_size=64M ; small\n"
			      "\twindow : 2h\r\n"
			      "; below\n"
			      "storm = 0\n"
			      "incidents = 7"),
			 0);
	assert_string_equal(config.dir, "/srv/a b/oomtrail");
	assert_int_equal(config.max_size_bytes, 64 * MIB);
	assert_int_equal(config.window_ns, 7200 * NS_PER_S);
	assert_int_equal(config.storm_ns, 0);
	assert_int_equal(config.incidents, 7);
	assert_int_equal(config.sync_ns, 10 * NS_PER_S);
	assert_string_equal(why, "nothing");
}

static void empty_files_change_nothing(void **state)
{
	static const char *const contents[] = {"",
					       "\n",
					       "# nothing",
					       "[watch]",
					       "[watch]\n\n",
					       "\xef\xbb\xbf",
					       "\xef\xbb\xbf[watch]\n",
					       "\r\n"};
	struct config before = config;

	(void)state;
	for (size_t i = 0; i < sizeof(contents) / sizeof(*contents); i++) {
		assert_int_equal(load(contents[i]), 0);
		assert_memory_equal(&before, &config, sizeof(config));
	}
}

static void an_error_names_its_line(void **state)
{
	(void)state;
	assert_refused("[watch]\nmax_size = 1M\nmax_sise = 1M\n", -EINVAL,
		       ":3: no setting 'max_sise'; the nearest is max_size");
	assert_refused("[watch]\nwindow = 1 parsec\n", -EINVAL,
		       ":2: window: '1 parsec' is not a time (500ms, 10s, 5m, 1h)");
	assert_refused("[watch]\nincidents = 99999999999999999999\n", -ERANGE,
		       ":2: incidents: '99999999999999999999' is too large for a whole number");
	assert_refused("\n[wach]\n", -EINVAL, ":2: no section '[wach]'; the only one is [watch]");
	assert_refused("\xef\xbb\xbf[wach]\n", -EINVAL,
		       ":1: no section '[wach]'; the only one is [watch]");
	assert_refused("[watch\n", -EINVAL, ":1: no section '[watch'; the only one is [watch]");
	assert_refused("[watch] max_size = 1M\n", -EINVAL,
		       ":1: no section '[watch] max_size = 1M'; the only one is [watch]");
	assert_refused("[watch]\nstep = 1M\n[]\n", -EINVAL,
		       ":3: no section '[]'; the only one is [watch]");
	assert_refused("max_size = 1M\n[watch]\n", -EINVAL, ":1: a setting before [watch]");
	assert_refused("[watch]\n\nwhatever\n", -EINVAL,
		       ":3: neither a section nor 'setting = value'");
	/* The first one, whoever found it. */
	assert_refused("[watch]\nwhatever\nmax_sise = 1M\n", -EINVAL,
		       ":2: neither a section nor 'setting = value'");
	assert_refused("[watch]\nmax_sise = 1M\nwhatever\n", -EINVAL,
		       ":2: no setting 'max_sise'; the nearest is max_size");
	assert_refused("[watch]\nstep = 1M\nqueue = 1M\nstep = 1M\n", -EINVAL,
		       ":4: step again, as on line 2");
	assert_refused("[watch]\nmax_size = \n", -EINVAL,
		       ":2: max_size: '' is not a size (256K, 64M, 1.5G)");
	assert_refused("[watch]\n= 1M\n", -EINVAL, ":2: no setting ''; the nearest is dir");
	assert_refused("[watch]\ndir = /srv/x # the disk\n", -EINVAL,
		       ":2: behind a value, a comment begins with ';'");
}

static void an_indented_line_is_a_line_of_its_own(void **state)
{
	(void)state;
	assert_int_equal(load("[watch]\ndir = /srv/x\n  step = 1M\n"), 0);
	assert_string_equal(config.dir, "/srv/x");
	assert_int_equal(config.step_bytes, MIB);
	assert_refused("[watch]\ndir = /srv/y\n  more\n", -EINVAL,
		       ":3: neither a section nor 'setting = value'");
}

static void text_of_others_is_escaped(void **state)
{
	(void)state;
	assert_refused("[watch]\nma\033[2Jx = 1\n", -EINVAL,
		       ":2: no setting 'ma\\x1b[2Jx'; the nearest is max_size");
	assert_int_equal(load("[w\033[2J]\n"), -EINVAL);
	assert_null(strchr(why, '\033'));
}

static void a_nul_byte_is_refused(void **state)
{
	static const char content[] = "[watch]\nmax_size = 1M\0G\n";

	(void)state;
	put(content, sizeof(content) - 1);
	assert_int_equal(config__load(&config, path, why, sizeof(why)), -EINVAL);
	assert_why(":2: a NUL byte");
	put("\0", 1);
	assert_int_equal(config__load(&config, path, why, sizeof(why)), -EINVAL);
	assert_why(":1: a NUL byte");
	assert_int_equal(config.max_size_bytes, 256 * MIB);
}

static void a_long_line_is_refused_not_cut(void **state)
{
	struct text text = {0};

	(void)state;
	text__string(&text, "[watch]\ndir = /");
	text__pad(&text, 'a', 300);
	text__string(&text, "\nstep = 1M\n");
	assert_int_equal(load(text.data), -EINVAL);
	assert_non_null(strstr(why, ":2: longer than "));
	text__free(&text);
	text__string(&text, "[watch]\ndir = /");
	text__pad(&text, 'a', 150);
	assert_int_equal(load(text.data), 0);
	assert_int_equal(strlen(config.dir), 151);
	text__free(&text);
}

static void a_huge_file_is_refused(void **state)
{
	size_t length = 10 * MIB;
	char *data = malloc(length);

	(void)state;
	assert_non_null(data);
	memset(data, 'x', length);
	put(data, length);
	assert_int_equal(config__load(&config, path, why, sizeof(why)), -EFBIG);
	assert_why(": larger than 64 KiB");
	/* The largest one, all comment. */
	memset(data, '\n', 64 * KIB);
	put(data, 64 * KIB);
	assert_int_equal(config__load(&config, path, why, sizeof(why)), 0);
	put(data, 64 * KIB + 1);
	assert_int_equal(config__load(&config, path, why, sizeof(why)), -EFBIG);
	free(data);
}

static void only_a_regular_file_is_read(void **state)
{
	char target[128];

	(void)state;
	assert_int_equal(config__load(&config, path, why, sizeof(why)), -ENOENT);
	assert_why(": No such file or directory");
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(config__load(&config, path, why, sizeof(why)), -EINVAL);
	assert_why(": not a regular file");
	unlink(path);
	assert_int_equal(config__load(&config, folder, why, sizeof(why)), -EINVAL);
	snprintf(target, sizeof(target), "%s/target", folder);
	assert_int_equal(load("[watch]\nstep = 1M\n"), 0);
	assert_int_equal(rename(path, target), 0);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(config__load(&config, path, why, sizeof(why)), -ELOOP);
	assert_why(": a symbolic link: not followed");
	unlink(target);
}

static void a_file_that_others_may_write_is_not_believed(void **state)
{
	(void)state;
	put("[watch]\n", 8);
	for (mode_t mode = 0; mode < 01000; mode++) {
		bool believed = !(mode & 022);

		/* Only root reads what it may not read. */
		if (geteuid() && !(mode & 0400))
			continue;
		assert_int_equal(chmod(path, mode), 0);
		assert_int_equal(config__load(&config, path, why, sizeof(why)),
				 believed ? 0 : -EPERM);
	}
	assert_why(": others may write it: not believed (chmod go-w)");
}

static void a_file_of_somebody_else_is_not_believed(void **state)
{
	(void)state;
	if (geteuid())
		skip();
	put("[watch]\n", 8);
	assert_int_equal(chown(path, 65534, 65534), 0);
	assert_int_equal(config__load(&config, path, why, sizeof(why)), -EPERM);
	assert_why(": belongs to another user: not believed");
}

/* --- the example that is installed ----------------------------------------------------------- */

static void the_example_shows_every_default(void **state)
{
	FILE *file = fopen("tools/oomtrail.conf", "re");
	struct text active = {0}, as_it_is = {0};
	struct config from_example;
	char line[256];
	size_t shown = 0, expected = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		/* "#key = value" is a setting, "# words" is not. */
		bool setting = line[0] == '#' && line[1] >= 'a' && line[1] <= 'z';

		shown += setting;
		text__string(&active, setting ? line + 1 : line);
		text__string(&as_it_is, line);
	}
	fclose(file);
	/* Each one is taken, no two are the same, and there are as many as settings. */
	memset(&from_example, 0, sizeof(from_example));
	put(active.data, active.length);
	assert_int_equal(config__load(&from_example, path, why, sizeof(why)), 0);
	assert_memory_equal(&from_example, &config, sizeof(config));
#define X(...) expected++;
	CONFIG_SETTINGS(X)
#undef X
	assert_int_equal(shown, expected);
	put(as_it_is.data, as_it_is.length);
	assert_int_equal(config__load(&config, path, why, sizeof(why)), 0);
	text__free(&active);
	text__free(&as_it_is);
}

/* --- all of them together ------------------------------------------------------------------- */

static void assert_unfit(const char *key, const char *value, const char *expected)
{
	struct config before = config;

	assert_int_equal(set(key, value), 0);
	assert_int_equal(config__check(&config, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, expected);
	config = before;
}

static void assert_fit(const char *key, const char *value)
{
	struct config before = config;

	assert_int_equal(set(key, value), 0);
	assert_int_equal(config__check(&config, why, sizeof(why)), 0);
	config = before;
}

static void what_cannot_work_is_refused(void **state)
{
	(void)state;
	assert_unfit("dir", "var/lib", "dir: 'var/lib' is not a folder's absolute path");
	assert_unfit("dir", "/", "dir: '/' is not a folder's absolute path");
	assert_unfit("dir", "//", "dir: '//' is not a folder's absolute path");
	assert_fit("dir", "/x");
	assert_unfit("max_size", "1023K", "max_size: 1023 KiB is not between 1.0 MiB and 1.00 PiB");
	assert_fit("max_size", "1M");
	assert_unfit("max_size", "2048T", "max_size: 2.00 PiB is not between 1.0 MiB and 1.00 PiB");
	assert_unfit("window", "0", "window: 0 is not between 1.0 s and 366 d");
	assert_unfit("incidents", "0", "incidents: 0 is not between 1 and 100,000");
	assert_fit("incidents", "1");
	assert_unfit("incidents", "18446744073709551615",
		     "incidents: 18,446,744,073,709,551,615 is not between 1 and 100,000");
	assert_fit("storm", "0");
	assert_unfit("buffer", "3M",
		     "buffer: 3.0 MiB is not a power of two of at least 4096 bytes");
	assert_unfit("buffer", "2K", "buffer: 2.0 KiB is not between 4.0 KiB and 1.00 GiB");
	assert_fit("buffer", "1G");
	assert_unfit("step", "1", "step: 1 B is not between 4.0 KiB and 1.00 GiB");
	assert_unfit("sync", "2h", "sync: 2 h is not between 100 ms and 1 h");
	assert_unfit("window", "9s", "sync: 10 s is longer than the window, 9.0 s");
	assert_fit("window", "10s");
	assert_unfit("memory", "1023K", "memory: 1023 KiB is not between 1.0 MiB and 4.00 GiB");
	assert_unfit("queue", "63K", "queue: 63 KiB is not between 64 KiB and 1.00 GiB");
	assert_fit("queue", "7M");
}

static void a_reload_takes_what_may_change(void **state)
{
	struct config next = config;
	char fixed[128];

	(void)state;
	config__apply(&config, &next, fixed, sizeof(fixed));
	assert_string_equal(fixed, "");
	strcpy(next.dir, "/srv/elsewhere");
	next.window_ns = 60 * NS_PER_S;
	next.incidents = 3;
	next.queue_bytes = MIB;
	next.memory_bytes = 2 * MIB;
	config__apply(&config, &next, fixed, sizeof(fixed));
	assert_string_equal(fixed, "dir, queue, memory");
	assert_int_equal(config.window_ns, 60 * NS_PER_S);
	assert_int_equal(config.incidents, 3);
	assert_string_equal(config.dir, "/var/lib/oomtrail");
	assert_int_equal(config.queue_bytes, 2 * MIB);
	assert_int_equal(config.memory_bytes, 8 * MIB);
	/* Cut, not overrun. */
	memset(fixed, '#', sizeof(fixed));
	config__apply(&config, &next, fixed, 6);
	assert_memory_equal(fixed, "dir, \0##", 8);
	config__apply(&config, &next, fixed, 0);
	assert_memory_equal(fixed, "dir, \0##", 8);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, clean)
	const struct CMUnitTest tests[] = {
		T(defaults_are_what_the_list_says),
		T(every_kind_is_set),
		T(bad_values_are_refused_in_words),
		T(an_unknown_key_is_told_with_its_neighbour),
		T(a_short_why_is_cut),
		T(a_file_lies_over_what_was_there),
		T(empty_files_change_nothing),
		T(an_error_names_its_line),
		T(an_indented_line_is_a_line_of_its_own),
		T(text_of_others_is_escaped),
		T(a_nul_byte_is_refused),
		T(a_long_line_is_refused_not_cut),
		T(a_huge_file_is_refused),
		T(only_a_regular_file_is_read),
		T(a_file_that_others_may_write_is_not_believed),
		T(a_file_of_somebody_else_is_not_believed),
		T(the_example_shows_every_default),
		T(what_cannot_work_is_refused),
		T(a_reload_takes_what_may_change),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
