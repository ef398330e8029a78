/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/maps/host.h"

#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "maps/mapped_open.h"
#include "maps/objects.h"
#include "maps/proc_maps.h"

#define SLEEP  "/usr/bin/sleep"
#define ENV    "/usr/bin/env"
#define PYTHON "/usr/bin/python3"

struct world {
	struct objects *objects;
	struct mapped_files *files;
	struct worker worker;
	uint32_t pid;
	char folder[64];
	char why[256];
};

static int make_world(void **state)
{
	static struct world world;
	const struct objects_options options = {0};

	world = (struct world){.folder = "/tmp/objects_test.XXXXXX"};
	if (!mkdtemp(world.folder) || objects__new(&world.objects, &options) ||
	    mapped_files__new(&world.files))
		return -1;
	world.worker = worker__start();
	world.pid = (uint32_t)world.worker.pid;
	*state = &world;
	return 0;
}

static int remove_world(void **state)
{
	struct world *world = *state;
	char command[128];

	worker__end(&world->worker);
	objects__free(world->objects);
	assert_int_equal(mapped_files__bytes(world->files), 0);
	mapped_files__free(world->files);
	snprintf(command, sizeof(command), "rm -rf '%s'", world->folder);
	return system(command);
}

static const char *copy_of(const struct world *world, const char *from, const char *name)
{
	static char path[128], command[512];

	snprintf(path, sizeof(path), "%s/%s", world->folder, name);
	snprintf(command, sizeof(command), "cp '%s' '%s'", from, path);
	assert_int_equal(system(command), 0);
	return path;
}

struct wanted {
	struct world *world;
	uint64_t address;
	struct mapping *out;
};

static int on_mapping(void *context, const struct told_mapping *told)
{
	struct wanted *wanted = context;

	if (told->start > wanted->address || wanted->address >= told->end)
		return 0;
	*wanted->out = (struct mapping){
		.start = told->start, .end = told->end, .offset = told->offset, .kind = told->kind};
	if (told->kind == MAPPING_FILE)
		wanted->out->file =
			mapped_files__take(wanted->world->files, &told->file, told->path);
	return 0;
}

/* The worker's mapping around an address, as /proc tells it. */
static struct mapping mapping_at(struct world *world, uint64_t address)
{
	struct mapping mapping = {0};
	struct wanted wanted = {.world = world, .address = address, .out = &mapping};
	uint64_t skipped = 0;

	assert_int_equal(proc_maps__read("/proc", world->pid, false, on_mapping, &wanted, &skipped),
			 0);
	assert_true(mapping.end > 0);
	return mapping;
}

static struct mapping map_in_worker(struct world *world, const char *path)
{
	char order[256];

	snprintf(order, sizeof(order), "m%s", path);
	return mapping_at(world, worker__ask(&world->worker, order));
}

/* The same, as perf would tell it: by its build-id. */
static void tell_build_id(struct world *world, struct mapping *mapping, const struct object *object)
{
	struct file_id id = {0};
	size_t bytes;
	const uint8_t *build_id = object__build_id(object, &bytes);
	struct mapped_file *file;

	assert_non_null(build_id);
	assert_int_equal(bytes, MAPPING_BUILD_ID_MAX_BYTES);
	id.build_id_bytes = MAPPING_BUILD_ID_MAX_BYTES;
	memcpy(id.build_id, build_id, bytes);
	file = mapped_files__take(world->files, &id, mapped_file__path(mapping->file));
	mapped_file__unref(mapping->file);
	mapping->file = file;
}

static int get(struct world *world, const struct mapping *mapping, struct object **out)
{
	int error;

	*out = NULL;
	world->why[0] = '\0';
	error = objects__get(world->objects, world->pid, mapping, out, world->why,
			     sizeof(world->why));
	/* Either an object or a sentence. */
	assert_true(error ? !*out && *world->why : *out && !*world->why);
	return error;
}

static struct object *got(struct world *world, const struct mapping *mapping)
{
	struct object *object;

	if (get(world, mapping, &object))
		fail_msg("%s", world->why);
	return object;
}

static void skip_without_root(void)
{
	if (geteuid() != 0) {
		print_message("skipped: only root opens what others have mapped\n");
		skip();
	}
}

