#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# With every way to the OOM context forbidden the victim is still named, and of the full level the
# report says that it is not determined: never a silent guess.
# vm: --cgroup v1
# vm: --cgroup hybrid
. "$(dirname "$0")/lib.sh"

cgroup_new full 64
record_start -a --without fentry --without kprobe --without stack --without events
cgroup_start grow full "$WORKLOADS/grow" --total 90M --rate 150M
join "$STARTED"
equal "status" "$STATUS" 137
record_stop

pid=$(truth grow pid)
json_is '.incidents | length == 1'
json_is '.incidents[0].victim | .pid == $pid and .cgroup == $cgroup' pid "$pid" cgroup "$(cgroup_path full)"
json_is '.incidents[0] | has("domain") or has("constraint") | not'
json_is '.incidents[0].trigger | .pid == $pid and (has("gfp") or has("order") | not)' pid "$pid"
json_is '.incidents[0].context.way == "not determined"'
text_has '^LIMIT +not determined'
text_has "^KILLED +grow, pid $pid: "
