/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "report/reading.h"

/* Something to sort, largest key first, then largest size; `index` is unique, so the order is
 * too. */
struct ranked {
	int64_t key;
	int64_t size;
	size_t index;
};

static int ranked__compare(const void *left, const void *right)
{
	const struct ranked *a = left, *b = right;

	if (a->key != b->key)
		return a->key > b->key ? -1 : 1;
	if (a->size != b->size)
		return a->size > b->size ? -1 : 1;
	return a->index < b->index ? -1 : a->index > b->index;
}

static struct ranked *ranked__new(size_t count)
{
	return calloc(count ? count : 1, sizeof(struct ranked));
}

static int64_t known_or_lowest(int64_t bytes)
{
	return bytes == EVENT_UNKNOWN ? INT64_MIN : bytes;
}

int model__processes_by_growth(const struct model *model, const struct process ***out)
{
	const size_t count = model__process_count(model);
	_cleanup_(freep) struct ranked *ranked = ranked__new(count);
	const struct process **sorted = calloc(count ? count : 1, sizeof(struct process *));

	if (!ranked || !sorted) {
		free(sorted);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		const struct process_span span = process__span(model, model__process(model, i));

		ranked[i].key = known_or_lowest(span.grew_bytes);
		ranked[i].size = known_or_lowest(span.last_bytes);
		ranked[i].index = i;
	}
	qsort(ranked, count, sizeof(*ranked), ranked__compare);
	for (size_t i = 0; i < count; i++)
		sorted[i] = model__process(model, ranked[i].index);
	*out = sorted;
	return 0;
}

int model__cgroups_by_growth(const struct model *model, const struct cgroup ***out)
{
	const size_t count = model__cgroup_count(model);
	_cleanup_(freep) struct ranked *ranked = ranked__new(count);
	const struct cgroup **sorted = calloc(count ? count : 1, sizeof(struct cgroup *));

	if (!ranked || !sorted) {
		free(sorted);
		return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		const struct cgroup *cgroup = model__cgroup(model, i);

		ranked[i].key = known_or_lowest(cgroup__grew_bytes(cgroup));
		ranked[i].size = known_or_lowest(cgroup->now.usage_bytes);
		ranked[i].index = i;
	}
	qsort(ranked, count, sizeof(*ranked), ranked__compare);
	for (size_t i = 0; i < count; i++)
		sorted[i] = model__cgroup(model, ranked[i].index);
	*out = sorted;
	return 0;
}

/* Deaths by signal rank above every size. */
static int64_t failure_key(const struct model *model, const struct process *process)
{
	const int64_t peak = known_or_lowest(process__span(model, process).peak_bytes);

	if (process->exit_lost || (process->exit_code & 0x7f) == 0)
		return peak < 0 ? 0 : peak / 2;
	return peak < 0 ? INT64_MAX / 2 : INT64_MAX / 2 + peak / 2;
}

int model__failures(const struct model *model, const struct process ***out, size_t *count)
{
	const size_t all = model__process_count(model);
	_cleanup_(freep) struct ranked *ranked = ranked__new(all);
	const struct process **sorted = calloc(all ? all : 1, sizeof(struct process *));
	size_t failed = 0;

	if (!ranked || !sorted) {
		free(sorted);
		return -ENOMEM;
	}
	for (size_t i = 0; i < all; i++) {
		const struct process *process = model__process(model, i);

		if (process->exit_ns == 0 || (process->exit_code == 0 && !process->exit_lost))
			continue;
		ranked[failed].key = failure_key(model, process);
		ranked[failed++].index = i;
	}
	qsort(ranked, failed, sizeof(*ranked), ranked__compare);
	for (size_t i = 0; i < failed; i++)
		sorted[i] = model__process(model, ranked[i].index);
	*out = sorted;
	*count = failed;
	return 0;
}
