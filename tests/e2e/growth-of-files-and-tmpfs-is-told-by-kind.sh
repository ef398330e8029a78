#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A mapped file and a file of a tmpfs are growth, by their own functions, of their own kinds, and they
# are named: which file, and in which tmpfs.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 256
mkdir "$WORK/tmpfs"
mount -t tmpfs -o size=64M none "$WORK/tmpfs" || skip "no tmpfs can be mounted"
MOUNTS+=("$WORK/tmpfs")
head -c 48M /dev/zero >"$WORK/input"
# Told by what has come, and by the thread's next page fault.
for ways in '' '--without rss_stat'; do
	rm -f "$WORK/tmpfs/shared"
	# shellcheck disable=SC2086 # two words, or none
	record_growth map app $ways -- "$WORKLOADS/filemap" "$WORK/input" "$WORK/tmpfs/shared" 96M
	# Pages of a file come sixteen at a time, so a sample of them stands for much: as much as is said.
	at_least "mapped pages" "$(credited scan_file main)" "$(truth map bytes.scan_file)" 10
	margin=$(jq "$GROWTH"'[.stacks[] | select(calls(["scan_file"])).error_ratio | . * .] | add | sqrt * 3' \
		"$WORK/report.json")
	margin=$(jq -n "$margin * $(json_value .growth.rose_bytes) | floor")
	[[ $margin -lt $((48 << 20)) ]] || fail "what is said of mapped files is off by up to $margin bytes"
	about scan_file "$(credited scan_file main)" "$(truth map bytes.scan_file)" "$margin"
	credited_as_told map fill_shared 5
	growth_is 'of($pid) | (map(select(calls(["scan_file"])).file_bytes) | add) > 0 and
		   (map(select(calls(["fill_shared"])).shmem_bytes) | add) > 44 * 1048576 and
		   (map(.anon_bytes) | add) < 4 * 1048576' pid "$PID"
	# Which file: of nearly all of it, or it is not known.
	growth_is 'of($pid) | (map(select(.file.path == $file and .file.kind == "file" and
			(.file.tmpfs == null) and calls(["scan_file"])).file_bytes) | add) > 36 * 1048576 and
		   (map(select(.file.path == $shared and .file.kind == "tmpfs" and
			.file.tmpfs == $mount and calls(["fill_shared"])).shmem_bytes) | add) > 36 * 1048576 and
		   all(.[] | select(calls(["scan_file"]) and .file_bytes > 0); .file.path // $file == $file) and
		   all(.[] | select(calls(["fill_shared"]) and .shmem_bytes > 0); .file.path // $shared == $shared)' \
		pid "$PID" file "$WORK/input" shared "$WORK/tmpfs/shared" mount "$WORK/tmpfs"
done
grep -qF "in the tmpfs $WORK/tmpfs" <(tr -s ' \n' ' ' <"$WORK/report.txt") ||
	fail "the text names no tmpfs" "$(cat "$WORK/report.txt")"
