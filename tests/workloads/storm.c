/* SPDX-License-Identifier: GPL-2.0-only */

/* As many page faults as the machine can do: storm [SECONDS [BYTES [PROCESSES]]]. Each round maps
 * BYTES, touches every page and unmaps. Prints the sum over all processes.
 */

#include <signal.h>
#include <sys/wait.h>

#include "workload.h"

static uint64_t storm(unsigned long bytes, uint64_t end_ns)
{
	unsigned long page = sysconf(_SC_PAGESIZE);
	uint64_t faults = 0;

	while (now_ns() < end_ns) {
		char *memory = grow_by(bytes);

		if (!memory)
			die("mmap");
		munmap(memory, bytes);
		faults += bytes / page;
	}
	return faults;
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? strtod(argv[1], NULL) : 1;
	unsigned long bytes = argc > 2 ? parse_size(argv[2]) : 4 * MIB;
	int processes = argc > 3 ? atoi(argv[3]) : 1;
	uint64_t begin = now_ns(), end = begin + (uint64_t)(seconds * 1e9);
	uint64_t *faults;

	if (seconds <= 0 || processes < 1 || processes > 64 || bytes * processes > HARD_LIMIT)
		return 2;
	hard_stop(bytes, seconds + 30);
	faults = mmap(NULL, processes * sizeof(*faults), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (faults == MAP_FAILED)
		die("mmap");
	for (int i = 1; i < processes; i++) {
		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			faults[i] = storm(bytes, end);
			_exit(0);
		}
	}
	faults[0] = storm(bytes, end);
	while (wait(NULL) > 0)
		;
	end = now_ns();
	for (int i = 1; i < processes; i++)
		faults[0] += faults[i];
	tell("pid=%d", getpid());
	tell("faults=%lu", (unsigned long)faults[0]);
	tell("ns=%lu", (unsigned long)(end - begin));
	tell("faults_per_second=%lu", (unsigned long)(faults[0] * 1e9 / (end - begin)));
	return 0;
}
