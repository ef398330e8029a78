#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The recorder's own cgroup is full, not a page is left for it: the incident is written all the same,
# from memory and disk space taken in advance. (What write(2) needs of the page cache the kernel takes
# from whoever else is there: the recorder is the last to go, which cannot be arranged everywhere.)
. "$(dirname "$0")/lib.sh"

cgroup_new recorder 256
cgroup_new full 16
# Without the process that names stacks, which lives in the same cgroup and takes memory as it needs it:
# it would be killed, and started again, where lower places in the killer's list are refused.
watch_start_in recorder --sample 0

limit=$(cgroup_file recorder limit)
room()
{
	echo $(($(cat "$limit") - $(cat "$(cgroup_file recorder usage)")))
}

# A hog beside it holds whatever is left, and the limit comes down onto both. False: somebody made
# room meanwhile, by dying.
fill() # LABEL
{
	local label=$1 step usage refused=0
	echo $((256 << 20)) >"$limit"
	cgroup_start "$label" recorder "$WORKLOADS/grow" --total 16M --hold 120
	wait_for '[[ $(truth "$label" grown_bytes) == $((16 << 20)) ]]'
	echo 1000 >"/proc/$STARTED/oom_score_adj"
	# v2 kills where v1 refuses: there the limit comes down to what no reclaim can take.
	if [[ $MEMCG_VERSION == 2 ]]; then
		echo 3 >/proc/sys/vm/drop_caches
		wait_for 'cat "$(cgroup_file recorder usage)" >"$limit" && [[ $(room) -lt $((1 << 20)) ]]'
	fi
	for ((step = 0; MEMCG_VERSION == 1 && step < 1000 && refused < 3; step++)); do
		usage=$(cat "$(cgroup_file recorder usage)")
		# What reclaim cannot take is locked or the hog's: there the limit stops.
		if echo $((usage - 16384)) 2>/dev/null >"$limit"; then
			refused=0
		else
			refused=$((refused + 1))
		fi
	done
	# A cgroup is charged for 64 pages at once on each CPU.
	[[ $(room) -lt $((1 << 20)) ]] && ! gone "$STARTED"
}

# A write that comes just while the limit comes down costs the hog its life. Then it has to be arranged
# anew.
for ((try = 0; try < 10; try++)); do
	fill "hog$try" && break
done
[[ $try -lt 10 ]] || fail "the cgroup does not stay full: $(room) bytes are left to the recorder"
oom_kill grow full 40
killed=$(truth grow pid)
wait_for '[[ $(find "$FLIGHT/incidents" -maxdepth 1 -name "*-grow-$killed" | wc -l) -eq 1 ]] || gone "$WATCHER"' 60
gone "$WATCHER" && watch_failed "the recorder died"
ID=$(basename "$(echo "$FLIGHT"/incidents/*-grow-"$killed")")
jq -e --argjson pid "$(truth grow pid)" '.victim.pid == $pid' \
	"$FLIGHT/incidents/$ID/incident.json" >/dev/null || fail "another victim"
equal "what phase one took" "$(logged "incident $ID: .* 0 page faults, 0 bytes of heap taken")" 1
echo $((256 << 20)) >"$limit"
wait_for_reports "$ID" 120
json_is '.victim.pid == $pid' pid "$(truth grow pid)"
watch_stop
