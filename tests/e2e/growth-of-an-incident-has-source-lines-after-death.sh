#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The flight recorder's incident says by which functions and source lines its victim grew: of an
# ordinary program that is dead when they are looked up; of one on a tmpfs in a mount namespace of its
# own and of one whose file is deleted, which live for a second. A later report says the same.
# deadline: 240
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

command -v objcopy addr2line >/dev/null || skip "binutils are not installed"

# Each in a cgroup of its own, so that each is an incident of its own.
victim() # LABEL COMMAND...
{
	local label=$1
	shift
	cgroup_new "$label" 64
	cgroup_start "$label" "$label" "$@"
	join "$STARTED"
	equal "status of $label" "$STATUS" 137
	wait_for_incidents $((${#IDS[@]} + 1))
	IDS[$label]=$ID
}

line_of() # FUNCTION
{
	local offset
	offset=$(jq -r --argjson pid "$PID" --arg function "$1" "$GROWTH"'
		[of($pid)[].frames[] | select(.function == $function)][0].offset' "$WORK/report.json")
	addr2line -e "$WORKLOADS/shares" "$offset" | sed 's/ .*//; s,.*/,,'
}

judge() # LABEL
{
	local function all=0 grew
	PID=$(truth "$1" pid)
	json_is '.victim.pid == $pid' pid "$PID"
	grew=$(json_value '.victim.memory.anon_bytes')
	[[ $grew -gt $((40 << 20)) ]] || fail "$1 had $grew bytes only"
	for function in decode_image parse_rows keep_session log_line; do
		growth_is '[of($pid)[].frames[] | select(.function == $function)] | length > 0 and
			all(.[]; "\(.file | split("/") | last):\(.line)" == $line)' \
			pid "$PID" function "$function" line "$(line_of "$function")"
		all=$((all + $(credited allocate "$function")))
	done
	about "the four functions of $1" "$all" "$grew" $((grew / 20))
	at_least "complete stacks of $1" "$(credited_complete)" "$(credited_in_all)" 95
	at_least "complete stacks of $1, by the kernel's counters" "$(credited_complete)" "$grew" 95
	# Of so little they know as much as they say.
	growth_is '.growth | .explained_bytes + .explained_error_bytes > 0.95 * .rose_bytes'
	text_has "parse_rows \\($(line_of parse_rows)\\)"
}

declare -A IDS=()
# Of the linker's first steps, before anybody knows where it lies, nothing can be told: with a stack
# for 1 MiB three of those are more than 5% of 64 MiB, which they are not.
watch_start --sample 256K
victim ordinary "$WORKLOADS/shares" 200M

mkdir "$WORK/private"
copy "$WORK/hidden"
victim private unshare -m sh -c 'mount --make-rprivate / && mount -t tmpfs none "$0" &&
	cp "$1" "$0/program" && exec "$0/program" 200M 20' "$WORK/private" "$WORK/hidden"
rm "$WORK/hidden"
[[ ! -e $WORK/private/program ]] || fail "the private program is seen from here"

copy "$WORK/deleted"
victim deleted sh -c 'rm "$0" && exec /proc/self/fd/4 200M 20' "$WORK/deleted" \
	4<"$WORK/deleted"
[[ ! -e $WORK/deleted ]] || fail "the program is still there"

for label in ordinary private deleted; do
	wait_for_reports "${IDS[$label]}"
	judge "$label"
done
watch_stop

for label in ordinary private deleted; do
	"$OOMTRAIL" report --dir "$FLIGHT" "${IDS[$label]}" >"$WORK/again.txt" || fail "report: status $?"
	cmp "$WORK/again.txt" "$FLIGHT/incidents/${IDS[$label]}/report.txt" ||
		fail "a later report of $label says something else"
done
