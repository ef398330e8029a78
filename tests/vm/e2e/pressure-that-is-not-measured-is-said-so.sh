#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# PSI is switched off at boot: doctor and the reports say that pressure is not measured and why, none
# of them says that there was none; everything else works.
# vm: --append psi=0
. "$(dirname "$0")/../../e2e/lib.sh"

need_root
! cat /proc/pressure/memory 2>/dev/null || fail "PSI is on here: nothing to be seen"
why='switched off on this host (boot with psi=1)'

"$OOMTRAIL" doctor >"$WORK/doctor.txt" || fail "doctor: status $?"
grep -A1 '^pressure' "$WORK/doctor.txt"
grep -A1 '^pressure  *MISSING$' "$WORK/doctor.txt" | grep -qF "PSI: $why" || fail "doctor says something else"

said()
{
	json_is '.probes[] | select(.capability == "pressure") | (has("way") | not) and .why == $why' \
		why "PSI: $why"
	text_has "pressure: none, this is missing; PSI: ${why//[()]/.}"
}

# A recording without a kill: the host's line has the stalls.
record_start -a --report text="$WORK/live.txt" --report json="$WORK/live.json"
cgroup_run "" "$WORKLOADS/grow" --total 32M >"$WORK/grow.out"
record_stop
live_equals_replay
said
json_is 'has("memory_stalls") | not'
text_has '^HOST .*stalls on memory are not measured'
! grep -q 'waited for memory' "$WORK/report.txt" || fail "nobody knows whether a task waited"

# One with a kill.
cgroup_new full 64
record_start -a --report text="$WORK/live.txt" --report json="$WORK/live.json"
oom_kill victim full 90
record_stop
live_equals_replay
said
json_is '.incidents | length == 1 and .[0].victim.pid == $pid and .[0].domain.cgroup == $cgroup' \
	pid "$(truth victim pid)" cgroup "$(cgroup_path full)"
json_is 'has("memory_stalls") | not'
grep -aE '^(KILLED|LIMIT|HOST)' "$WORK/report.txt" | cut -c1-150
