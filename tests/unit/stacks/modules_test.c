/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/stacks/told.h"
#include "tests/unit/symbols/made.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/units.h"
#include "maps/proc_maps.h"
#include "stacks/modules.h"

#define FOUND    (-ECANCELED) /* ends the reading of maps */
#define BEGIN_NS (1000 * NS_PER_S)
#define CHAIN    "build/workloads/chain"
#if defined(__x86_64__)
#define MULTIARCH "x86_64-linux-gnu"
#else
#define MULTIARCH "aarch64-linux-gnu"
#endif
#define SHORT_BYTES (2 * MIB) /* less than all of them take, and more than any alone */
#define DEBUG_ROOT  "/usr/lib/debug"

struct world {
	struct told *told;
	struct objects *objects;
	struct mapped_files *files;
	struct modules *modules;
	struct patience patience;
	char folder[64];
};

static void new_modules(struct world *world)
{
	const struct stack_sink sink = told__sink(world->told);

	modules__free(world->modules);
	assert_int_equal(modules__new(&world->modules, world->objects, &world->patience, &sink), 0);
}

static int make_world(void **state)
{
	static struct world world;
	const struct objects_options options = {0};

	world = (struct world){.folder = "/tmp/modules_test.XXXXXX", .told = told__new()};
	*state = &world;
	if (!mkdtemp(world.folder) || objects__new(&world.objects, &options) ||
	    mapped_files__new(&world.files))
		return -1;
	new_modules(&world);
	return 0;
}

static int remove_world(void **state)
{
	struct world *world = *state;

	modules__free(world->modules);
	objects__free(world->objects);
	/* Nobody holds a file any more. */
	assert_int_equal(mapped_files__bytes(world->files), 0);
	mapped_files__free(world->files);
	free(world->told);
	run("rm -rf '%s'", world->folder);
	return 0;
}

struct wanted {
	struct world *world;
	uint64_t address;
	struct mapping out;
};

static int on_mapping(void *context, const struct told_mapping *told)
{
	struct wanted *wanted = context;

	if (told->start > wanted->address || wanted->address >= told->end)
		return 0;
	wanted->out = (struct mapping){
		.start = told->start, .end = told->end, .offset = told->offset, .kind = told->kind};
	if (told->kind == MAPPING_FILE)
		wanted->out.file =
			mapped_files__take(wanted->world->files, &told->file, told->path);
	return FOUND;
}

/* Maps the file here. */
static struct mapping map(struct world *world, const char *path)
{
	struct wanted wanted = {.world = world};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	uint64_t skipped = 0;

	assert_true(fd >= 0 && page != MAP_FAILED);
	close(fd);
	wanted.address = (uintptr_t)page;
	assert_int_equal(
		proc_maps__read("/proc", (uint32_t)getpid(), false, on_mapping, &wanted, &skipped),
		FOUND);
	return wanted.out;
}

static void unmap(struct mapping *mapping)
{
	munmap((void *)mapping->start, mapping->end - mapping->start);
	mapped_file__unref(mapping->file);
}

static struct module *module_of(struct world *world, const struct mapping *mapping)
{
	return modules__of(world->modules, (uint32_t)getpid(), mapping);
}

/* Has main in it, or _init at least, under a name. */
static bool names_anything(struct world *world, struct module *module)
{
	const uint64_t step = 64;
	struct symbol symbol;

	for (uint64_t vaddr = 0x1000; vaddr < 0x200000; vaddr += step) {
		if (modules__name(world->modules, module, vaddr, &symbol))
			return true;
	}
	return false;
}

static bool name_under(struct world *world, const char *const paths[], size_t count,
		       uint64_t more_bytes)
{
	struct mapping mappings[16];
	struct rlimit limit;
	uint64_t pages = 0;
	FILE *file;

	for (size_t i = 0; i < count; i++)
		mappings[i] = map(world, paths[i]);
	file = fopen("/proc/self/statm", "re");
	if (!file || fscanf(file, "%*u %*u %*u %*u %*u %" SCNu64, &pages) != 1)
		return false;
	fclose(file);
	limit.rlim_cur = limit.rlim_max = pages * 4096 + more_bytes;
	if (setrlimit(RLIMIT_DATA, &limit))
		return false;
	/* Twice: what went comes again. */
	for (size_t i = 0; i < 2 * count; i++) {
		struct module *module = module_of(world, &mappings[i % count]);

		if (!module || !names_anything(world, module))
			return false;
	}
	return !modules__too_large(world->modules);
}

