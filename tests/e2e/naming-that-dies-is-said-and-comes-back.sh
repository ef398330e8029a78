#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The process that names stacks is killed: the recording goes on, the log and the report say so, and
# another one names what grows from then on, started later and later, with as few privileges.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 64
watch_start
first=$(naming "$WATCHER") || fail "nobody names stacks"
kill -KILL "$first"
wait_for '[[ $(logged "names stacks ended early \(killed by signal 9 .*started in 1 s") -eq 1 ]]'
wait_for '[[ -n $(naming "$WATCHER") ]]'
second=$(naming "$WATCHER")
[[ $second != "$first" ]] || fail "it is the same process"
equal "said" "$(logged "names stacks is started again")" 1
kill -KILL "$second"
wait_for '[[ $(logged "names stacks ended early .*started in 2 s") -eq 1 ]]'
wait_for '[[ -n $(naming "$WATCHER") ]]'
third=$(naming "$WATCHER")
for status in /proc/"$third"/status; do
	# CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE, CAP_CHECKPOINT_RESTORE
	equal CapEff "$(sed -n 's/^CapEff:\t//p' "$status")" 0000010000080004
	equal NoNewPrivs "$(sed -n 's/^NoNewPrivs:\t//p' "$status")" 1
	# Its system calls are filtered.
	equal Seccomp "$(sed -n 's/^Seccomp:\t//p' "$status")" 2
done

cgroup_start shares app "$WORKLOADS/shares" 200M
join "$STARTED"
equal "status of the victim" "$STATUS" 137
wait_for_incidents 1
wait_for_reports "$ID"

# Without the one that starts it there is no other; watching goes on.
kill -KILL "$(pgrep -P "$WATCHER" -x oomtrail-keeper)"
wait_for '[[ $(logged "so did the one that starts it\): growth since then has no stacks") -eq 1 ]]'
wait_for 'gone "$third"'
watch_stop

# The last one named it.
PID=$(truth shares pid)
growth_is 'any(of($pid)[]; calls("parse_rows"))' pid "$PID"
json_is '[.losses.rows[] | select(.reason | test("names stacks ended early"))] |
	length == 1 and .[0].count == 2'
text_has 'names stacks ended early'
