#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# MAP_POPULATE and mlock bring pages without a page fault: no function is blamed for them, and the
# report says how much it is.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 128
for way in mmap mlock; do
	record_growth "$way" app -- "$WORKLOADS/populate" "$way" 64M
	bytes=$(truth "$way" total_bytes)
	if [[ $(credited "take_${way/mlock/locked}") -ge $((bytes * 95 / 100)) ]]; then
		continue # they were taken where the system call ends: better still
	fi
	about "stacks of $way" "$(credited_in_all)" 0 $((12 << 20))
	growth_is '.growth.not_seen_bytes | . > 50 * 1048576 and . < 68 * 1048576'
	growth_is '.explained_ratio < 0.25'
	text_has '[56][0-9](\.[0-9]+)? MiB .*not seen by samples: came without a page fault'
done

record_growth touch app -- "$WORKLOADS/populate" touch 64M
about "touched" "$(credited allocate take_touched main)" "$(truth touch total_bytes)" $((4 << 20))
growth_is '.growth.not_seen_bytes < 4 * 1048576'
