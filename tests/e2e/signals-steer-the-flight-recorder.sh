#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# SIGUSR1 freezes the window, SIGHUP reads the settings again and keeps them when they are wrong,
# SIGTERM ends cleanly; a second recorder of the folder says who holds it.
. "$(dirname "$0")/lib.sh"

watch_start --max-size 64M
refused 1 "$FLIGHT is in use by oomtrail watch, pid $WATCHER, since 20" \
	"$OOMTRAIL" watch --dir "$FLIGHT" --config "$WORK/empty.conf"

kill -USR1 "$WATCHER"
wait_for '[[ -e $(echo "$FLIGHT"/incidents/*-asked/report.txt) ]]' 60
ID=$(basename "$FLIGHT"/incidents/*-asked)
"$OOMTRAIL" report --dir "$FLIGHT" "$ID" >"$WORK/asked.txt"
cmp "$WORK/asked.txt" "$FLIGHT/incidents/$ID/report.txt" || fail "stored and replayed differ"
"$OOMTRAIL" report --dir "$FLIGHT" "$ID" --format json |
	jq -e --argjson pid $$ '.schema == "oomtrail.session/1" and
		any(.processes[]; .pid == $pid)' >/dev/null || fail "the frozen window does not know us"
"$OOMTRAIL" incidents --dir "$FLIGHT" | grep -qi 'ask\|demand' || fail "not told as asked for"

printf '[watch]\nincidents = 1\n' >"$WORK/empty.conf"
kill -HUP "$WATCHER"
wait_for '[[ $(logged "settings read again") -eq 1 ]]'
printf '[watch]\nincidents = none\n' >"$WORK/empty.conf"
kill -HUP "$WATCHER"
wait_for '[[ $(logged "settings stay as they were: .*empty.conf:2") -eq 1 ]]'
printf '[watch]\nqueue = 8M\n' >"$WORK/empty.conf"
kill -HUP "$WATCHER"
wait_for '[[ $(logged "settings read again; only a restart changes queue") -eq 1 ]]'
printf '[watch]\nincidents = 1\n' >"$WORK/empty.conf"
kill -HUP "$WATCHER"
wait_for '[[ $(logged "settings read again") -eq 3 ]]'

# The new bound holds: of two, the newer stays.
kill -USR1 "$WATCHER"
wait_for '[[ $(logged "incident .*-asked.*: trail and JSON written") -eq 2 ]]'
wait_for '[[ ! -d $FLIGHT/incidents/$ID ]]' 60
watch_stop
chunk=$(printf '%s\n' "$FLIGHT"/window/*.trail | tail -n 1)
"$OOMTRAIL" info --verify "$chunk" >"$WORK/info.txt" || fail "the last chunk: $(cat "$WORK/info.txt")"
# Free again.
watch_start
watch_stop
