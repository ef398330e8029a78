#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The parent is full; trigger and victim sit in two different children of it.
# vm: --cgroup v1
# vm: --cgroup hybrid
. "$(dirname "$0")/lib.sh"

# The victim first, on the same CPU: see victim-trigger-and-culprit-are-told-apart.
DYING_FIRST=(chrt -f 1 taskset -c 0)
cgroup_new parent 96
cgroup_new parent/a
cgroup_new parent/b
record_start -a
cgroup_start victim parent/a "${DYING_FIRST[@]}" "$WORKLOADS/grow" --comm chosen \
	--total 16M --hold 60 --oom-score-adj 1000
victim=$STARTED
cgroup_start culprit parent/a "$WORKLOADS/grow" --comm hungry --total 66M --rate 150M --hold 60
culprit=$STARTED
wait_for '[[ $(truth victim done) == 1 && $(truth culprit done) == 1 ]]'
cgroup_start trigger parent/b taskset -c 0 "$WORKLOADS/grow" --comm asking \
	--total 20M --rate 40M --hold 60
trigger=$STARTED
join "$victim"
equal "status of the victim" "$STATUS" 137
wait_for '[[ $(truth trigger done) == 1 ]]'
equal "kills by the kernel in the victim's cgroup" "$(kernel_kills parent/a)" 1
equal "kills by the kernel beside it" "$(kernel_kills parent/b)" 0
kill -TERM "$culprit" "$trigger"
join "$culprit"
join "$trigger"
record_stop

json_is '.incidents | length == 1'
json_is '.incidents[0].domain | .cgroup == $cgroup and .limit_bytes == $limit' \
	cgroup "$(cgroup_path parent)" limit $((96 << 20))
json_is '.incidents[0].victim | .pid == $pid and .cgroup == $cgroup' \
	pid "$victim" cgroup "$(cgroup_path parent/a)"
json_is '.incidents[0].trigger | .pid == $pid and .cgroup == $cgroup' \
	pid "$trigger" cgroup "$(cgroup_path parent/b)"
json_is '.incidents[0].culprit | .pid == $pid and .cgroup == $cgroup' \
	pid "$culprit" cgroup "$(cgroup_path parent/a)"
