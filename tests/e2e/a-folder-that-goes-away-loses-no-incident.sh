#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# deadline: 300
#
# Somebody removes the recorder's folder, or its disk turns read-only: the incident is written where
# it belongs once that is possible, and the log says so.
# not in a vm: what is tested lies in user space and in files, the same on every kernel
. "$(dirname "$0")/lib.sh"

cgroup_new first 16
cgroup_new second 16
watch_start
rm -rf "$FLIGHT"
oom_kill first first 40
wait_for_incidents 1
wait_for_reports "$ID" 60
json_is '.victim.pid == $pid' pid "$(truth first pid)"
"$OOMTRAIL" info --verify "$FLIGHT/incidents/$ID/window.trail" >"$WORK/info.txt" ||
	fail "the window does not verify: $(cat "$WORK/info.txt")"
watch_stop
refused 1 "there is no folder" "$OOMTRAIL" report --dir "$WORK/nowhere"

# A folder that takes nothing for a while.
cgroup_new third 16
watch_start --sync 1s
chattr +i "$FLIGHT/incidents" "$FLIGHT/incidents/.spare" 2>/dev/null ||
	skip "the first half passed; folders cannot be made immutable here"
trap 'chattr -i "$FLIGHT/incidents" "$FLIGHT/incidents/.spare"; cleanup' EXIT
oom_kill second second 40
wait_for '[[ $(logged "incident .*-grow-$(truth second pid) cannot be written: ") -eq 1 ]]'
equal "incidents meanwhile" "$(our_incidents | wc -l)" 1
chattr -i "$FLIGHT/incidents" "$FLIGHT/incidents/.spare"
trap cleanup EXIT
wait_for_incidents 2
wait_for_reports "$ID" 60
json_is '.victim.pid == $pid' pid "$(truth second pid)"
"$OOMTRAIL" info --verify "$FLIGHT/incidents/$ID/window.trail" >"$WORK/info.txt" ||
	fail "the window does not verify: $(cat "$WORK/info.txt")"
watch_stop

# A file system that gives up for good, as a failing disk's does: what cannot be written is said.
rm -rf "$FLIGHT"
mkdir "$FLIGHT"
truncate -s 48M "$WORK/disk"
mkfs.ext4 -q "$WORK/disk"
mount -o loop,errors=remount-ro "$WORK/disk" "$FLIGHT" ||
	skip "two thirds passed; no loop device can be mounted"
MOUNTS+=("$FLIGHT")
chmod 0700 "$FLIGHT"
trigger=/sys/fs/ext4/$(basename "$(findmnt -no SOURCE "$FLIGHT")")/trigger_fs_error
[[ -w $trigger ]] || skip "two thirds passed; ext4 cannot be told to fail"
watch_start --max-size 8M --sync 1s
echo broken >"$trigger"
oom_kill third third 40
wait_for '[[ $(logged "incident .*-grow-$(truth third pid) cannot be written: ") -eq 1 ]]'
wait_for '[[ $(logged "the window.*: (Read-only file system|Input/output error); kills are kept") -ge 1 ]]' 90
kill -TERM "$WATCHER"
join "$WATCHER"
equal "status of a recorder that takes an incident along" "$STATUS" 1
equal "incidents told to be lost" "$(logged "^oomtrail: 1 incident could not be written and end")" 1
