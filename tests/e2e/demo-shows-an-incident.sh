#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# `oomtrail demo` needs nothing prepared: a real kill in a throwaway cgroup, and its report.
. "$(dirname "$0")/lib.sh"

need_root
find_memory_controller
TRAIL=$WORK/demo.trail
"$OOMTRAIL" demo -o "$TRAIL" >"$WORK/report.txt" 2>"$WORK/record.err" || fail "status $?"
text_has '^oomtrail incident '
text_has '^KILLED +leaker, pid [0-9]+: '
text_has '^LIMIT +96 MiB, '
text_has '^ASKED +[^ ]'
text_has '^GREW +leaker, pid [0-9]+, the victim itself: '
stage=$(grep -o '/oomtrail-demo-[0-9]*' "$WORK/report.txt" | head -1)
[[ -n $stage && ! -e $MEMCG_ROOT$stage ]] || fail "the demo's cgroup is left behind: '$stage'"

# On a host with swap the leak must not hide there: swap is full where memory is (v1), or none (v2).
"$OOMTRAIL" report "$TRAIL" --format json >"$WORK/report.json" || fail "report: status $?"
json_is '[.incidents[] | select(.victim.comm == "leaker")][0].victim.oom_score_adj == 0' # the recorder's own is lower
if [[ -e $MEMCG_ROOT/memory.memsw.limit_in_bytes ]]; then
	json_is '[.incidents[] | select(.victim.comm == "leaker")][0].domain.memsw_limit_bytes == $limit' limit $((96 << 20))
elif [[ $MEMCG_VERSION == 2 && -e /proc/swaps ]]; then
	json_is '[.incidents[] | select(.victim.comm == "leaker")][0].domain.swap_limit_bytes == 0'
fi
