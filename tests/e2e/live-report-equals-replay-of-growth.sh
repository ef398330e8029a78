#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# report(live run) == report(replay of its recording), byte for byte: with growth by stack.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 128
record_growth threads app --report "text=$WORK/live.txt" \
	--report "json=$WORK/live.json" -- "$WORKLOADS/threads" 72M
live_equals_replay
# An emulated machine takes fewer of them.
growth_is 'of($pid) | length >= 8 and (map(.samples) | add) > $least' pid "$PID" \
	least $((200 / ${OOMTRAIL_TEST_SLOWER:-1} / ${OOMTRAIL_TEST_SLOWER:-1}))
