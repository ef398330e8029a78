#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Four functions grow by 30, 30, 20 and 20% through one allocator: the report says so within 2
# points, and names exactly the callers that there were.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 256
record_growth shares app -- "$WORKLOADS/shares" 200M

total=0
for function in decode_image parse_rows keep_session log_line; do
	true_bytes=$(truth shares "bytes.$function")
	read -ra chain < <(truth shares "chain.$function")
	about "$function" "$(credited "${chain[@]}")" "$true_bytes" $((4 << 20))
	total=$((total + true_bytes))
	# The libc function that touched it, this chain, and what called main: nothing else.
	growth_is 'of($pid) | map(select(functions | index($function))) | length > 0 and
		all(.[]; functions | index($chain) as $at | $at != null and $at <= 1 and
			length - $at - ($chain | length) <= 3)' \
		pid "$PID" function "$function" chain "$(jq -cn '$ARGS.positional' --args "${chain[@]}")"
done
equal "what the four have grown" "$total" $((200 << 20))
at_least "complete stacks" "$(credited_complete)" "$total" 98
growth_is '.explained_ratio | . >= 0.95 and . <= 1.1'
text_has '^ +(5[89]|6[0-2]) MiB +(29|30|31)% .*allocate( \([^)]*\))? <- decode_image( \([^)]*\))? <- read_thumbnail <- serve'
