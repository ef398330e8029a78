#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Sixteen cgroups that are full within a moment: the kernel's log says of some only what they held
# (it keeps back more than ten such reports in five seconds), and of those it brings no statistics up
# to date. Our ledgers of all of them add up.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ledger.bash"

cgroups=()
for number in {1..16}; do
	cgroup_new "full$number" 24
	cgroups+=("full$number")
done
record_start -a
pids=()
for cgroup in "${cgroups[@]}"; do
	cgroup_start "$cgroup" "$cgroup" "$WORKLOADS/grow" --total 100M --rate 400M
	pids+=("$STARTED")
done
for pid in "${pids[@]}"; do
	join "$pid"
	equal "status of $pid" "$STATUS" 137
done
record_stop
for cgroup in "${cgroups[@]}"; do
	adds_up "$cgroup"
	agrees_with_the_kernel "$cgroup"
	[[ $(row "$cgroup" anon) -ge $((20 << 20)) ]] || fail "$cgroup: $(ledger_of "$cgroup")"
	[[ $(kernel_says "$cgroup" anon)$(kernel_says "$cgroup" total_rss) ]] || kept=$((${kept:-0} + 1))
done
echo "not in the kernel's log: ${kept:-0} of ${#cgroups[@]}"
