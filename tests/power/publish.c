/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Programs that promise what they may not: publish ROOT ANNOUNCED SCENARIO
 *
 * Three incidents come about below ROOT as the store makes them (user/flight/store.h), each with a
 * file of two writes and a link to a window, and are announced in the file ANNOUNCED; then the
 * file of the last one is replaced. "good" does it right, every other scenario one thing wrong.
 * For tests/power/self-test.
 */

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PART    5000
#define WRITERS 4
#define WRITES  200

static const char *scenario;
static int root, incidents, announced;

static bool is(const char *name)
{
	return strcmp(scenario, name) == 0;
}

static int must(int result)
{
	if (result < 0) {
		perror("publish");
		exit(1);
	}
	return result;
}

static void sync_unless(const char *name, int fd)
{
	if (!is(name))
		must(fsync(fd));
}

static int create(int folder, const char *name)
{
	return must(openat(folder, name, O_RDWR | O_CREAT, 0600));
}

static int folder(int parent, const char *name)
{
	must(mkdirat(parent, name, 0700));
	return must(openat(parent, name, O_RDONLY | O_DIRECTORY));
}

static void put(int fd, char letter)
{
	char part[PART];

	memset(part, letter, sizeof(part));
	must(pwrite(fd, part, sizeof(part), 0) - PART);
	must(pwrite(fd, part, sizeof(part), PART) - PART);
}

static void announce(const char *name)
{
	must(write(announced, name, strlen(name)));
	must(write(announced, "\n", 1));
}

static void publish(int window, const char *name)
{
	int spare = folder(incidents, ".spare");
	int file = create(spare, "incident.json");

	must(linkat(window, "0.trail", spare, "window.trail", 0));
	if (is("name-first"))
		must(renameat(incidents, ".spare", incidents, name));
	must(fallocate(file, FALLOC_FL_KEEP_SIZE, 0, 4 * PART));
	put(file, name[0]);
	sync_unless("unsynced-file", file);
	sync_unless("unsynced-folder", spare);
	if (!is("name-first"))
		must(renameat(incidents, ".spare", incidents, name));
	if (is("announced-early"))
		announce(name);
	sync_unless("unsynced-name", incidents);
	if (!is("announced-early"))
		announce(name);
	close(file);
	close(spare);
}

static void replace(const char *name)
{
	int place = must(openat(incidents, name, O_RDONLY | O_DIRECTORY));
	int file = create(place, is("replaced-in-place") ? "incident.json" : ".incident.json.new");

	if (is("replaced-in-place"))
		must(ftruncate(file, 0));
	put(file, 'z');
	sync_unless("replaced-unsynced", file);
	if (!is("replaced-in-place"))
		must(renameat(place, ".incident.json.new", place, "incident.json"));
	must(fsync(place));
	announce("replaced");
}

/* --- what the log must get right -------------------------------------------------------------- */

/* Through a path that leads over a descriptor, as the recorder's do. Who comes second fails. */
static void juggle_names(int window)
{
	char from[64], to[64];

	snprintf(from, sizeof(from), "/proc/self/fd/%d/moving", window);
	snprintf(to, sizeof(to), "/proc/self/fd/%d/moved", window);
	if (linkat(window, "0.trail", window, "moving", 0) == 0 && renameat(window, from, -1, to))
		unlink(to);
}

/* All write to the same places, so that only the right order gives the right contents. */
static void *contend(void *own)
{
	int window = *(int *)own;
	int file = must(openat(window, "shared", O_RDWR | O_CREAT | O_APPEND, 0600));
	int fixed = must(openat(window, "fixed", O_RDWR | O_CREAT, 0600));
	char text[64];

	for (int i = 0; i < WRITES; i++) {
		int length =
			snprintf(text, sizeof(text), "%ld writes %d\n", syscall(SYS_gettid), i);

		must(write(file, text, length) - length);
		must(pwrite(fixed, text, length, i % 7) - length);
		if (i % 50 == 0)
			must(fdatasync(fixed));
		if (i % 70 == 0)
			must(ftruncate(fixed, i));
		if (i % 10 == 0)
			juggle_names(window);
	}
	return NULL;
}

static void many_writers(int window)
{
	pthread_t threads[WRITERS];
	pid_t child = must(fork());

	for (int i = 0; i < WRITERS; i++)
		must(-pthread_create(&threads[i], NULL, contend, &window));
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	if (child == 0)
		exit(0);
	must(waitpid(child, NULL, 0));
}

int main(int argc, char **argv)
{
	int window, chunk;

	if (argc != 4)
		return 2;
	scenario = argv[3];
	announced = must(open(argv[2], O_WRONLY | O_CREAT | O_APPEND, 0600));
	root = must(open(argv[1], O_RDONLY | O_DIRECTORY));
	incidents = folder(root, "incidents");
	window = folder(root, "window");
	sync_unless("unsynced-parent", root);
	chunk = create(window, "0.trail");
	put(chunk, 'w');
	sync_unless("unsynced-window", chunk);
	must(fsync(window));
	if (is("many-writers"))
		many_writers(window);
	if (is("past-the-library"))
		must(syscall(SYS_pwrite64, chunk, "behind its back", 15, 0));
	publish(window, "a");
	publish(window, "b");
	publish(window, "c");
	replace("c");
	return 0;
}
