#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The last point of the victim's trajectory agrees with the kernel's own kill line, within the
# error of the kernel's per-CPU counters: max(5%, batch x CPUs x page size).
# vm: --cgroup v1
# vm: --cgroup hybrid
. "$(dirname "$0")/lib.sh"

cgroup_new full 96
record_start -a
cgroup_start grow full "$WORKLOADS/grow" --total 128M --rate 60M
join "$STARTED"
record_stop

pid=$(truth grow pid)
[[ -n $(dmesg 2>/dev/null | tail -n 1) ]] || skip "the kernel log cannot be read here"
line=$(kernel_kill_line "$pid")
[[ -n $line ]] || fail "the kernel log has no kill line for pid $pid"

cpus=$(nproc --all)
batch=$((2 * cpus > 32 ? 2 * cpus : 32))
counter_error=$((batch * cpus * $(getconf PAGESIZE)))

agrees() # KEY KERNEL-KEY
{
	local ours kernel allowed
	ours=$(json_value ".incidents[0].trajectory.victim[-1].$1")
	kernel=$(($(sed -E "s/.*[ ,]$2:([0-9]+)kB.*/\1/" <<<"$line") << 10))
	allowed=$((kernel / 20 > counter_error ? kernel / 20 : counter_error))
	[[ $ours =~ ^[0-9]+$ && $((ours - kernel)) -le $allowed && $((kernel - ours)) -le $allowed ]] ||
		fail "$1: $ours at the last point, $kernel in the kernel's line, allowed +-$allowed"
}
json_is ".incidents[0].victim.pid == \$pid" pid "$pid"
agrees anon_bytes anon-rss
agrees file_bytes file-rss
agrees shmem_bytes shmem-rss

# And it shows how it got there: ascending times, from small to large, and every step of the way,
# which are told at 1/64 of what there is. How fast it goes is the machine's affair.
json_is '.incidents[0].trajectory.victim | ([.[].t_ms] | . == sort) and .[-1].t_ms <= 0 and
	 .[0].anon_bytes < .[-1].anon_bytes / 4'
json_is '.incidents[0].trajectory.victim | map(.anon_bytes) | . as $bytes |
	 [range(1; length) | $bytes[.] - $bytes[. - 1]] | max < $most_bytes' most_bytes $((6 << 20))
json_is '.incidents[0].trajectory.domain[-1].usage_bytes >= 0.95 * .incidents[0].domain.limit_bytes'
