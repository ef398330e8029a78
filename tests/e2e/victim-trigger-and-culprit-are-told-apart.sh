#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Three different processes: one grows, one asks for the page too many, a third one is chosen.
. "$(dirname "$0")/lib.sh"

# On 7.2 a cgroup's OOM killer no longer waits for a victim that has begun to exit, and may kill again
# before anything was given back. So victim and trigger share a CPU, and the victim takes precedence:
# it is gone when the other goes on asking.
DYING_FIRST=(chrt -f 1 taskset -c 0)
cgroup_new full 96
record_start -a
cgroup_start victim full "${DYING_FIRST[@]}" "$WORKLOADS/grow" --comm chosen \
	--total 16M --hold 60 --oom-score-adj 1000
victim=$STARTED
wait_for '[[ $(truth victim done) == 1 ]]'
cgroup_start culprit full "$WORKLOADS/grow" --comm hungry --total 66M --rate 150M --hold 60
culprit=$STARTED
wait_for '[[ $(truth culprit done) == 1 ]]'
# 16 + 66 + 20 MiB are too much for 96; without the victim's 16 they fit.
cgroup_start trigger full taskset -c 0 "$WORKLOADS/grow" --comm asking \
	--total 20M --rate 40M --hold 60
trigger=$STARTED
join "$victim"
equal "status of the victim" "$STATUS" 137
wait_for '[[ $(truth trigger done) == 1 ]]'
equal "kills by the kernel" "$(kernel_kills full)" 1
kill -TERM "$culprit" "$trigger"
join "$culprit"
equal "status of the culprit" "$STATUS" 143
join "$trigger"
record_stop

json_is '.incidents | length == 1'
json_is '.incidents[0].victim | .pid == $pid and .comm == "chosen" and .oom_score_adj == 1000' pid "$victim"
json_is '.incidents[0].trigger | .pid == $pid and .comm == "asking"' pid "$trigger"
json_is '.incidents[0].culprit | .pid == $pid and .comm == "hungry"' pid "$culprit"
json_is '.incidents[0].culprit.grew_bytes | . >= 62 * 1048576 and . <= 70 * 1048576'
text_has "^KILLED +chosen, pid $victim: "
text_has "^ASKED +asking, pid $trigger: "
text_has "^GREW +hungry, pid $culprit: "

# Which code grew what the culprit took.
json_is '[.incidents[0].stacks[] | select(.role == "culprit")] | all(.pid == $pid) and
	(map(select(any(.frames[]; .function == "main")).bytes) | add) > 50 * 1048576' pid "$culprit"
text_has "^WHERE THE CULPRIT GREW: hungry, pid $culprit"

# It grew within the window as well, by less than a fifth of all.
. "$(dirname "$0")/verdict.bash"
verdict_is collateral bystander=20%
verdict bystander=20% | jq -e '.actions | any(contains("The victim is not the cause"))' >/dev/null ||
	fail "advice: $(verdict bystander=20%)"
