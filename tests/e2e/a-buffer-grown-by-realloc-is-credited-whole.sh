#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Pages that move with their buffer have grown once, and by the function that filled them: whichever
# way it is known that they have come.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 128
for ways in '' '--without rss_stat' '--without page_fault' '--without page_fault --without rss_stat'; do
	# shellcheck disable=SC2086 # several words, or none
	record_growth realloc app $ways -- "$WORKLOADS/realloc_grow" 96M
	[[ $(truth realloc moves) -ge 5 ]] || fail "the buffer moved $(truth realloc moves) times only"
	credited_as_told realloc append 5
	at_least "complete stacks" "$(credited_complete)" "$(truth realloc bytes.append)" 95
done
