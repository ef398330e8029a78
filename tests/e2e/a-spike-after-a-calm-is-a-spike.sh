#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Who lay still for most of what is known of it and then grows at once has neither leaked nor been
# starting.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/verdict.bash"

age_s() # PID
{
	echo $(($(cut -d. -f1 /proc/uptime) - $(cut -d' ' -f22 "/proc/$1/stat") / $(getconf CLK_TCK)))
}

cgroup_new app 64
record_start -a
cgroup_start calm app "$WORKLOADS/grow" --total 200M --rate 100M --await "$WORK/go"
calm=$STARTED
wait_for "[[ \$(age_s $calm) -ge \$((3 * SLOWER)) ]]" 30
touch "$WORK/go"
join "$calm"
equal "status of what grew" "$STATUS" 137
record_stop
verdict_is spike start=1s
verdict start=1s | jq -e '.evidence | any(contains("before that it had been at no more than about"))' \
	>/dev/null || fail "evidence: $(verdict start=1s)"