static void test_read_once_for_all(void **state)
{
	struct world *world = *state;
	struct mapping one = map_in_worker(world, SLEEP), two = map_in_worker(world, SLEEP);
	struct mapping python = map_in_worker(world, PYTHON);
	struct object *a = got(world, &one), *b = got(world, &two), *c = got(world, &python);
	struct objects_counts counts = objects__counts(world->objects);

	assert_ptr_equal(a, b);
	assert_ptr_not_equal(a, c);
	assert_int_equal(counts.read, 2);
	assert_int_equal(counts.hits, 1);
	assert_int_equal(counts.files, 2);
	assert_true(counts.bytes >= object__bytes(a) + object__bytes(c));
	assert_true(object__section(c, ".eh_frame").bytes > 0);
	objects__put(world->objects, a);
	objects__put(world->objects, b);
	objects__put(world->objects, c);
	mapped_file__unref(one.file);
	mapped_file__unref(two.file);
	mapped_file__unref(python.file);
}

static void test_a_file_that_is_deleted(void **state)
{
	struct world *world = *state;
	struct mapping mapping;
	struct object *object;
	const char *path;

	skip_without_root();
	path = copy_of(world, ENV, "deleted");
	mapping = map_in_worker(world, path);
	assert_int_equal(unlink(path), 0);
	object = got(world, &mapping);
	objects__put(world->objects, object);
	/* Another file at its path is not it. */
	copy_of(world, SLEEP, "deleted");
	assert_ptr_equal(got(world, &mapping), object);
	objects__put(world->objects, object);
	assert_int_equal(mapped_open("/proc", world->pid, &mapping, ROUTE_COUNT), -EINVAL);
	mapped_file__unref(mapping.file);
}

static void test_copies_are_held_once_and_claims_are_not_believed(void **state)
{
	struct world *world = *state;
	struct mapping original = map_in_worker(world, ENV);
	struct mapping copy = map_in_worker(world, copy_of(world, ENV, "copy")), false_one;
	struct object *a = got(world, &original), *b = got(world, &copy), *c;
	const char *path;
	const uint8_t *build_id, *other_id;
	uint8_t *text;
	size_t bytes;
	FILE *file;
	long size;

	assert_ptr_equal(a, b);
	assert_int_equal(objects__counts(world->objects).shared, 1);
	/* The same build-id, one other byte in .dynstr (an 'a' of a name becomes a 'b'). */
	path = copy_of(world, ENV, "false");
	file = fopen(path, "r+e");
	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	text = malloc((size_t)size);
	rewind(file);
	assert_int_equal(fread(text, 1, (size_t)size, file), size);
	for (long i = 0; i < size - 8; i++) {
		if (!memcmp(text + i, "setlocale", 8)) {
			fseek(file, i, SEEK_SET);
			assert_int_equal(fputc('x', file), 'x');
			break;
		}
	}
	fclose(file);
	free(text);
	false_one = map_in_worker(world, path);
	c = got(world, &false_one);
	build_id = object__build_id(a, &bytes);
	other_id = object__build_id(c, &bytes);
	assert_memory_equal(build_id, other_id, bytes);
	assert_ptr_not_equal(a, c);
	assert_true(object__equal(a, b));
	assert_false(object__equal(a, c));
	objects__put(world->objects, a);
	objects__put(world->objects, b);
	objects__put(world->objects, c);
	mapped_file__unref(original.file);
	mapped_file__unref(copy.file);
	mapped_file__unref(false_one.file);
}

