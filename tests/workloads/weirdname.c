/* SPDX-License-Identifier: GPL-2.0-only */

/* Calls itself something that would harm a terminal, a parser or a path, then grows:
 * weirdname TOTAL. 15 bytes: escape sequences, a newline, bytes that are no UTF-8, "../".
 */

#include "workload.h"

int main(int argc, char **argv)
{
	static const char name[] = "\x1b[31m../\n\xff\xc3\x9b\x07\"\\";
	unsigned long total;

	_Static_assert(sizeof(name) == 16, "TASK_COMM_LEN");
	if (argc < 2)
		return 2;
	total = parse_size(argv[1]);
	hard_stop(total, 60);
	if (prctl(PR_SET_NAME, name))
		die("PR_SET_NAME");
	tell("pid=%d", getpid());
	for (unsigned long done = 0; done < total; done += MIB) {
		if (!grow_by(MIB))
			break;
		tell("grown_bytes=%lu", done + MIB);
		sleep_ns(2000000);
	}
	tell("done=1");
	return 0;
}
