#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Two limits, one inside the other: the parent's 64 MiB are used up, the child's 160 are not. And
# the other way round. By the best way this kernel has, and by the counts of OOM events alone.
# vm: --cgroup v1
# vm: --cgroup hybrid
. "$(dirname "$0")/lib.sh"

cgroup_new outer 64
cgroup_new outer/roomy 160
cgroup_new wide 160
cgroup_new wide/narrow 64

of='[.incidents[] | select(.victim.pid == $pid)] | length == 1 and (.[0] |
    .victim.cgroup == $cgroup and .domain.cgroup == $domain and .domain.limit_bytes == 67108864)'

kill_both() # LABEL [OPTION...]
{
	local label=$1
	shift
	record_start -a "$@"
	cgroup_start "first-$label" outer/roomy "$WORKLOADS/grow" --total 90M --rate 150M
	join "$STARTED"
	equal "status" "$STATUS" 137
	cgroup_start "second-$label" wide/narrow "$WORKLOADS/grow" --total 90M --rate 150M
	join "$STARTED"
	equal "status" "$STATUS" 137
	record_stop
	json_is "$of" pid "$(truth "first-$label" pid)" cgroup "$(cgroup_path outer/roomy)" \
		domain "$(cgroup_path outer)"
	json_is "$of" pid "$(truth "second-$label" pid)" cgroup "$(cgroup_path wide/narrow)" \
		domain "$(cgroup_path wide/narrow)"
	text_has "^LIMIT +64(\.0)? MiB,.* $(cgroup_path outer): full"
}

kill_both best
kill_both events --without fentry --without kprobe --without stack
json_is '[.incidents[].context.way] | unique == ["the one level whose count of OOM events rose"]'
