/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * Phase two of an incident in a process of its own: `report --save ID` takes memory as it needs it
 * and, should there be none, is the one the kernel kills; the recorder loses nothing but time.
 */
struct report_child {
	pid_t pid; /* 0: none */
};

/* 0 or -errno. Without copying this process: nothing of its locked memory is touched. */
int report_child__start(struct report_child *child, const char *dir, const char *id);

bool report_child__is_running(const struct report_child *child);

/* Has it just ended? Then it is reaped, and *done says whether the reports are written. */
bool report_child__ended(struct report_child *child, bool *done);

/* Kills and reaps it when it still runs. */
void report_child__end(struct report_child *child);
