#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# At the end stacks that are not named yet are waited for. Asked to end a second time, neither
# `record` nor `watch` waits any longer, and both say what is lost. While `watch` waits, its service
# manager goes on hearing of it.
. "$(dirname "$0")/lib.sh"

# Of the recorder's children the one that starts those, and its own.
naming()
{
	pgrep -P "$(pgrep -P "$1" -x oomtrail-keeper)" -x oomtrail-stacks
}

# The process that names stacks is one that does not come to its end.
hold_naming() # RECORDER
{
	local pid
	pid=$(naming "$1") || fail "nobody names stacks"
	kill -STOP "$pid"
	wait_for "grep -q '^State:.T' /proc/$pid/status"
}

attached() # RECORDER
{
	find "/proc/$1/fd" -lname 'anon_inode:bpf[_-]link' -print -quit 2>/dev/null | grep -q .
}

record_start -a
hold_naming "$RECORDER"
attached "$RECORDER" || fail "nothing is attached"
kill -INT "$RECORDER"
wait_for '! attached "$RECORDER"'
! gone "$RECORDER" || fail "record did not wait"
began=$SECONDS
record_stop
[[ $((SECONDS - began)) -lt $((20 * SLOWER)) ]] || fail "record waited $((SECONDS - began)) s"
grep -q "was not waited for any longer.*the stacks that were left are lost" "$WORK/record.err" ||
	fail "record does not say what is lost"
json_is '[.losses.rows[] | select(.reason | test("names stacks ended early"))] |
	length == 1 and .[0].count == 1'

cat >"$WORK/manager.py" <<'END'
import os, socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(manager.recv(4096).decode().replace("\n", " "), flush=True)
END
python3 "$WORK/manager.py" "$WORK/notify" >"$WORK/told" &
STARTED_PIDS+=($!)
wait_for 'grep -q bound "$WORK/told"'
export NOTIFY_SOCKET=$WORK/notify WATCHDOG_USEC=2000000
watch_start
hold_naming "$WATCHER"
kill -TERM "$WATCHER"
wait_for 'grep -q "STOPPING=1" "$WORK/told"'
beats=$(grep -c "WATCHDOG=1" "$WORK/told") || true
wait_for '[[ $(grep -c "WATCHDOG=1" "$WORK/told") -ge $((beats + 3)) ]]'
! gone "$WATCHER" || fail "watch did not wait"
began=$SECONDS
watch_stop
[[ $((SECONDS - began)) -lt $((20 * SLOWER)) ]] || fail "watch waited $((SECONDS - began)) s"
equal "said" "$(logged 'was not waited for any longer.*the stacks that were left are lost')" 1
