/* SPDX-License-Identifier: GPL-2.0-only */

/* Walks through signal handlers: of this process, and of aarch64, whose trampoline has no rule. */

#include "tests/unit/unwind/chain.h"
#include "tests/unit/unwind/made.h"

#include <dwarf.h>
#include <signal.h>

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

/* --- aarch64's trampoline --------------------------------------------------------------------- */

#define TRAMPOLINE  0x7000ULL /* in the vDSO */
#define HANDLER     (MADE_START + 0x100ULL)
#define INTERRUPTED 0x10200ULL
#define LEAF_CALLER 0x10280ULL
#define CALLER      0x10300ULL
#define SIGNATURE   0x0054000000000000ULL
#define STACK_AT    0x7fff0000ULL

/* What the kernel leaves on the stack (arch/arm64/include/uapi/asm/sigcontext.h and others). */
struct rt_sigframe {
	struct {
		int32_t words[32];
	} info;
	struct {
		uint64_t flags;
		uint64_t link;
		struct {
			uint64_t sp;
			int32_t flags;
			uint64_t bytes;
		} stack;
		uint64_t mask;
		uint8_t unused[1024 / 8 - sizeof(uint64_t)];
		struct {
			uint64_t fault_address;
			uint64_t registers[31];
			uint64_t sp;
			uint64_t pc;
			uint64_t pstate;
		} context __attribute__((aligned(16)));
	} user;
};

struct made_stack {
	uint64_t handler[2]; /* frame records: x29, x30 */
	struct rt_sigframe signal;
	uint64_t kernel[2];
	uint64_t interrupted[2];
};

#define PLACE(member) (STACK_AT + offsetof(struct made_stack, member))

struct made_code {
	struct cfi *vdso;
	struct cfi *handler;     /* NULL: frame pointers lead on */
	struct cfi *interrupted; /* the same */
};

static struct cfi *made__vdso(const char *symbol)
{
	struct made_section sections[] = {
		{.name = ".dynsym", .vaddr = 0x100},
		{.name = ".dynstr", .vaddr = 0x200},
	};
	Elf64_Sym symbols[2] = {[1] = {.st_name = 1, .st_value = TRAMPOLINE}};
	struct object *object;
	struct cfi *cfi = NULL;

	made__bytes(&sections[0].content, symbols, sizeof(symbols));
	made__byte(&sections[1].content, 0);
	made__bytes(&sections[1].content, symbol, strlen(symbol) + 1);
	object = made__file(EM_AARCH64, sections, 2);
	cfi__new(&cfi, object);
	object__unref(object);
	return cfi;
}

/* A function that has nothing on the stack: CFA = sp, and it returns to x30. */
static struct cfi *made__leaf(void)
{
	static const uint8_t begin[] = {DW_CFA_def_cfa, 31, 0};
	struct made made = {0};
	struct object *object;
	struct cfi *cfi = NULL;

	made__common(&made, "zR", 30, begin, sizeof(begin));
	made__function(&made, 0, true, NULL, 0);
	object = made__object(&made, EM_AARCH64, ".eh_frame");
	assert_int_equal(cfi__new(&cfi, object), 0);
	object__unref(object);
	return cfi;
}

/* unwind_find */
static bool find_made(void *context, uint64_t pc, struct unwind_place *out)
{
	const struct made_code *code = context;

	*out = (struct unwind_place){.vaddr = pc};
	if (pc >= TRAMPOLINE - 16 && pc < TRAMPOLINE + 16)
		out->cfi = code->vdso;
	else if (pc == HANDLER)
		out->cfi = code->handler;
	else if (pc == INTERRUPTED)
		*out = (struct unwind_place){.cfi = code->interrupted, .vaddr = HANDLER};
	return true;
}

/* In the first instruction of a handler; where frame pointers lead on, behind its first ones. */
static enum unwind_end walk_made(struct made_code code)
{
	struct made_stack stack = {
		.handler = {PLACE(kernel), TRAMPOLINE},
		.kernel = {PLACE(interrupted), CALLER - 8},
		.interrupted = {0, CALLER},
	};
	struct unwind_stack copy = {
		.from = STACK_AT,
		.bytes = (const uint8_t *)&stack,
		.size = sizeof(stack),
	};
	struct unwind_state state = {.machine = EM_AARCH64, .pc = HANDLER, .known = 0xffffffff};

	stack.signal.user.context.registers[29] = PLACE(interrupted);
	stack.signal.user.context.registers[30] = SIGNATURE | LEAF_CALLER;
	stack.signal.user.context.sp = PLACE(interrupted);
	stack.signal.user.context.pc = INTERRUPTED;
	state.registers[29] = STACK_AT;
	state.registers[30] = TRAMPOLINE;
	state.registers[31] = code.handler ? PLACE(signal) : STACK_AT;
	return unwind__walk(&state, &copy, find_made, &code, frames, OWN_FRAMES_MAX, &frame_count);
}

static void test_what_an_aarch64_trampoline_interrupted(void **state)
{
	struct made_code code = {made__vdso("__kernel_rt_sigreturn"), made__leaf(), NULL};

	(void)state;
	assert_non_null(code.vdso);
	assert_end(walk_made(code), UNWIND_COMPLETE);
	assert_int_equal(frame_count, 4);
	assert_int_equal(frames[1].pc, TRAMPOLINE);
	assert_false(frames[1].exact);
	assert_int_equal(frames[2].pc, INTERRUPTED);
	assert_true(frames[2].exact);
	assert_int_equal(frames[3].pc, CALLER);
	assert_false(frames[3].exact);

	/* A function that calls nobody: its caller is in x30, which is among what was stored. */
	code.interrupted = code.handler;
	assert_end(walk_made(code), UNWIND_COMPLETE);
	assert_int_equal(frame_count, 5);
	assert_int_equal(frames[2].pc, INTERRUPTED);
	assert_true(frames[2].exact);
	assert_int_equal(frames[3].pc, LEAF_CALLER);
	assert_false(frames[3].exact);
	assert_int_equal(frames[4].pc, CALLER);
	cfi__free(code.handler);

	/* Behind a frame pointer nobody knows where the signal's frame begins. */
	code.handler = code.interrupted = NULL;
	assert_end(walk_made(code), UNWIND_NO_RULE);
	assert_int_equal(frame_count, 2);
	assert_int_equal(frames[1].pc, TRAMPOLINE);
	cfi__free(code.vdso);
}

static void test_another_symbol_is_no_trampoline(void **state)
{
	(void)state;
	assert_null(made__vdso("__kernel_clock_gettime"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_signal_that_was_raised, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_fault_in_a_leaf_function, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_signal_on_a_stack_of_its_own, setup,
						teardown),
		cmocka_unit_test(test_what_an_aarch64_trampoline_interrupted),
		cmocka_unit_test(test_another_symbol_is_no_trampoline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
