/* SPDX-License-Identifier: GPL-2.0-only */

/*
 * Memory of every kind that then lies still: rest --threads N --anon PAGES --file FILE --shmem
 * PAGES
 * --swap PAGES. Each thread keeps to a processor of its own, as far as there are any, and takes
 * that many pages one by one, of which --swap are given to the swap; it maps the whole of FILE, of
 * which it reads every 16th page. Everybody then waits, and none of the threads ends.
 */

#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>

#include "workload.h"

#define THREADS_MAX  32
#define READ_APART   16 /* the kernel maps as many at once */
#define HOLD_SECONDS 600
#define STACK_BYTES  (256UL << 10)

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

static struct {
	unsigned long threads, anon, shmem, swap; /* pages, of each thread */
	const char *file;
} plan = {.threads = 1};

static pthread_barrier_t taken;
static unsigned long page;

static char *map(unsigned long bytes, int flags, int fd)
{
	char *memory = mmap(NULL, bytes, PROT_READ | (fd < 0 ? PROT_WRITE : 0), flags, fd, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	/* One fault a page: what a huge page adds is counted at once. */
	madvise(memory, bytes, MADV_NOHUGEPAGE);
	return memory;
}

static void take(unsigned long pages, int flags)
{
	volatile char *memory;

	if (!pages)
		return;
	memory = map(pages * page, flags | MAP_ANONYMOUS, -1);
	for (unsigned long i = 0; i < pages; i++)
		memory[i * page] = 1;
	if (flags & MAP_PRIVATE && plan.swap &&
	    madvise((void *)memory, plan.swap * page, MADV_PAGEOUT))
		die("MADV_PAGEOUT");
}

static void read_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat stat;
	volatile char *memory;

	if (fd < 0 || fstat(fd, &stat))
		die(path);
	memory = map(stat.st_size, MAP_PRIVATE, fd);
	for (off_t at = 0; at < stat.st_size; at += READ_APART * page)
		(void)memory[at];
	close(fd);
}

static void keep_to_a_processor(unsigned long number)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(number % processors, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

static void *run(void *number)
{
	keep_to_a_processor((uintptr_t)number);
	take(plan.anon, MAP_PRIVATE);
	take(plan.shmem, MAP_SHARED);
	if (plan.file)
		read_file(plan.file);
	if (pthread_barrier_wait(&taken) == PTHREAD_BARRIER_SERIAL_THREAD)
		tell("resting=1");
	sleep(HOLD_SECONDS);
	return NULL;
}

static const struct option options[] = {
	{"threads", required_argument, NULL, 't'}, {"anon", required_argument, NULL, 'a'},
	{"file", required_argument, NULL, 'f'},    {"shmem", required_argument, NULL, 's'},
	{"swap", required_argument, NULL, 'w'},    {NULL, 0, NULL, 0},
};

static void parse(int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 't':
			plan.threads = strtoul(optarg, NULL, 10);
			break;
		case 'a':
			plan.anon = strtoul(optarg, NULL, 10);
			break;
		case 'f':
			plan.file = optarg;
			break;
		case 's':
			plan.shmem = strtoul(optarg, NULL, 10);
			break;
		case 'w':
			plan.swap = strtoul(optarg, NULL, 10);
			break;
		default:
			exit(2);
		}
	}
	if (!plan.threads || plan.threads > THREADS_MAX || plan.swap > plan.anon)
		exit(2);
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS_MAX];
	pthread_attr_t attributes;

	parse(argc, argv);
	page = sysconf(_SC_PAGESIZE);
	hard_stop((plan.anon + plan.shmem) * plan.threads * page, HOLD_SECONDS);
	if (pthread_barrier_init(&taken, NULL, plan.threads))
		die("pthread_barrier_init");
	tell("pid=%d", getpid());
	if (pthread_attr_init(&attributes) || pthread_attr_setstacksize(&attributes, STACK_BYTES))
		die("pthread_attr_setstacksize");
	for (uintptr_t i = 1; i < plan.threads; i++) {
		if (pthread_create(&threads[i], &attributes, run, (void *)i))
			die("pthread_create");
	}
	run(NULL);
	return 0;
}
