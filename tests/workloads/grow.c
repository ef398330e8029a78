/* SPDX-License-Identifier: GPL-2.0-only */

/* Grows anonymous memory by steps at a rate up to a total, and holds it. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "workload.h"

#define THREADS_MAX     64

#define HUGE_PAGE_BYTES (2 * MIB)
#define MPOL_BIND       2 /* of <linux/mempolicy.h> */

struct plan {
	unsigned long total; /* bytes, over all threads */
	unsigned long step;
	unsigned long rate; /* bytes a second and thread; 0: as fast as it goes */
	unsigned long hold; /* seconds after the last step */
	unsigned long threads;
	const char *await;     /* begins to grow when this file exists */
	const char *map;       /* maps this file first and touches all of it */
	unsigned long hugetlb; /* bytes of the host's huge pages, before all else */
};

static struct plan plan = {.total = 32 * MIB, .step = MIB, .threads = 1};
static unsigned long grown_bytes;

static void *grow(void *unused)
{
	unsigned long share = plan.total / plan.threads;

	(void)unused;
	for (unsigned long done = 0; done < share; done += plan.step) {
		if (!grow_by(plan.step)) {
			fprintf(stderr, "address space is used up at %lu bytes\n", done);
			exit(1);
		}
		tell("grown_bytes=%lu",
		     __atomic_add_fetch(&grown_bytes, plan.step, __ATOMIC_RELAXED));
		if (plan.rate)
			sleep_ns(plan.step * 1000000000ULL / plan.rate);
	}
	return NULL;
}

static void touch_file(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat stat;
	char *memory;
	unsigned long sum = 0;

	if (fd < 0 || fstat(fd, &stat))
		die(path);
	memory = mmap(NULL, stat.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		die(path);
	for (off_t offset = 0; offset < stat.st_size; offset += 4096)
		sum += ((volatile char *)memory)[offset];
	close(fd);
	tell("file_bytes=%lu", (unsigned long)stat.st_size);
	tell("file_sum=%lu", sum);
}

static void take_huge_pages(unsigned long bytes)
{
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	if (memory == MAP_FAILED)
		die("MAP_HUGETLB");
	for (unsigned long offset = 0; offset < bytes; offset += HUGE_PAGE_BYTES)
		((volatile char *)memory)[offset] = 1;
	tell("hugetlb_bytes=%lu", bytes);
}

static void bind_to_node(const char *number)
{
	unsigned long mask = 1UL << strtoul(number, NULL, 10);

	/* The kernel counts the bits, and one more. */
	if (syscall(SYS_set_mempolicy, MPOL_BIND, &mask, 8 * sizeof(mask) + 1))
		die("set_mempolicy");
	tell("bound=%s", number);
}

static void set_oom_score_adj(const char *value)
{
	FILE *file = fopen("/proc/self/oom_score_adj", "w");

	if (!file || fputs(value, file) == EOF || fclose(file))
		die("oom_score_adj");
	tell("oom_score_adj=%s", value);
}

static const struct option options[] = {
	{"total", required_argument, NULL, 't'},
	{"step", required_argument, NULL, 's'},
	{"rate", required_argument, NULL, 'r'},
	{"hold", required_argument, NULL, 'h'},
	{"threads", required_argument, NULL, 'j'},
	{"await", required_argument, NULL, 'a'},
	{"touch-file", required_argument, NULL, 'f'},
	{"oom-score-adj", required_argument, NULL, 'o'},
	{"comm", required_argument, NULL, 'c'},
	{"hugetlb", required_argument, NULL, 'H'},
	{"bind-node", required_argument, NULL, 'n'},
	{NULL, 0, NULL, 0},
};

static void parse(int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 't':
			plan.total = parse_size(optarg);
			break;
		case 's':
			plan.step = parse_size(optarg);
			break;
		case 'r':
			plan.rate = parse_size(optarg);
			break;
		case 'h':
			plan.hold = strtoul(optarg, NULL, 10);
			break;
		case 'j':
			plan.threads = strtoul(optarg, NULL, 10);
			break;
		case 'a':
			plan.await = optarg;
			break;
		case 'f':
			plan.map = optarg;
			break;
		case 'o':
			set_oom_score_adj(optarg);
			break;
		case 'c':
			prctl(PR_SET_NAME, optarg);
			break;
		case 'H':
			plan.hugetlb = parse_size(optarg);
			break;
		case 'n':
			bind_to_node(optarg);
			break;
		default:
			exit(2);
		}
	}
	if (!plan.step || !plan.threads || plan.threads > THREADS_MAX)
		exit(2);
}

static void grow_in_threads(void)
{
	pthread_t threads[THREADS_MAX];

	for (unsigned long i = 0; i < plan.threads; i++) {
		if (pthread_create(&threads[i], NULL, grow, NULL))
			die("pthread_create");
	}
	for (unsigned long i = 0; i < plan.threads; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	parse(argc, argv);
	hard_stop(plan.total + plan.hugetlb, 60 + plan.hold);
	tell("pid=%d", getpid());
	if (plan.map)
		touch_file(plan.map);
	if (plan.hugetlb)
		take_huge_pages(plan.hugetlb);
	tell("ready=1");
	while (plan.await && access(plan.await, F_OK))
		sleep_ns(2000000);
	tell("started_ns=%lu", (unsigned long)now_ns());
	if (plan.threads > 1)
		grow_in_threads();
	else
		grow(NULL);
	tell("done=1");
	sleep_ns(plan.hold * 1000000000ULL);
	return 0;
}
