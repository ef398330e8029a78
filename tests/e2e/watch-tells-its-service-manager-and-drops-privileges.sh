#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Ready when everything is attached, alive while it runs, reloading, stopping: told as systemd
# expects it. And of root's privileges three are left.
. "$(dirname "$0")/lib.sh"

need_root
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
wait_for 'grep -q "READY=1" "$WORK/told"'
wait_for '[[ $(grep -c "WATCHDOG=1" "$WORK/told") -ge 2 ]]'

for status in /proc/"$WATCHER"/task/*/status; do
	# CAP_DAC_READ_SEARCH, CAP_IPC_LOCK, CAP_BPF
	for set in CapPrm CapEff; do
		equal "$set" "$(sed -n "s/^$set:\t//p" "$status")" 0000008000004004
	done
	equal NoNewPrivs "$(sed -n 's/^NoNewPrivs:\t//p' "$status")" 1
done
[[ $(sed -n 's/^VmLck:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$WATCHER/status") -gt 8192 ]] ||
	fail "its memory is not locked"

kill -HUP "$WATCHER"
wait_for 'grep -q "RELOADING=1" "$WORK/told"'
wait_for '[[ $(grep -c "READY=1" "$WORK/told") -eq 2 ]]'
watch_stop
wait_for 'grep -q "STOPPING=1" "$WORK/told"'
