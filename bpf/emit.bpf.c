/* SPDX-License-Identifier: GPL-2.0-only */
#include "emit.bpf.h"

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 knob_page_bytes = 4096;
const volatile __u32 knob_page_shift = 12;
const volatile __u32 knob_cpus = 1;
const volatile __u64 knob_step_bytes = 256 << 10;
const volatile __u64 knob_memcg_step_bytes = 256 << 10;
const volatile __u64 knob_step_pages = 64;
const volatile __u32 knob_follow = FOLLOW_ALL;
const volatile __u64 knob_follow_cgroup = 0;
const volatile bool knob_addresses_reused = false;
const volatile __u64 knob_host_pages = 1;
const volatile bool knob_oom_stack = true;
const volatile bool knob_oom_events = true;
const volatile bool knob_signals = true;
const volatile bool knob_deputies = false;
const volatile __u64 knob_sample_bytes = 0;
const volatile __u32 knob_sample_shift = 0;
const volatile __u32 knob_moment_samples = 0;
const volatile __u64 knob_stacks_bytes = 0;
const volatile __u64 knob_huge_bytes = 0;
const volatile __u32 knob_huge_shift = 0;
const volatile bool knob_huge_in_parts = false;

struct ring critical SEC(".maps");
struct ring bulk SEC(".maps");

__u64 ring_losses[EVENT_KIND_END] = {};
__u64 table_losses[LOSS_END] = {};
struct waker critical_waker = {.bytes = 256 << 10};
struct waker bulk_waker = {.bytes = 256 << 10};
