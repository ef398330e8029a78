/* SPDX-License-Identifier: GPL-2.0-only */

/* This process unwinds itself: known functions without frame pointers, through libc, through
 * signals, in a thread, out of code that has no rules. */

#include "tests/unit/unwind/own.h"

#include <signal.h>

#pragma GCC optimize("omit-frame-pointer")

#define KEEP() __asm__ volatile("" ::: "memory") /* what follows a call: no tail call */

static struct own own;
static struct own_moment moment;
static uint64_t stack_end;

static struct unwind_frame frames[OWN_FRAMES_MAX];
static size_t frame_count;

static enum unwind_end walk(void)
{
	struct unwind_state state = moment.state;

	return unwind__walk(&state, &moment.stack, own__find, &own, frames, OWN_FRAMES_MAX,
			    &frame_count);
}

/* `names` in this order with nothing between, except of "*": any frames. Compilers append to names
 * (".isra.0"), and newer C libraries have more of them. */
static bool matches(const char *const *names, size_t at)
{
	for (; *names; names++, at++) {
		const char *name;

		if (!strcmp(*names, "*")) {
			for (; at <= frame_count; at++) {
				if (matches(names + 1, at))
					return true;
			}
			return false;
		}
		if (at >= frame_count)
			return false;
		name = own__name(&own, &frames[at]);
		if (strncmp(name, *names, strlen(*names)) ||
		    (name[strlen(*names)] && name[strlen(*names)] != '.'))
			return false;
	}
	return at == frame_count;
}

static void assert_frames(const char *const *names)
{
	if (matches(names, 0))
		return;
	for (size_t i = 0; i < frame_count; i++)
		print_message("%zu: %#llx %s\n", i, (unsigned long long)frames[i].pc,
			      own__name(&own, &frames[i]));
	fail_msg("other frames were expected");
}

#define ASSERT_FRAMES(...) assert_frames((const char *const[]){__VA_ARGS__, NULL})

static void assert_end(enum unwind_end is, enum unwind_end expected)
{
	assert_string_equal(unwind__end_name(is), unwind__end_name(expected));
}

static int setup(void **state)
{
	(void)state;
	stack_end = own__stack_end();
	own__load(&own);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	own__forget(&moment);
	own__release(&own);
	return 0;
}

/* --- a chain of calls ------------------------------------------------------------------------- */

static volatile unsigned int sink;

static __attribute__((noinline, noclone)) void leaf(void)
{
	own__forget(&moment);
	OWN_CAPTURE(&moment, stack_end);
	KEEP();
}

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

/* --- through signals -------------------------------------------------------------------------- */

static volatile char *page; /* without a right to write until the handler gives one */
static void *page_start;

static void handle(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	(void)context;
	leaf();
	if (page_start)
		mprotect(page_start, 4096, PROT_READ | PROT_WRITE);
	KEEP();
}

static void handle_with(int number, int flags, struct sigaction *before)
{
	struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | flags};

	assert_int_equal(sigaction(number, &action, before), 0);
}

static size_t interrupted_frame(void)
{
	for (size_t i = 1; i < frame_count; i++) {
		if (frames[i].exact)
			return i;
	}
	return 0;
}

static void test_a_signal_that_was_raised(void **state)
{
	struct sigaction before;

	(void)state;
	handle_with(SIGUSR1, 0, &before);
	raise(SIGUSR1);
	sigaction(SIGUSR1, &before, NULL);
	assert_end(walk(), UNWIND_COMPLETE);
	ASSERT_FRAMES("leaf", "handle", "*", "test_a_signal_that_was_raised", "*", "main", "*",
		      "_start");
	assert_int_equal(interrupted_frame(), 3);
	KEEP();
}

/* Interrupted at a store, where no call is: a function of its own that keeps no frame at all. */
static __attribute__((noinline, noclone)) void store(volatile char *where)
{
	*where = 1;
}

static void fault(int flags)
{
	struct sigaction before;

	page_start = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(page_start, MAP_FAILED);
	page = page_start;
	handle_with(SIGSEGV, flags, &before);
	store(page);
	KEEP();
	sigaction(SIGSEGV, &before, NULL);
	assert_int_equal(*page, 1);
	munmap(page_start, 4096);
	page_start = NULL;
}

static void test_a_fault_in_a_leaf_function(void **state)
{
	size_t interrupted;

	(void)state;
	fault(0);
	assert_end(walk(), UNWIND_COMPLETE);
	ASSERT_FRAMES("leaf", "handle", "*", "store", "fault", "test_a_fault_in_a_leaf_function",
		      "*", "main", "*", "_start");
	interrupted = interrupted_frame();
	assert_string_equal(own__name(&own, &frames[interrupted]), "store");
	KEEP();
}

/* What was interrupted is known, its callers are on a stack that was not copied. */
static void test_a_signal_on_a_stack_of_its_own(void **state)
{
	size_t bytes = 256 * 1024;
	char *other = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t alternative = {.ss_sp = other, .ss_size = bytes}, before;
	uint64_t mine = stack_end;

	(void)state;
	assert_int_equal(sigaltstack(&alternative, &before), 0);
	stack_end = (uint64_t)other + bytes;
	fault(SA_ONSTACK);
	stack_end = mine;
	sigaltstack(&before, NULL);
	munmap(other, bytes);
	assert_end(walk(), UNWIND_NO_MEMORY);
	frame_count -= frames[frame_count - 1].exact ? 0 : 1;
	ASSERT_FRAMES("leaf", "handle", "*", "store");
	assert_true(frames[frame_count - 1].exact);
	KEEP();
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

static __attribute__((noinline, noclone)) void without_rules(void (*code)(void (*)(void)))
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
		cmocka_unit_test_setup_teardown(test_a_cut_stack_gives_the_frames_it_holds, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_callback_of_qsort, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_thread, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_signal_that_was_raised, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_fault_in_a_leaf_function, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_signal_on_a_stack_of_its_own, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_code_of_a_file_without_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(test_code_made_at_run_time, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
