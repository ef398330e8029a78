#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# cgroup v1 with the OOM killer switched off: a thread waits, is given room, and works on without a
# word for so long that nobody looks at its cgroup any more. When it waits again, that is found too.
# vm: --cgroup v1
. "$(dirname "$0")/lib.sh"

cgroup_new full 16
may_not_kill full
record_start -a
# Twice 20 MiB, 13 s apart: in the middle of the first and of the second it waits.
cgroup_start grow full "$WORKLOADS/grow" --total 40M --step 20M --rate 1613193 --hold 120
wait_for 'tasks_wait full'
for file in memory.memsw.limit_in_bytes memory.limit_in_bytes; do
	[[ ! -e $(cgroup_dir full)/$file ]] || echo $((24 << 20)) >"$(cgroup_dir full)/$file"
done
wait_for '! tasks_wait full'
wait_for '[[ $(truth grow grown_bytes) == $((20 << 20)) ]]'
calm=$SECONDS
wait_for 'tasks_wait full' 40
[[ $((SECONDS - calm)) -ge 11 ]] || fail "only $((SECONDS - calm)) s of calm"
# The reader's next look.
until=$((SECONDS + 2))
wait_for '[[ $SECONDS -ge $until ]]'
record_stop
sed -n '/^HELD BACK/,/^$/p' "$WORK/report.txt"
json_is '.held_back[] | select(.cgroup == $cgroup) | .over == false and .from_ms > 11000 and
	.limit_bytes == 25165824 and (.processes | map(.pid)) == [$pid]' \
	cgroup "$(cgroup_path full)" pid "$STARTED"
