/* SPDX-License-Identifier: GPL-2.0-only */

/* This process unwinds itself: known functions without frame pointers, through libc, in a thread,
 * out of code that has no rules. */

#include "tests/unit/unwind/chain.h"

/* --- a chain of calls ------------------------------------------------------------------------- */

static volatile unsigned int sink;

/* Needs registers that calls preserve, and has to save them. */
static __attribute__((noinline, noclone)) unsigned int middle(unsigned int a, unsigned int b,
							      unsigned int c, unsigned int d)
{
	unsigned int e = a * b, f = c * d, g = a ^ d;

	leaf();
	sink = e;
	leaf();
	KEEP();
	return a + b + c + d + e + f + g;
}

/* Its frame is larger than what the caller's rule would find by chance, and of a size that is only
 * known when it runs. */
static __attribute__((noinline, noclone)) unsigned int outer(size_t bytes)
{
	char *array = __builtin_alloca(bytes);

	memset(array, 1, bytes);
	KEEP();
	sink = middle(1, 2, 3, (unsigned int)array[bytes - 1]);
	KEEP();
	return sink + (unsigned int)array[0];
}
static void test_a_chain_of_calls(void **state)
{
	(void)state;
	outer(3000);
	assert_end(walk(), UNWIND_COMPLETE);
	ASSERT_FRAMES("leaf", "middle", "outer", "test_a_chain_of_calls", "*", "main", "*",
		      "_start");
	assert_true(frames[0].exact);
	assert_false(frames[1].exact);
	KEEP();
}

static __attribute__((noinline, noclone)) void deeper(unsigned int depth)
{
	if (depth == 0)
		leaf();
	else
		deeper(depth - 1);
	KEEP();
}

static void test_deep_recursion_ends_where_it_is_told_to(void **state)
{
	(void)state;
	deeper(OWN_FRAMES_MAX + 5);
	assert_end(walk(), UNWIND_TOO_DEEP);
	assert_int_equal(frame_count, OWN_FRAMES_MAX);
	for (size_t i = 1; i < frame_count; i++)
		assert_string_equal(own__name(&own, &frames[i]), "deeper");
	deeper(20);
	assert_end(walk(), UNWIND_COMPLETE);
	KEEP();
}

/* However little was copied: what can be told is told, and that there was more. */
static void test_a_cut_stack_gives_the_frames_it_holds(void **state)
{
	struct unwind_frame whole[OWN_FRAMES_MAX];
	size_t whole_count, whole_size, last = 0;

	(void)state;
	outer(500);
	assert_end(walk(), UNWIND_COMPLETE);
	memcpy(whole, frames, sizeof(whole));
	whole_count = frame_count;
	whole_size = moment.stack.size;
	moment.stack.cut = true;
	for (size_t size = 0; size < whole_size; size += 16) {
		/* Exactly as many bytes as there are, so that a sanitizer sees one more. */
		uint8_t *exact = malloc(size + !size);
		const uint8_t *bytes = moment.stack.bytes;
		enum unwind_end end;

		memcpy(exact, bytes, size);
		moment.stack.bytes = exact;
		moment.stack.size = size;
		end = walk();
		assert_end(end, frame_count == whole_count && end == UNWIND_COMPLETE
					? UNWIND_COMPLETE
					: UNWIND_CUT);
		assert_true(frame_count >= 1 && frame_count >= last && frame_count <= whole_count);
		for (size_t i = 0; i < frame_count; i++)
			assert_int_equal(frames[i].pc, whole[i].pc);
		last = frame_count;
		moment.stack.bytes = bytes;
		free(exact);
	}
	assert_int_equal(last, whole_count);
	KEEP();
}

/* Pages that nobody had touched: whatever lies there is not known, also where more was cut off. */
static void test_what_is_missing_of_a_stack_is_not_read(void **state)
{
	struct unwind_frame whole[OWN_FRAMES_MAX];
	size_t whole_count, pages, stopped = 0;

	(void)state;
	outer(500);
	assert_end(walk(), UNWIND_COMPLETE);
	memcpy(whole, frames, sizeof(whole));
	whole_count = frame_count;
	pages = (moment.stack.from + moment.stack.size - 1) / UNWIND_PAGE_BYTES -
		moment.stack.from / UNWIND_PAGE_BYTES + 1;
	moment.stack.cut = true;
	for (size_t page = 0; page < pages && page < 64; page++) {
		enum unwind_end end;

		moment.stack.missing = 1ULL << page;
		end = walk();
		assert_end(end, frame_count == whole_count ? UNWIND_COMPLETE : UNWIND_NO_MEMORY);
		for (size_t i = 0; i < frame_count; i++)
			assert_int_equal(frames[i].pc, whole[i].pc);
		stopped += frame_count < whole_count;
	}
	assert_true(stopped > 0);
	KEEP();
}

