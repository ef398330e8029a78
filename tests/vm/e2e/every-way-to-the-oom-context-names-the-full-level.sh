#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Each way to the context of an OOM kill, forced in turn: the level that was full is named, whether it
# is the victim's own or one between two roomy ones, and the report says by which way that is known.
# What this kernel has is what is taken: no way silently stands in for a better one.
# vm: --memory 768M
# vm: --memory 768M --cgroup v1
# vm: --memory 768M --cgroup hybrid
. "$(dirname "$0")/../../e2e/lib.sh"

readonly FENTRY='fentry oom_kill_process' KPROBE='kprobe oom_kill_process'
# capability's way | incident's way
readonly STACK="oom_control on the trigger's stack|the trigger's kernel stack"
readonly EVENTS='level by its count of OOM events|the one level whose count of OOM events rose'

cgroup_new roomy 200
cgroup_new roomy/full 64
cgroup_new roomy/full/child 160
cgroup_new wide 160
cgroup_new wide/narrow 48

# What doctor says to try here, and what it has to be: arm64 has fentry since 6.4.
"$OOMTRAIL" doctor --json >"$WORK/doctor.json" || fail "doctor: status $?"
doctor=$(jq -r '.capabilities[] | select(.capability == "OOM context") | .way' "$WORK/doctor.json")
why=$(jq -r '.capabilities[] | select(.capability == "OOM context") | .why' "$WORK/doctor.json")
echo "doctor says: $doctor${why:+ ($why)}"
best=$FENTRY
if [[ $(uname -m) == aarch64 ]]; then
	IFS=.- read -r major minor _ < <(uname -r)
	((major > 6 || major == 6 && minor >= 4)) || best=$KPROBE
fi
equal "the way that doctor takes" "$doctor" "$best"
[[ $best == "$FENTRY" || $why == 'fentry: this kernel does not support it (ENOTSUPP)' ]] ||
	fail "doctor gives no reason for the lack of fentry: $why"

killed() # LABEL CGROUP
{
	cgroup_start "$1" "$2" "$WORKLOADS/grow" --total 90M --rate 150M
	join "$STARTED"
	equal "status of $1" "$STATUS" 137
}

round=0
by() # WAY-OF-THE-RECORDING|WAY-OF-THE-INCIDENT [WITHOUT...]
{
	local taken=${1%|*} known=${1#*|} domains option options=()
	shift
	for option in "$@"; do
		options+=(--without "$option")
	done
	round=$((round + 1))
	record_start -a "${options[@]}"
	killed "parent$round" roomy/full/child
	killed "own$round" wide/narrow
	record_stop
	jq -r '.incidents[] | "\(.context.way): \(.domain.cgroup // "no level")"' "$WORK/report.json"

	json_is '.incidents | length == 2'
	json_is '[.incidents[].context.way] | unique == [$way]' way "$known"
	json_is '.probes[] | select(.capability == "OOM context") | .way == $way or $way == "" and (has("way") | not)' \
		way "$taken"
	for option in "$@"; do
		json_is '.probes[] | select(.capability == "OOM context") |
			.why | contains($why)' why "${option/events/event counts}: forbidden by option"
	done
	domains='[.incidents[] | [.victim.pid, .victim.cgroup]] == [[$p, $pc], [$o, $oc]]'
	json_is "$domains" p "$(truth "parent$round" pid)" pc "$(cgroup_path roomy/full/child)" \
		o "$(truth "own$round" pid)" oc "$(cgroup_path wide/narrow)"
	if [[ $known == 'not determined' ]]; then
		json_is '[.incidents[] | has("domain") or has("constraint")] | any | not'
		text_has '^LIMIT +not determined'
		return
	fi
	json_is '[.incidents[].domain | [.cgroup, .limit_bytes]] == [[$p, 67108864], [$o, 50331648]]' \
		p "$(cgroup_path roomy/full)" o "$(cgroup_path wide/narrow)"
	json_is '[.incidents[].constraint] | unique == ["memcg"]'
	text_has "^ +OOM context +$known"
}

[[ $best == "$KPROBE" ]] || by "$FENTRY|$FENTRY"
by "$KPROBE|$KPROBE" fentry
by "$STACK" fentry kprobe
by "$EVENTS" fentry kprobe stack
by '|not determined' fentry kprobe stack events
