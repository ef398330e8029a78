#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The OOM killer chooses a process that is exiting already, but still has its memory: the kernel
# sends it no SIGKILL, logs nothing and does not count it. The report names it as chosen, as exiting
# and as not killed, by every way there is to the OOM context; where the kernel tells a number that
# leads to no task, the report says that a victim is missing.
# vm: --cgroup v2
# vm: --cgroup v1
. "$(dirname "$0")/../../e2e/lib.sh"

cgroup_new full 96

# LABEL [OPTION...]: somebody exiting holds 60 MiB, and somebody else asks for what is not there.
choose()
{
	local label=$1 before
	shift
	before=$(sed -n 's/^oom_kill //p' /proc/vmstat)
	dmesg -C
	record_start -a "$@"
	cgroup_start "$label" full "$WORKLOADS/exiting" 60M "$WORK/$label.go"
	tracer=$STARTED
	wait_for '[[ $(truth "$label" exiting) == 1 ]]'
	leaver=$(truth "$label" child_pid)
	cgroup_start "$label-asks" full "$WORKLOADS/grow" --total 50M --hold 0
	asks=$STARTED
	join "$asks"
	equal "status of the one that asked" "$STATUS" 0
	touch "$WORK/$label.go"
	join "$tracer"
	equal "status of its tracer" "$STATUS" 0
	equal "status of the one that was chosen" "$(truth "$label" child_status)" 3
	record_stop
	equal "OOM kills by the kernel's count" "$(sed -n 's/^oom_kill //p' /proc/vmstat)" "$before"
	[[ -z $(dmesg | grep 'Killed process') ]] || fail "the kernel killed: $(dmesg | grep Killed)"
	echo "$label"
	grep -aE '^(oomtrail|KILLED|CHOSEN|LIMIT|ASKED|  OOM)|lost \(|leaver' "$WORK/report.txt" || true
}

chosen()
{
	json_is '.incidents | length == 1 and (.[0].victim | .pid == $pid and .exiting and
		.comm == "leaver" and .memory.anon_bytes >= 62914560)' pid "$leaver"
	json_is '.incidents[0] | .constraint == "memcg" and .domain.cgroup == $cgroup and
		(.trigger.pid | IN($asks, $tracer))' cgroup "$(cgroup_path full)" \
		asks "$asks" tracer "$tracer"
	way_is_the_planned_one
	json_is '.incidents[0].killed | length == 1 and (.[0] |
		.class == "oom-exiting" and .exit.status == 3)'
	json_is '.oom_kills == {seen: 0, exiting: 1, counted_by_kernel: 0}'
	text_has "^CHOSEN +leaver, pid $leaver: .*; it was exiting already and was sent no SIGKILL"
	text_has '^  OOM kills +0 seen; 0 counted by the kernel; and 1 chosen, but exiting already'
	! grep -qE '^KILLED  |leaver.*killed (by|\(X)' "$WORK/report.txt" || fail "calls it killed"
}

choose best
chosen
choose no-fentry --without fentry
chosen
choose no-kprobe --without fentry --without kprobe
chosen
choose no-stack --without fentry --without kprobe --without stack
if ! json_value '.probes[].way' | grep -q 'mark_victim (thread id)'; then
	chosen
else
	json_is '.incidents == []'
	json_is '.losses.rows | length == 1 and (.[0] | .count == 1 and
		.reason == "OOM victim whose task could not be found by its number")'
	text_has 'lost: OOM victim whose task could not be found by its number; OOM kills may be missing'
fi
