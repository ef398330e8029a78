#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# An OOM kill asked for through sysrq: the report says so, names the kworker that did it, and blames
# no limit; without any way to the OOM context it says that this is not determined, also where the
# victim's cgroup has had an OOM event of its own of late, which killed nobody.
# vm: --cgroup v2
. "$(dirname "$0")/../../e2e/lib.sh"

# The cgroup gets full while nobody in it may be killed: the kernel counts that.
get_full_in_vain()
{
	local dir
	dir=$(cgroup_dir roomy)
	echo -1000 >"/proc/$victim/oom_score_adj"
	echo $((60 << 20)) >"$dir/memory.max"
	echo $((180 << 20)) >"$dir/memory.max"
	echo 0 >"/proc/$victim/oom_score_adj"
	grep -qx 'oom_kill 0' "$dir/memory.events" && ! grep -qx 'oom 0' "$dir/memory.events" ||
		fail "not full in vain: $(cat "$dir/memory.events")"
}

# LABEL [OPTION...]: the victim is the largest process of the machine.
kill_by_hand()
{
	local label=$1 line
	shift
	dmesg -C
	record_start -a "$@"
	cgroup_start "$label" roomy "$WORKLOADS/grow" --total 120M --hold 100
	victim=$STARTED
	wait_for '[[ $(truth "$label" done) == 1 ]]'
	[[ $label != vain ]] || get_full_in_vain
	echo f >/proc/sysrq-trigger
	join "$victim"
	equal "status" "$STATUS" 137
	record_stop
	dmesg >"$WORK/dmesg"
	line=$(grep -a 'invoked oom-killer: .* order=-1,' "$WORK/dmesg") || fail "not by hand"
	asked=$(sed -E 's/^(\[[^]]*\] )?(.*) invoked oom-killer.*/\2/' <<<"$line")
	grep -qa "oom-kill:constraint=CONSTRAINT_NONE,.*,global_oom,.*,pid=$victim," "$WORK/dmesg" ||
		fail "the kernel says something else"
	json_is '.incidents | length == 1 and .[0].victim.pid == $pid' pid "$victim"
	[[ $asked == kworker/* ]] || fail "somebody else asked: $asked"
	json_is '.incidents[0].trigger.comm == $comm' comm "$asked"
	echo "$label: $line"
	grep -aE '^(oomtrail|KILLED|LIMIT|ASKED|  OOM context)' "$WORK/report.txt"
}

not_determined()
{
	json_is '.incidents[0] | has("domain") or has("constraint") | not'
	text_has '\(kernel OOM, limit not determined\)'
	text_has '^LIMIT +not determined'
}

by_hand()
{
	json_is '.incidents[0] | .constraint == "sysrq" and (.domain | has("cgroup") | not)'
	way_is_the_planned_one
	json_is '.incidents[0].trigger | has("order") | not'
	text_has '\(kernel OOM, asked for by hand through sysrq\)'
	text_has '^LIMIT +none was reached: the kill was asked for by hand \(sysrq\)'
	text_has '^ASKED +kworker/.*, through sysrq'
}

cgroup_new roomy 180
# First, while nobody has been killed in that cgroup yet.
kill_by_hand vain --without fentry --without kprobe --without stack
not_determined
kill_by_hand best
by_hand
kill_by_hand no-fentry --without fentry
by_hand
kill_by_hand no-kprobe --without fentry --without kprobe
by_hand
kill_by_hand nothing --without fentry --without kprobe --without stack --without events
not_determined
