/* SPDX-License-Identifier: GPL-2.0-only */
#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "cgroup.bpf.h"
#include "ledger.bpf.h"
#include "rss.bpf.h"

/* --- where a statistic lies --------------------------------------------------------------------
 */

/*
 * Until 6.9 an item's number is its place. Since then only those that are counted for cgroups have
 * one, by a table of the kernel's (mem_cgroup_stats_index), which is read where its symbol is to be
 * had, or by user space's calibration (user/probe/ledger_places.h). -1: nobody knows.
 */
__s32 ledger_places[LEDGER_ITEM_COUNT] = {
#define X(field, kind, item, unit) -1,
	LEDGER_ITEMS(X)
#undef X
};

/* For calibration: the root's, as they lie, and how many there are. */
__s64 ledger_root[LEDGER_SLOTS] = {};
__u32 ledger_root_slots = 0;

/* 5.10 */
struct mem_cgroup___v510 {
	atomic_long_t vmstats[1];
} __attribute__((preserve_access_index));

struct memcg_vmstats_percpu___v510 {
	long stat[1];
} __attribute__((preserve_access_index));

/* 5.13 to 6.0 */
struct mem_cgroup___v60 {
	struct memcg_vmstats vmstats;
} __attribute__((preserve_access_index));

static __always_inline __u32 state_bytes(void)
{
	struct mem_cgroup___v510 *oldest = NULL;
	struct memcg_vmstats *stats = NULL;

	return bpf_core_type_exists(struct memcg_vmstats) ? bpf_core_field_size(stats->state)
							  : bpf_core_field_size(oldest->vmstats);
}

static __always_inline bool is_numbered(void)
{
	return state_bytes() / sizeof(__s64) ==
	       bpf_core_enum_value(enum memcg_stat_item, MEMCG_NR_STAT);
}

/* --- adding up ----------------------------------------------------------------------------------
 */

struct ledger ledger_taken = {};

/* All of one domain. */
static struct {
	__s64 state[LEDGER_SLOTS];
	__s64 usage_pages;
	__s64 dying_pages;
	__u64 top;   /* the domain */
	__u64 found; /* the next cgroup */
	__u64 mark;
	__u32 is_deep; /* more so than could be gone through */
	__u32 cgroups;
	__u32 parts;
	__u32 flags;
} sum;

static __s64 values[LEDGER_SLOTS];

static __always_inline bool fetch(const void *from)
{
	const __u32 bytes = state_bytes();

	return bytes <= sizeof(values) && !bpf_probe_read_kernel(values, bytes, from);
}

static __always_inline void add(int sign)
{
	const __u32 slots = state_bytes() / sizeof(__s64);

	for (__u32 i = 0; i < LEDGER_SLOTS && i < slots; i++)
		sum.state[i] += sign * values[i];
}

/* Without the barrier the compiler makes a call of memcpy of it, which there is none. */
static __always_inline void begin_with(void)
{
	for (__u32 i = 0; i < LEDGER_SLOTS; i++) {
		sum.state[i] = values[i];
		asm volatile("" ::: "memory");
	}
}

/* What one CPU has counted for one cgroup and not handed up. */
__noinline int ledger_add_part(__u64 address)
{
	struct memcg_vmstats_percpu___v510 *oldest = (void *)address;
	struct memcg_vmstats_percpu *part = (void *)address;

	if (bpf_core_field_exists(oldest->stat)) {
		if (fetch((void *)address + bpf_core_field_offset(oldest->stat)))
			add(1);
		return 0;
	}
	if (fetch((void *)address + bpf_core_field_offset(part->state)))
		add(1);
	if (fetch((void *)address + bpf_core_field_offset(part->state_prev)))
		add(-1);
	return 0;
}

__noinline int ledger_add_parts(__u64 address)
{
	struct mem_cgroup *memcg = (struct mem_cgroup *)address;
	__u64 parts = (__u64)BPF_CORE_READ(memcg, vmstats_percpu);

	if (!parts || !cpu_offsets_known) {
		sum.flags &= ~LEDGER_SUMMED;
		return 0;
	}
	for (__u32 cpu = 0; cpu < MAX_CPUS && cpu < knob_cpus; cpu++)
		ledger_add_part(parts + cpu_offset[cpu & (MAX_CPUS - 1)]);
	sum.parts += knob_cpus;
	return 0;
}

