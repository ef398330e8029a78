#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# -c CGROUP: what is in it and below it, by path from the controller's root or by folder.
. "$(dirname "$0")/lib.sh"

cgroup_new wanted 64
cgroup_new wanted/below
cgroup_new other 64
for name in "$(cgroup_path wanted)" "$(cgroup_dir wanted)"; do
	record_start -c "$name"
	cgroup_start inside wanted/below "$WORKLOADS/grow" --total 90M --rate 150M
	inside=$STARTED
	cgroup_start outside other "$WORKLOADS/grow" --total 90M --rate 150M
	outside=$STARTED
	join "$inside"
	equal "status" "$STATUS" 137
	join "$outside"
	equal "status" "$STATUS" 137
	record_stop
	json_is '.incidents | length == 1'
	json_is '.incidents[0].victim | .pid == $pid and .cgroup == $cgroup' \
		pid "$inside" cgroup "$(cgroup_path wanted/below)"
	json_is '[.processes[] | select(.pid == $pid)] == []' pid "$outside"
	rm -f "$TRAIL"
done
