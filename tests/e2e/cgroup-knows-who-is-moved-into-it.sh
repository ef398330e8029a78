#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Followed by its cgroup, a process that was forked elsewhere and moved in has its name, command
# line and the memory it brought.
# vm: --cgroup v1
# vm: --cgroup hybrid
. "$(dirname "$0")/lib.sh"

cgroup_new home 64
record_start -c "$(cgroup_path home)"
cgroup_start grow "" "$WORKLOADS/grow" --total 20M --hold 60
pid=$STARTED
wait_for '[[ $(truth grow grown_bytes) -ge 20000000 ]]'
echo "$pid" >"$(cgroup_dir home)/cgroup.procs"
sleep 0.3
record_stop
json_is '.processes[] | select(.pid == $pid) | .comm == "grow" and .argv[1] == "--total" and
	.cgroup == $cgroup and .memory.anon_bytes >= 20000000' \
	pid "$pid" cgroup "$(cgroup_path home)"
