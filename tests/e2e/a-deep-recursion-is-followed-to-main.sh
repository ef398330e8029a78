#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# 150 levels of recursion are 150 frames and then main. 20,000 levels are more than is kept of any
# stack: the innermost are there, and nobody is told that this was the whole of it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 128
record_growth deep app -- "$WORKLOADS/deep" 150 32M
grew=$(truth deep bytes.take_at_the_bottom)
descents=()
for ((i = 0; i < 150; i++)); do
	descents+=(descend)
done
about "150 levels" "$(credited allocate take_at_the_bottom "${descents[@]}" main)" "$grew" \
	$((grew / 20))
at_least "complete stacks" "$(credited_complete)" "$grew" 95

record_growth deeper app -- "$WORKLOADS/deep" 20000 32M
# Its own stack is growth as well: by descend().
grew=$(truth deeper bytes.take_at_the_bottom)
about "20,000 levels" "$(credited allocate take_at_the_bottom descend descend)" "$grew" \
	$((grew / 20))
growth_is 'of($pid) | map(select(calls(["take_at_the_bottom"]))) | length > 0 and
	   all(.[]; complete | not)' pid "$PID"
growth_is '.explained_ratio < 0.5'
