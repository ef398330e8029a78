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
text_has '^KILLED +leaker, pid [0-9]+: '
text_has '^LIMIT +96 MiB, '
text_has '^ASKED +[^ ]'
text_has '^GREW +leaker, pid [0-9]+, the victim itself: '
equal "memory cgroups afterwards" "$(memory_cgroups)" "$before"
