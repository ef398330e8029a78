#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# deadline: 300
#
# `watch` built with the address and undefined sanitizers, and with the thread sanitizer: churn, two
# causes and a storm, every signal it knows, chunk after chunk; they have nothing to say, and
# everything is written.
# not in a vm: sanitizers look at user space, which is the same here
. "$(dirname "$0")/lib.sh"

need_root
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1

# The thread sanitizer (gcc before 14) does not start where addresses are more random than it
# expects. The reports are written by the same program in a process of its own.
use_variant() # NAME
{
	local program=$REPO/build/$1/oomtrail
	[[ -x $program ]] || fail "not built: make sanitized"
	FLIGHT=$WORK/flight.$1
	OOMTRAIL_WATCH=$program
	if [[ $1 == tsan ]] && setarch "$(uname -m)" -R true 2>/dev/null; then
		OOMTRAIL_WATCH=$WORK/tsan
		printf '#!/bin/sh\nexec setarch %s -R %s "$@"\n' "$(uname -m)" "$program" \
			>"$OOMTRAIL_WATCH"
		chmod +x "$OOMTRAIL_WATCH"
	fi
}

# What is killed within 10 s is of the incident itself, and no storm.
is_over()
{
	[[ $(($(date +%s%N) - killed_ns)) -gt 11000000000 ]]
}

nothing_found()
{
	! grep -Eq 'Sanitizer|runtime error' "$WORK/watch.err" ||
		watch_failed "a sanitizer has something to say"
}

for variant in asan tsan; do
	use_variant "$variant"
	cgroup_new "$variant.first" 32
	cgroup_new "$variant.second" 32
	# A chunk lasts 7.5 s.
	watch_start --window 1m
	cgroup_start "$variant.churn" "" sh -c 'while :; do /bin/true; done'
	churn=$STARTED

	oom_kill "$variant.1" "$variant.first" 64
	killed_ns=$(date +%s%N)
	wait_for_incidents 1
	first=$ID
	kill -USR1 "$WATCHER"
	wait_for '[[ $(logged "incident .*-asked: trail and JSON written") -eq 1 ]]'
	oom_kill "$variant.2" "$variant.second" 64
	wait_for_incidents 2
	second=$ID
	[[ $second != "$first" ]] || watch_failed "both causes are $first"
	printf '[watch]\nincidents = 50\n' >"$WORK/empty.conf"
	kill -HUP "$WATCHER"
	wait_for '[[ $(logged "settings read again") -eq 1 ]]'
	wait_for_reports "$first"
	wait_for is_over
	oom_kill "$variant.3" "$variant.first" 64
	wait_for '[[ -e $FLIGHT/incidents/$first/storm.trail ]]'
	wait_for '[[ $(find "$FLIGHT/window" -name "*.trail" | wc -l) -ge 3 ]]'
	nothing_found

	kill -TERM "$churn"
	join "$churn"
	watch_stop
	nothing_found
	# The end waits for no report, and the last ones know of the storm.
	wait_for_reports "$second"
	# Its earlier report is there until the last one is: first the text, then the JSON.
	wait_for 'jq -e ".storm.count == 2" "$FLIGHT/incidents/$first/incident.json"'
	wait_for_reports "$first"
	json_is '.storm.count == 2'
	"$OOMTRAIL" report --dir "$FLIGHT" "$first" | cmp - "$FLIGHT/incidents/$first/report.txt" ||
		fail "stored and replayed differ"
	for chunk in "$FLIGHT"/window/*.trail; do
		"$OOMTRAIL" info --verify "$chunk" >"$WORK/info.txt" ||
			fail "$chunk: $(cat "$WORK/info.txt")"
	done
done
