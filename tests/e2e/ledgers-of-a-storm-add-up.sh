#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Fourteen cgroups that are full within a moment: the kernel's log says of some only what they held
# (it keeps back more than ten such reports in five seconds), and of the others it brings no statistics
# up to date. Our ledgers of all of them add up.
. "$(dirname "$0")/lib.sh"

cgroups=()
for number in {1..14}; do
	cgroup_new "full$number" 12
	cgroups+=("full$number")
done
record_start -a
pids=()
for cgroup in "${cgroups[@]}"; do
	cgroup_start "$cgroup" "$cgroup" "$WORKLOADS/grow" --total 60M --rate 100M
	pids+=("$STARTED")
done
for pid in "${pids[@]}"; do
	join "$pid" 120
	equal "status of $pid" "$STATUS" 137
done
record_stop
jq -c --arg tag "/$TAG.full" '.incidents[] | select(.domain.cgroup | startswith($tag)) |
	[.domain.cgroup, .ledger.usage_bytes, .ledger.unexplained_bytes, .ledger.error_bytes,
	 (.ledger.rows[] | select(.name == "anon") | .bytes), .ledger.complete]' \
	"$WORK/report.json" | tee "$WORK/ledgers"
equal "ledgers" "$(wc -l <"$WORK/ledgers")" "${#cgroups[@]}"
jq -es 'all(.[2] as $off | ([.[1] / 50, .[3] // 0] | max) as $may |
	$off <= $may and -$off <= $may and .[4] > 9 * 1024 * 1024 and .[5])' \
	"$WORK/ledgers" >/dev/null || fail "one does not add up"
echo "in the kernel's log: $(dmesg | grep -c "Memory cgroup stats for /$TAG.full") of ${#cgroups[@]}"
