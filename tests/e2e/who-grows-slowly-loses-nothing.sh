#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a page fault has brought is told by the kernel at the next one of its thread at the latest
# where rss_stat does not tell of every page. By then it has been looked at and credited if the
# thread rests for longer than samples wait: that is no loss, and nothing is credited twice.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 64
# Every page is sampled, also the last one before each rest of half a second.
record_growth grow app --sample 4K --without rss_stat -- "$WORKLOADS/grow" \
	--total 1M --step 64K --rate 128K
json_is '[.losses.rows[] | select(.kind == "growth")] == []'
about "what it grew by" "$(credited grow)" $((1 << 20)) $((64 << 10))
