#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Through the kernel's frame the chain goes on with what the signal came upon. On a stack of its own
# the handler's chain is there too; what lies on the other stack is there, or said to be missing.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 128
record_growth same app -- "$WORKLOADS/signal_stack" same 48M
credited_as_told same take_in_handler 5
at_least "complete stacks" "$(credited_complete)" "$(truth same bytes.take_in_handler)" 95
growth_is 'of($pid) | map(select(calls(["take_in_handler"]))) | length > 0 and
	   all(.[]; functions | index(["on_signal"]) + 2 == index(["interrupted", "main"]))' pid "$PID"

record_growth other app -- "$WORKLOADS/signal_stack" other 48M
credited_as_told other take_in_handler 5
growth_is 'of($pid) | map(select(calls(["take_in_handler"]))) | length > 0 and
	   all(.[]; (functions | index(["on_signal"]) + 2 == index(["interrupted"])) and
		(complete | not) or calls(["interrupted", "main"]))' pid "$PID"
