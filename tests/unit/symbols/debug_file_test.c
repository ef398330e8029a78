/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/symbols/made.h"

#include <errno.h>
#include <signal.h>
#include <zlib.h>

#include "symbols/debug_file.h"
#include "symbols/safe_open.h"
#include "symbols/symbols.h"

#define T       MADE_TEXT_VADDR
#define PROGRAM "/srv/app/program"
#define BY_ID   "usr/lib/debug/.build-id/ab/cdef0123.debug"

static const uint8_t id[] = {0xab, 0xcd, 0xef, 0x01, 0x23};
static const uint8_t other_id[] = {0xab, 0xcd, 0xef, 0x01, 0x24};

/* A folder that plays the root of a process. */
static char folder[64];
static int root;
static char why[256];

static int make_root(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/debug_file_test.XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	run("mkdir -p %s/srv/app/.debug %s/usr/lib/debug/.build-id/ab"
	    " %s/usr/lib/debug/srv/app && chmod 0755 %s",
	    folder, folder, folder, folder);
	root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0;
}

static int remove_root(void **state)
{
	(void)state;
	close(root);
	run("rm -r %s", folder);
	return 0;
}

/* 16 bytes in front of an id that is five bytes long, and three to the next note. */
static void make_note(uint8_t note[24], const uint8_t *build_id)
{
	const Elf64_Nhdr header = {.n_namesz = 4, .n_descsz = 5, .n_type = NT_GNU_BUILD_ID};

	memset(note, 0, 24);
	memcpy(note, &header, sizeof(header));
	memcpy(note + 12, "GNU", 4);
	memcpy(note + 16, build_id, 5);
}

/* `function`: its only one, to tell debug files apart. */
static struct image debug_image(const uint8_t *build_id, const char *function)
{
	const Elf64_Sym symbol = {
		.st_info = STT_FUNC, .st_shndx = 1, .st_value = T, .st_size = 16, .st_name = 1};
	char strings[32] = "";
	uint8_t note[24];
	const struct made_section sections[] = {
		{".text", SHT_PROGBITS, T, NULL, 64},
		{".symtab", SHT_SYMTAB, 0, &symbol, sizeof(symbol)},
		{".strtab", SHT_STRTAB, 0, strings, sizeof(strings)},
		{".note.gnu.build-id", SHT_NOTE, 0, note, sizeof(note)},
	};

	strcpy(strings + 1, function);
	if (build_id)
		make_note(note, build_id);
	return made__image(sections, build_id ? 4 : 3, 0);
}

static uint32_t put_image(const char *path, struct image image)
{
	char whole[256];
	uint32_t crc = (uint32_t)crc32(0, image.data, (uInt)image.bytes);
	FILE *file;

	snprintf(whole, sizeof(whole), "%s/%s", folder, path);
	file = fopen(whole, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(image.data, 1, image.bytes, file), image.bytes);
	assert_int_equal(fclose(file), 0);
	free(image.data);
	return crc;
}

static struct object *object_with(const uint8_t *build_id, const void *link, size_t link_bytes)
{
	uint8_t note[24];
	struct made_section sections[3] = {{".text", SHT_PROGBITS, T, NULL, 64}};
	size_t count = 1;

	if (build_id) {
		make_note(note, build_id);
		sections[count++] = (struct made_section){".note.gnu.build-id", SHT_NOTE, 0, note,
							  sizeof(note)};
	}
	if (link)
		sections[count++] =
			(struct made_section){".gnu_debuglink", SHT_PROGBITS, 0, link, link_bytes};
	return made__object(sections, count, 0);
}

/* "p.debug", a NUL: eight bytes; then the checksum. */
static struct object *object_linked(const uint8_t *build_id, uint32_t crc)
{
	uint8_t link[12] = "p.debug";

	memcpy(link + 8, &crc, sizeof(crc));
	return object_with(build_id, link, sizeof(link));
}

static int look(struct object *object, struct debug_file *file)
{
	const struct debug_place place = {
		.root = root, .path = PROGRAM, .owner = SAFE_OPEN_ANY_OWNER};
	int error;

	why[0] = '\0';
	error = debug_file__open(file, object, &place, why, sizeof(why));
	if (error) {
		assert_true(*why);
		assert_int_equal(file->fd, -1);
		assert_null(file->object);
	}
	return error;
}

