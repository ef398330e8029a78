/* SPDX-License-Identifier: GPL-2.0-only */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Places in the OOM killer's list: /proc/PID/oom_score_adj, from -1000 (never chosen) to 1000. */

/* pid 0: our own. False: not permitted, or there is no such process. */
bool oom_score__set_adj(pid_t pid, int value);

/*
 * Under pressure a recorder should be the last to go. One that promises to take no more than
 * `more_bytes` beyond what it has now is held to that (RLIMIT_DATA) and exempted from the OOM
 * killer; 0: it may grow with what it records, and is killed when nobody else is left. Without the
 * privilege it stays what it was.
 */
void oom_score__spare_us(uint64_t more_bytes);

/* A child of a spared one inherits exemption and bound. Neither is for one that calls this; */
void oom_score__be_ordinary(void);

/* and this one goes first. */
void oom_score__offer(pid_t child);
