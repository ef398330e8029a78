#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Anybody may rename himself as fast as he can: kills, births and deaths have a ring of their own.
. "$(dirname "$0")/lib.sh"

readonly KILLS=3
cgroup_new full 16
# Beside a renamer on its own CPU, the recorder cannot keep up.
OOMTRAIL_RECORD=$WORK/recorder
cat >"$OOMTRAIL_RECORD" <<-END
	#!/bin/sh
	exec taskset -c 0 nice -n 10 "$OOMTRAIL" "\$@"
END
chmod +x "$OOMTRAIL_RECORD"
record_start -a --buffer 64K
renamers=()
for ((cpu = 0; cpu < 2 && cpu < $(nproc); cpu++)); do
	cgroup_start "rename$cpu" "" taskset -c "$cpu" "$WORKLOADS/rename" 60
	renamers+=("$STARTED")
done
pids=()
for ((i = 0; i < KILLS; i++)); do
	cgroup_start grow full "$WORKLOADS/grow" --total 40M
	pids+=("$STARTED")
	join "$STARTED"
	equal "status" "$STATUS" 137
done
kill -INT "$RECORDER"
join "$RECORDER" 20 # while the flood goes on
for pid in "${renamers[@]}"; do
	kill -TERM "$pid"
	join "$pid"
done
reports

wanted=$(printf '%s\n' "${pids[@]}" | jq -cs 'sort')
json_is '$wanted - [.kills[] | select(.class == "oom") | .target.pid] == []' wanted "$wanted"
json_is '[.losses.rows[] | select(.kind // "" | test("rename")) | .count] | add > 0'
json_is '[.losses.rows[] | select(.kind // "" | test("oom|exit|fork|exec"; "i"))] == []'
