/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/elf/image.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <zlib.h>

#define PYTHON "/usr/bin/python3"
#define FLIPS  1000
#define SEED   20240517

static char why[256];

static int read_image(const struct image *image, struct object **out)
{
	int fd = image__fd(image->data, image->bytes);
	int error;

	*out = NULL;
	why[0] = '\0';
	error = object__read(out, fd, why, sizeof(why));
	close(fd);
	/* Either an object or a sentence. */
	assert_true(error == 0 ? *out != NULL : *out == NULL && *why);
	return error;
}

static void assert_refused(const struct image *image, int error, const char *sentence)
{
	struct object *object;

	assert_int_equal(read_image(image, &object), error);
	assert_string_equal(why, sentence);
}

static struct object_section assert_has(const struct object *object, const char *name)
{
	struct object_section section = object__section(object, name);

	if (!section.data || section.bytes == 0)
		fail_msg("no %s", name);
	/* A string at its end ends. */
	assert_int_equal(section.data[section.bytes], 0);
	return section;
}

/* What the dynamic linker knows about libc.so.6: read by somebody else than us. */
struct loaded {
	uint64_t base;
	uint64_t frame_header_vaddr;
	uint8_t build_id[64];
	size_t build_id_bytes;
};

static int note_loaded(struct dl_phdr_info *info, size_t size, void *context)
{
	struct loaded *loaded = context;

	(void)size;
	if (!strstr(info->dlpi_name, "/libc.so.6"))
		return 0;
	loaded->base = info->dlpi_addr;
	for (size_t i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		const ElfW(Nhdr) *note = (void *)(info->dlpi_addr + header->p_vaddr);

		if (header->p_type == PT_GNU_EH_FRAME)
			loaded->frame_header_vaddr = header->p_vaddr;
		if (header->p_type == PT_NOTE && note->n_type == NT_GNU_BUILD_ID) {
			loaded->build_id_bytes = note->n_descsz;
			memcpy(loaded->build_id, (char *)(note + 1) + 4, note->n_descsz);
		}
	}
	return 1;
}

static void test_libc_is_read(void **state)
{
	struct object *object = object_of(image__libc());
	struct loaded loaded = {0};
	struct object_section section;
	const uint8_t *build_id;
	size_t bytes;

	(void)state;
	assert_int_equal(dl_iterate_phdr(note_loaded, &loaded), 1);
#if defined(__x86_64__)
	assert_int_equal(object__machine(object), EM_X86_64);
#else
	assert_int_equal(object__machine(object), EM_AARCH64);
#endif
	build_id = object__build_id(object, &bytes);
	assert_int_equal(bytes, loaded.build_id_bytes);
	assert_memory_equal(build_id, loaded.build_id, bytes);

	section = assert_has(object, ".eh_frame_hdr");
	assert_int_equal(section.vaddr, loaded.frame_header_vaddr);
	assert_memory_equal(section.data, (void *)(loaded.base + section.vaddr), section.bytes);
	section = assert_has(object, ".eh_frame");
	assert_memory_equal(section.data, (void *)(loaded.base + section.vaddr), section.bytes);
	assert_has(object, ".dynsym");
	assert_has(object, ".dynstr");
	section = object__section(object, ".text");
	assert_null(section.data);
	/* No sanitizer has an a64l() of its own. */
	assert_true((uintptr_t)&a64l >= loaded.base + section.vaddr);
	assert_true((uintptr_t)&a64l < loaded.base + section.vaddr + section.bytes);
	assert_int_equal(object__section(object, ".rodata").bytes, 0);
	assert_true(object__bytes(object) > section.bytes / 100);
	object__unref(object);
}

