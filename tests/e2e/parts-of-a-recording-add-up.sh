#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Growth by stack of a part of a recording, FILE@A..B: two that touch add up to the whole, the
# earlier one has what grew early, and what is no part is refused in one sentence. So do processes
# and cgroups; and a profile says of each part what the folded stacks say.
. "$(dirname "$0")/lib.sh"

need_root
TRAIL=$WORK/run.trail
"$OOMTRAIL" record -o "$TRAIL" -- "$WORKLOADS/grow" --total 64M --rate 40M >"$WORK/grow.out" 2>"$WORK/record.err"

bytes() # PART [OPTION...]
{
	"$OOMTRAIL" report "$TRAIL$1" --format folded "${@:2}" 2>"$WORK/folded.err" |
		awk '{ sum += $NF } END { printf "%.0f", sum }'
}

# As another program reads the profile. (Its -top would add up how much rows are off zero.)
in_profile() # PART [OPTION...]
{
	"$OOMTRAIL" report "$TRAIL$1" "${@:2}" -o "$WORK/part.pb.gz" || fail "pprof of $*: status $?"
	HOME=$WORK go tool pprof -raw "$WORK/part.pb.gz" 2>"$WORK/go.err" |
		awk '$4 ~ /^[0-9]/ && $3 ~ /:$/ {sum += $1} END {printf "%.0f", sum}'
}

whole=$(bytes "")
early=$(bytes @..800ms)
late=$(bytes @800ms)
echo "whole $whole, until 800 ms $early, from then on $late"
[[ $early -gt 0 && $late -gt 0 ]] || fail "one part is empty"
equal "both parts" "$((early + late))" "$whole"
[[ $(bytes @..200ms) -le $early ]] || fail "a shorter part has more"
equal "an empty part" "$(bytes @1h)" 0
if command -v go >/dev/null; then
	equal "the profile of the whole" "$(in_profile "")" "$whole"
	equal "the profile of the early part" "$(in_profile @..800ms)" "$early"
fi

for part in @x @2s..1s @1s..2s..3s; do
	status=0
	"$OOMTRAIL" report "$TRAIL$part" --format folded >"$WORK/out" 2>"$WORK/refused" || status=$?
	[[ $status -ne 0 && ! -s $WORK/out ]] || fail "$part is accepted: status $status"
	[[ $(grep -c '^oomtrail: ' "$WORK/refused") -eq 1 ]] || fail "$part: $(cat "$WORK/refused")"
done
status=0
"$OOMTRAIL" report "$TRAIL@1s" >"$WORK/out" 2>"$WORK/refused" || status=$?
equal "status of a part as text" "$status" 2

# Two processes, each in a cgroup of its own.
cgroup_new one 128
cgroup_new other 128
TRAIL=$WORK/two.trail
# shellcheck disable=SC2016
"$OOMTRAIL" record -o "$TRAIL" -- sh -c 'sh -c "$1" "$2" "$4" "$5" --total 40M & sh -c "$1" "$3" "$4" "$5" --total 24M
	wait' sh "$ENTER" "$(cgroup_dir one)" "$(cgroup_dir other)" "$HOG_AS_KIB" "$WORKLOADS/grow" \
	>"$WORK/two.out" 2>"$WORK/record.err" </dev/null || fail "record: status $?"
reports
whole=$(bytes "")
equal "the stacks of the report" "$(json_value '[.stacks[].bytes] | add')" "$whole"
mapfile -t pids < <(json_value '[.stacks[].pid] | unique[]')
[[ ${#pids[@]} -ge 2 ]] || fail "growth of ${#pids[@]} processes"
sum=0
for pid in "${pids[@]}"; do
	part=$(bytes "" --pid "$pid")
	equal "folded stacks of $pid" "$part" \
		"$(json_value "[.stacks[] | select(.pid == $pid).bytes] | add")"
	! command -v go >/dev/null || equal "the profile of $pid" "$(in_profile "" --pid "$pid")" "$part"
	sum=$((sum + part))
done
equal "all processes" "$sum" "$whole"
for label in one other; do
	name=$(json_value "[.cgroups[].cgroup | select(endswith(\".$label\"))][0]")
	part=$(bytes "" --cgroup "$name")
	equal "folded stacks of $name" "$part" \
		"$(json_value "([.processes[] | select(.cgroup == \"$name\").pid]) as \$there |
			[.stacks[] | select(.pid | IN(\$there[])).bytes] | add")"
	[[ $part -gt $((16 << 20)) && $part -lt $((48 << 20)) ]] || fail "$name: $part bytes"
	! command -v go >/dev/null ||
		equal "the profile of $name" "$(in_profile "" --cgroup "$name")" "$part"
done
