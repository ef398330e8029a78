/* SPDX-License-Identifier: GPL-2.0-only */

/* Many threads write into a private mapping of a file that is not cached: each of their page
 * faults waits for the disk, and then brings an anonymous page. waiting FILE TOTAL.
 *
 * So many that some of them meet in whatever table of waiting tasks has a few thousand places.
 */

#include <fcntl.h>
#include <pthread.h>

#include "own_frame.h"

#define THREADS 256

static unsigned long total;
static char *memory;
static pthread_barrier_t begin;

/* Pages that follow each other are of different threads. */
OWN_FRAME static void write_pages(unsigned long first)
{
	const unsigned long page = sysconf(_SC_PAGESIZE);

	for (unsigned long at = first * page; at < total; at += THREADS * page)
		((volatile char *)memory)[at] = 1;
	COME_BACK();
}

OWN_FRAME static void *run_writer(void *number)
{
	pthread_barrier_wait(&begin);
	write_pages((unsigned long)number);
	COME_BACK();
	return NULL;
}

static void make_file(const char *path)
{
	char piece[64 << 10];
	int fd = open(path, O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0600);

	memset(piece, 'x', sizeof(piece));
	for (unsigned long done = 0; done < total; done += sizeof(piece)) {
		if (write(fd, piece, sizeof(piece)) != sizeof(piece))
			die("write");
	}
	if (fsync(fd) || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		die("fsync");
	memory = mmap(NULL, total, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (memory == MAP_FAILED || madvise(memory, total, MADV_RANDOM))
		die("mmap");
	close(fd);
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	pthread_attr_t small;
	struct rusage usage;

	total = argc == 3 ? parse_size(argv[2]) / MIB * MIB : 0;
	if (!total)
		return 2;
	hard_stop(total, 60);
	tell("pid=%d", getpid());
	make_file(argv[1]);
	/* A malloc arena for each of them is address space as well. */
	if (pthread_barrier_init(&begin, NULL, THREADS) || pthread_attr_init(&small) ||
	    pthread_attr_setstacksize(&small, 256 << 10))
		die("threads");
	for (unsigned long i = 0; i < THREADS; i++) {
		if (pthread_create(&threads[i], &small, run_writer, (void *)i))
			die("pthread_create");
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	getrusage(RUSAGE_SELF, &usage);
	tell("waits=%ld", usage.ru_nvcsw);
	tell("bytes.write_pages=%lu", total);
	tell("chain.write_pages=write_pages run_writer");
	return 0;
}