/* Together they take more than there is, each alone does not. */
static void test_short_memory_costs_other_modules_not_names(void **state)
{
	static const char *const paths[] = {
		"/lib/" MULTIARCH "/libc.so.6",          "/lib/" MULTIARCH "/libm.so.6",
		"/usr/lib/" MULTIARCH "/libstdc++.so.6", "/usr/lib/" MULTIARCH "/libdw.so.1",
		"/usr/lib/" MULTIARCH "/libbpf.so.1",    "/usr/lib/" MULTIARCH "/libjansson.so.4",
		"/usr/lib/" MULTIARCH "/libcrypto.so.3", "/usr/lib/" MULTIARCH "/libsqlite3.so.0",
	};
	int status;
	pid_t pid;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	skip(); /* they take memory as they like */
#endif
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (access(paths[i], R_OK))
			skip();
	}
	pid = fork();
	if (pid == 0) {
		mallopt(M_MMAP_THRESHOLD, 128 * 1024);
		_exit(!name_under(*state, paths, sizeof(paths) / sizeof(paths[0]), SHORT_BYTES));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_the_same_file_is_told_once(void **state)
{
	struct world *world = *state;
	struct mapping first = map(world, CHAIN), second = map(world, CHAIN);
	struct module *module;
	uint32_t id;

	assert_int_not_equal(first.start, second.start);
	module = module_of(world, &first);
	assert_non_null(module);
	assert_non_null(module->cfi);
	id = module->id;
	assert_int_equal(id, 1);
	assert_int_equal(modules__tell(world->modules, module, BEGIN_NS), 0);
	module = module_of(world, &second);
	assert_int_equal(module->id, id);
	assert_int_equal(modules__tell(world->modules, module, BEGIN_NS + 1), 0);
	assert_int_equal(world->told->module_count, 1);
	assert_int_equal(world->told->modules[0].id, id);
	assert_int_equal(world->told->modules[0].build_id_bytes, 20);
	assert_true(strlen(world->told->modules[0].path) > strlen(CHAIN));
	/* Under the same number again, in time; and out of order. */
	assert_int_equal(modules__tell(world->modules, module, BEGIN_NS - 1), 0);
	assert_int_equal(modules__tell(world->modules, module, BEGIN_NS + SINK_RETELL_NS - 1), 0);
	assert_int_equal(world->told->module_count, 1);
	assert_int_equal(modules__tell(world->modules, module, BEGIN_NS + SINK_RETELL_NS), 0);
	assert_int_equal(world->told->module_count, 2);
	assert_int_equal(world->told->modules[1].id, id);
	assert_string_equal(world->told->modules[1].path, world->told->modules[0].path);
	/* What the sink says. */
	world->told->answer = -EPIPE;
	assert_int_equal(modules__tell(world->modules, module, BEGIN_NS + 9 * SINK_RETELL_NS),
			 -EPIPE);
	unmap(&first);
	unmap(&second);
}

static void test_a_deleted_file(void **state)
{
	struct world *world = *state;
	struct mapping mapping;
	struct module *module;
	char path[128];

	snprintf(path, sizeof(path), "%s/program", world->folder);
	run("cp " CHAIN " '%s'", path);
	mapping = map(world, path);
	assert_int_equal(unlink(path), 0);
	module = module_of(world, &mapping);
	assert_non_null(module);
	assert_int_equal(modules__tell(world->modules, module, BEGIN_NS), 0);
	assert_string_equal(world->told->modules[0].path, path);
	unmap(&mapping);
}

static void test_what_is_no_program(void **state)
{
	struct world *world = *state;
	struct mapping text, code = {.start = 0x1000, .end = 0x2000, .kind = MAPPING_ANONYMOUS};
	char path[128];
	uint64_t failed;

	snprintf(path, sizeof(path), "%s/text", world->folder);
	run("echo hello > '%s'", path);
	text = map(world, path);
	assert_null(module_of(world, &text));
	failed = objects__counts(world->objects).failed;
	/* Once is enough. */
	for (int i = 0; i < 10; i++)
		assert_null(module_of(world, &text));
	assert_int_equal(objects__counts(world->objects).failed, failed);
	assert_null(module_of(world, &code));
	unmap(&text);
}

static struct patience_time time_now;

static struct patience_time told_clock(void)
{
	return time_now;
}

/* Neither files nor symbols are read then, and nothing is remembered of that. */
static void test_without_patience_nothing_new_is_read(void **state)
{
	struct world *world = *state;
	struct mapping known = map(world, CHAIN), unknown = map(world, "build/workloads/grow");
	struct module *module = module_of(world, &known);
	uint64_t read;

	assert_non_null(module);
	world->patience.clock = told_clock;
	patience__begin(&world->patience, 1, 1);
	time_now.cpu_ns += PATIENCE_CPU_NS;
	read = objects__counts(world->objects).read;
	assert_null(module_of(world, &unknown));
	assert_int_equal(objects__counts(world->objects).read, read);
	assert_ptr_equal(module_of(world, &known), module);
	assert_false(modules__can_name(world->modules, module));
	patience__end(&world->patience, 1, 1);
	assert_int_equal(world->patience.samples, 1);
	assert_true(modules__can_name(world->modules, module));
	assert_true(names_anything(world, module));
	assert_non_null(module_of(world, &unknown));
	/* What has been read is there without. */
	time_now.wall_ns += PATIENCE_WALL_NS;
	patience__begin(&world->patience, 1, 1);
	assert_true(modules__can_name(world->modules, module_of(world, &known)));
	assert_false(world->patience.refused);
	unmap(&known);
	unmap(&unknown);
}

static void write_program(const char *path, uint64_t number)
{
	const struct made_section sections[] = {
		{".text", SHT_NOBITS, MADE_TEXT_VADDR, NULL, 4096},
		{".dynstr", SHT_STRTAB, 0, &number, sizeof(number)},
	};
	struct image image = made__image(sections, 2, MADE_TEXT_VADDR + number);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(image.data, image.bytes, 1, file), 1);
	assert_int_equal(fclose(file), 0);
	free(image.data);
}

