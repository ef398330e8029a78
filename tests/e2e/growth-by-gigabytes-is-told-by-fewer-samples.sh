#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A program that does nothing but grow is sampled less often than it would be at a calm pace, and
# what is credited to it is still what came; unless --sample has asked for a size.
# not in a vm: an emulated processor does not grow by as much
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

readonly SIZE=$((256 << 10)) CALM=$((4 * 3000))
asked_for()
{
	echo $(($(truth storm faults) * $(getconf PAGESIZE) / SIZE))
}
samples()
{
	json_value '.growth.samples'
}

cgroup_new app 256
record_growth storm app -- "$WORKLOADS/storm" 4 8M
[[ $(asked_for) -gt $CALM ]] || skip "4 s of growing are $(asked_for) samples here, no more than $CALM"
about "storm" "$(credited storm)" $(($(asked_for) * SIZE)) $(($(asked_for) * SIZE / 20))
percent=$(($(samples) * 100 / $(asked_for)))
[[ $percent -lt 75 ]] || fail "$(samples) samples of $(asked_for): not fewer"

record_growth storm app --sample "$SIZE" -- "$WORKLOADS/storm" 1 8M
about "storm" "$(credited storm)" $(($(asked_for) * SIZE)) $(($(asked_for) * SIZE / 20))
[[ $(($(samples) * 100 / $(asked_for))) -gt $percent ]] ||
	fail "$(samples) samples of $(asked_for), no more than $percent%, although they were asked for"
