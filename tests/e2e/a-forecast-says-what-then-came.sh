#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A recording as it stood on the way to a kill: what it said of the time left is what was left.
. "$(dirname "$0")/lib.sh"

cgroup_new app 96
record_start -a
cgroup_start grow app "$WORKLOADS/grow" --total 200M --rate 8M
victim=$STARTED
join "$victim"
equal "status" "$STATUS" 137
record_stop

killed_ms=$(jq --argjson pid "$victim" '.kills[] | select(.target.pid == $pid) | .t_ms | floor' \
	"$WORK/report.json")
"$OOMTRAIL" report "$TRAIL" --format json >"$WORK/whole.json"
# By what it held then, two thirds of the way: the machine may have stood still meanwhile.
"$OOMTRAIL" report "$TRAIL@..$((killed_ms - 4000))ms" --format json --threshold normal=4M \
	--threshold normal-share=0% >"$WORK/report.json"
json_is '[.kills[] | select(.target.pid == $pid)] == [] and
	 [.incidents[] | select(.victim.pid == $pid)] == []' pid "$victim"
json_is '[.outlooks[] | select(.pid == $pid)][0] |
	.class == "warning" and .limit.limit_bytes == 96 * 1024 * 1024 and
	.forecast.earliest_ms <= .forecast.in_ms' pid "$victim"
said=$(jq -c --argjson pid "$victim" '.outlooks[] | select(.pid == $pid) | .forecast' \
	"$WORK/report.json")
echo "said 4 s before: $said"
# How good its ranges are a bench tells (tests/bench/parts/11-forecast.bash): here the machine may stand
# still for seconds, and what is said be off by as much.
jq -e '.in_ms >= 800 and .in_ms <= 20000 and .earliest_ms <= 8000' <<<"$said" >/dev/null ||
	fail "4 s before the kill it said $said"

# Of a part that begins later nobody knows how it stood.
! "$OOMTRAIL" report "$TRAIL@1s..2s" 2>"$WORK/refused.err" || fail "a part was reported as a whole"
grep -q 'FILE@..B tells how it stood at B' "$WORK/refused.err" || fail "$(cat "$WORK/refused.err")"
"$OOMTRAIL" report "$TRAIL@..1h" --format json >"$WORK/again.json"
cmp "$WORK/again.json" "$WORK/whole.json" ||
	fail "up to its end it is not the whole"