static void test_the_least_recently_used_go(void **state)
{
	struct world *world = *state;
	struct mapping *mappings = calloc(MODULES_MAX + 1, sizeof(*mappings));
	struct module *module;
	char path[128];
	size_t bytes;

	assert_non_null(mappings);
	for (uint32_t i = 0; i <= MODULES_MAX; i++) {
		snprintf(path, sizeof(path), "%s/%u", world->folder, i);
		write_program(path, i);
		mappings[i] = map(world, path);
	}
	for (uint32_t i = 0; i < MODULES_MAX; i++) {
		module = module_of(world, &mappings[i]);
		assert_non_null(module);
		assert_int_equal(module->id, i + 1);
	}
	/* The first one is in use, as it always was since. */
	assert_int_equal(module_of(world, &mappings[0])->id, 1);
	bytes = modules__bytes(world->modules);
	assert_int_equal(module_of(world, &mappings[MODULES_MAX])->id, MODULES_MAX + 1);
	assert_true(modules__bytes(world->modules) < bytes + 4 * KIB);
	assert_int_equal(module_of(world, &mappings[0])->id, 1);
	/* The second was not: it comes again as another one, and is told. */
	module = module_of(world, &mappings[1]);
	assert_int_equal(module->id, MODULES_MAX + 2);
	assert_int_equal(modules__tell(world->modules, module, BEGIN_NS), 0);
	assert_int_equal(world->told->module_count, 1);
	for (uint32_t i = 0; i <= MODULES_MAX; i++)
		unmap(&mappings[i]);
	free(mappings);
}

/* --- names out of debug files ---------------------------------------------------------------- */

/* Where `inner` is, by the table that the program itself has. */
static uint64_t address_of_inner(void)
{
	struct object *object = object_of(CHAIN);
	struct object_section text = object__section(object, ".text");
	struct symbols *symbols;
	struct symbol symbol;
	uint64_t at = text.vaddr;

	assert_int_equal(symbols__new(&symbols, object, NULL), 0);
	while (!symbols__find(symbols, at, &symbol) || strcmp(symbol.name, "inner")) {
		assert_true(at < text.vaddr + text.bytes);
		at++;
	}
	symbols__free(symbols);
	object__unref(object);
	return at;
}

