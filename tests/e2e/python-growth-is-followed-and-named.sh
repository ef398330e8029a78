#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# An interpreter building lists: over 95% of the growth has complete stacks, and they lead through
# its loop; what made the lists is told apart from what made the strings.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

command -v python3 >/dev/null || skip "python3 is not installed"
python=$(python3 -c 'import sys; print(sys.executable)')
cgroup_new app 384
record_growth python app -- "$python" -c 'import os
print("pid=%d" % os.getpid())
kept = []
for i in range(1000000):
    kept.append([i, str(i), None])
print("kept=%d" % len(kept))'
equal "lists" "$(truth python kept)" 1000000
grew=$(peak_of "$PID")
[[ $grew -gt $((150 << 20)) ]] || fail "it grew by $grew bytes only"
followed_and_named "$grew" '^_PyEval_EvalFrameDefault' 90
followed_and_named "$grew" '^PyList_New' 25
followed_and_named "$grew" '^PyObject_Str' 25
