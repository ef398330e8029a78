#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Ten kills amid page-fault storms on every CPU and a stream of processes: each of them is there
# with its exit, whatever else is lost.
. "$(dirname "$0")/lib.sh"

readonly KILLS=10
cgroup_new full 16
before=$(sed -n 's/^oom_kill //p' /proc/vmstat)
record_start -a
cgroup_start storm "" "$WORKLOADS/storm" $((SLOWER * 100)) 4M $((2 * $(nproc)))
storm=$STARTED
pids=()
for ((i = 0; i < KILLS; i++)); do
	cgroup_start grow full "$WORKLOADS/grow" --total 40M
	pids+=("$STARTED")
	join "$STARTED"
	equal "status" "$STATUS" 137
	/bin/true "flood-$i"
done
kill -TERM "$storm"
join "$storm"
record_stop

[[ $(($(sed -n 's/^oom_kill //p' /proc/vmstat) - before)) -ge $KILLS ]] || fail "the kernel did not kill"
wanted=$(printf '%s\n' "${pids[@]}" | jq -cs 'sort')
json_is '$wanted - [.kills[] | select(.class == "oom") | .target.pid] == []' wanted "$wanted"
json_is '$wanted - [.processes[] | select(.comm == "grow" and .exit.signal == 9) | .pid] == []' wanted "$wanted"
json_is '[.processes[] | select(.argv[1]? // "" | startswith("flood-"))] | length == 10'
json_is '[.losses.rows[] | select(.kind // "" | test("oom|exit|signal"; "i"))] == []'
json_is '.oom_kills.seen == .oom_kills.counted_by_kernel'
