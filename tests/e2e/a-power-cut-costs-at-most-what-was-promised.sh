#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# deadline: 600
#
# The power is cut at every point of a life with kills, a storm, a demand, a crash and a new start:
# what was announced is there, the window lacks no more than --sync, and a new start puts the rest
# right. There is no power switch here: what the recorder writes is logged (tests/power/write_log.c)
# and what a disk may have kept of it is made from the log (tests/power/disk.py).
# not in a vm: it builds the states of its disk by itself, thousands of them, whatever the kernel
. "$(dirname "$0")/lib.sh"

readonly SYNC_MS=500
readonly POWER=${POWER_BUILD:-$REPO/build/power}
export PYTHONDONTWRITEBYTECODE=1

# What changes files in ways that a program may choose from; stdio is told by what it leaves.
readonly CHANGERS="open open64 openat openat64 creat creat64 mkstemp mkostemp mkstemps mkostemps
	mkdtemp tmpfile mkdir mkdirat mknod mknodat mkfifo mkfifoat link linkat symlink symlinkat
	unlink unlinkat rmdir remove rename renameat renameat2 write pwrite pwrite64 writev pwritev
	pwritev64 pwritev2 pwritev64v2 truncate truncate64 ftruncate ftruncate64 fallocate
	fallocate64 posix_fallocate posix_fallocate64 copy_file_range sendfile sendfile64 splice
	vmsplice aio_write aio_write64 aio_fsync aio_fsync64 lio_listio lio_listio64 msync fsync
	fdatasync sync syncfs sync_file_range"

every_changer_is_logged()
{
	local name known imported seen=0
	known=" $(nm -D --defined-only "$POWER/write_log.so" | sed 's/.* //' | tr '\n' ' ')"
	imported=" $(nm -D --undefined-only "$OOMTRAIL" | sed 's/.* //; s/@.*//' | tr '\n' ' ')"
	for name in $CHANGERS; do
		[[ $imported == *" $name "* ]] || continue
		[[ $known == *" $name "* ]] || fail "oomtrail calls $name(), which is not logged"
		seen=$((seen + 1))
	done
	[[ $seen -ge 5 ]] || fail "of all that changes files oomtrail calls $seen functions?"
}

# How long this host keeps somebody who has slept for 20 ms waiting, at most.
STALL=$WORK/stall
watch_for_stalls()
{
	local before spent most=0
	while :; do
		before=${EPOCHREALTIME/./}
		pause
		spent=$((${EPOCHREALTIME/./} - before - 20000))
		[[ $spent -le $most ]] || echo "$((most = spent))" >"$STALL"
	done
}

# `watch` with its log; its stderr says what was promised.
power_on()
{
	watch_start --sync "${SYNC_MS}ms" --window 8s
}

RUNS=0
power_off() # SIGNAL STATUS
{
	kill "-$1" "$WATCHER"
	join "$WATCHER"
	equal "status of the recorder" "$STATUS" "$2"
	RUNS=$((RUNS + 1))
	cp "$WORK/watch.err" "$WORK/announced.$RUNS"
}

newest_chunk()
{
	local chunk
	chunk=$(printf '%s\n' "$FLIGHT"/window/*.trail | tail -n 1)
	chunk=${chunk##*/}
	echo $((16#${chunk%.trail}))
}

wait_for_chunks() # COUNT
{
	local from
	from=$(newest_chunk)
	wait_for "[[ \$(newest_chunk) -ge $((from + $1)) ]]" 40
}

# Kills a process and waits until its incident was announced; its pid is added to PIDS.
PIDS=()
kill_and_wait() # LABEL CGROUP
{
	oom_kill "$1" "$2" 80
	PIDS+=("$(truth "$1" pid)")
	wait_for "[[ \$(logged 'grow-$(truth "$1" pid): trail and JSON written') -ge 1 ]]"
}

# A further kill of the cause in $STORM, which is told there and announced nowhere.
kill_again() # LABEL CGROUP
{
	local size
	size=$(stat -c %s "$STORM" 2>/dev/null || echo 0)
	oom_kill "$1" "$2" 80
	PIDS+=("$(truth "$1" pid)")
	wait_for "[[ \$(stat -c %s '$STORM' 2>/dev/null || echo 0) -gt $size ]]"
}

incident_of() # LABEL
{
	basename "$(printf '%s\n' "$FLIGHT/incidents/"*"-grow-$(truth "$1" pid)")"
}

# A real start on what a cut has left: everything it finds is whole when it ends.
start_on() # FOLDER
{
	FLIGHT=$1
	watch_start
	wait_for 'every_window_has_a_report' 40
	watch_stop
	"$OOMTRAIL" incidents --dir "$FLIGHT" --json >"$WORK/list.json" ||
		watch_failed "incidents: status $?"
	jq -e '[.incidents[] | select(.kind == "damaged")] == []' "$WORK/list.json" >/dev/null ||
		watch_failed "damaged: $(jq -c '.incidents[] | {id, kind, note}' "$WORK/list.json")"
}

every_window_has_a_report()
{
	local window
	for window in "$FLIGHT"/incidents/*/window.trail; do
		[[ ! -e $window || -e ${window%/*}/report.txt ]] || return 1
	done
}

need_root
every_changer_is_logged
"$REPO/tests/power/self-test" "$POWER" || fail "the model of the disk is wrong"

mkdir "$WORK/disk"
FLIGHT=$WORK/disk/flight
cat >"$WORK/logged" <<END
#!/bin/sh
LD_PRELOAD=$POWER/write_log.so POWER_ROOT=$WORK/disk POWER_LOG=$WORK/log \\
	POWER_ANNOUNCED=$WORK/watch.err exec $OOMTRAIL "\$@"
END
chmod +x "$WORK/logged"
OOMTRAIL_WATCH=$WORK/logged
for name in one two three; do
	cgroup_new "$name" 48
done

watch_for_stalls &
stalls=$!
STARTED_PIDS+=("$stalls")
power_on
wait_for_chunks 2
kill_and_wait first one
kill -USR1 "$WATCHER"
wait_for '[[ $(logged "asked: trail and JSON written") -ge 1 ]]'
kill_and_wait second two
wait_for_reports "$(incident_of first)"
wait_for_reports "$(incident_of second)"
STORM=$FLIGHT/incidents/$(incident_of first)/storm.trail
kill_again third one
kill_again fourth one
wait_for_chunks 2
power_off KILL 137
power_on
kill_and_wait fifth three
power_off TERM 0

kill "$stalls"
begin=$SECONDS
"$REPO/tests/power/check" "$POWER" "$WORK/log" "$WORK/announced" "$WORK/disk" "$SYNC_MS" \
	"$(cat "$STALL")" "$WORK/kept" "${PIDS[@]}" >"$WORK/check.txt" || fail "$(cat "$WORK/check.txt")"
cat "$WORK/check.txt"
echo "checked in $((SECONDS - begin)) s; the host stalled for at most $(cat "$STALL") us"

OOMTRAIL_WATCH=$OOMTRAIL
for kept in "$WORK"/kept/*; do
	start_on "$kept/flight"
done
