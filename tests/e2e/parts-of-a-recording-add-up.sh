#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Growth by stack of a part of a recording, FILE@A..B: two that touch add up to the whole, the
# earlier one has what grew early, and what is no part is refused in one sentence.
. "$(dirname "$0")/lib.sh"

need_root
TRAIL=$WORK/run.trail
"$OOMTRAIL" record -o "$TRAIL" -- "$WORKLOADS/grow" --total 64M --rate 40M >"$WORK/grow.out" 2>"$WORK/record.err"

bytes() # PART
{
	"$OOMTRAIL" report "$TRAIL$1" --format folded 2>"$WORK/folded.err" | awk '{ sum += $NF } END { print sum + 0 }'
}

whole=$(bytes "")
early=$(bytes @..800ms)
late=$(bytes @800ms)
echo "whole $whole, until 800 ms $early, from then on $late"
[[ $early -gt 0 && $late -gt 0 ]] || fail "one part is empty"
equal "both parts" "$((early + late))" "$whole"
[[ $(bytes @..200ms) -le $early ]] || fail "a shorter part has more"
equal "an empty part" "$(bytes @1h)" 0

for part in @x @2s..1s @1s..2s..3s; do
	status=0
	"$OOMTRAIL" report "$TRAIL$part" --format folded >"$WORK/out" 2>"$WORK/refused" || status=$?
	[[ $status -ne 0 && ! -s $WORK/out ]] || fail "$part is accepted: status $status"
	[[ $(grep -c '^oomtrail: ' "$WORK/refused") -eq 1 ]] || fail "$part: $(cat "$WORK/refused")"
done
status=0
"$OOMTRAIL" report "$TRAIL@1s" >"$WORK/out" 2>"$WORK/refused" || status=$?
equal "status of a part as text" "$status" 2
