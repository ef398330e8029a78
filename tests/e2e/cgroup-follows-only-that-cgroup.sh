#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# -c CGROUP: what is in it and below it, by path from the controller's root or by folder. Of the
# rest of the host only OOM kills are recorded, and it is said that the victim was not followed.
# vm: --cgroup v1
# vm: --cgroup hybrid
. "$(dirname "$0")/lib.sh"

cgroup_new wanted 64
cgroup_new wanted/below
cgroup_new other 64
for name in "$(cgroup_path wanted)" "$(cgroup_dir wanted)"; do
	record_start -c "$name"
	cgroup_start inside wanted/below "$WORKLOADS/grow" --total 90M --rate 150M
	inside=$STARTED
	cgroup_start stranger other "$WORKLOADS/grow" --total 16M
	stranger=$STARTED
	join "$stranger"
	cgroup_start outside other "$WORKLOADS/grow" --total 90M --rate 150M
	outside=$STARTED
	join "$inside"
	equal "status" "$STATUS" 137
	join "$outside"
	equal "status" "$STATUS" 137
	record_stop
	json_is '[.incidents[].victim.pid] | sort == ([$inside, $outside] | sort)' \
		inside "$inside" outside "$outside"
	json_is '.incidents[] | select(.victim.pid == $pid) | .victim | .pid == $pid and .cgroup == $cgroup' \
		pid "$inside" cgroup "$(cgroup_path wanted/below)"
	json_is '.processes[] | select(.pid == $pid) | .peak_bytes > 50 * 1048576' pid "$inside"
	json_is '[.processes[] | select(.pid == $pid)] == []' pid "$stranger"
	text_has "only (the )?followed processes were compared"
	rm -f "$TRAIL"
done
