/* SPDX-License-Identifier: GPL-2.0-only */
#include "model/model_internal.h"

int64_t bytes__normal(int64_t bytes)
{
	if (bytes < 0)
		return EVENT_UNKNOWN;
	return bytes > BYTES_MAX ? BYTES_MAX : bytes;
}

int64_t bytes__add(int64_t a, int64_t b)
{
	int64_t sum;

	if (!__builtin_add_overflow(a, b, &sum))
		return sum;
	return a < 0 ? INT64_MIN : INT64_MAX;
}

int64_t bytes__minus(int64_t later, int64_t earlier)
{
	return later < 0 || earlier < 0 ? EVENT_UNKNOWN : later - earlier;
}

struct memory memory__unknown(void)
{
	return (struct memory){EVENT_UNKNOWN, EVENT_UNKNOWN, EVENT_UNKNOWN,
			       EVENT_UNKNOWN, EVENT_UNKNOWN, EVENT_UNKNOWN};
}

struct memory memory__normal(const struct memory *memory)
{
	return (struct memory){
		bytes__normal(memory->anon_bytes),       bytes__normal(memory->file_bytes),
		bytes__normal(memory->shmem_bytes),      bytes__normal(memory->swap_bytes),
		bytes__normal(memory->page_table_bytes), bytes__normal(memory->hugetlb_bytes)};
}

void memory__to_columns(const struct memory *memory, int64_t columns[MEMORY_COLUMNS])
{
	columns[MEMORY_ANON] = memory->anon_bytes;
	columns[MEMORY_FILE] = memory->file_bytes;
	columns[MEMORY_SHMEM] = memory->shmem_bytes;
	columns[MEMORY_SWAP] = memory->swap_bytes;
	columns[MEMORY_PAGE_TABLES] = memory->page_table_bytes;
	columns[MEMORY_HUGETLB] = memory->hugetlb_bytes;
}

void memory__from_columns(struct memory *memory, const int64_t columns[MEMORY_COLUMNS])
{
	memory->anon_bytes = columns[MEMORY_ANON];
	memory->file_bytes = columns[MEMORY_FILE];
	memory->shmem_bytes = columns[MEMORY_SHMEM];
	memory->swap_bytes = columns[MEMORY_SWAP];
	memory->page_table_bytes = columns[MEMORY_PAGE_TABLES];
	memory->hugetlb_bytes = columns[MEMORY_HUGETLB];
}

bool memory__known(const struct memory *memory)
{
	return memory->anon_bytes >= 0 || memory->file_bytes >= 0 || memory->shmem_bytes >= 0;
}

bool memory__equal(const struct memory *a, const struct memory *b)
{
	return a->anon_bytes == b->anon_bytes && a->file_bytes == b->file_bytes &&
	       a->shmem_bytes == b->shmem_bytes && a->swap_bytes == b->swap_bytes &&
	       a->page_table_bytes == b->page_table_bytes && a->hugetlb_bytes == b->hugetlb_bytes;
}

static int64_t known_or_zero(int64_t bytes)
{
	return bytes > 0 ? bytes : 0;
}

int64_t memory__resident(const struct memory *memory)
{
	if (!memory__known(memory))
		return EVENT_UNKNOWN;
	return bytes__add(
		bytes__add(known_or_zero(memory->anon_bytes), known_or_zero(memory->file_bytes)),
		known_or_zero(memory->shmem_bytes));
}

int64_t memory__footprint(const struct memory *memory)
{
	int64_t resident = memory__resident(memory);

	return resident < 0 ? EVENT_UNKNOWN
			    : bytes__add(resident, known_or_zero(memory->swap_bytes));
}

struct memcg_counters counters__unknown(void)
{
	return (struct memcg_counters){EVENT_UNKNOWN,
				       EVENT_UNKNOWN,
				       EVENT_UNKNOWN,
				       EVENT_UNKNOWN,
				       EVENT_UNKNOWN,
				       EVENT_UNKNOWN,
				       EVENT_UNKNOWN,
				       EVENT_UNKNOWN,
				       -1,
				       0};
}

int64_t limit__normal(int64_t bytes)
{
	if (bytes < 0)
		return EVENT_UNKNOWN;
	return bytes > BYTES_MAX ? EVENT_NO_LIMIT : bytes;
}

struct memcg_counters counters__normal(const struct memcg_counters *counters)
{
	return (struct memcg_counters){
		.usage_bytes = bytes__normal(counters->usage_bytes),
		.max_bytes = limit__normal(counters->max_bytes),
		.high_bytes = limit__normal(counters->high_bytes),
		.watermark_bytes = bytes__normal(counters->watermark_bytes),
		.failures = bytes__normal(counters->failures),
		.swap_usage_bytes = bytes__normal(counters->swap_usage_bytes),
		.swap_max_bytes = limit__normal(counters->swap_max_bytes),
		.kmem_usage_bytes = bytes__normal(counters->kmem_usage_bytes),
		.oom_group = counters->oom_group < 0 ? -1 : counters->oom_group != 0,
	};
}

struct ledger ledger__normal(const struct ledger *ledger)
{
	return (struct ledger){.flags = ledger->flags,
			       .cgroups = ledger->cgroups,
			       .usage_bytes = bytes__normal(ledger->usage_bytes),
			       .dying_bytes = bytes__normal(ledger->dying_bytes),
#define X(field, kind, item, unit) .field##_bytes = bytes__normal(ledger->field##_bytes),
			       LEDGER_ITEMS(X)
#undef X
	};
}

struct memcg_stat stat__unknown(void)
{
	return (struct memcg_stat){
#define X(field, v2, v1) .field##_bytes = EVENT_UNKNOWN,
		MEMCG_STATS(X)
#undef X
	};
}
