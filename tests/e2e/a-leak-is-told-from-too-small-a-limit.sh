#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What grows to its limit for as long as a leak takes is one; what does so while it starts needs a
# larger limit. How long that is, is said. Figures of the advice are those of the limit.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/verdict.bash"

cgroup_new app 64
record_start -a
killed_growing app 16M
record_stop
verdict_is limit-too-small
verdict_is leak sustained=2s
# Neither that long, nor as young as whoever starts.
verdict_is unknown start=1s culprit=100
text_has '^VERDICT +limit too small from the start: grow, pid [0-9]+, rose by [5-6][0-9] MiB in'
text_has '^WHY THIS VERDICT$'
text_has '^WHAT TO DO$'
limit=$(jq -r '.incidents[0].verdict.actions[] | select(startswith("Set the limit"))' "$WORK/report.json")
[[ $limit == "Set the limit to 96 MiB "* ]] || fail "advice on the limit: $limit"
verdict sustained=2s | jq -e '.actions | any(startswith("Until then a limit of 128 MiB ") and
	contains("at this rate; it solves nothing"))' >/dev/null || fail "advice: $(verdict sustained=2s)"
