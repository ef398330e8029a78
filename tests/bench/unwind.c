/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * What a frame costs: unwind FILE. Warm: this process's own stack again and again. Cold: rules that
 * nobody asked for before, one for each function of FILE, beside libdw finding the same; and what
 * it takes to read FILE at all.
 */

#include "tests/unit/unwind/own.h"

#include <elfutils/libdw.h>
#include <libelf.h>
#include <time.h>

#include "unwind/cfi_entry.h"

#define WALKS         20000
#define ADDRESSES_MAX 65536

static struct own own;
static uint64_t addresses[ADDRESSES_MAX];
static volatile unsigned int sink;

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* --- warm ------------------------------------------------------------------------------------- */

static __attribute__((noinline, noclone)) void walk_again_and_again(uint64_t stack_end)
{
	struct unwind_frame frames[OWN_FRAMES_MAX];
	struct own_moment moment;
	enum unwind_end end = UNWIND_NO_RULE;
	size_t count = 0;
	uint64_t begin;

	OWN_CAPTURE(&moment, stack_end);
	begin = cpu_ns();
	for (unsigned int i = 0; i < WALKS; i++) {
		struct unwind_state state = moment.state;

		end = unwind__walk(&state, &moment.stack, own__find, &own, frames, OWN_FRAMES_MAX,
				   &count);
	}
	begin = cpu_ns() - begin;
	/* A walk that ends early would be a cheap one. */
	assert_int_equal(end, UNWIND_COMPLETE);
	assert_true(count > 20);
	printf("warm_ns_per_frame=%.0f\n", (double)begin / (double)(WALKS * count));
	own__forget(&moment);
}

/* A chain of functions that are different ones: frames of many sizes. */
#define LINK(name, next, bytes)                                                 \
	static __attribute__((noinline, noclone)) void name(uint64_t stack_end) \
	{                                                                       \
		volatile char room[bytes];                                      \
                                                                                \
		room[0] = 1;                                                    \
		next(stack_end);                                                \
		sink += (unsigned char)room[0];                                 \
	}
#define LINKS(name, next)             \
	LINK(name##_1, next, 8)       \
	LINK(name##_2, name##_1, 100) \
	LINK(name##_3, name##_2, 24)  \
	LINK(name##_4, name##_3, 200) \
	LINK(name, name##_4, 40)
LINKS(inner, walk_again_and_again)
LINKS(middle, inner)
LINKS(outer, middle)
LINKS(outermost, outer)

/* --- cold ------------------------------------------------------------------------------------- */

static size_t functions_of(const struct object *object)
{
	struct frame_section from = {.section = object__section(object, ".eh_frame")};
	struct frame_entry entry;
	size_t count = 0, next;

	for (size_t at = 0; at < from.section.bytes && count < ADDRESSES_MAX; at = next) {
		/* In the middle: what the prologue did is in the rule. */
		if (frame_entry__read(&from, at, &next, &entry) == ENTRY_FUNCTION)
			addresses[count++] = entry.start + (entry.end - entry.start) / 2;
		if (!next)
			break;
	}
	/* Not in the order of the table. */
	srand(1);
	for (size_t i = count; i > 1; i--) {
		size_t other = (size_t)rand() % i;
		uint64_t address = addresses[i - 1];

		addresses[i - 1] = addresses[other];
		addresses[other] = address;
	}
	return count;
}

static double cold_ns(struct object *object, size_t count)
{
	struct cfi *cfi;
	uint64_t begin;

	assert_int_equal(cfi__new(&cfi, object), 0);
	begin = cpu_ns();
	for (size_t i = 0; i < count; i++)
		sink += cfi__rule(cfi, addresses[i]) != NULL;
	begin = cpu_ns() - begin;
	cfi__free(cfi);
	return (double)begin / (double)count;
}

/* As much of it as a rule needs: the CFA and the registers that calls preserve. */
static double libdw_ns(const char *path, size_t count)
{
	static const int preserved[] = {3, 6, 12, 13, 14, 15, 16};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Dwarf_Op memory[3], *ops;
	Dwarf_Frame *frame;
	Dwarf_CFI *cfi;
	uint64_t begin;
	size_t length;
	Elf *elf;

	assert_true(elf_version(EV_CURRENT) != EV_NONE);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	cfi = dwarf_getcfi_elf(elf);
	assert_non_null(cfi);
	begin = cpu_ns();
	for (size_t i = 0; i < count; i++) {
		if (dwarf_cfi_addrframe(cfi, addresses[i], &frame))
			continue;
		dwarf_frame_cfa(frame, &ops, &length);
		for (size_t j = 0; j < sizeof(preserved) / sizeof(*preserved); j++)
			dwarf_frame_register(frame, preserved[j], memory, &ops, &length);
		free(frame);
	}
	begin = cpu_ns() - begin;
	dwarf_cfi_end(cfi);
	elf_end(elf);
	close(fd);
	return (double)begin / (double)count;
}

int main(int argc, char **argv)
{
	struct object *object;
	uint64_t begin = cpu_ns();
	size_t count;

	if (argc != 2)
		return 2;
	object = object_of(argv[1]);
	begin = cpu_ns() - begin;
	count = functions_of(object);
	assert_true(count > 0);
	own__load(&own);
	outermost(own__stack_end());
	own__release(&own);
	printf("cold_ns_per_rule=%.0f\nlibdw_ns_per_rule=%.0f\nfunctions=%zu\n",
	       cold_ns(object, count), libdw_ns(argv[1], count), count);
	printf("read_us=%.0f\nobject_bytes=%zu\n", (double)begin / 1000, object__bytes(object));
	object__unref(object);
	return 0;
}
