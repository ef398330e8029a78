#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Services are forked elsewhere and moved: what counts is where the process is when it dies.
# vm: --cgroup v1
# vm: --cgroup hybrid
. "$(dirname "$0")/lib.sh"

cgroup_new home 64
record_start -a
cgroup_start grow "" "$WORKLOADS/grow" --total 90M --rate 150M --await "$WORK/go"
pid=$STARTED
wait_for '[[ $(truth grow ready) == 1 ]]'
echo "$pid" >"$(cgroup_dir home)/cgroup.procs"
touch "$WORK/go"
join "$pid"
equal "status" "$STATUS" 137
record_stop

json_is '.incidents | length == 1'
json_is '.incidents[0] | .victim.pid == $pid and .victim.cgroup == $cgroup and .domain.cgroup == $cgroup' \
	pid "$pid" cgroup "$(cgroup_path home)"
