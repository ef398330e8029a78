/* SPDX-License-Identifier: GPL-2.0-only */
#include "base/close_others.h"

#include <stdbool.h>
#include <unistd.h>

void close_others(const int *kept, size_t count)
{
	int last = -1;

	for (size_t i = 0; i < count; i++)
		last = kept[i] > last ? kept[i] : last;
	for (int fd = 0; fd < last; fd++) {
		bool keep = false;

		for (size_t i = 0; i < count; i++)
			keep |= kept[i] == fd;
		if (!keep)
			close(fd);
	}
	close_range((unsigned int)(last + 1), ~0U, 0);
}
