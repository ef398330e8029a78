#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A cgroup that swaps as much as it may and is killed then: what the victim had in swap is what the
# kernel knows, and the report says that swap was full as well. Then a cgroup that may use all of
# the host's swap, and does.
# vm: --cgroup v2 --swap 192M
. "$(dirname "$0")/../../e2e/lib.sh"

# A and B agree within the larger of 5% and what the counters may be off.
near() # WHAT A B
{
	local apart=$(($2 - $3)) room=$(($3 / 20))
	[[ $room -gt $((1 << 20)) ]] || room=$((1 << 20))
	[[ ${apart#-} -le $room ]] || fail "$1: $2, expected $3"
}

# The kernel's own words on the victim: its log says nothing of swap, but its table of tasks does,
# in pages: [ pid ] uid tgid total_vm rss ... pgtables_bytes swapents oom_score_adj name
swap_in_log() # PID
{
	sed -nE "s/.*\[ *$1\] +[0-9]+ +$1 .* ([0-9]+) +-?[0-9]+ grow\$/\1/p" "$WORK/dmesg" | tail -n 1
}

kill_one() # LABEL CGROUP TOTAL...
{
	local label=$1 pids='' pid total
	dmesg -C
	record_start -a
	for total in "${@:3}"; do
		cgroup_start "$label$total" "$2" "$WORKLOADS/grow" --total "$total" --rate 60M --hold 200
		pids+=" $STARTED"
	done
	wait_for '[[ $(dmesg | grep -c "Killed process") -ge 1 ]]' 100
	victim=$(dmesg | sed -nE 's/.*Killed process ([0-9]+) .*/\1/p' | head -n 1)
	join "$victim"
	dmesg >"$WORK/dmesg"
	record_stop
	for pid in $pids; do
		[[ $pid == "$victim" ]] || { kill -KILL "$pid" && join "$pid"; }
	done
	grep -a 'oom-kill:\|Killed process\|swap' "$WORK/dmesg"
	grep -aE -A 2 '^(KILLED|LIMIT) ' "$WORK/report.txt"
	json_is '.incidents[0] | .victim.pid == $pid and .domain.cgroup == $cgroup' \
		pid "$victim" cgroup "$(cgroup_path "$2")"
	swapped=$(swap_in_log "$victim")
	near "swap of the victim" "$(json_value '.incidents[0].victim.memory.swap_bytes')" \
		$((swapped * $(getconf PAGESIZE)))
	text_has "^KILLED +grow, pid $victim: .* MiB swap"
}

cgroup_new bounded 48
echo $((32 << 20)) >"$(cgroup_dir bounded)/memory.swap.max"
kill_one bounded bounded 120M
json_is '.incidents[0].domain | .limit_bytes == 50331648 and .swap_limit_bytes == 33554432 and
	.swap_usage_bytes >= 33030144'
text_has "^LIMIT +48 MiB, memory.max of $(cgroup_path bounded): full \(.*; swap full as well: 32 MiB, memory.swap.max"

cgroup_new wide 40
echo max >"$(cgroup_dir wide)/memory.swap.max"
kill_one wide wide 190M 120M
json_is '.incidents[0].domain | .limit_bytes == 41943040 and .swap_limit_bytes == "max"'
json_is '.incidents[0].meminfo.swap_total_bytes == .host.swap_bytes'
text_has "^LIMIT +40 MiB, memory.max of $(cgroup_path wide): full \(.*; [0-9]+ MiB in swap, and the host's swap \(192 MiB\) full"
