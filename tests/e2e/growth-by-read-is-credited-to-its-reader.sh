#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel itself touches memory that read(2) fills: the page faults are its own, the growth is
# that of the function that asked.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 256
head -c 8M /dev/zero >"$WORK/input"
for file in /dev/zero "$WORK/input"; do
	size=96M
	[[ $file == /dev/zero ]] || size=8M
	record_growth read app -- "$WORKLOADS/reader" "$file" "$size"
	credited_as_told read read_piece 5
	at_least "complete stacks" "$(credited_complete)" "$(truth read bytes.read_piece)" 95
done