static void test_addresses_follow_the_segments(void **state)
{
	struct image image = image__of(image__libc());
	struct object *object = object_of(image__libc());
	Elf64_Shdr *text = image__section(&image, ".text");
	uint64_t vaddr;

	(void)state;
	assert_true(object__vaddr(object, text->sh_offset, &vaddr));
	assert_int_equal(vaddr, text->sh_addr);
	assert_true(object__vaddr(object, text->sh_offset + text->sh_size - 1, &vaddr));
	assert_int_equal(vaddr, text->sh_addr + text->sh_size - 1);
	assert_false(object__vaddr(object, image.bytes, &vaddr));
	assert_false(object__vaddr(object, UINT64_MAX, &vaddr));
	object__unref(object);
	free(image.data);
}

static void test_references_hold_it(void **state)
{
	struct object *object = object_of(PYTHON);
	struct object *other = object__ref(object);

	(void)state;
	assert_ptr_equal(other, object);
	object__unref(object);
	assert_has(other, ".eh_frame");
	object__unref(other);
	object__unref(NULL);
}

static void test_equal_is_byte_for_byte(void **state)
{
	struct image image = image__of(image__libc());
	Elf64_Shdr *names = image__section(&image, ".dynstr");
	struct object *one, *other;

	(void)state;
	assert_int_equal(read_image(&image, &one), 0);
	assert_int_equal(read_image(&image, &other), 0);
	assert_true(object__equal(one, other));
	object__unref(other);
	image.data[names->sh_offset + names->sh_size - 2] ^= 1;
	assert_int_equal(read_image(&image, &other), 0);
	assert_false(object__equal(one, other));
	object__unref(other);
	image.data[names->sh_offset + names->sh_size - 2] ^= 1;
	names->sh_addr += 8;
	assert_int_equal(read_image(&image, &other), 0);
	assert_false(object__equal(one, other));
	object__unref(other);
	object__unref(one);
	free(image.data);
}

/* Programs may come without section headers. */
static void test_frames_are_found_by_segments(void **state)
{
	struct image image = image__of(image__libc());
	Elf64_Ehdr *elf = (Elf64_Ehdr *)image.data;
	struct object *by_sections, *by_segments;
	struct object_section a, b;

	(void)state;
	assert_int_equal(read_image(&image, &by_sections), 0);
	elf->e_shnum = 0;
	elf->e_shoff = 0;
	assert_int_equal(read_image(&image, &by_segments), 0);
	a = assert_has(by_sections, ".eh_frame");
	b = assert_has(by_segments, ".eh_frame");
	assert_int_equal(a.vaddr, b.vaddr);
	assert_true(a.bytes <= b.bytes);
	assert_memory_equal(a.data, b.data, a.bytes);
	a = assert_has(by_sections, ".eh_frame_hdr");
	b = assert_has(by_segments, ".eh_frame_hdr");
	assert_int_equal(a.vaddr, b.vaddr);
	assert_int_equal(a.bytes, b.bytes);
	assert_int_equal(object__section(by_segments, ".dynsym").bytes, 0);
	object__unref(by_sections);
	object__unref(by_segments);
	free(image.data);
}

static void test_compressed_sections_are_inflated(void **state)
{
	struct image image = image__of(image__libc());
	Elf64_Shdr *header = image__section(&image, ".dynstr");
	Elf64_Chdr compressed = {.ch_type = ELFCOMPRESS_ZLIB, .ch_size = header->sh_size};
	size_t plain_bytes = header->sh_size;
	uint8_t *plain = malloc(plain_bytes);
	uint8_t *place = image.data + header->sh_offset;
	uLongf packed_bytes = plain_bytes - sizeof(compressed);
	struct object *object;
	struct object_section section;

	(void)state;
	memcpy(plain, place, plain_bytes);
	assert_int_equal(compress(place + sizeof(compressed), &packed_bytes, plain, plain_bytes),
			 Z_OK);
	memcpy(place, &compressed, sizeof(compressed));
	header->sh_size = packed_bytes + sizeof(compressed);
	header->sh_flags |= SHF_COMPRESSED;
	assert_int_equal(read_image(&image, &object), 0);
	section = assert_has(object, ".dynstr");
	assert_int_equal(section.bytes, plain_bytes);
	assert_memory_equal(section.data, plain, plain_bytes);
	object__unref(object);

	/* A bomb, a lie, and a stream that ends early. */
	((Elf64_Chdr *)place)->ch_size = 1ULL << 40;
	assert_refused(&image, -EFBIG,
		       "a compressed section of 1099511627776 bytes is larger than the 134217728 "
		       "allowed");
	((Elf64_Chdr *)place)->ch_size = plain_bytes + 1;
	assert_refused(&image, -EINVAL, "a compressed section is damaged");
	((Elf64_Chdr *)place)->ch_size = plain_bytes;
	header->sh_size -= 8;
	assert_refused(&image, -EINVAL, "a compressed section is damaged");
	header->sh_size = 8;
	assert_refused(&image, -EINVAL, "a compressed section without a header");
	free(plain);
	free(image.data);
}

