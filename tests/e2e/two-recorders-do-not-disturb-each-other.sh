#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Somebody records a command while the whole host is being recorded. Each copies stacks, by reads
# that page faults may answer: the other takes none of them for growth, and both credit the same.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 300
record_start -a
record_growth shares app -- "$WORKLOADS/shares" 96M
for function in decode_image parse_rows keep_session log_line; do
	credited_as_told shares "$function" 10
done
TRAIL=$WORK/run.trail
record_stop
about "all of it, by the recorder of the host" "$(credited_in_all)" $((96 << 20)) $((12 << 20))
