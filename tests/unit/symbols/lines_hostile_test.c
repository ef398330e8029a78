/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/symbols/made.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "symbols/lines.h"

/* Debug information made up, byte by byte (DWARF 4): good at first, then harmful. */

#define T           MADE_TEXT_VADDR
#define BUDGET_NS   60000000000ULL
#define FLIPS       200
#define FORM_STRING 0x08
#define FORM_ALT    0x1f21 /* a string in the file that .gnu_debugaltlink names */

struct bytes {
	uint8_t *data;
	size_t count;
	size_t capacity;
};

static void put(struct bytes *bytes, const void *data, size_t count)
{
	while (bytes->count + count > bytes->capacity) {
		bytes->capacity = 2 * bytes->capacity + 4096;
		bytes->data = realloc(bytes->data, bytes->capacity);
		assert_non_null(bytes->data);
	}
	memcpy(bytes->data + bytes->count, data, count);
	bytes->count += count;
}

static void put_number(struct bytes *bytes, uint64_t value, size_t width)
{
	put(bytes, &value, width); /* little endian, like the file */
}

static void put_string(struct bytes *bytes, const char *string)
{
	put(bytes, string, strlen(string) + 1);
}

static void set_length(struct bytes *bytes, size_t at)
{
	uint32_t length = (uint32_t)(bytes->count - at - 4);

	memcpy(bytes->data + at, &length, 4);
}

/* A unit of one entry, with an address in it and a number for its lines. */
static struct bytes abbreviations(uint16_t folder_form)
{
	struct bytes bytes = {0};

	put(&bytes, "\x01\x11\x00\x10\x17\x11\x01\x12\x07\x1b", 10);
	if (folder_form == FORM_ALT)
		put(&bytes, "\xa1\x3e", 2);
	else
		put_number(&bytes, folder_form, 1);
	put(&bytes, "\0\0\0", 3);
	return bytes;
}

static void put_unit(struct bytes *bytes, uint64_t from, uint64_t length, bool alt)
{
	size_t begin = bytes->count;

	put_number(bytes, 0, 4);
	put_number(bytes, 4, 2); /* version */
	put_number(bytes, 0, 4); /* abbreviations */
	put_number(bytes, 8, 1); /* bytes of an address */
	put_number(bytes, 1, 1);
	put_number(bytes, 0, 4); /* lines */
	put_number(bytes, from, 8);
	put_number(bytes, length, 8);
	if (alt)
		put_number(bytes, 0, 4);
	else
		put_string(bytes, "/src");
	set_length(bytes, begin);
}

/* Line 42 of FOLDER/grow.c at T, 43 at T + 4, and the end at T + 16. */
static struct bytes line_table(const char *folder, unsigned int files)
{
	static const uint8_t lengths[] = {0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1};
	struct bytes bytes = {0};
	size_t header;

	put_number(&bytes, 0, 4);
	put_number(&bytes, 4, 2);
	put_number(&bytes, 0, 4);
	header = bytes.count;
	put(&bytes, "\x01\x01\x01\xfd\x0c\x0d", 6);
	put(&bytes, lengths, sizeof(lengths));
	put_string(&bytes, folder);
	put_number(&bytes, 0, 1);
	for (unsigned int i = 0; i < files; i++) {
		put_string(&bytes, i ? "f" : "grow.c");
		put(&bytes, "\x01\0\0", 3); /* in that folder */
	}
	put_number(&bytes, 0, 1);
	set_length(&bytes, header - 4);
	put(&bytes, "\0\x09\x02", 3);
	put_number(&bytes, T, 8);
	put(&bytes, "\x03\x29\x01", 3);         /* 41 lines on; a row */
	put(&bytes, "\x02\x04\x03\x01\x01", 5); /* 4 bytes and a line on; a row */
	put(&bytes, "\x02\x0c\0\x01\x01", 5);   /* 12 bytes on; the end */
	set_length(&bytes, 0);
	return bytes;
}

struct dwarf {
	struct bytes info;
	struct bytes abbreviations;
	struct bytes lines;
	const char *alt; /* NULL: names no other file */
};

