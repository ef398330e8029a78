/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "report/reading.h"

static int service__compare(const struct service *a, const struct service *b)
{
	int order;

	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	order = strncmp(a->name, b->name, sizeof(a->name));
	if (order == 0)
		order = strncmp(a->runtime, b->runtime, sizeof(a->runtime));
	return order ? order : strncmp(a->id, b->id, sizeof(a->id));
}

static int sum__compare_service(const void *left, const void *right)
{
	const struct service_sum *a = left, *b = right;

	return service__compare(&a->service, &b->service);
}

static int sum__compare_growth(const void *left, const void *right)
{
	const struct service_sum *a = left, *b = right;

	if (a->grew_bytes != b->grew_bytes)
		return a->grew_bytes > b->grew_bytes ? -1 : 1;
	if (a->now_bytes != b->now_bytes)
		return a->now_bytes > b->now_bytes ? -1 : 1;
	return service__compare(&a->service, &b->service);
}

/* Unknown growth of one process must not make the sum unknown; it adds nothing. */
static void sum__add(int64_t *sum, int64_t bytes)
{
	if (bytes != EVENT_UNKNOWN && __builtin_add_overflow(*sum, bytes, sum))
		*sum = bytes > 0 ? INT64_MAX : INT64_MIN;
}

static struct service_sum sum__of(const struct model *model, const struct process *process)
{
	const struct process_span span = process__span(model, process);
	const int64_t held_bytes = memory__held(&process->first);
	struct service_sum sum = {
		.service = model__service(model, process),
		.processes = 1,
		.alive = process->exit_ns == 0,
	};

	/* What the service holds now against what it held when the recording began. */
	if (process->exit_ns == 0)
		sum__add(&sum.now_bytes, span.last_bytes);
	sum.grew_bytes = sum.now_bytes;
	if (!process->born_here && held_bytes > 0)
		sum__add(&sum.grew_bytes, -held_bytes);
	return sum;
}

int model__services(const struct model *model, struct service_sum **out, size_t *count)
{
	const size_t processes = model__process_count(model);
	struct service_sum *sums = calloc(processes ? processes : 1, sizeof(*sums));
	size_t used = 0;

	if (!sums)
		return -ENOMEM;
	for (size_t i = 0; i < processes; i++)
		sums[i] = sum__of(model, model__process(model, i));
	qsort(sums, processes, sizeof(*sums), sum__compare_service);
	for (size_t i = 0; i < processes; i++) {
		if (used > 0 && service__compare(&sums[used - 1].service, &sums[i].service) == 0) {
			sums[used - 1].processes += sums[i].processes;
			sums[used - 1].alive += sums[i].alive;
			sum__add(&sums[used - 1].now_bytes, sums[i].now_bytes);
			sum__add(&sums[used - 1].grew_bytes, sums[i].grew_bytes);
		} else {
			sums[used++] = sums[i];
		}
	}
	qsort(sums, used, sizeof(*sums), sum__compare_growth);
	*out = sums;
	*count = used;
	return 0;
}

const char *service_kind__name(enum service_kind kind)
{
	switch (kind) {
	case SERVICE_NONE:
		return "none";
	case SERVICE_SYSTEMD:
		return "systemd";
	case SERVICE_CONTAINER:
		return "container";
	case SERVICE_PM2:
		return "pm2";
	case SERVICE_TREE:
		return "process-tree";
	}
	return "none";
}
