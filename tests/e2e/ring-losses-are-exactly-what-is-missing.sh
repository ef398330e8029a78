#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A reader that stands still while processes come and go: what the rings had no room for is
# reported, and with what was recorded adds up to what happened.
. "$(dirname "$0")/lib.sh"

need_root
mkfifo "$WORK/go"
cgroup_start churn "" sh -c 'read -r line <"$0"; exec "$1" 1000 "$2"' "$WORK/go" "$WORKLOADS/churn" \
	$((4 * SLOWER))
churn=$STARTED
record_start -p "$churn" --buffer 64K
kill -STOP "$RECORDER"
echo go >"$WORK/go"
join "$churn" 30
kill -CONT "$RECORDER"
join "$RECORDER" 30
reports
made=$(truth churn made)
# Half of that fills the ring.
[[ $made -gt 250 ]] || fail "made only $made processes"
"$OOMTRAIL" info "$TRAIL" >"$WORK/info.txt"
seen() { awk -v kind="$1" '$1 == kind || ($1 == "events" && $2 == kind) {n = $(NF-2)} END {print n + 0}' "$WORK/info.txt"; }
lost() { jq "[.losses.rows[] | select((.kind // \"\") == \"$1\" and (.reason | test(\"ring\"))) | .count] | add // 0" "$WORK/replay.json"; }
for kind in fork exit; do
	[[ $(lost "$kind") -gt 0 ]] || fail "nothing of kind $kind was lost: $(jq -c .losses "$WORK/replay.json")"
done
# The child that became churn leaves as well; nobody else is followed.
equal "forks seen and lost" "$(($(seen fork) + $(lost fork)))" "$made"
equal "exits seen and lost" "$(($(seen exit) + $(lost exit)))" $((made + 1))
