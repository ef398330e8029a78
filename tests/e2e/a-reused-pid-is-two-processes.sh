#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The same pid twice within a recording, with two programs of different size.
. "$(dirname "$0")/lib.sh"

record_start -a
cgroup_run "" "$WORKLOADS/pid_reuse" >"$WORK/reuse.out" || skip "clone3(set_tid) is not allowed here"
record_stop

pid=$(truth reuse pid)
of='[.processes[] | select(.pid == $pid)] | sort_by(.first_seen_ms)'
json_is "$of | [.[].comm] == [\"reuse_first\", \"reuse_second\"]" pid "$pid"
json_is "$of | [.[].argv[0]] == [\"reuse_first\", \"reuse_second\"]" pid "$pid"
json_is "$of"' | [.[].peak_bytes] | length == 2 and .[1] > .[0] + 6 * 1048576 and
	 .[0] >= $first and .[1] >= $second' \
	pid "$pid" first "$(truth reuse first_bytes)" second "$(truth reuse second_bytes)"
