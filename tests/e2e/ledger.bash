# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Behind lib.sh, for the scripts about ledgers: what a full cgroup held, in the words of the JSON,
# and in those of the kernel's log, which tells it of most kills ("Memory cgroup stats").

ledger_of() # CGROUP-NAME
{
	jq -c --arg cgroup "$(cgroup_path "$1")" \
		'[.incidents[] | select(.domain.cgroup == $cgroup)][0].ledger' "$WORK/report.json"
}

row() # CGROUP-NAME ROW
{
	ledger_of "$1" | jq --arg row "$2" '.rows[] | select(.name == $row) | .bytes'
}

# Its rows are its usage, but for 2% or what it says that it may be off by.
adds_up() # CGROUP-NAME
{
	local ledger
	ledger=$(ledger_of "$1")
	[[ $ledger != null ]] || fail "$1 has no ledger"
	echo "$1: $(jq -c '[.usage_bytes, .unexplained_bytes, .error_bytes, .statistics]' <<<"$ledger")"
	jq -e '.unexplained_bytes as $off | ([.usage_bytes / 50, .error_bytes // 0] | max) as $may |
		$off <= $may and -$off <= $may and .complete' <<<"$ledger" >/dev/null ||
		fail "$1 does not add up: $ledger"
}

# What the kernel's log has of the last kill in this cgroup; nothing where it was kept back.
kernel_says() # CGROUP-NAME KEY
{
	dmesg 2>/dev/null | sed 's/^\[[^]]*\] //' |
		awk -v title="Memory cgroup stats for $(cgroup_path "$1"):" -v key="$2" '
			/^Memory cgroup stats for / { ours = $0 == title }
			ours && $1 == key { value = $2 }
			END { if (value != "") print value }'
}

# The log is of a moment before: a few pages may have come and gone. $agreed counts.
agrees() # CGROUP-NAME ROW KEY-OF-V2 KEY-OF-V1: ROW may be a sum "a+b"
{
	local key=$3 told said
	[[ $MEMCG_VERSION == 2 ]] || key=$4
	[[ -n $key ]] || return 0
	told=$(kernel_says "$1" "$key")
	[[ -n $told ]] || return 0
	said=$(for row in ${2//+/ }; do row "$1" "$row"; done | jq -s 'add')
	[[ $said != null ]] || return 0
	[[ $((said - told)) -le $((1 << 20)) && $((told - said)) -le $((1 << 20)) ]] ||
		fail "$1, $2: $said bytes, the kernel's log says $key $told"
	agreed=$((${agreed:-0} + 1))
}

agrees_with_the_kernel() # CGROUP-NAME
{
	agrees "$1" anon anon total_rss
	agrees "$1" shmem shmem total_shmem
	agrees "$1" file_cache+shmem file total_cache
	agrees "$1" slab slab ''
	agrees "$1" page_tables pagetables ''
	agrees "$1" kernel_stacks kernel_stack ''
	agrees "$1" per_cpu percpu ''
	agrees "$1" sockets sock ''
}
