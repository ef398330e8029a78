#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The report's figures of stopped processes agree with their page tables, as smaps tells them, each
# kind of memory within what the report says they may be off; whether a process was there before the
# recording, came with it, or has taken its memory meanwhile. Threads on all processors take pages by
# ones, so that the kernel's counters hold back as much as they can.
# vm: --cpus 1
# vm: --cpus 8
# vm: --cpus 2 --swap 192M
. "$(dirname "$0")/lib.sh"
need_root

cgroup_new rest 512
[[ ! -e $(cgroup_dir rest)/memory.swap.max ]] || echo max >"$(cgroup_dir rest)/memory.swap.max"
head -c 3300000 /dev/urandom >"$WORK/file"
cat "$WORK/file" >/dev/null
swap=$(awk '$1 == "SwapTotal:" { print $2 }' /proc/meminfo)
labels=()
pids=()

rest() # LABEL OPTION...
{
	cgroup_start "$1" rest "$WORKLOADS/rest" "${@:2}"
	labels+=("$1")
	pids+=("$STARTED")
}

# Its threads wait for the last of them, or sleep.
stop_from() # INDEX
{
	local i
	for ((i = $1; i < ${#labels[@]}; i++)); do
		wait_for 'grep -q resting "$WORK/${labels[i]}.out" || gone "${pids[i]}"'
		grep -q resting "$WORK/${labels[i]}.out" || fail "${labels[i]}: $(cat "$WORK/${labels[i]}.err")"
		kill -STOP "${pids[i]}"
		wait_for 'grep -q "^State:.T" "/proc/${pids[i]}/status"'
	done
}

# Of every size and number of threads: pages that no batch divides.
herd() # NAME
{
	local threads anon
	for threads in 1 3 16; do
		for anon in 1 63 333; do
			rest "$1-$threads-$anon" --threads "$threads" --anon "$anon" \
				--shmem $((anon / 3)) --file "$WORK/file" \
				$([[ $swap -eq 0 ]] || echo --swap $((anon / 2)))
		done
	done
}

herd before
stop_from 0
herd meanwhile
record_start -a
herd later
stop_from 9

# In bytes, by the kind that the counters make of it: anon, file, shmem, swap.
mapped() # PID
{
	awk '
		/^[0-9a-f]+-[0-9a-f]+ / { shmem = $6 == "/dev/zero" || $6 ~ /^\/(memfd:|SYSV)/ }
		$1 == "Rss:" { rss = $2 }
		$1 == "Anonymous:" { anon += $2; if (shmem) shared += rss - $2; else file += rss - $2 }
		$1 == "Swap:" { swap += $2 }
		END { print anon * 1024, file * 1024, shared * 1024, swap * 1024 }' "/proc/$1/smaps"
}
for i in "${!pids[@]}"; do
	kinds=$(mapped "${pids[i]}")
	echo "${pids[i]} ${labels[i]} $kinds" >>"$WORK/mapped"
	read -r anon file shmem _ <<<"$kinds"
	equal "smaps and smaps_rollup of ${labels[i]}" $((anon + file + shmem)) \
		"$(awk '$1 == "Rss:" { print $2 * 1024 }' "/proc/${pids[i]}/smaps_rollup")"
done
record_stop
cp "$WORK/replay.json" "$WORK/report.json"

json_is '.recorder | has("resting_error_bytes") and .resting_error_bytes <= .step_bytes / 4 and .resting_error_ratio <= 0.001'
json_value '.recorder | "stated: \(.resting_error_bytes) bytes or \(.resting_error_ratio)"'
jq -r '(.recorder | [.resting_error_bytes, .resting_error_ratio] | @tsv), (.processes[] |
	[.pid] + (.memory | [.anon_bytes, .file_bytes, .shmem_bytes, .swap_bytes]) | @tsv)' \
	"$WORK/report.json" >"$WORK/reported"
awk -v swap="$swap" '
	function apart(a, b) { return a > b ? a - b : b - a }
	BEGIN { split("anon file shmem swap", kind) }
	NR == 1 { least = $1; ratio = $2; next }
	FNR == NR { seen[$1] = 1; for (i = 1; i <= 4; i++) told[$1, i] = $(i + 1); next }
	{
		if (!seen[$1]) { print $2 " is not in the report"; bad++; next }
		total = $3 + $4 + $5 + $6
		allowed = ratio * total > least ? ratio * total : least
		for (i = 1; i <= 4; i++) {
			off = apart(told[$1, i], $(i + 2))
			if (off > worst[i]) worst[i] = off
			if (off > allowed) {
				print $2 ": " kind[i] " " told[$1, i] ", mapped " $(i + 2) ", may be off by " allowed
				bad++
			}
		}
		n++
		swapped += $6
	}
	END {
		printf "%d processes, off by at most (bytes):", n
		for (i = 1; i <= 4; i++) printf " %s %d", kind[i], worst[i]
		print ""
		exit bad || n != 27 || swap > 0 && !swapped
	}' "$WORK/reported" "$WORK/mapped" || fail "the figures differ"
text_has 'at rest it'