static void assert_finds(struct object *object, const char *function)
{
	struct debug_file file;
	struct symbols *symbols;
	struct symbol symbol;
	char magic[SELFMAG];

	if (look(object, &file))
		fail_msg("%s: %s", function, why);
	assert_int_equal(symbols__new(&symbols, object, file.object), 0);
	assert_true(symbols__find(symbols, T, &symbol));
	assert_string_equal(symbol.name, function);
	assert_int_equal(pread(file.fd, magic, SELFMAG, 0), SELFMAG);
	assert_memory_equal(magic, ELFMAG, SELFMAG);
	assert_true(fcntl(file.fd, F_GETFD) & FD_CLOEXEC);
	symbols__free(symbols);
	debug_file__close(&file);
	assert_int_equal(file.fd, -1);
	object__unref(object);
}

static void assert_refuses(struct object *object, int error, const char *sentence)
{
	struct debug_file file;

	assert_int_equal(look(object, &file), error);
	assert_string_equal(why, sentence);
	object__unref(object);
}

static void test_by_build_id(void **state)
{
	(void)state;
	assert_refuses(object_with(id, NULL, 0), -ENOENT, "there is none");
	put_image(BY_ID, debug_image(id, "by_id"));
	assert_finds(object_with(id, NULL, 0), "by_id");
	/* Where it is a link, as on Fedora. */
	run("cd %s && mv %s usr/lib/debug/srv/app/far.debug &&"
	    " ln -s ../../../../../usr/lib/debug/srv/app/far.debug %s",
	    folder, BY_ID, BY_ID);
	assert_finds(object_with(id, NULL, 0), "by_id");
	assert_refuses(object_with(other_id, NULL, 0), -ENOENT, "there is none");
	assert_refuses(object_with(NULL, NULL, 0), -ENOENT, "there is none");
}

static void test_by_link(void **state)
{
	static const char *const places[] = {"usr/lib/debug/srv/app/p.debug",
					     "srv/app/.debug/p.debug", "srv/app/p.debug"};
	struct debug_file file;
	struct object *object;
	uint32_t crc;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char name[32];

		snprintf(name, sizeof(name), "place_%zu", i);
		crc = put_image(places[i], debug_image(NULL, name));
		assert_finds(object_linked(NULL, crc), name);
		/* The ones before are still there: another's checksum is passed over. */
		crc = put_image(places[0], debug_image(NULL, "place_0"));
		assert_finds(object_linked(NULL, crc), "place_0");
	}
	assert_refuses(object_linked(NULL, 4711), -EBADMSG,
		       "the debug file that the object names: its checksum is another");

	/* Where the object lies has to be known. */
	object = object_linked(NULL, crc);
	for (int i = 0; i < 3; i++) {
		static const char *const paths[] = {NULL, "program", "srv/app/program"};
		const struct debug_place place = {root, paths[i], SAFE_OPEN_ANY_OWNER};

		assert_int_equal(debug_file__open(&file, object, &place, why, sizeof(why)),
				 -ENOENT);
	}
	object__unref(object);
}

static void test_another_objects_file(void **state)
{
	uint32_t crc;

	(void)state;
	put_image(BY_ID, debug_image(other_id, "wrong"));
	assert_refuses(object_with(id, NULL, 0), -EBADMSG,
		       "the debug file by build-id: it belongs to another object");
	put_image(BY_ID, debug_image(NULL, "wrong"));
	assert_refuses(object_with(id, NULL, 0), -EBADMSG,
		       "the debug file by build-id: it belongs to another object");
	/* The other way may lead to the right one; and not to a wrong one. */
	crc = put_image("srv/app/p.debug", debug_image(id, "right"));
	assert_finds(object_linked(id, crc), "right");
	crc = put_image("srv/app/p.debug", debug_image(other_id, "wrong"));
	assert_refuses(object_linked(id, crc), -EBADMSG,
		       "the debug file by build-id: it belongs to another object");
}

