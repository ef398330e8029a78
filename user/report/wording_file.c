/* SPDX-License-Identifier: GPL-2.0-only */
#include <string.h>

#include "report/wording.h"

void wording__file(struct text *out, const struct file *file)
{
	if (file->flags & FILE_ANONYMOUS) {
		text__string(out, "shared memory without a name");
		return;
	}
	if (file->flags & FILE_SYSV)
		text__string(out, "System V segment ");
	else if (!*file->path)
		text__string(out, "a file without a name");
	text__escaped(out, file->path, strlen(file->path));
	if (file->flags & FILE_DELETED)
		text__string(out, " (deleted)");
	if (file->mount) {
		text__string(out, " in the tmpfs ");
		text__escaped(out, file->mount, strlen(file->mount));
	}
}
