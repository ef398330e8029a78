/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * libFuzzer target: what the kernel tells of address spaces, in which processes choose the names,
 * the places and the order. Three parts, each ended by a byte 0xfe: /proc/PID/maps, mountinfo, and
 * perf's records in the ring of a processor. They go the way that they go in the recorder: records
 * wait while /proc is looked at, and are applied then.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "maps/proc_maps.h"
#include "stacks/file_mappings.h"
#include "tests/fuzz/judge_records.h"
#include "tests/fuzz/mend_records.h"

#define PIDS       4U     /* of which the last one is not in /proc */
#define LINE_BYTES 65536U /* no longer ones are read */
#define ADDRESSES  32
#define SEPARATOR  0xfe

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct part {
	const uint8_t *data;
	size_t size;
};

/* One /proc for all inputs: links to what is written anew for each. */
static char proc[] = "/tmp/oomtrail-maps-fuzz.XXXXXX";
static int maps_fd, mounts_fd;

static void require(bool promise)
{
	if (!promise)
		abort();
}

/* Up to the next separator, behind which *at is moved. */
static struct part cut(const uint8_t **at, const uint8_t *end)
{
	const uint8_t *found = memchr(*at, SEPARATOR, (size_t)(end - *at));
	struct part part = {.data = *at, .size = (size_t)((found ? found : end) - *at)};

	*at = found ? found + 1 : end;
	return part;
}

static void fill(int fd, const struct part *part)
{
	require(ftruncate(fd, 0) == 0);
	require(pwrite(fd, part->data, part->size, 0) == (ssize_t)part->size);
}

/* --- /proc ------------------------------------------------------------------------------------ */

struct lines {
	size_t told;
	uint64_t addresses[ADDRESSES];
	uint64_t hash;
};

static int on_line(void *context, const struct told_mapping *told)
{
	struct lines *lines = context;

	require(told->start < told->end && told->kind <= MAPPING_OTHER);
	require(strlen(told->path) < LINE_BYTES && !told->file.build_id_bytes);
	lines->addresses[lines->told++ % ADDRESSES] = told->start;
	lines->hash = lines->hash * 31 + told->start + told->path[0];
	return 0;
}

/* Every line is told or counted; the same text, the same lines. */
static struct lines judge_lines(const struct part *maps)
{
	struct lines lines = {0}, again = {0};
	uint64_t skipped = 0, skipped_again = 0;
	size_t count = 0;
	const int error = proc_maps__read(proc, 1, true, on_line, &lines, &skipped);

	for (size_t i = 0; i < maps->size; i++)
		count += maps->data[i] == '\n';
	require(error == (count ? 0 : -ESRCH));
	count += maps->size > 0 && maps->data[maps->size - 1] != '\n';
	require(lines.told + skipped == count);
	require(proc_maps__read(proc, 1, true, on_line, &again, &skipped_again) == error);
	require(!memcmp(&lines, &again, sizeof(lines)) && skipped == skipped_again);
	return lines;
}

static void judge_files(const struct lines *lines)
{
	const struct file_process process = {.pid = 1, .start_ns = 1, .mm_id = 1};
	struct file_mappings *mappings;
	struct file_mapping found;

	require(file_mappings__new(&mappings, proc) == 0);
	for (size_t i = 0; i < ADDRESSES && i < lines->told; i++) {
		if (!file_mappings__find(mappings, &process, lines->addresses[i], 1 + i, 1 + i,
					 &found))
			continue;
		require(strlen(found.path) <= MAPPING_PATH_MAX_BYTES);
		require(!(found.flags & FILE_TMPFS) == !found.mount);
		require(!found.mount || strlen(found.mount) < LINE_BYTES);
	}
	/* One reading has told all there is. */
	require(file_mappings__reads(mappings) <= ADDRESSES);
	file_mappings__free(mappings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *at = data, *end = data + size;
	const struct part maps = cut(&at, end), mounts = cut(&at, end);
	const struct part records = {.data = at, .size = (size_t)(end - at)};
	struct samples samples = {.proc = proc, .pids = PIDS};
	struct lines lines;

	fill(maps_fd, &maps);
	fill(mounts_fd, &mounts);
	lines = judge_lines(&maps);
	judge_files(&lines);
	samples.addresses = lines.addresses;
	samples.count = lines.told < ADDRESSES ? lines.told : ADDRESSES;
	judge_records(records.data, records.size, &samples);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	const uint8_t *at = data, *end;

	size = LLVMFuzzerMutate(data, size, max_size);
	end = data + size;
	cut(&at, end);
	cut(&at, end);
	if (seed % 4)
		mend_records(data + (at - data), (size_t)(end - at), PIDS, seed);
	return size;
}

/* --- the folder ------------------------------------------------------------------------------- */

static const char *in_proc(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/%s", proc, name);
	return path;
}

static int made(const char *name)
{
	const int fd = memfd_create(name, MFD_CLOEXEC);
	char file[32], target[32];

	snprintf(file, sizeof(file), "1/%s", name);
	snprintf(target, sizeof(target), "/proc/self/fd/%d", fd);
	require(fd >= 0 && symlink(target, in_proc(file)) == 0);
	return fd;
}

static void remove_proc(void)
{
	static const char *const names[] = {"1/maps", "1/mountinfo", "2", "3"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unlink(in_proc(names[i]));
	rmdir(in_proc("1"));
	rmdir(proc);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	require(mkdtemp(proc) && mkdir(in_proc("1"), 0700) == 0);
	require(symlink("1", in_proc("2")) == 0 && symlink("1", in_proc("3")) == 0);
	maps_fd = made("maps");
	mounts_fd = made("mountinfo");
	atexit(remove_proc);
	return 0;
}
