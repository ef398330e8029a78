#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A cgroup full of page cache is reclaimed before anybody is killed: that must stand in front of
# the kill, in full, and after the victim's death the cgroup's last figure must have fallen.
. "$(dirname "$0")/lib.sh"

cgroup_new cache 64
record_start -a
cgroup_start grow cache sh -c "dd if=/dev/zero of=$WORK/cached bs=1M count=40 conv=fsync 2>/dev/null &&
	exec $WORKLOADS/grow --total 90M --rate 150M"
join "$STARTED"
equal "status" "$STATUS" 137
# The OOM reaper may be at it still.
wait_for '[[ $(cat "$(cgroup_file cache usage)") -lt 33554432 ]]'
record_stop

json_is '.incidents | length == 1'
line=$(grep -o 'reclaim begins; until the kill .* taken back in .* runs\?' "$WORK/report.txt")
mib=$(sed -n 's/.*until the kill \([0-9.]*\) MiB taken back.*/\1/p' <<<"$line")
[[ -n $mib ]] || fail "no MiB of reclaim before the kill: '$line'"
awk -v mib="$mib" 'BEGIN { exit !(mib >= 8) }' || fail "too little reclaimed: $line"
json_is '.cgroups[] | select(.cgroup == $cgroup) | .usage_bytes < 33554432' \
	cgroup "$(cgroup_path cache)"
