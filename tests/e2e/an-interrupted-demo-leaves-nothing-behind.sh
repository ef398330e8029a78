#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# SIGINT while the demo's cgroup exists: no cgroup, no process, no hog stays.
# not in a vm: what is tested lies in user space and in files, the same on every kernel
. "$(dirname "$0")/lib.sh"

need_root
find_memory_controller
for attempt in 1 2 3; do
	# A session of its own: its members are the demo's.
	env --default-signal=INT,QUIT setsid "$OOMTRAIL" demo >"$WORK/demo.out" 2>"$WORK/demo.err" &
	demo=$!
	STARTED_PIDS+=("$demo")
	stage=$MEMCG_ROOT/oomtrail-demo-$demo
	wait_for '[[ -d $stage ]] || gone "$demo"'
	! gone "$demo" || fail "the demo ended before it could be interrupted"
	for ((i = 0; i < 10 * attempt; i++)); do
		pause
	done
	kill -INT "$demo"
	join "$demo"
	[[ $STATUS -ne 0 ]] || fail "an interrupted demo ends with status 0"
	[[ ! -e $stage ]] || fail "the demo's cgroup is left behind: $stage"
	# Its helpers end with it, each by itself.
	wait_for '[[ -z $(session_members "$demo") ]]' 5
done