/* The process is dead: by its path and build-id, then by what is held. */
static void test_the_dead(void **state)
{
	struct world *world = *state;
	const char *path = copy_of(world, SLEEP, "dying");
	struct mapping mapping = map_in_worker(world, path);
	struct object *object = got(world, &mapping), *again;

	tell_build_id(world, &mapping, object);
	assert_ptr_equal(got(world, &mapping), object);
	objects__put(world->objects, object);
	objects__put(world->objects, object);
	worker__end(&world->worker);

	assert_ptr_equal(got(world, &mapping), object);
	objects__put(world->objects, object);
	/* Another program is at that path by now: what is held is the one. */
	assert_int_equal(unlink(path), 0);
	copy_of(world, PYTHON, "dying");
	assert_ptr_equal(got(world, &mapping), object);
	objects__put(world->objects, object);
	objects__free(world->objects);

	/* With nothing held, it is another one, then none at all. */
	assert_int_equal(objects__new(&world->objects, &(struct objects_options){0}), 0);
	assert_int_equal(get(world, &mapping, &again), -ESTALE);
	assert_string_equal(world->why, "at the path of what was mapped is another file by now");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(get(world, &mapping, &again), -ENOENT);
	assert_string_equal(world->why, "the file that was mapped is not to be found any more");
	assert_int_equal(objects__counts(world->objects).failed, 2);
	mapped_file__unref(mapping.file);
	world->worker = worker__start();
}

/* Told by inode alone, the path has to lead to that inode. */
static void test_another_inode_is_another_file(void **state)
{
	struct world *world = *state;
	const char *path = copy_of(world, SLEEP, "replaced");
	struct mapping mapping = map_in_worker(world, path);
	struct object *object;
	struct stat status;
	char other[128];

	worker__end(&world->worker);
	assert_int_equal(stat(path, &status), 0);
	object = got(world, &mapping);
	objects__put(world->objects, object);
	snprintf(other, sizeof(other), "%s.old", path);
	assert_int_equal(rename(path, other), 0);
	copy_of(world, SLEEP, "replaced");
	objects__free(world->objects);
	assert_int_equal(objects__new(&world->objects, &(struct objects_options){0}), 0);
	assert_int_equal(get(world, &mapping, &object), -ESTALE);
	mapped_file__unref(mapping.file);
	world->worker = worker__start();
}

/* The mapping was cut in two meanwhile: its name in map_files is another one. */
static void test_a_mapping_that_was_split(void **state)
{
	struct world *world = *state;
	struct mapping mapping;
	struct object *object;

	skip_without_root();
	mapping = map_in_worker(world, copy_of(world, SLEEP, "split"));
	mapping.end += 4096;
	assert_int_equal(mapped_open("/proc", world->pid, &mapping, ROUTE_MAPPED), -ENOENT);
	object = got(world, &mapping);
	objects__put(world->objects, object);
	mapped_file__unref(mapping.file);
}

/* Files that are no ELF files, too large, no files at all. */
static void test_what_is_no_program(void **state)
{
	struct world *world = *state;
	struct mapping mapping = map_in_worker(world, "/etc/passwd"), zero;
	struct object *object;
	struct objects_counts counts;

	assert_int_equal(get(world, &mapping, &object), -EINVAL);
	assert_string_equal(world->why, "it is no ELF file");
	/* Known by then, and not read again. */
	assert_int_equal(get(world, &mapping, &object), -EINVAL);
	assert_string_equal(world->why, "it is no ELF file");
	counts = objects__counts(world->objects);
	assert_int_equal(counts.read, 1);
	assert_int_equal(counts.failed, 2);
	/* A device is not opened. */
	zero = map_in_worker(world, "/dev/zero");
	if (geteuid() == 0)
		assert_int_equal(mapped_open("/proc", world->pid, &zero, ROUTE_MAPPED), -ENODEV);
	assert_int_not_equal(get(world, &zero, &object), 0);
	mapped_file__unref(mapping.file);
	mapped_file__unref(zero.file);
	mapping = (struct mapping){.start = 1, .end = 2, .kind = MAPPING_ANONYMOUS};
	assert_int_equal(get(world, &mapping, &object), -ENOENT);
	assert_string_equal(world->why, "no file is mapped there");
}