static struct image dwarf__image(struct dwarf *dwarf)
{
	char link[256] = "";
	struct made_section sections[] = {
		{".text", SHT_PROGBITS, T, NULL, 64},
		{".debug_info", SHT_PROGBITS, 0, dwarf->info.data, dwarf->info.count},
		{".debug_abbrev", SHT_PROGBITS, 0, dwarf->abbreviations.data,
		 dwarf->abbreviations.count},
		{".debug_line", SHT_PROGBITS, 0, dwarf->lines.data, dwarf->lines.count},
		{".gnu_debugaltlink", SHT_PROGBITS, 0, link, 0},
	};
	struct image image;

	if (dwarf->alt) /* a name, a NUL, a build-id */
		sections[4].bytes = (size_t)snprintf(link, sizeof(link), "%s", dwarf->alt) + 1 + 20;
	image = made__image(sections, dwarf->alt ? 5 : 4, 0);
	free(dwarf->info.data);
	free(dwarf->abbreviations.data);
	free(dwarf->lines.data);
	return image;
}

static struct dwarf small(void)
{
	struct dwarf dwarf = {.abbreviations = abbreviations(FORM_STRING),
			      .lines = line_table("lib", 1)};

	put_unit(&dwarf.info, T, 16, false);
	return dwarf;
}

