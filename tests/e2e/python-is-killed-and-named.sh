#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# An interpreter that keeps what it makes.
. "$(dirname "$0")/lib.sh"

command -v python3 >/dev/null || skip "python3 is not installed"
python=$(python3 -c 'import sys; print(sys.executable)')
cgroup_new app 64
record_start -c "$(cgroup_path app)"
cgroup_start app app "$python" -c 'kept = []
for i in range(150):
    kept.append(bytearray(b"x") * (1 << 20))'
pid=$STARTED
join "$pid"
equal "status" "$STATUS" 137
record_stop

json_is '.incidents | length == 1'
json_is '.incidents[0].victim | .pid == $pid and (.comm | startswith("python")) and .argv[1] == "-c"' pid "$pid"
json_is '.incidents[0].culprit | .pid == $pid and .grew_bytes > 40 * 1048576' pid "$pid"
json_is '.incidents[0].trajectory.victim | length >= 5'
