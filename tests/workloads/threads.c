/* SPDX-License-Identifier: GPL-2.0-only */

/* Eight threads grow at once, each in a function of its own: threads TOTAL [REST-MS]. The first
 * takes one part of 36, the last eight; each rests between its parts.
 */

#include <pthread.h>

#include "own_frame.h"

#define PARTS 36

static unsigned long total, rest_ms;
static pthread_barrier_t begin;

#define THREADS(X)  \
	X(1, first) \
	X(2, second) X(3, third) X(4, fourth) X(5, fifth) X(6, sixth) X(7, seventh) X(8, eighth)

#define X(parts, name)                                     \
	OWN_FRAME static void grow_##name(void)            \
	{                                                  \
		for (int part = 0; part < parts; part++) { \
			allocate(total / PARTS);           \
			sleep_ns(rest_ms * 1000000);       \
		}                                          \
		COME_BACK();                               \
	}                                                  \
	OWN_FRAME static void *run_##name(void *unused)    \
	{                                                  \
		pthread_barrier_wait(&begin);              \
		grow_##name();                             \
		COME_BACK();                               \
		return unused;                             \
	}
THREADS(X)
#undef X

int main(int argc, char **argv)
{
	static void *(*const run[])(void *) = {
#define X(parts, name) run_##name,
		THREADS(X)
#undef X
	};
	enum { COUNT = sizeof(run) / sizeof(*run) };
	pthread_t threads[COUNT];
	pthread_attr_t small;

	rest_ms = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	total = argc >= 2 ? parse_size(argv[1]) / (PARTS * MIB) * PARTS * MIB : 0;
	if (!total)
		return 2;
	hard_stop(total, 60);
	/* A malloc arena for each of them is address space as well. */
	if (pthread_barrier_init(&begin, NULL, COUNT) || pthread_attr_init(&small) ||
	    pthread_attr_setstacksize(&small, 256 << 10))
		die("threads");
	tell("pid=%d", getpid());
	for (int i = 0; i < COUNT; i++) {
		if (pthread_create(&threads[i], &small, run[i], NULL))
			die("pthread_create");
	}
	for (int i = 0; i < COUNT; i++)
		pthread_join(threads[i], NULL);
#define X(parts, name)                                           \
	tell("bytes.grow_" #name "=%lu", total / PARTS * parts); \
	tell("chain.grow_" #name "=allocate grow_" #name " run_" #name);
	THREADS(X)
#undef X
	return 0;
}
