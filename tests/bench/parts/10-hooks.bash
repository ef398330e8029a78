# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Which hooks tell of growth, and at what price: combinations of them, with programs that do the same
# little work (tests/bench/hooks.bpf.c) instead of the recorder's. First what each sees of programs
# that grow in different ways, of every page; then, one page in 64 chosen, how much of a page-fault
# storm is left, and what a run of its programs takes above empty ones (bpf_stats), in interleaved
# rounds: HOOK_ROUNDS=n, of HOOK_SECONDS=s each. Many short ones: what the machine swings by is slow.

readonly HOOK_ROUNDS=${HOOK_ROUNDS:-25} HOOK_SECONDS=${HOOK_SECONDS:-0.3}

# name|programs of hooks.bpf.c
readonly HOOKS=(
	"page_fault_user|fault_user"
	"both faults|fault_user,fault_kernel"
	"page_fault_user, mm_page_alloc|note_user,page_alloc"
	"both faults, mm_page_alloc|note_user,note_kernel,page_alloc"
	"rss_stat|rss_stat"
	"rss_stat, page_fault_user|rss_stat_noted,note_user"
	"rss_stat, both faults (ours)|rss_stat_noted,note_user,note_kernel"
	"perf page-faults, period 1|fault_event"
	"perf page-faults, period 64|fault_events:64"
)
readonly WAYS_TO_GROW="touch read huge populate copied"

workload_of() # WAY: sets COMMAND
{
	case $1 in
	touch) COMMAND=(shares 64M) ;;
	read) COMMAND=(reader "$work/fresh" 64M) ;;
	huge) COMMAND=(huge on 64M) ;;
	populate) COMMAND=(populate mmap 64M) ;;
	copied) COMMAND=(forked 128M) ;;
	esac
	COMMAND[0]=build/workloads/${COMMAND[0]}
}

hooked() # [-e] PAGES PROGRAMS COMMAND...; false: they cannot be attached, and WHY
{
	local status=0
	WHY=
	build/bench/hooks "$@" >"$work/hooked" 2>"$work/hooked.err" || status=$?
	[[ $status -ne 0 ]] || return 0
	WHY=$(tail -n 1 "$work/hooked.err")
	[[ $status -eq 3 ]] || { echo "bench: $WHY" >&2; exit 1; }
	return 1
}

told_by() # KEY
{
	sed -n "s/^$1=//p" "$work/hooked"
}

# Of what it has grown by: seen, and where less has an address, how much.
share_seen()
{
	awk -v rose="$(told_by rose_bytes)" -v seen="$(told_by seen_bytes)" -v addressed="$(told_by addressed_bytes)" '
		BEGIN {
			if (rose < 8 * 1048576) { print "not grown"; exit }
			seen = sprintf("%.2f", seen / rose)
			addressed = sprintf("%.2f", addressed / rose)
			print seen == addressed ? seen : seen "/" addressed
		}'
}

# Leaves a row in $work/hooks.NUMBER.seen, or the reason in .why.
see_growth() # NUMBER
{
	local way row=
	for way in $WAYS_TO_GROW; do
		workload_of "$way"
		hooked 1 "${HOOKS[$1]#*|}" "${COMMAND[@]}" || { echo "$WHY" >"$work/hooks.$1.why"; return; }
		row+=$(printf ' %9s' "$(share_seen)")
	done
	echo "$row" >"$work/hooks.$1.seen"
}

# Adds to $work/hooks.NUMBER.rate and .above.
take_storm() # NUMBER PROGRAMS
{
	[[ ! -e $work/hooks.$1.why ]] || return 0
	hooked 64 "$2" "$STORM" "$HOOK_SECONDS" || { echo "$WHY" >"$work/hooks.$1.why"; return; }
	told_by faults_per_second >>"$work/hooks.$1.rate"
	[[ $2 != - ]] || return 0
	sysctl -qw kernel.bpf_stats_enabled=1
	hooked -e 64 "$2" "$STORM" "$HOOK_SECONDS" || echo "$WHY" >"$work/hooks.$1.why"
	sysctl -qw kernel.bpf_stats_enabled=0
	sed -n 's/^above\.//p' "$work/hooked" >>"$work/hooks.$1.above"
}

tell_hook() # NUMBER
{
	local place above='' name=${HOOKS[$1]%%|*} file=$work/hooks.$1
	if [[ -e $file.why ]]; then
		printf '  %-30s cannot be attached: %s\n' "$name" "$(cat "$file.why")"
		return
	fi
	while IFS= read -r place; do
		above+="${above:+ + }$(sed -n "s/^$place=//p" "$file.above" | median | xargs printf '%.0f')"
	done < <(sed 's/=.*//' "$file.above" 2>/dev/null | awk '!seen[$0]++')
	paste -d' ' "$file.rate" "$work/hooks.none.rate" | awk '{ printf "%.4f\n", $1 / $2 }' >"$work/ratios"
	cat "$work/ratios" >>"$work/hooks.ratios"
	printf '  %-30s%s %6.2f  %s\n' "$name" "$(cat "$file.seen")" "$(median <"$work/ratios")" "$above"
}

run_10()
{
	local round turn i none=${#HOOKS[@]}
	head -c 64M /dev/zero >"$work/fresh"
	for i in "${!HOOKS[@]}"; do
		see_growth "$i"
	done
	for ((round = 0; round < HOOK_ROUNDS; round++)); do
		# Another one begins each round.
		for ((turn = 0; turn <= none; turn++)); do
			i=$(((turn + round) % (none + 1)))
			if [[ $i -eq $none ]]; then
				take_storm none -
			else
				take_storm "$i" "${HOOKS[i]#*|}"
			fi
		done
	done
	echo
	echo "hooks that tell of growth: bytes seen by the bytes RssAnon rose (behind the slash: those with an address);"
	echo "storm: throughput against nothing attached, the median of $HOOK_ROUNDS interleaved rounds of $HOOK_SECONDS s;"
	echo "ns: of a run above an empty program, of each that ran (both faults: page_fault_user and page_fault_kernel)"
	printf '  %-30s' ""
	# shellcheck disable=SC2086
	printf ' %9s' $WAYS_TO_GROW
	printf ' %6s  %s\n' storm ns
	for i in "${!HOOKS[@]}"; do
		tell_hook "$i"
	done
	echo "  huge: $(build/workloads/huge on 64M | sed -n 's/^huge_bytes=//p' | awk '{ print $1 / 1048576 }') of 64 MiB came in huge pages; copied: a child writes to 64 MiB it shares and grows by 32"
	[[ ! -e $work/hooks.ratios ]] || echo "  storm, single rounds: $(sort -g "$work/hooks.ratios" | sed -n '1s/$/ to/p; $p' | xargs printf '%.2f %s %.2f')"
}
