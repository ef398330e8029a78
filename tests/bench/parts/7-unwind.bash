# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Unwinding: CPU time of a frame whose rule is known and of a new rule, beside libdw's.

run_7()
{
	local file round
	echo
	echo "unwinding (CPU time; three rounds each)"
	printf '  %-24s %15s %14s %10s %9s %10s\n' file "warm, ns/frame" "cold, ns/rule" libdw functions "read, us"
	for file in "$(readlink -f /usr/bin/python3)" "$("${CC:-gcc}" -print-file-name=libc.so.6)" \
		"$("${CC:-gcc}" -print-prog-name=cc1)"; do
		[[ -f $file ]] || continue
		for round in 1 2 3; do
			build/bench/unwind "$file" | awk -F= -v file="$(basename "$file")" '{ v[$1] = $2 } END {
				printf "  %-24s %15d %14d %10d %9d %10d\n", file, v["warm_ns_per_frame"],
					v["cold_ns_per_rule"], v["libdw_ns_per_rule"], v["functions"], v["read_us"] }'
		done
	done
}
