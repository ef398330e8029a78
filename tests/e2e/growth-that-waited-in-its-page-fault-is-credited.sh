#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A page fault that waits for a disk goes on when others have had page faults on its CPU, or on
# another CPU: what it brings is credited all the same, and no more than that.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

pages=$((64 << 20 >> 12))
cgroup_new app 220
record_growth waiting app --sample 64K -- "$WORKLOADS/waiting" "$WORK/file" 64M
waits=$(truth waiting waits)
[[ $waits -gt $((pages / 4)) ]] || skip "the disk is too fast: of $pages page faults $waits waited"
# So many at once are more than are taken.
credited_as_told waiting write_pages 3 fewer
at_least "complete stacks" "$(credited_complete)" "$(truth waiting bytes.write_pages)" 95

# All of them are noted then. With one place for each a tenth of them finds none; with four it takes five
# of the 256 that meet (one run in eight), and then one of them has to go.
record_growth every app --sample 4K -- "$WORKLOADS/waiting" "$WORK/file" 64M
homeless=$(lost "table of page faults under way full" growth)
[[ $homeless -lt $((pages / 50)) ]] || fail "$homeless of $pages page faults found no place"
