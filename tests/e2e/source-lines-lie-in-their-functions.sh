#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Source lines of a program that ended before its recording: those that addr2line tells of the same
# addresses. A program without debug information has none.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

command -v addr2line >/dev/null || skip "addr2line is not installed"

cgroup_new app 256
record_growth shares app -- "$WORKLOADS/shares" 60M
for function in decode_image parse_rows keep_session log_line main; do
	read -r offset line < <(jq -r --argjson pid "$PID" --arg function "$function" "$GROWTH"'
		[of($pid)[].frames[] | select(.function == $function)][0] |
			"\(.offset) \(.file):\(.line)"' "$WORK/report.json")
	read -r wanted _ < <(addr2line -e "$WORKLOADS/shares" "$offset")
	[[ $line != *null* && $wanted == *"$line" ]] ||
		fail "$function at $offset: $line, addr2line says $wanted"
done
text_has 'parse_rows \(shares\.c:[0-9]+\)'

strip -o "$WORK/shares" "$WORKLOADS/shares"
record_growth shares app -- "$WORK/shares" 60M
growth_is 'of($pid) | length > 0 and all(.[].frames[]; .module != $program or .file == null)' \
	pid "$PID" program "$WORK/shares"
