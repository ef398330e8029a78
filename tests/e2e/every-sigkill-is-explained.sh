#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# "Killed" is all that a shell says of any of these: none is an OOM kill, and each has a reason.
. "$(dirname "$0")/lib.sh"

cgroup_new home 96
record_start -a

cgroup_start parent home "$WORKLOADS/deaths" parent
join "$STARTED"
cgroup_start namespace home "$WORKLOADS/deaths" namespace
join "$STARTED"
[[ $STATUS == 0 ]] || skip "no pid namespace: $(cat "$WORK/namespace.err")"
cgroup_start cpu home "$WORKLOADS/deaths" cpu
join "$STARTED"
equal "status at the limit of processor time" "$STATUS" 137

# A parent that ends its child, and a shell that passes on what became of its own.
cgroup_start kills home /usr/bin/python3 -c '
import os, signal
child = os.fork()
if child == 0:
    signal.pause()
os.kill(child, 9)
os.waitpid(child, 0)
print("pid=%d" % child, flush=True)'
join "$STARTED"
cgroup_start shell home sh -c '"$1" --total 8M --hold 60 & echo "pid=$!"; wait "$!"' shell \
	"$WORKLOADS/grow"
shell=$STARTED
wait_for '[[ $(truth shell done) == 1 ]]'
bash -c 'kill -KILL "$1"' killer "$(truth shell pid)"
join "$shell"
equal "status of the shell" "$STATUS" 137
group=
if [[ -e $(cgroup_dir home)/cgroup.kill ]]; then
	cgroup_start group home "$WORKLOADS/grow" --total 8M --hold 60
	group=$STARTED
	wait_for '[[ $(truth group done) == 1 ]]'
	echo 1 >"$(cgroup_dir home)/cgroup.kill"
	join "$group"
fi
record_stop

why() # PID REASON
{
	json_is '[.kills[] | select(.target.pid == $pid)] | length == 1 and .[0].why == $why' \
		pid "$1" why "$2"
}
why "$(truth parent pid)" parent-ended
json_is '[.kills[] | select(.target.pid == $pid)][0].sender.pid == $by' \
	pid "$(truth parent pid)" by "$(truth parent by)"
json_is '[.kills[] | select(.target.comm == "inmate" and .sender.pid == $by)] |
	 length == 1 and .[0].why == "namespace-ended"' by "$(truth namespace by)"
why "$(truth cpu pid)" cpu-limit
why "$(truth kills pid)" parent
why "$(truth shell pid)" command
[[ -z $group ]] || why "$group" cgroup-kill
"$OOMTRAIL" report "$TRAIL" --kills >"$WORK/report.txt"
text_has "grow, pid $(truth shell pid), by bash, .*its parent sh, pid $shell, ended with 137 for that"
text_has "deaths, pid $(truth cpu pid), by the kernel, while it ran, as a limit of processor time"
