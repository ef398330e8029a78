#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# vm.panic_on_oom: the machine panics instead of killing, for the whole host (1) and for a cgroup (2).
# What the flight recorder promises of a power cut holds: after the reboot the window replays, and it
# lacks no more than --sync of the time before the panic, which the console has the moment of, and
# what a sync takes while the machine runs full. No victim is claimed, for there was none; the next
# `watch` keeps the window as unfinished.
# vm: --memory 512M --slower 8
# boots: 3
# panics: panic_on_oom is enabled
. "$(dirname "$0")/../../e2e/lib.sh"

readonly SYNC_MS=2000
# What is ordered, written and synced meanwhile, on an emulated disk.
readonly SLACK_MS=$((150 * SLOWER))

# Of this boot, by the clock that the kernel's log has, too.
up_ms()
{
	local up
	read -r up _ </proc/uptime
	echo "${up/./}0"
}

# One process a stamp, which puts it onto the disk: the window has to know the process by its name.
stamp()
{
	local n
	for ((n = 0;; n++)); do
		echo "$n $(up_ms)" >>"$1"
		(exec -a "stamp-$n" sync -d "$1")
		pause
	done
}

# Into FLIGHT, until the panic; returns when none came.
record_until_the_panic() # PANIC_ON_OOM
{
	sysctl -q "vm.panic_on_oom=$1"
	equal "panic_on_oom" "$(cat /proc/sys/vm/panic_on_oom)" "$1"
	watch_start --sync "${SYNC_MS}ms"
	stamp "$FLIGHT.stamps" &
	STARTED_PIDS+=($!)
	# So long that the disk must have been asked more than once.
	wait_for '[[ $(stamped_ms) -ge $((3 * SYNC_MS)) ]]' 60
	sync
	if [[ $1 == 1 ]]; then
		for ((i = 0; i < 4; i++)); do
			cgroup_start "hog$i" "" "$WORKLOADS/grow" --total $((130 + 20 * i))M --rate 60M --hold 120
		done
	else
		cgroup_new full 64
		cgroup_start hog full "$WORKLOADS/grow" --total 90M --rate 30M --hold 120
	fi
	# Either the machine ends here, or the kernel has killed instead.
	wait_for '[[ $(sed -n "s/^oom_kill //p" /proc/vmstat) -ge 1 ]]' 60
}

# A file may be left longer than what had been written into it: zeros, or half a line.
stamps()
{
	tr -d '\0' <"$FLIGHT.stamps" | grep -E '^[0-9]+ [0-9]+0$'
}

# How long it took at worst to get one onto the disk, the one too late for it included.
slowest_ms() # PANIC_MS
{
	stamps | awk -v end="$1" '
		NR > 1 && $2 - last > slowest { slowest = $2 - last }
		{ last = $2 }
		END { print (end - last > slowest ? end - last : slowest + 0) }'
}

# Between the first stamp and the last.
stamped_ms()
{
	stamps | awk 'NR == 1 { first = $2 } END { print NR ? $2 - first : 0 }'
}

# When the machine panicked: SECONDS, by the clock of its boot.
look_at_what_is_left() # SECONDS
{
	local seen stamped at reached lacks unfinished panic_ms=$((10#${1%.*} * 1000 + 10#${1#*.} / 1000)) slack
	"$OOMTRAIL" report --dir "$FLIGHT" window --format json >"$WORK/report.json" 2>"$WORK/report.err" ||
		fail "the window does not replay: $(cat "$WORK/report.err")"
	"$OOMTRAIL" report --dir "$FLIGHT" window >"$WORK/report.txt" 2>/dev/null || fail "no text: status $?"
	# The last process of both: what it is called in the window, and when by the clock it came.
	while read -r seen stamped; do
		at=$(jq -r --arg name "stamp-$seen" \
			'[.processes[] | select(.argv[0]? == $name)][0].first_seen_ms // empty' \
			"$WORK/report.json")
		[[ -z $at ]] || break
	done < <(stamps | tac)
	[[ -n $at ]] || fail "the window knows none of $(stamps | wc -l) stamps"
	# It was stamped just before it came.
	reached=$(jq --argjson stamped "$stamped" --argjson at "$at" \
		'$stamped + .span.duration_ms - $at | floor' "$WORK/report.json")
	lacks=$((panic_ms - reached))
	slack=$((SLACK_MS + $(slowest_ms "$panic_ms")))
	echo "$FLIGHT: panic after $panic_ms ms, the window reaches to $reached ms: it lacks $lacks ms, slack $slack ms"
	[[ $lacks -le $((SYNC_MS + slack)) ]] || fail "the window lacks $lacks ms, --sync was $SYNC_MS ms"
	[[ $lacks -ge $((-SLACK_MS)) ]] || fail "the window reaches beyond the panic"
	json_is '(.incidents | length == 0) and (.kills // [] | length == 0)'
	! grep -qE '^(KILLED|LIMIT|GREW) ' "$WORK/report.txt" || fail "it claims a victim"
	text_has 'INCOMPLETE: the recording was not closed'

	"$OOMTRAIL" incidents --dir "$FLIGHT" >"$WORK/list.txt"
	grep -i unfinished "$WORK/list.txt" || fail "not listed: $(cat "$WORK/list.txt")"
	watch_start
	unfinished=$(find "$FLIGHT/incidents" -maxdepth 1 -name '*-unfinished' -printf '%f\n')
	[[ $(wc -w <<<"$unfinished") -eq 1 ]] || watch_failed "unfinished: $unfinished"
	"$OOMTRAIL" report --dir "$FLIGHT" "$unfinished" --format json >"$WORK/report.json" ||
		fail "what was left cannot be read"
	json_is '(.incidents | length == 0) and ([.processes[] | .argv[0]? // ""] | index("stamp-" + ($n | tostring)))' \
		n "$seen"
	find "$FLIGHT/incidents" -maxdepth 1 -name '*-grow-*' | grep . && fail "an incident of a kill that never was"
	watch_stop
}

need_root
[[ -b /dev/vdb ]] || fail "there is no disk that outlives the machine"
FLIGHT=/data/cgroup
if [[ ! -e /data/host.stamps ]]; then
	FLIGHT=/data/host
	record_until_the_panic 1
	fail "the machine was full and did not panic"
elif [[ ! -e /data/cgroup.stamps ]]; then
	record_until_the_panic 2
	fail "the cgroup was full and the machine did not panic"
fi
IFS=, read -r host cgroup < <(sed -n 's/.*vm\.panics=\([0-9.,]*\).*/\1/p' /proc/cmdline)
FLIGHT=/data/host
look_at_what_is_left "$host"
FLIGHT=/data/cgroup
look_at_what_is_left "$cgroup"