static void test_what_is_no_file(void **state)
{
	static const char by_id[] = "the debug file by build-id: ";
	char sentence[256], outside[128];

	(void)state;
	snprintf(sentence, sizeof(sentence), "%sa FIFO or a socket", by_id);
	run("rm -f %s/%s && mkfifo %s/%s", folder, BY_ID, folder, BY_ID);
	alarm(20); /* to open it in the plain way would take for ever */
	assert_refuses(object_with(id, NULL, 0), -EPIPE, sentence);
	alarm(0);
	snprintf(sentence, sizeof(sentence), "%sa folder", by_id);
	run("rm %s/%s && mkdir %s/%s", folder, BY_ID, folder, BY_ID);
	assert_refuses(object_with(id, NULL, 0), -EISDIR, sentence);
	run("rmdir %s/%s", folder, BY_ID);

	/* Out of the root: what is there is never seen. */
	snprintf(outside, sizeof(outside), "../%s.outside", strrchr(folder, '/') + 1);
	put_image(outside, debug_image(id, "outside"));
	run("ln -s %s.outside %s/%s", folder, folder, BY_ID);
	assert_refuses(object_with(id, NULL, 0), -ENOENT, "there is none");
	run("rm %s.outside", folder);

	snprintf(sentence, sizeof(sentence), "%sit is no ELF file", by_id);
	run("rm %s/%s && head -c 4096 /dev/zero >%s/%s", folder, BY_ID, folder, BY_ID);
	assert_refuses(object_with(id, NULL, 0), -EINVAL, sentence);
	snprintf(sentence, sizeof(sentence), "%stoo large", by_id);
	run("truncate -s 5G %s/%s", folder, BY_ID);
	assert_refuses(object_with(id, NULL, 0), -EFBIG, sentence);
	run("rm %s/%s && truncate -s 2G %s/srv/app/p.debug", folder, BY_ID, folder);
	assert_refuses(object_linked(NULL, 1), -EFBIG,
		       "the debug file that the object names: too large");
}

static void test_of_another_owner(void **state)
{
	struct object *object = object_with(id, NULL, 0);
	struct debug_place place = {.root = root, .owner = 4242};
	struct debug_file file;

	(void)state;
	if (geteuid() != 0) {
		print_message("only root gives a file to somebody else\n");
		skip();
	}
	put_image(BY_ID, debug_image(id, "by_id"));
	run("chown 4243 %s/%s", folder, BY_ID);
	assert_int_equal(debug_file__open(&file, object, &place, why, sizeof(why)), -EPERM);
	assert_string_equal(why, "the debug file by build-id: of another owner");
	place.owner = 4243;
	assert_int_equal(debug_file__open(&file, object, &place, why, sizeof(why)), 0);
	debug_file__close(&file);
	run("rm %s/%s", folder, BY_ID);
	object__unref(object);
}

static void test_hostile_links(void **state)
{
	static const struct {
		const char *bytes;
		size_t count;
	} links[] = {
		{"", 0},
		{"\0\0\0\0\0\0\0\0", 8},
		{"..\0\0\1\2\3\4", 8},
		{".\0\0\0\1\2\3\4", 8},
		{"../p\0\0\0\0\1\2\3\4", 12},
		{"/p\0\0\1\2\3\4", 8},
		{"p.debug\0\1\2\3", 11}, /* the checksum is cut */
		{"p.debugp.debug", 14},  /* no end */
	};
	char name[400];

	(void)state;
	put_image("srv/p", debug_image(NULL, "wrong"));
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		assert_refuses(object_with(NULL, links[i].bytes, links[i].count), -ENOENT,
			       "there is none");
	memset(name, 'n', sizeof(name));
	name[300] = '\0';
	assert_refuses(object_with(NULL, name, sizeof(name)), -ENOENT, "there is none");
}

/* As distributions make it: objcopy, and its checksum. */
static void test_of_this_program(void **state)
{
	struct debug_file file;
	struct object *object;
	char path[128];

	(void)state;
	run("cd %s/srv/app && rm -f p.debug && cp /proc/%d/exe program &&"
	    " objcopy --only-keep-debug program p.debug &&"
	    " objcopy --strip-all --add-gnu-debuglink=p.debug program",
	    folder, (int)getpid());
	snprintf(path, sizeof(path), "%s%s", folder, PROGRAM);
	object = object_of(path);
	assert_int_equal(look(object, &file), 0);
	assert_true(object__section(file.object, ".symtab").bytes > 0);
	debug_file__close(&file);
	/* One bit, in what nobody looks at. */
	run("printf x | dd of=%s/srv/app/p.debug bs=1 seek=15 conv=notrunc status=none", folder);
	assert_refuses(object, -EBADMSG,
		       "the debug file that the object names: its checksum is another");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_by_build_id, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_by_link, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_another_objects_file, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_what_is_no_file, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_of_another_owner, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_hostile_links, make_root, remove_root),
		cmocka_unit_test_setup_teardown(test_of_this_program, make_root, remove_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