static void test_hostile_headers_are_refused(void **state)
{
	static const char ends[] = "the file ends before what its headers name";
	struct image image = image__of(image__libc());
	Elf64_Ehdr *elf = (Elf64_Ehdr *)image.data;
	const Elf64_Ehdr whole = *elf;
	Elf64_Shdr *frames = image__section(&image, ".eh_frame");
	const struct image brief = {.data = image.data, .bytes = sizeof(whole) - 1};

	(void)state;
	assert_refused(&brief, -EINVAL, "it is too short for an ELF file");
	elf->e_ident[0] = 'M';
	assert_refused(&image, -EINVAL, "it is no ELF file");
	*elf = whole;
	elf->e_ident[EI_CLASS] = ELFCLASS32;
	assert_refused(&image, -ENOEXEC, "it is no 64-bit ELF file");
	*elf = whole;
	elf->e_machine = EM_S390;
	assert_refused(&image, -ENOEXEC, "it is for another machine");
	*elf = whole;
	elf->e_type = ET_CORE;
	assert_refused(&image, -EINVAL, "it is neither a program nor a shared library");
	*elf = whole;
	elf->e_shoff = UINT64_MAX - 63;
	assert_refused(&image, -EINVAL, ends);
	*elf = whole;
	elf->e_shentsize = 1;
	assert_refused(&image, -EINVAL, "its section headers make no sense");
	*elf = whole;
	elf->e_phoff = image.bytes - 8;
	assert_refused(&image, -EINVAL, ends);
	*elf = whole;
	frames->sh_size = image.bytes;
	assert_refused(&image, -EINVAL, ends);
	frames->sh_size = 1ULL << 62;
	assert_refused(&image, -EFBIG,
		       "a part of 4611686018427387904 bytes is larger than the 134217728 allowed");
	free(image.data);
}

/* A file that names far more than there is memory for: refused, not allocated. */
static void test_a_sparse_file_is_bounded(void **state)
{
	struct image image = image__of(image__libc());
	struct object *object = NULL;
	int fd;

	(void)state;
	image__section(&image, ".dynsym")->sh_size = 90U << 20;
	image__section(&image, ".dynstr")->sh_size = 90U << 20;
	image__section(&image, ".eh_frame")->sh_size = 90U << 20;
	fd = image__fd(image.data, image.bytes);
	assert_int_equal(ftruncate(fd, 1LL << 40), 0);
	assert_int_equal(object__read(&object, fd, why, sizeof(why)), -EFBIG);
	assert_string_equal(why, "its sections together are larger than 268435456 bytes");
	assert_null(object);
	close(fd);
	free(image.data);
}

