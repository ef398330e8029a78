/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

/*
 * What every workload needs: a hard stop of its own, sizes on the command line, memory that is
 * really touched. Ground truth goes to stdout, one key=value a line, flushed at once: an OOM kill
 * leaves no time for atexit().
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MIB         (1UL << 20)
#define HARD_LIMIT  (200 * MIB) /* no workload grows beyond this, whatever it is told */
#define SPARE_BYTES (160 * MIB) /* address space of stacks, libraries and malloc arenas */

__attribute__((format(printf, 1, 2))) static inline void tell(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	fflush(stdout);
}

static inline void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Wherever the test has lost control, the kernel ends the program: by address space and time. */
static inline void hard_stop(unsigned long grow_bytes, unsigned int seconds)
{
	struct rlimit limit = {grow_bytes + SPARE_BYTES, grow_bytes + SPARE_BYTES};

	if (grow_bytes > HARD_LIMIT) {
		fprintf(stderr, "refusing to grow beyond %lu MiB\n", HARD_LIMIT / MIB);
		exit(2);
	}
	if (setrlimit(RLIMIT_AS, &limit))
		die("RLIMIT_AS");
	alarm(seconds);
}

static inline unsigned long parse_size(const char *string)
{
	char *end;
	unsigned long size = strtoul(string, &end, 10);

	switch (*end) {
	case 'G':
		return size << 30;
	case 'M':
		return size << 20;
	case 'K':
		return size << 10;
	case '\0':
		return size;
	}
	fprintf(stderr, "not a size: %s\n", string);
	exit(2);
}

/* NULL when the address space is used up. Each page is written: resident, never a zero page. */
static inline char *grow_by(unsigned long bytes)
{
	char *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long page = sysconf(_SC_PAGESIZE);

	if (memory == MAP_FAILED)
		return NULL;
	/* The test's arithmetic is in small pages. */
	madvise(memory, bytes, MADV_NOHUGEPAGE);
	for (unsigned long offset = 0; offset < bytes; offset += page)
		((volatile char *)memory)[offset] = 1;
	return memory;
}

static inline void sleep_ns(uint64_t ns)
{
	struct timespec rest = {ns / 1000000000, ns % 1000000000};

	while (nanosleep(&rest, &rest))
		;
}

static inline uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}