/* --- through libc ----------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	if (!moment.stack.bytes)
		leaf();
	KEEP();
	return *(const char *)a - *(const char *)b;
}

static void test_a_callback_of_qsort(void **state)
{
	char letters[] = "unwinding";

	(void)state;
	own__forget(&moment);
	qsort(letters, sizeof(letters) - 1, 1, compare);
	assert_string_equal(letters, "dgiinnnuw");
	assert_end(walk(), UNWIND_COMPLETE);
	ASSERT_FRAMES("leaf", "compare", "*", "test_a_callback_of_qsort", "*", "main", "*",
		      "_start");
	KEEP();
}

static void *in_thread(void *unused)
{
	(void)unused;
	/* Its stack, not the first thread's. */
	stack_end = own__stack_end();
	outer(100);
	KEEP();
	return NULL;
}

static void test_a_thread(void **state)
{
	uint64_t mine = stack_end;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, in_thread, NULL), 0);
	pthread_join(thread, NULL);
	stack_end = mine;
	assert_end(walk(), UNWIND_COMPLETE);
	/* Down to the C library's first function of a thread and the system call below it. */
	assert_true(frame_count >= 6 && frame_count < 12);
	frame_count = 4;
	ASSERT_FRAMES("leaf", "middle", "outer", "in_thread");
}

/* --- code without rules ----------------------------------------------------------------------- */

/* Calls its argument and keeps a frame pointer, as code made at run time does. */
void frame_pointer_code(void (*function)(void));
extern const char frame_pointer_code_end[];

#if defined(__x86_64__)
__asm__(".text\n"
	".globl frame_pointer_code\n"
	".type frame_pointer_code, @function\n"
	"frame_pointer_code:\n"
	"	push %rbp\n"
	"	mov %rsp, %rbp\n"
	"	sub $64, %rsp\n"
	"	call *%rdi\n"
	"	leave\n"
	"	ret\n"
	".size frame_pointer_code, .-frame_pointer_code\n"
	".globl frame_pointer_code_end\n"
	"frame_pointer_code_end:\n");
#elif defined(__aarch64__)
__asm__(".text\n"
	".globl frame_pointer_code\n"
	".type frame_pointer_code, %function\n"
	"frame_pointer_code:\n"
	"	stp x29, x30, [sp, #-80]!\n"
	"	mov x29, sp\n"
	"	blr x0\n"
	"	ldp x29, x30, [sp], #80\n"
	"	ret\n"
	".size frame_pointer_code, .-frame_pointer_code\n"
	".globl frame_pointer_code_end\n"
	"frame_pointer_code_end:\n");
#endif

static void through_middle(void)
{
	middle(1, 2, 3, 4);
	KEEP();
}

/* The frame pointer is all that is known behind that code; on aarch64 it leads on only from a
 * caller that keeps one, as compilers there do unless told otherwise. */
#if defined(__aarch64__)
__attribute__((optimize("no-omit-frame-pointer")))
#endif
static __attribute__((noinline, noclone)) void
without_rules(void (*code)(void (*)(void)))
{
	code(through_middle);
	KEEP();
}

static void test_code_of_a_file_without_rules(void **state)
{
	(void)state;
	without_rules(frame_pointer_code);
	assert_end(walk(), UNWIND_COMPLETE);
	ASSERT_FRAMES("leaf", "middle", "through_middle", "frame_pointer_code", "without_rules",
		      "test_code_of_a_file_without_rules", "*", "main", "*", "_start");
	KEEP();
}

static void test_code_made_at_run_time(void **state)
{
	size_t bytes = (size_t)(frame_pointer_code_end - (const char *)frame_pointer_code);
	char *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	memcpy(code, (const char *)frame_pointer_code, bytes);
	__builtin___clear_cache(code, code + bytes);
	assert_int_equal(mprotect(code, 4096, PROT_READ | PROT_EXEC), 0);
	own__release(&own);
	own__load(&own);
	without_rules((void (*)(void (*)(void)))(uintptr_t)code);
	assert_end(walk(), UNWIND_COMPLETE);
	ASSERT_FRAMES("leaf", "middle", "through_middle", "?", "without_rules",
		      "test_code_made_at_run_time", "*", "main", "*", "_start");
	assert_in_range(frames[3].pc, (uintptr_t)code, (uintptr_t)code + bytes);

	/* The same return address, with nothing mapped there. */
	munmap(code, 4096);
	own__release(&own);
	own__load(&own);
	assert_end(walk(), UNWIND_NO_MAPPING);
	ASSERT_FRAMES("leaf", "middle", "through_middle");
	KEEP();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_chain_of_calls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_deep_recursion_ends_where_it_is_told_to, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_what_is_missing_of_a_stack_is_not_read, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_cut_stack_gives_the_frames_it_holds, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_callback_of_qsort, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_thread, setup, teardown),
		cmocka_unit_test_setup_teardown(test_code_of_a_file_without_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(test_code_made_at_run_time, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