/* As if it had never been seen before. */
static bool is_named(struct world *world, const char *path, uint64_t address)
{
	struct mapping mapping = map(world, path);
	struct symbol symbol;
	struct module *module;
	bool named;

	new_modules(world);
	module = module_of(world, &mapping);
	assert_non_null(module);
	named = modules__name(world->modules, module, address, &symbol);
	if (named)
		assert_string_equal(symbol.name, "inner");
	new_modules(world);
	unmap(&mapping);
	return named;
}

/* A debug root of our own, that nobody else sees. */
static void own_debug_root(void)
{
	if (geteuid() || access(DEBUG_ROOT, F_OK)) {
		print_message("skipped: needs root and " DEBUG_ROOT "\n");
		skip();
	}
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount("tmpfs", DEBUG_ROOT, "tmpfs", 0, NULL), 0);
}

static void path_by_build_id(char *out, size_t bytes)
{
	struct object *object = object_of(CHAIN);
	size_t id_bytes;
	const uint8_t *id = object__build_id(object, &id_bytes);
	size_t at = (size_t)snprintf(out, bytes, DEBUG_ROOT "/.build-id/%02x/", id[0]);

	run("mkdir -p '%s'", out);
	for (size_t i = 1; i < id_bytes; i++)
		at += (size_t)snprintf(out + at, bytes - at, "%02x", id[i]);
	snprintf(out + at, bytes - at, ".debug");
	object__unref(object);
}

static void test_debug_files(void **state)
{
	struct world *world = *state;
	uint64_t inner = address_of_inner();
	char program[128], by_id[256];

	own_debug_root();
	snprintf(program, sizeof(program), "%s/program", world->folder);
	run("strip -o '%s' " CHAIN, program);
	path_by_build_id(by_id, sizeof(by_id));
	alarm(60);
	assert_false(is_named(world, program, inner));
	/* A link with an absolute path is all right. */
	run("cp " CHAIN " " DEBUG_ROOT "/whole && ln -s " DEBUG_ROOT "/whole '%s'", by_id);
	assert_true(is_named(world, program, inner));
	/* What is none, and what is cut, wherever. */
	run("rm '%s' && mkfifo '%s'", by_id, by_id);
	assert_false(is_named(world, program, inner));
	run("rm '%s' && ln -s /dev/zero '%s'", by_id, by_id);
	assert_false(is_named(world, program, inner));
	run("rm '%s' && ln -s '%s' '%s'", by_id, by_id, by_id);
	assert_false(is_named(world, program, inner));
	run("rm '%s' && mkdir '%s'", by_id, by_id);
	assert_false(is_named(world, program, inner));
	run("rmdir '%s'", by_id);
	for (unsigned int bytes = 0; bytes < 16000; bytes = bytes * 3 / 2 + 10) {
		run("head -c %u " CHAIN " > '%s'", bytes, by_id);
		assert_false(is_named(world, program, inner));
	}
	/* Somebody else's. */
	run("cp " CHAIN " '%s' && chown 65534 '%s'", by_id, by_id);
	assert_false(is_named(world, program, inner));
	run("chown 0 '%s'", by_id);
	assert_true(is_named(world, program, inner));
	run("rm '%s'", by_id);
	alarm(0);
}

/* By the name that a program itself gives, only where nobody but root can put anything. */
static void test_debug_files_that_a_program_names(void **state)
{
	struct world *world = *state;
	const char *folders[] = {world->folder, DEBUG_ROOT};
	uint64_t inner = address_of_inner();
	char program[128];

	own_debug_root();
	for (size_t i = 0; i < 2; i++) {
		snprintf(program, sizeof(program), "%s/program", folders[i]);
		run("strip -o '%s' " CHAIN " && cp " CHAIN " '%s/named.debug' && cd '%s' && "
		    "objcopy --add-gnu-debuglink=named.debug program",
		    program, folders[i], folders[i]);
		assert_int_equal(is_named(world, program, inner), i == 1);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_world, remove_world)
	const struct CMUnitTest tests[] = {
		TEST(test_the_same_file_is_told_once),
		TEST(test_short_memory_costs_other_modules_not_names),
		TEST(test_a_deleted_file),
		TEST(test_what_is_no_program),
		TEST(test_without_patience_nothing_new_is_read),
		TEST(test_the_least_recently_used_go),
		TEST(test_debug_files),
		TEST(test_debug_files_that_a_program_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
