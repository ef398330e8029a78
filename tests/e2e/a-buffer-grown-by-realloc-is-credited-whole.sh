#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Pages that move with their buffer have grown once, and by the function that filled them.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 128
record_growth realloc app -- "$WORKLOADS/realloc_grow" 96M
[[ $(truth realloc moves) -ge 5 ]] || fail "the buffer moved $(truth realloc moves) times only"
credited_as_told realloc append 5
at_least "complete stacks" "$(credited_complete)" "$(truth realloc bytes.append)" 95
