#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# -p PID: the process, whatever it forks from now on, and nobody else.
. "$(dirname "$0")/lib.sh"

need_root
mkfifo "$WORK/go"
cgroup_start parent "" bash -c 'read -r _ <"$1"; (echo "middle=$BASHPID"; "$0" --total 24M --hold 1; exit 0)
	exit 0' "$WORKLOADS/grow" "$WORK/go"
parent=$STARTED
record_start -p "$parent"
cgroup_start stranger "" "$WORKLOADS/grow" --total 16M
stranger=$STARTED
echo >"$WORK/go"
join "$parent"
join "$stranger"
record_stop

grandchild=$(truth parent pid) middle=$(truth parent middle)
json_is '[.processes[].pid] as $all | ([$parent, $middle, $child] - $all) == [] and ([$stranger] - $all) == [$stranger]' \
	parent "$parent" middle "$middle" child "$grandchild" stranger "$stranger"
json_is '.processes[] | select(.pid == $child) | .peak_bytes >= 24 * 1048576' child "$grandchild"
