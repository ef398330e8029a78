#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kill -9 by a person looks like an OOM kill in every log that has only the exit status.
. "$(dirname "$0")/lib.sh"

cgroup_new home 96
record_start -a
cgroup_start grow home "$WORKLOADS/grow" --total 32M --hold 60
target=$STARTED
wait_for '[[ $(truth grow done) == 1 ]]'
bash -c 'echo $$; kill -KILL "$1"; exit 0' killer "$target" >"$WORK/killer.out"
killer=$(cat "$WORK/killer.out")
join "$target"
equal "status" "$STATUS" 137
record_stop

json_is '.incidents == []'
json_is '[.kills[] | select(.target.pid == $pid)] | length == 1 and (.[0] | .target.comm == "grow" and
	 .class == "signal" and .sender.pid == $killer and .sender.comm == "bash")' \
	pid "$target" killer "$killer"
if grep -qa "^oomtrail incident.*$TAG" "$WORK/report.txt"; then
	fail "the text report tells of an incident"
fi
text_has "grow, pid $target, by bash, pid $killer"
