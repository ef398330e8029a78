/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/stacks/told.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/units.h"
#include "maps/objects.h"
#include "stacks/kernel_frames.h"

#define KERNEL                                    \
	"ffffffff91000000 T _stext\n"             \
	"ffffffff91000100 T exc_page_fault\n"     \
	"ffffffff91000200 T asm_exc_page_fault\n" \
	"ffffffff91000300 T copy_to_user\n"       \
	"ffffffff91000400 T vfs_read\n"           \
	"ffffffff91000500 T __x64_sys_bpf\n"      \
	"ffffffff91000600 T do_syscall_64\n"      \
	"ffffffff91000700 D data\n"
#define EXT4   "ffffffffc0001040 t ext4_read\t[ext4]\n"

/* The same kernel, its addresses hidden. */
#define HIDDEN "0000000000000000 T _stext\n0000000000000000 T exc_page_fault\n"

/* Of a system call; bpf/stack_sample.h has the order. */
#if defined(__x86_64__)
#define NUMBER_AT 15
#else
#define NUMBER_AT 8
#endif

struct world {
	struct told *told;
	struct stack_sink sink;
	struct objects *objects;
	struct modules *modules;
	struct dictionary *dictionary;
	struct kernel_frames *frames;
	struct stack_sample sample;
	int kallsyms_fd;
	uint64_t now_ns;
	char text[512];
};

static void write_kallsyms(const struct world *world, const char *text)
{
	assert_int_equal(ftruncate(world->kallsyms_fd, 0), 0);
	assert_int_equal(pwrite(world->kallsyms_fd, text, strlen(text), 0), strlen(text));
}

/* A page fault of read(2) in copy_to_user(), at its first instruction. */
static struct stack_sample sample_of_read(uint64_t caller)
{
	struct stack_sample sample = {.flags = STACK_SAMPLE_KERNEL};
	const uint64_t stack[] = {
		0xffffffffc0999999, /* our program, whom nobody knows */
		0xffffffff91000110, 0xffffffff91000220, 0xffffffff91000300, caller,
		0xffffffff91000500, /* behind the call that is the last of vfs_read() */
		0xffffffff91000520, 0xffffffff91000620,
	};

	memcpy(sample.kernel, stack, sizeof(stack));
	sample.kernel_frames = sizeof(stack) / sizeof(*stack);
	sample.registers[NUMBER_AT] = SYS_read;
	return sample;
}

static int make_world(void **state)
{
	static struct world world;
	const struct objects_options objects = {0};

	world = (struct world){.told = told__new(), .now_ns = 1000 * NS_PER_S};
	world.sink = told__sink(world.told);
	world.kallsyms_fd = memfd_create("kallsyms", MFD_CLOEXEC);
	world.sample = sample_of_read(0xffffffffc0001080);
	*state = &world;
	if (world.kallsyms_fd < 0 || objects__new(&world.objects, &objects) ||
	    modules__new(&world.modules, world.objects, NULL, &world.sink) ||
	    dictionary__new(&world.dictionary, &world.sink))
		return -1;
	const struct kernel_frames_options options = {
		.kallsyms_fd = world.kallsyms_fd,
		.modules = world.modules,
		.dictionary = world.dictionary,
		.sink = &world.sink,
	};
	return kernel_frames__new(&world.frames, &options);
}

static int remove_world(void **state)
{
	struct world *world = *state;

	kernel_frames__free(world->frames);
	dictionary__free(world->dictionary);
	modules__free(world->modules);
	objects__free(world->objects);
	close(world->kallsyms_fd);
	free(world->told);
	return 0;
}

/* "[kernel]!copy_to_user+300 [ext4]!ext4_read+7f [read]", innermost first. */
static const char *frames_of(struct world *world, const char *call)
{
	uint32_t numbers[KERNEL_FRAMES_MAX];
	size_t count, length = 0;

	assert_int_equal(kernel_frames__of(world->frames, &world->sample, call, world->now_ns,
					   numbers, &count),
			 0);
	assert_true(count > 0 && count <= KERNEL_FRAMES_MAX);
	world->text[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		const struct told_frame *told = told__frame(world->told, numbers[i]);
		const struct told_module *module = told__module(world->told, told->frame.module);

		assert_int_equal(told->frame.kind, FRAME_KERNEL);
		length += (size_t)snprintf(world->text + length, sizeof(world->text) - length,
					   "%s%s%s%s", i ? " " : "", module ? module->path : "",
					   module ? "!" : "", told->name);
		if (module)
			length +=
				(size_t)snprintf(world->text + length, sizeof(world->text) - length,
						 "+%lx", (unsigned long)told->frame.address);
		assert_true(length < sizeof(world->text));
	}
	return world->text;
}

static void test_functions_and_the_system_call(void **state)
{
	struct world *world = *state;
	const size_t unread_bytes = kernel_frames__bytes(world->frames);
	size_t told;

	write_kallsyms(world, KERNEL EXT4);
	assert_string_equal(frames_of(world, NULL), "[kernel]!copy_to_user+300 [ext4]!ext4_read+7f "
						    "[kernel]!vfs_read+4ff [read]");
	assert_true(kernel_frames__bytes(world->frames) > unread_bytes);
	assert_int_equal(told__frame(world->told, 2)->frame.start, 0x40);
	assert_int_equal(world->told->module_count, 2);
	assert_int_equal(world->told->modules[0].build_id_bytes, 0);
	/* Once. */
	told = world->told->frame_count;
	frames_of(world, NULL);
	assert_int_equal(world->told->frame_count, told);
	assert_int_equal(world->told->module_count, 2);
	/* And again for whoever may have forgotten. */
	world->now_ns += STACK_RETELL_NS;
	frames_of(world, NULL);
	assert_int_equal(world->told->module_count, 4);
	assert_int_equal(world->told->modules[3].id, world->told->modules[1].id);
}

