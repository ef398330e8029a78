#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Somebody tidies up and removes an incident whose cause goes on: the next kill of that cause is an
# incident again. And of many causes the newest are kept, storms that go on among them.
# not in a vm: what is tested lies in user space and in files, the same on every kernel
. "$(dirname "$0")/lib.sh"

cgroup_new again 16
watch_start
oom_kill first again 40
wait_for_incidents 1
first=$ID
wait_for_reports "$first"
rm -r "$FLIGHT/incidents/$first"
oom_kill second again 40
wait_for_incidents 1
[[ $ID != "$first" ]] || fail "the removed folder came back"
equal "told" "$(logged "incident $first was removed: ")" 1
wait_for_reports "$ID"
json_is '.victim.pid == $pid' pid "$(truth second pid)"
watch_stop
