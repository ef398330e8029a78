#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# deadline: 300
#
# SIGKILL at 50 moments that nobody chose: what is left replays, reaches to within a second of the
# end (the age at which a block is written), and is kept by the next run as what it is.
# not in a vm: what is tested lies in user space and in files, the same on every kernel
. "$(dirname "$0")/lib.sh"

readonly TIMES=$((50 / SLOWER))
readonly HEADER_BYTES=24 # of a recording: a chunk without a block behind it is nothing to keep
readonly BLOCK_MS=1000 SLACK_MS=400 # of two busy CPUs

newest_chunk()
{
	printf '%s\n' "$FLIGHT"/window/*.trail | tail -n 1
}

uptime_ms()
{
	local up
	read -r up _ </proc/uptime
	echo "${up/./}0"
}

cgroup_start churn "" "$WORKLOADS/churn" 300 $((280 * SLOWER))
churn=$STARTED
RANDOM=$$
telling=0 # moments late enough that a lost second would have shown
for ((i = 0; i < TIMES; i++)); do
	watch_start --window 8s --sync 1s
	started=$(uptime_ms)
	# No condition to wait for: the moment is to be any.
	moment=$((RANDOM % 2500))
	read -rt "$((moment / 1000)).$(printf '%03d' $((moment % 1000)))" -u "$NOTHING" || true
	kill -KILL "$WATCHER"
	lived=$(($(uptime_ms) - started))
	join "$WATCHER"
	equal "status of a killed recorder" "$STATUS" 137

	chunk=$(newest_chunk)
	"$OOMTRAIL" report "$chunk" --format json >"$WORK/replay.json" 2>"$WORK/report.err" ||
		fail "moment $i: $(basename "$chunk") does not replay: $(cat "$WORK/report.err")"
	grep -q 'torn' "$WORK/report.err" && fail "moment $i: $(cat "$WORK/report.err")"
	# The churn never pauses: from the opening to the last event is the life of the recorder, but
	# for the last block.
	reached=$(jq .span.duration_ms "$WORK/replay.json")
	[[ ${reached%.*} -ge $((lived - BLOCK_MS - SLACK_MS)) ]] ||
		fail "moment $i: the window ends after $reached ms of $lived"
	[[ $lived -lt $((BLOCK_MS + SLACK_MS)) ]] || telling=$((telling + 1))
	[[ $(stat -c %s "$chunk") -gt $HEADER_BYTES ]] || continue
	"$OOMTRAIL" incidents --dir "$FLIGHT" >"$WORK/list.txt"
	grep -qi 'unfinished' "$WORK/list.txt" || fail "moment $i: not listed: $(cat "$WORK/list.txt")"
done
[[ $telling -ge $((TIMES / 10)) ]] || fail "only $telling moments of $TIMES came late enough"
watch_start
count=$(find "$FLIGHT/incidents" -maxdepth 1 -name '*-unfinished*' | wc -l)
equal "unfinished windows kept, the newest" "$count" 10
watch_stop
"$OOMTRAIL" report --dir "$FLIGHT" "$(basename "$(find "$FLIGHT/incidents" -name '*-unfinished*' | sort | tail -n 1)")" \
	>"$WORK/unfinished.txt" || fail "an unfinished window cannot be read"
kill -TERM "$churn"
