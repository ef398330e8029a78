#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Moved, then growing by less than is told at once: the sums told later name the new cgroup.
# vm: --cgroup v1
# vm: --cgroup hybrid
. "$(dirname "$0")/lib.sh"

cgroup_new before 64
cgroup_new after 64
record_start -a --step 64M
cgroup_start grow before "$WORKLOADS/grow" --total 8400K --step 1400K --rate 3M --hold 30
pid=$STARTED
wait_for '[[ $(truth grow grown_bytes) -ge 4000000 ]]'
kill -STOP "$pid"
echo "$pid" >"$(cgroup_dir after)/cgroup.procs"
kill -CONT "$pid"
wait_for '[[ $(truth grow grown_bytes) -ge 8600000 ]]'
sleep 0.3
record_stop
json_is '.processes[] | select(.pid == $pid) | .cgroup == $cgroup' \
	pid "$pid" cgroup "$(cgroup_path after)"
