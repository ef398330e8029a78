#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Whoever follows stacks on the same host reads user memory within page faults, and where a stack
# ends meets a page that is not there: no page fault of the process, and nothing is missed for it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 160
record_start -a
other=$TRAIL
record_growth beside app -- "$WORKLOADS/shares" 100M
for function in decode_image parse_rows keep_session log_line; do
	credited_as_told beside "$function" 5
done

record_stop
TRAIL=$other
reports
for function in decode_image parse_rows keep_session log_line; do
	credited_as_told beside "$function" 5
done
