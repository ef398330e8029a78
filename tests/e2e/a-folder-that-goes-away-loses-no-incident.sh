#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Somebody removes the recorder's folder, or its disk turns read-only: the incident is written where
# it belongs once that is possible, and the log says so.
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

# A file system that gives up, as a failing disk's does.
rm -rf "$FLIGHT"
mkdir "$FLIGHT"
truncate -s 48M "$WORK/disk"
mkfs.ext4 -q -O ^has_journal "$WORK/disk"
mount -o loop,errors=remount-ro "$WORK/disk" "$FLIGHT" || skip "no loop device can be mounted"
MOUNTS+=("$FLIGHT")
chmod 0700 "$FLIGHT"
trigger=/sys/fs/ext4/$(basename "$(findmnt -no SOURCE "$FLIGHT")")/trigger_fs_error
[[ -w $trigger ]] || skip "ext4 cannot be told to fail"
watch_start --max-size 8M --sync 1s
echo broken >"$trigger"
wait_for 'findmnt -no OPTIONS "$FLIGHT" | grep -qw ro'
oom_kill second second 40
wait_for '[[ $(logged "incident .*-grow-$(truth second pid) cannot be written: ") -eq 1 ]]'
mount -o remount,rw "$FLIGHT" || fail "cannot be made writable again"
wait_for_incidents 1 60
wait_for_reports "$ID" 60
json_is '.victim.pid == $pid' pid "$(truth second pid)"
watch_stop
