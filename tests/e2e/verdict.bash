# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Behind lib.sh, for the scripts about verdicts.

# Of our first incident, in the words of the JSON.
verdict() # THRESHOLD...
{
	local threshold options=()
	for threshold; do
		options+=(--threshold "$threshold")
	done
	"$OOMTRAIL" report "$TRAIL" --format json "${options[@]}" | jq --arg tag "$TAG" \
		'[.incidents[] | select(.victim.cgroup | contains($tag))][0].verdict'
}

verdict_is() # KIND [THRESHOLD...]
{
	local said
	said=$(verdict "${@:2}")
	[[ $(jq -r .kind <<<"$said") == "$1" ]] || fail "verdict by ${*:2}: not $1 but $said"
}

# Its only process grows by so much a second until it is killed.
killed_growing() # CGROUP RATE
{
	cgroup_start grow "$1" "$WORKLOADS/grow" --total 200M --rate "$2"
	join "$STARTED"
	equal "status of what grows" "$STATUS" 137
}