/* The registers say nothing of use: then its own function does, or whoever asks. */
static void test_a_system_call_that_is_not_listed(void **state)
{
	struct world *world = *state;

	write_kallsyms(world, KERNEL EXT4);
	world->sample.registers[NUMBER_AT] = (uint64_t)-1;
	assert_non_null(strstr(frames_of(world, NULL), "vfs_read+4ff [bpf]"));
	assert_string_equal(frames_of(world, "[execve]"), "[execve]");
	world->sample.kernel_frames = 0;
	assert_string_equal(frames_of(world, NULL), "[kernel]");
}

static void test_hidden_addresses_leave_the_system_call(void **state)
{
	struct world *world = *state;

	write_kallsyms(world, HIDDEN);
	assert_string_equal(frames_of(world, NULL), "[read]");
	/* Who has hidden them shows them to nobody that has this descriptor. */
	write_kallsyms(world, KERNEL EXT4);
	world->now_ns += 3600 * NS_PER_S;
	assert_string_equal(frames_of(world, NULL), "[read]");
	assert_int_equal(world->told->module_count, 0);
}

static void test_a_stack_that_cannot_be_had(void **state)
{
	struct world *world = *state;
	const size_t unread_bytes = kernel_frames__bytes(world->frames);

	write_kallsyms(world, KERNEL EXT4);
	world->sample.kernel_frames = 0;
	assert_string_equal(frames_of(world, NULL), "[read]");
	/* Nothing was read for it. */
	assert_int_equal(kernel_frames__bytes(world->frames), unread_bytes);
	/* No page fault within what there is of it. */
	world->sample = sample_of_read(0);
	world->sample.kernel_frames = 1;
	assert_string_equal(frames_of(world, NULL), "[read]");
}

static void test_a_reading_that_failed_is_tried_again(void **state)
{
	struct world *world = *state;
	const int kept = dup(world->kallsyms_fd);

	write_kallsyms(world, KERNEL EXT4);
	assert_true(kept >= 0);
	assert_int_equal(close(world->kallsyms_fd), 0);
	assert_string_equal(frames_of(world, NULL), "[read]");
	assert_int_equal(dup2(kept, world->kallsyms_fd), world->kallsyms_fd);
	assert_int_equal(close(kept), 0);
	assert_string_equal(frames_of(world, NULL), "[read]");
	world->now_ns += 60 * NS_PER_S;
	assert_non_null(strstr(frames_of(world, NULL), " [ext4]!ext4_read+7f "));
}

/* A module that was loaded later: not more often than once a minute. */
static void test_who_is_not_known_is_looked_for_again(void **state)
{
	struct world *world = *state;

	write_kallsyms(world, KERNEL);
	assert_string_equal(frames_of(world, NULL), "[kernel]!copy_to_user+300 [unknown] "
						    "[kernel]!vfs_read+4ff [read]");
	write_kallsyms(world, KERNEL EXT4);
	world->now_ns += 59 * NS_PER_S;
	assert_non_null(strstr(frames_of(world, NULL), " [unknown] "));
	world->now_ns += 1 * NS_PER_S;
	assert_non_null(strstr(frames_of(world, NULL), " [ext4]!ext4_read+7f "));
}

/* At its address there may be another one by now. */
static void test_a_module_is_asked_for_again(void **state)
{
	struct world *world = *state;

	write_kallsyms(world, KERNEL EXT4);
	assert_non_null(strstr(frames_of(world, NULL), " [ext4]!ext4_read+7f "));
	write_kallsyms(world, KERNEL "ffffffffc0001000 t xfs_read\t[xfs]\n");
	world->now_ns += 599 * NS_PER_S;
	assert_non_null(strstr(frames_of(world, NULL), " [ext4]!ext4_read+7f "));
	world->now_ns += 1 * NS_PER_S;
	assert_non_null(strstr(frames_of(world, NULL), " [xfs]!xfs_read+7f "));
}

static void test_the_sinks_refusal_is_passed_on(void **state)
{
	struct world *world = *state;
	uint32_t numbers[KERNEL_FRAMES_MAX];
	size_t count;

	write_kallsyms(world, KERNEL EXT4);
	world->told->answer = -ENOSPC;
	assert_int_equal(kernel_frames__of(world->frames, &world->sample, NULL, world->now_ns,
					   numbers, &count),
			 -ENOSPC);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, make_world, remove_world)
	const struct CMUnitTest tests[] = {
		TEST(functions_and_the_system_call),
		TEST(a_system_call_that_is_not_listed),
		TEST(hidden_addresses_leave_the_system_call),
		TEST(a_stack_that_cannot_be_had),
		TEST(a_reading_that_failed_is_tried_again),
		TEST(who_is_not_known_is_looked_for_again),
		TEST(a_module_is_asked_for_again),
		TEST(the_sinks_refusal_is_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
