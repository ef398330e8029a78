/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "flight/recorder_internal.h"

/* Incidents whose reports wait to be written by somebody with memory to spare. */

#define FIRST_RETRY_NS (5 * NS_PER_S)
#define FAILURES_MAX   6 /* each wait is twice the one before: five minutes in all */

void job__add(struct recorder *recorder, const char *id, uint64_t due_ns)
{
	struct job *job;

	for (size_t i = recorder->job_out; i < recorder->job_count; i++) {
		if (!strcmp(recorder->jobs[i].id, id))
			return;
	}
	if (recorder->job_count == JOBS) {
		recorder__tell(recorder, "incident %s: too many reports wait to be written", id);
		return;
	}
	job = &recorder->jobs[recorder->job_count++];
	*job = (struct job){.due_ns = due_ns};
	snprintf(job->id, sizeof(job->id), "%s", id);
}

void job__hurry(struct recorder *recorder)
{
	for (size_t i = 0; i < recorder->job_count; i++) {
		if (recorder->jobs[i].due_ns > recorder->now_ns)
			recorder->jobs[i].due_ns = recorder->now_ns;
	}
}

void recorder__add_job(struct recorder *recorder, const char *id)
{
	job__add(recorder, id, recorder->now_ns);
}

/* The one being done stands first. */
static void move_first(struct recorder *recorder, size_t index)
{
	struct job job = recorder->jobs[index];

	memmove(&recorder->jobs[1], &recorder->jobs[0], index * sizeof(job));
	recorder->jobs[0] = job;
}

bool recorder__next_job(struct recorder *recorder, uint64_t now_ns, char id[STORE_ID_BYTES])
{
	for (size_t i = 0; i < recorder->job_count && !recorder->job_out; i++) {
		if (recorder->jobs[i].due_ns > now_ns)
			continue;
		memcpy(id, recorder->jobs[i].id, STORE_ID_BYTES);
		move_first(recorder, i);
		recorder->job_out = true;
		return true;
	}
	return false;
}

void recorder__job_done(struct recorder *recorder, bool done, uint64_t now_ns)
{
	struct job job = recorder->jobs[0];

	if (!recorder->job_out)
		return;
	recorder->job_out = false;
	recorder->job_count--;
	memmove(&recorder->jobs[0], &recorder->jobs[1], recorder->job_count * sizeof(job));
	if (done)
		return;
	if (++job.failures == FAILURES_MAX) {
		recorder__tell(recorder,
			       "incident %s: its report cannot be written; `oomtrail report --save "
			       "%s` tries again",
			       job.id, job.id);
		return;
	}
	job.due_ns = now_ns + (FIRST_RETRY_NS << job.failures);
	recorder->jobs[recorder->job_count++] = job;
}
