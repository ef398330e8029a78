#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The parent is full; trigger and victim sit in two different children of it.
# vm: --cgroup v1
# vm: --cgroup hybrid
. "$(dirname "$0")/lib.sh"

cgroup_new parent 96
cgroup_new parent/a
cgroup_new parent/b
record_start -a
cgroup_start victim parent/a "$WORKLOADS/grow" --comm chosen --total 8M --hold 60 --oom-score-adj 1000
victim=$STARTED
cgroup_start culprit parent/a "$WORKLOADS/grow" --comm hungry --total 76M --rate 150M --hold 60
culprit=$STARTED
wait_for '[[ $(truth victim done) == 1 && $(truth culprit done) == 1 ]]'
cgroup_start trigger parent/b "$WORKLOADS/grow" --comm asking --total 14M --rate 40M --hold 60
trigger=$STARTED
join "$victim"
equal "status of the victim" "$STATUS" 137
wait_for '[[ $(truth trigger done) == 1 ]]'
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