static void test_the_least_recently_used_go(void **state)
{
	struct world *world = *state;
	struct mapping sleep = map_in_worker(world, SLEEP), env = map_in_worker(world, ENV);
	struct mapping python = map_in_worker(world, PYTHON);
	struct object *a, *b, *c;
	size_t python_bytes;

	c = got(world, &python);
	python_bytes = object__bytes(c);
	objects__put(world->objects, c);
	objects__free(world->objects);
	assert_int_equal(
		objects__new(&world->objects, &(struct objects_options){.max_bytes = python_bytes}),
		0);
	a = got(world, &sleep);
	b = got(world, &env);
	objects__put(world->objects, b);
	c = got(world, &python);
	/* Whoever is in use stays, even though there is too much. */
	assert_int_equal(objects__counts(world->objects).evicted, 1);
	assert_int_equal(objects__counts(world->objects).files, 2);
	assert_true(object__section(a, ".eh_frame").bytes > 0);
	objects__put(world->objects, a);
	assert_int_equal(objects__counts(world->objects).files, 1);
	objects__put(world->objects, c);
	assert_int_equal(objects__counts(world->objects).files, 0);
	assert_int_equal(objects__counts(world->objects).bytes, 0);
	mapped_file__unref(sleep.file);
	mapped_file__unref(env.file);
	mapped_file__unref(python.file);
}

static int on_vdso(void *context, const struct told_mapping *told)
{
	if (told->kind == MAPPING_VDSO)
		*(struct mapping *)context = (struct mapping){.start = told->start,
							      .end = told->end,
							      .offset = told->offset,
							      .kind = told->kind};
	return 0;
}

static void test_the_vdso(void **state)
{
	struct world *world = *state;
	struct mapping vdso = {0};
	uint64_t skipped = 0;
	struct object *object;

	worker__ask(&world->worker, "x" SLEEP);
	assert_int_equal(proc_maps__read("/proc", world->pid, false, on_vdso, &vdso, &skipped), 0);
	assert_int_equal(vdso.kind, MAPPING_VDSO);
	object = got(world, &vdso);
	assert_true(object__section(object, ".eh_frame").bytes > 0);
	assert_true(object__section(object, ".dynsym").bytes > 0);
	objects__put(world->objects, object);
	/* One of 32 bit, or of another size, is not ours. */
	vdso.end += 4096;
	assert_int_equal(get(world, &vdso, &object), -ENOEXEC);
	vdso = (struct mapping){.start = 0xf7f00000, .end = 0xf7f02000, .kind = MAPPING_VDSO};
	assert_int_equal(get(world, &vdso, &object), -ENOEXEC);
}

/* A container's binary: on a file system that nobody else has mounted. */
static void test_another_mount_namespace(void **state)
{
	struct world *world = *state;
	struct mapping mapping;
	struct object *object;
	uint64_t address = 0;
	char path[128];
	int ends[2];
	pid_t pid;

	skip_without_root();
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	snprintf(path, sizeof(path), "%s/program", world->folder);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[0]);
		if (!unshare(CLONE_NEWNS) && !mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
		    !mount("tmpfs", world->folder, "tmpfs", 0, NULL)) {
			copy_of(world, ENV, "program");
			address = (uintptr_t)host__map(path);
		}
		if (write(ends[1], &address, sizeof(address)) == sizeof(address))
			pause();
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &address, sizeof(address)), sizeof(address));
	close(ends[0]);
	assert_true(address > 0);
	worker__end(&world->worker);
	world->worker = (struct worker){.pid = pid, .tell = -1, .hear = -1};
	world->pid = (uint32_t)pid;
	assert_int_equal(access(path, F_OK), -1);
	mapping = mapping_at(world, address);
	object = got(world, &mapping);
	/* Below its root it is found as well. */
	assert_int_equal(mapped_open("/proc", world->pid, &mapping, ROUTE_OWN), -ENOENT);
	assert_true(object__section(object, ".eh_frame").bytes > 0);
	objects__put(world->objects, object);
	for (enum mapped_route route = ROUTE_MAPPED; route <= ROUTE_ROOT; route++) {
		int fd = mapped_open("/proc", world->pid, &mapping, route);

		assert_true(fd >= 0);
		assert_int_equal(mapped_check(fd, object, &mapping, route), 0);
		close(fd);
	}
	mapped_file__unref(mapping.file);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_world, remove_world)
	const struct CMUnitTest tests[] = {
		TEST(test_read_once_for_all),
		TEST(test_a_file_that_is_deleted),
		TEST(test_copies_are_held_once_and_claims_are_not_believed),
		TEST(test_the_dead),
		TEST(test_another_inode_is_another_file),
		TEST(test_a_mapping_that_was_split),
		TEST(test_what_is_no_program),
		TEST(test_the_least_recently_used_go),
		TEST(test_the_vdso),
		TEST(test_another_mount_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
