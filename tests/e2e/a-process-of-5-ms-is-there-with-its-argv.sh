#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Too short-lived for any poll of /proc.
. "$(dirname "$0")/lib.sh"

record_start -a
for i in 1 2 3 4 5; do
	cgroup_run "" "$WORKLOADS/brief" "marker-$TAG-$i" "with blanks" "" >>"$WORK/brief.out"
done
record_stop

for i in 1 2 3 4 5; do
	pid=$(sed -n "s/^pid=//p" "$WORK/brief.out" | sed -n "${i}p")
	json_is '[.processes[] | select(.pid == $pid and
		  .argv == ["brief", "--marked", $marker, "with blanks", ""])] | length == 1' \
		pid "$pid" marker "marker-$TAG-$i"
done
