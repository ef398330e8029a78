#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A process that outgrows a cgroup of 96 MiB: who died, where, at which limit.
# vm: --cgroup v1
# vm: --cgroup hybrid
. "$(dirname "$0")/lib.sh"

cgroup_new full 96
record_start -a
cgroup_start grow full "$WORKLOADS/grow" --total 128M --rate 100M
join "$STARTED"
equal "status of the victim" "$STATUS" 137
record_stop

pid=$(truth grow pid)
json_is '.schema == "oomtrail.session/1" and (.incidents | length) == 1'
json_is '.incidents[0].cause == "kernel" and .incidents[0].constraint == "memcg"'
json_is '.incidents[0].victim | .pid == $pid and .comm == "grow" and .cgroup == $cgroup' \
	pid "$pid" cgroup "$(cgroup_path full)"
json_is '.incidents[0].victim.argv[1:] == ["--total", "128M", "--rate", "100M"]'
json_is '.incidents[0].domain | .cgroup == $cgroup and .limit_bytes == $limit' \
	cgroup "$(cgroup_path full)" limit $((96 << 20))
# One process alone is all three.
json_is '.incidents[0] | .trigger.pid == $pid and .culprit.pid == $pid' pid "$pid"
json_is '[.kills[] | select(.target.pid == $pid and .class == "oom")] | length == 1' pid "$pid"

text_has "^oomtrail incident [0-9TZ:-]+ +$(cgroup_path full) "
text_has "^KILLED +grow, pid $pid: "
text_has "^LIMIT +96(\.0)? MiB,.* $(cgroup_path full): full"
text_has "^ASKED +grow, pid $pid, the victim itself: "
text_has "^GREW +grow, pid $pid, the victim itself: "
