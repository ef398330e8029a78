#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Stacks of 16 KiB and of 32 KiB are copied first: of a process whose stacks are larger, more is
# copied from then on, and they are followed to main.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 128
record_growth deep app -- "$WORKLOADS/deep" 150 32M 256 "$(rest_ms)"
whole=$(truth deep bytes.take_at_the_bottom)
about "what grew at the bottom" "$(credited allocate take_at_the_bottom descend descend)" "$whole" \
	$((whole / 20))
descents=()
for ((i = 0; i < 150; i++)); do
	descents+=(descend)
done
at_least "150 levels of 256 bytes" "$(credited take_at_the_bottom "${descents[@]}" main)" "$whole" 50