static __always_inline void *stats_of(struct mem_cgroup *memcg)
{
	struct mem_cgroup___v510 *oldest = (void *)memcg;
	struct mem_cgroup___v60 *old = (void *)memcg;

	if (!bpf_core_type_exists(struct memcg_vmstats))
		return (void *)memcg + bpf_core_field_offset(oldest->vmstats);
	if (bpf_core_field_exists(memcg->vmstats))
		return BPF_CORE_READ(memcg, vmstats);
	return (void *)memcg + bpf_core_field_offset(old->vmstats);
}

/* What was handed up last: of the cgroup and all below it. */
static __always_inline bool fetch_state(struct mem_cgroup *memcg)
{
	struct memcg_vmstats *stats = stats_of(memcg);

	if (!bpf_core_type_exists(struct memcg_vmstats))
		return fetch(stats);
	return fetch((void *)stats + bpf_core_field_offset(stats->state));
}

/* What those below have handed up. 5.10 hands up to all that are above, at once. */
static __always_inline bool fetch_pending(struct mem_cgroup *memcg)
{
	struct memcg_vmstats *stats = stats_of(memcg);

	return bpf_core_field_exists(stats->state_pending) &&
	       fetch((void *)stats + bpf_core_field_offset(stats->state_pending));
}

static __always_inline __u64 mark_of(__u64 mark)
{
	for (__u32 i = 0; i < LEDGER_SLOTS; i++)
		mark = (mark << 5) - mark + values[i];
	return mark;
}

static __always_inline bool is_online(struct cgroup_subsys_state *css)
{
	return BPF_CORE_READ(css, flags) & CSS_ONLINE;
}

__noinline int ledger_add_cgroup(__u64 address)
{
	struct mem_cgroup *memcg = (struct mem_cgroup *)address;
	struct cgroup_subsys_state *parent = BPF_CORE_READ(memcg, css.parent);

	if (fetch_pending(memcg))
		add(1);
	ledger_add_parts(address);
	/* Of a removed cgroup in a removed one the outer has it all. */
	if (address != sum.top && !is_online(&memcg->css) && parent && is_online(parent))
		sum.dying_pages += BPF_CORE_READ(memcg, memory.usage.counter);
	sum.cgroups++;
	return 0;
}

/* --- going down ---------------------------------------------------------------------------------
 */

static __always_inline struct cgroup_subsys_state *first_below(struct cgroup_subsys_state *css)
{
	struct list_head *head = (void *)css + bpf_core_field_offset(css->children);
	struct list_head *first = BPF_CORE_READ(head, next);

	return first == head || !first ? NULL : (void *)first - bpf_core_field_offset(css->sibling);
}

static __always_inline struct cgroup_subsys_state *beside(struct cgroup_subsys_state *css)
{
	struct cgroup_subsys_state *parent = BPF_CORE_READ(css, parent);
	struct list_head *head = (void *)parent + bpf_core_field_offset(css->children);
	struct list_head *next = BPF_CORE_READ(css, sibling.next);

	return next == head || !next ? NULL : (void *)next - bpf_core_field_offset(css->sibling);
}

/* The next one below `top`, each before what is below it; sum.found is 0 behind the last. */
__noinline int ledger_find_next(__u64 address, __u64 top)
{
	struct cgroup_subsys_state *css = (void *)address, *next = first_below(css);

	for (int level = 0; level < 2 * MAX_CGROUP_LEVELS && !next; level++) {
		if ((__u64)css == top || !css)
			break;
		next = beside(css);
		css = BPF_CORE_READ(css, parent);
	}
	if (!next && css && (__u64)css != top)
		sum.is_deep = 1;
	sum.found = (__u64)next;
	return 0;
}

/* Of what was handed up to the domain: another sum while it is gone through, and some may have been
 * counted twice or not at all. */
__noinline int ledger_mark(__u64 address)
{
	__u64 mark = 0;

	if (fetch_state((struct mem_cgroup *)address))
		mark = mark_of(mark);
	if (fetch_pending((struct mem_cgroup *)address))
		mark = mark_of(mark);
	sum.mark = mark;
	return 0;
}

static __always_inline void add_up(__u64 address)
{
	sum.flags = LEDGER_TAKEN | LEDGER_SUMMED;
	if (!bpf_core_type_exists(struct memcg_vmstats))
		sum.flags |= LEDGER_BOUNDED;
	sum.cgroups = sum.parts = sum.dying_pages = sum.is_deep = 0;
	sum.top = address;
	sum.usage_pages = BPF_CORE_READ((struct mem_cgroup *)address, memory.usage.counter);
	if (!fetch_state((struct mem_cgroup *)address)) {
		sum.flags = 0;
		return;
	}
	begin_with();
	/* css is the first member of struct mem_cgroup, on every kernel. */
	sum.found = address;
	for (int i = 0; i < LEDGER_CGROUPS && sum.found && sum.parts < LEDGER_PARTS; i++) {
		ledger_add_cgroup(sum.found);
		ledger_find_next(sum.found, address);
	}
	if (sum.found || sum.is_deep)
		sum.flags |= LEDGER_CUT;
}

