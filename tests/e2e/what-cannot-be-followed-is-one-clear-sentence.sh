#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A pid, a cgroup or a recording that does not exist.
. "$(dirname "$0")/lib.sh"

need_root
cd "$WORK"
refused 1 '4194303' "$OOMTRAIL" record -p 4194303 -o run.trail
refused 1 'no/such/cgroup' "$OOMTRAIL" record -c /no/such/cgroup -o run.trail
cgroup_start threads "" "$WORKLOADS/grow" --threads 2 --total 64M --rate 1M
wait_for '[[ $(ls "/proc/$STARTED/task" | wc -l) -ge 2 ]]'
thread=$(ls "/proc/$STARTED/task" | tail -n 1)
refused 1 "$thread is a thread of process $STARTED" "$OOMTRAIL" record -p "$thread" -o run.trail
refused 1 'pid namespace' unshare -pf --mount-proc "$OOMTRAIL" record -o run.trail -- true
[[ ! -e run.trail ]] || fail "a file was left behind"

refused 1 'missing.trail' "$OOMTRAIL" report missing.trail
refused 1 'missing.trail' "$OOMTRAIL" info missing.trail
echo "this is no recording, and long enough for a header" >text.trail
refused 1 'text.trail' "$OOMTRAIL" report text.trail
refused 1 'text.trail' "$OOMTRAIL" info text.trail
: >empty.trail
refused 1 'empty.trail' "$OOMTRAIL" report empty.trail
refused 1 . "$OOMTRAIL" report "$WORK"