static void test_what_is_no_file_is_refused(void **state)
{
	struct object *object;
	int ends[2];
	int fd = open("/", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(object__read(&object, fd, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "it is no regular file");
	close(fd);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(object__read(&object, ends[0], why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "it is no regular file");
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(object__read(&object, -1, why, sizeof(why)), -EINVAL);
}

/* Every length between nothing and the whole: an object or a sentence, and no byte beyond. */
static void test_a_cut_file_is_refused_or_read(void **state)
{
	struct image image = image__of(PYTHON);
	struct object *object;

	(void)state;
	for (size_t bytes = 0; bytes < image.bytes; bytes += image.bytes / 97) {
		char *exact = malloc(bytes + !bytes);

		memcpy(exact, image.data, bytes);
		object = NULL;
		assert_int_not_equal(object__read_memory(&object, exact, bytes, why, sizeof(why)),
				     0);
		assert_null(object);
		free(exact);
	}
	free(image.data);
}

struct shaken {
	const struct image *image;
	int fd;
	atomic_bool done;
};

/* To nothing, to a part, and back, as fast as it goes. */
static void *shake(void *context)
{
	struct shaken *shaken = context;

	for (size_t i = 0; !atomic_load(&shaken->done); i++) {
		const off_t part = (off_t)(shaken->image->bytes / 8 * (i % 8));

		if (ftruncate(shaken->fd, part) ||
		    pwrite(shaken->fd, shaken->image->data, shaken->image->bytes, 0) !=
			    (ssize_t)shaken->image->bytes)
			return NULL;
	}
	return context;
}

/* Cut while it is read, again and again: an object or a sentence. A file that was mapped would be a
 * SIGBUS, which is why it is not. */
static void test_a_file_cut_while_it_is_read(void **state)
{
	struct image image = image__of(PYTHON);
	struct shaken shaken = {.image = &image, .fd = image__fd(image.data, image.bytes)};
	const time_t deadline = time(NULL) + 60;
	struct object *object;
	size_t refused = 0;
	pthread_t thread;
	void *result;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, shake, &shaken), 0);
	for (size_t i = 0; (i < 100 || refused < 20) && time(NULL) < deadline; i++) {
		object = NULL;
		why[0] = '\0';
		if (object__read(&object, shaken.fd, why, sizeof(why))) {
			assert_null(object);
			assert_true(*why);
			refused++;
		} else {
			assert_non_null(object);
			object__unref(object);
		}
	}
	atomic_store(&shaken.done, true);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, &shaken);
	assert_true(refused >= 20);
	close(shaken.fd);
	free(image.data);
}

/* Headers with flipped bits, a fixed thousand of them. */
static void test_flipped_headers_do_no_harm(void **state)
{
	struct image image = image__of(image__libc());
	const Elf64_Ehdr *elf = (Elf64_Ehdr *)image.data;
	size_t program = sizeof(*elf) + elf->e_phnum * sizeof(Elf64_Phdr);
	size_t sections = elf->e_shnum * sizeof(Elf64_Shdr);
	size_t shoff = elf->e_shoff;
	unsigned int seed = SEED, read = 0;

	(void)state;
	for (unsigned int i = 0; i < FLIPS; i++) {
		size_t at = (size_t)rand_r(&seed) % (program + sections);
		uint8_t bit = (uint8_t)(1U << (rand_r(&seed) % 8));
		struct object *object = NULL;

		at = at < program ? at : shoff + at - program;
		image.data[at] ^= bit;
		if (!object__read_memory(&object, image.data, image.bytes, why, sizeof(why))) {
			assert_true(object__bytes(object) <= OBJECT_MAX_BYTES + 65536);
			object__unref(object);
			read++;
		}
		image.data[at] ^= bit;
	}
	/* Most bits do not matter to us; some must. */
	assert_in_range(read, FLIPS / 10, FLIPS - 1);
	free(image.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_libc_is_read),
		cmocka_unit_test(test_addresses_follow_the_segments),
		cmocka_unit_test(test_references_hold_it),
		cmocka_unit_test(test_equal_is_byte_for_byte),
		cmocka_unit_test(test_frames_are_found_by_segments),
		cmocka_unit_test(test_compressed_sections_are_inflated),
		cmocka_unit_test(test_hostile_headers_are_refused),
		cmocka_unit_test(test_a_sparse_file_is_bounded),
		cmocka_unit_test(test_what_is_no_file_is_refused),
		cmocka_unit_test(test_a_cut_file_is_refused_or_read),
		cmocka_unit_test(test_a_file_cut_while_it_is_read),
		cmocka_unit_test(test_flipped_headers_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
