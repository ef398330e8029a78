#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# `oomtrail demo` needs nothing prepared: a real kill in a throwaway cgroup, and its report.
. "$(dirname "$0")/lib.sh"

need_root
find_memory_controller
before=$(memory_cgroups)
"$OOMTRAIL" demo >"$WORK/report.txt" 2>"$WORK/record.err" || fail "status $?"
text_has '^oomtrail incident '
for line in KILLED LIMIT ASKED GREW; do
	text_has "^$line +[^ ]"
done
equal "memory cgroups afterwards" "$(memory_cgroups)" "$before"
