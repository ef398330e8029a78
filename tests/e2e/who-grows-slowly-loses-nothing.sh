#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a page fault has brought is told by the kernel at the next one of its thread at the latest
# where rss_stat does not tell of every page. By then it has been looked at and credited if the
# thread rests for longer than samples wait: that is no loss, and nothing is credited twice.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 96
# Every page is sampled, also the last one before a thread rests.
record_growth threads app --sample 4K --without rss_stat -- "$WORKLOADS/threads" 36M 400
json_is '[.losses.rows[] | select(.kind == "growth")] == []'
for thread in first fourth eighth; do
	credited_as_told threads "grow_$thread" 3
done
