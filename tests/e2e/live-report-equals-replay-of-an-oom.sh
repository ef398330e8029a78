#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# report(live run) == report(replay of its recording), byte for byte: a memcg OOM kill.
# vm: --cgroup v1
# vm: --cgroup hybrid
. "$(dirname "$0")/lib.sh"

cgroup_new full 96
record_start -a --report "text=$WORK/live.txt" --report "json=$WORK/live.json"
cgroup_start grow full "$WORKLOADS/grow" --total 128M --rate 100M
join "$STARTED"
equal "status" "$STATUS" 137
record_stop

live_equals_replay
json_is '.incidents | length == 1'
