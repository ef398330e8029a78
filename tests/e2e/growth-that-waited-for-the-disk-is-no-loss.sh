#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A program whose pages come from the disk while its thread sleeps, and that has ended before anybody
# can look at what it had: how many came with each page fault was seen when they came.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

printf '6.2\n%s\n' "$(uname -r)" | sort -VC ||
	skip "before Linux 6.2 nothing tells of a page when it comes"
need_root
cp "$(readlink -f /usr/bin/python3)" "$WORK/cold"
# Starts it with nothing of it in memory, and tells what it waited for.
cat >"$WORK/run.py" <<'PYTHON'
import os, resource, subprocess, sys
with open(sys.argv[1]) as cold:
    os.fsync(cold)
    os.posix_fadvise(cold.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
subprocess.run([sys.argv[1], "-V"], check=True, stdout=subprocess.DEVNULL)
print("major_faults=%d" % resource.getrusage(resource.RUSAGE_CHILDREN).ru_majflt)
PYTHON
TRAIL=$WORK/cold.trail
"$OOMTRAIL" record -o "$TRAIL" --sample 4K -- /usr/bin/python3 "$WORK/run.py" "$WORK/cold" \
	>"$WORK/cold.out" 2>"$WORK/record.err" </dev/null || fail "record ended with status $?"
reports
slept=$(truth cold major_faults)
[[ $slept -gt 0 ]] || skip "what it read came from memory: this file system keeps all of it"
equal "samples of which nobody saw whether their page had come" \
	"$(lost "growth sample of which nobody saw" growth)" 0
# Each of those page faults has brought something of its file.
PID=$(json_value '[.processes[] | select(.comm == "cold").pid] | first')
growth_is '[of($pid)[] | select(.file_bytes > 0) | .file_bytes] | add >= $slept * 4096' \
	pid "$PID" slept "$slept"
# And nothing twice.
growth_is '([of($pid)[].file_bytes] | add) < 1.25 * $peak' pid "$PID" peak "$(peak_of "$PID")"