/* Again where the kernel has handed up something meanwhile; what is then still in motion is not
 * summed. */
__noinline int ledger_add_up(__u64 address)
{
	__u64 before;

	ledger_mark(address);
	before = sum.mark;
	add_up(address);
	ledger_mark(address);
	return sum.mark == before;
}

/* --- telling ------------------------------------------------------------------------------------
 */

/* The state between two CPUs' counts may be a little below nothing. */
static __always_inline __s64 item_bytes(__s32 place, __s64 unit)
{
	__s64 value;

	if (place < 0 || place >= LEDGER_SLOTS)
		return EVENT_UNKNOWN;
	value = sum.state[(__u32)place & (LEDGER_SLOTS - 1)];
	return value < 0 ? 0 : value * unit;
}

static __always_inline __s32 place_of(__u32 item, bool exists, __s32 number)
{
	if (!exists)
		return -1;
	return is_numbered() ? number : ledger_places[item];
}

__noinline int ledger_take(__u64 address)
{
	struct ledger *out = &ledger_taken;

	if (!ledger_add_up(address) && !ledger_add_up(address))
		sum.flags &= ~(LEDGER_SUMMED | LEDGER_BOUNDED);
	out->flags = sum.flags;
	out->cgroups = sum.cgroups;
	out->usage_bytes = known_bytes(sum.usage_pages);
	out->dying_bytes = known_bytes(sum.dying_pages);
#define X(field, kind, item, unit)                                                            \
	out->field##_bytes = item_bytes(place_of(LEDGER_ITEM_##field,                         \
						 bpf_core_enum_value_exists(enum kind, item), \
						 bpf_core_enum_value(enum kind, item)),       \
					(unit) ?: knob_page_bytes);
	LEDGER_ITEMS(X)
#undef X
	return 0;
}

/* --- learning -----------------------------------------------------------------------------------
 */

#define NOWHERE 255

static __always_inline __u8 entry_of(__u64 table, __u32 number)
{
	__u8 entry = NOWHERE;

	bpf_probe_read_kernel(&entry, sizeof(entry), (void *)table + number);
	return entry;
}

/* Places count from 0, and 255 is none; at first (6.10, 6.11) they counted from 1, and 0 was none:
 * `nothing` is what an item has that no cgroup counts. */
static __always_inline __s32 look_up(__u64 table, __u8 nothing, bool exists, __u32 number)
{
	__u8 entry = exists ? entry_of(table, number) : nothing;

	return entry == nothing ? -1 : nothing == 0 ? entry - 1 : entry;
}

/* Run once, by user space, before anything is attached. */
SEC("?syscall")
int learn_ledger(void *ctx)
{
	static const char name[] = "mem_cgroup_stats_index";
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct mem_cgroup *memcg = task_memcg(task), *parent;
	__u64 table = 0;
	__u8 nothing;

	if (is_numbered())
		return 0;
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_kallsyms_lookup_name))
		bpf_kallsyms_lookup_name(name, sizeof(name), 0, &table);
	nothing =
		table ? entry_of(table, bpf_core_enum_value(enum node_stat_item, NR_ISOLATED_ANON))
		      : 1;
	if (table && (nothing == 0 || nothing == NOWHERE)) {
#define X(field, kind, item, unit)                                                   \
	ledger_places[LEDGER_ITEM_##field] =                                         \
		look_up(table, nothing, bpf_core_enum_value_exists(enum kind, item), \
			bpf_core_enum_value(enum kind, item));
		LEDGER_ITEMS(X)
#undef X
		return 0;
	}
	for (int level = 0; level < MAX_CGROUP_LEVELS && memcg; level++) {
		parent = memcg_parent(memcg);
		if (!parent)
			break;
		memcg = parent;
	}
	if (!memcg)
		return 0;
	if (state_bytes() <= sizeof(ledger_root) && fetch_state(memcg)) {
		bpf_probe_read_kernel(ledger_root, sizeof(ledger_root), values);
		ledger_root_slots = state_bytes() / sizeof(__s64);
	}
	return 0;
}
