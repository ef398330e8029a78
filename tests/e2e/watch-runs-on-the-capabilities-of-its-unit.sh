#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The service asks for a handful of capabilities and for nothing above: with exactly these, `watch`
# starts, locks its memory, drops to three, and tells a kill in full, statistics of the cgroup and
# the final report included.
. "$(dirname "$0")/lib.sh"

cgroup_new full 48
names=$(sed -n 's/^CapabilityBoundingSet=//p' "$REPO/tools/oomtrail.service")
[[ -n $names ]] || fail "the unit names no capabilities"
bounded=,+${names// /,+}
bounded=${bounded,,}
# Until 5.11 what maps take counts as locked memory, of which the unit may have any amount.
limit=$(sed -n 's/^LimitMEMLOCK=infinity$/ulimit -l unlimited/p' "$REPO/tools/oomtrail.service")
[[ $(uname -r) =~ ^5\.([0-9]|10)\. ]] || limit=:
cat >"$WORK/as-service" <<-END
	#!/bin/sh
	$limit
	exec setpriv --bounding-set='-all${bounded//cap_/}' --inh-caps=-all "$OOMTRAIL" "\$@"
END
chmod +x "$WORK/as-service"
OOMTRAIL_WATCH=$WORK/as-service

watch_start
status=/proc/$WATCHER/status
# CAP_SETPCAP is not among them: the bounding set stays, and what is held is less.
equal "capabilities bounded" "$(sed -n 's/^CapBnd:\t//p' "$status")" 000001c000284004
equal "capabilities held" "$(sed -n 's/^CapPrm:\t//p' "$status")" 0000008000004004
equal "complaints" "$(logged 'not locked|privileges')" 0

# What timing the programs takes is among them; that ends after a number of runs, or a minute.
cgroup_run full "$WORKLOADS/grow" --total 40M >"$WORK/first.out"
wait_for '"$OOMTRAIL" report window --dir "$FLIGHT" --format json >"$WORK/report.json" 2>/dev/null &&
	[[ $(json_value ".recorder.ns_per_event.on_rss_stat > 0") == true ]]' 90
oom_kill grow full 96
wait_for_incidents 1
wait_for_reports "$ID"
json_is '.victim.pid == $pid' pid "$(truth grow pid)"
# Read some ms after the kill: how much is left by then is no promise.
json_is '.domain.statistics | has("anon_bytes")'
json_is '.recorder.ns_per_event.on_rss_stat > 0'
json_is 'any(.losses.rows[]; .reason | test("could not be read")) | not'
watch_stop