static int find(const struct image *image, struct source_line *line, uint64_t vaddr,
		uint64_t budget_ns)
{
	int fd = image__fd(image->data, image->bytes);
	int error = lines__find(line, &vaddr, 1, fd, budget_ns);

	close(fd);
	/* Whatever happened, the child is gone. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	return error;
}

static void assert_line(const struct image *image, uint64_t vaddr, const char *file,
			unsigned int number)
{
	struct source_line line;

	assert_int_equal(find(image, &line, vaddr, BUDGET_NS), 0);
	if (!file) {
		assert_null(line.file);
		return;
	}
	assert_non_null(line.file);
	assert_string_equal(line.file, file);
	assert_int_equal(line.line, number);
	lines__free(&line, 1);
}

static void test_the_small_one_is_good(void **state)
{
	struct dwarf dwarf = small();
	struct image image = dwarf__image(&dwarf);

	(void)state;
	assert_line(&image, T, "lib/grow.c", 42);
	assert_line(&image, T + 3, "lib/grow.c", 42);
	assert_line(&image, T + 4, "lib/grow.c", 43);
	assert_line(&image, T + 15, "lib/grow.c", 43);
	assert_line(&image, T + 16, NULL, 0);
	assert_line(&image, T - 1, NULL, 0);
	free(image.data);
}

static void test_flipped_bits_do_no_harm(void **state)
{
	struct dwarf dwarf = small();
	struct image image = dwarf__image(&dwarf);
	const Elf64_Ehdr *elf = (Elf64_Ehdr *)image.data;
	unsigned int seed = 1, known = 0;

	(void)state;
	for (int i = 0; i < FLIPS; i++) {
		size_t at = sizeof(*elf) + (size_t)rand_r(&seed) % (elf->e_shoff - sizeof(*elf));
		uint8_t bit = (uint8_t)(1 << rand_r(&seed) % 8);
		struct source_line line;
		int error;

		image.data[at] ^= bit;
		error = find(&image, &line, T, BUDGET_NS);
		image.data[at] ^= bit;
		assert_true(error == 0 || error == -ENODATA || error == -EBADMSG ||
			    error == -ENOMEM);
		known += line.file != NULL;
		lines__free(&line, 1);
	}
	assert_in_range(known, FLIPS / 10, FLIPS - 1);
	free(image.data);
}

static void test_a_cut_file(void **state)
{
	struct dwarf dwarf = small();
	struct image image = dwarf__image(&dwarf);
	struct image cut = image;

	(void)state;
	for (cut.bytes = 0; cut.bytes < image.bytes; cut.bytes += 37) {
		struct source_line line;

		assert_true(find(&cut, &line, T, BUDGET_NS) < 0);
		assert_null(line.file);
	}
	free(image.data);
}

/* A section of which there is far less in the file than its header says. */
static void test_a_sparse_file(void **state)
{
	struct dwarf dwarf = small();
	struct image image = dwarf__image(&dwarf);
	struct source_line line;
	uint64_t vaddr = T;
	int fd;

	(void)state;
#if defined(__SANITIZE_ADDRESS__)
	print_message("no bound of memory under the sanitizer\n");
	free(image.data);
	skip();
#endif
	image__section(&image, ".debug_info")->sh_size = 1ULL << 39;
	fd = image__fd(image.data, image.bytes);
	assert_int_equal(ftruncate(fd, 1LL << 40), 0);
	assert_int_equal(lines__find(&line, &vaddr, 1, fd, BUDGET_NS), -ENOMEM);
	close(fd);
	free(image.data);
}

/* Each of 8,000 files lies in a folder of a name of 256 KiB: 2 GB, when each is written out. */
static void test_names_that_explode(void **state)
{
	struct dwarf dwarf = small();
	char *folder = calloc(1, 256U << 10);
	struct source_line line;
	struct rusage children;
	struct image image;

	(void)state;
	memset(folder, 'd', (256U << 10) - 1);
	free(dwarf.lines.data);
	dwarf.lines = line_table(folder, 8000);
	free(folder);
	image = dwarf__image(&dwarf);
#if defined(__SANITIZE_ADDRESS__)
	print_message("no bound of memory under the sanitizer\n");
	free(image.data);
	skip();
#endif
	assert_int_equal(find(&image, &line, T, BUDGET_NS), -ENOMEM);
	assert_null(line.file);
	getrusage(RUSAGE_CHILDREN, &children);
	assert_true((uint64_t)children.ru_maxrss * 1024 < LINES_MEMORY_BYTES + (64U << 20));
	free(image.data);
}

/* More of them than there is memory for. */
static void test_units_without_end(void **state)
{
	struct dwarf dwarf = small();
	struct source_line line;
	struct image image;
	int error;

	(void)state;
	for (unsigned int i = 0; i < 1500000; i++)
		put_unit(&dwarf.info, T + 32, 16, false);
	image = dwarf__image(&dwarf);
#if defined(__SANITIZE_ADDRESS__)
	print_message("no bound of memory under the sanitizer\n");
	free(image.data);
	skip();
#endif
	/* libdw does not check every allocation: it may end by a signal at one. */
	error = find(&image, &line, T + 24, BUDGET_NS);
	assert_true(error == -ENOMEM || error == -EBADMSG);
	assert_null(line.file);
	free(image.data);
}

/* Of all children so far. */
static double processor_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_CHILDREN, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* Units of which none has the address. */
static void test_what_takes_too_long(void **state)
{
	struct dwarf dwarf = small();
	double begin = processor_seconds(), whole;
	struct source_line line;
	struct image image;

	(void)state;
	for (unsigned int i = 0; i < 300000; i++)
		put_unit(&dwarf.info, T + 32, 16, false);
	image = dwarf__image(&dwarf);
	assert_line(&image, T + 24, NULL, 0);
	whole = processor_seconds() - begin;
	/* The child is ended, not waited for. */
	assert_int_equal(find(&image, &line, T + 24, 10000000), -ETIME);
	assert_null(line.file);
	assert_true(processor_seconds() - begin - whole < whole / 2);
	free(image.data);
}

/* What libdw would do: open the file that is named, and wait for somebody to write to it. */
static void test_the_file_it_names_is_not_opened(void **state)
{
	struct dwarf dwarf = {.abbreviations = abbreviations(FORM_ALT),
			      .lines = line_table("lib", 1)};
	char fifo[64] = "/tmp/lines_hostile_test.XXXXXX";
	struct source_line line;
	struct image image;

	(void)state;
	close(mkstemp(fifo));
	unlink(fifo);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	dwarf.alt = fifo;
	put_unit(&dwarf.info, T, 16, true);
	image = dwarf__image(&dwarf);
	assert_int_equal(find(&image, &line, T, 20000000000ULL), 0);
	assert_non_null(line.file);
	assert_string_equal(line.file, "lib/grow.c");
	lines__free(&line, 1);
	unlink(fifo);
	free(image.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_small_one_is_good),
		cmocka_unit_test(test_flipped_bits_do_no_harm),
		cmocka_unit_test(test_a_cut_file),
		cmocka_unit_test(test_a_sparse_file),
		cmocka_unit_test(test_names_that_explode),
		cmocka_unit_test(test_units_without_end),
		cmocka_unit_test(test_what_takes_too_long),
		cmocka_unit_test(test_the_file_it_names_is_not_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
