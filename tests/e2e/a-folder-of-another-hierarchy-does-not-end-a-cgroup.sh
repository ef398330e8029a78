#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every v1 hierarchy counts its folders' ids by itself: one removed elsewhere under the id of a
# memory cgroup is not that cgroup.
# vm: --cgroup v1
. "$(dirname "$0")/lib.sh"

readonly FOLDERS_MAX=6000 # made and removed on the way to the wanted id

next_id() # HIERARCHY: the id of a folder that was there for a moment
{
	mkdir "$1/$TAG" && stat -c %i "$1/$TAG" && rmdir "$1/$TAG"
}

# Sets OTHER, NUMBER and ID: a hierarchy whose ids will come past that of one of our cgroups.
find_clash()
{
	local fields now step
	while read -r -a fields; do
		OTHER=${fields[4]}
		[[ " ${fields[*]} " == *' - cgroup'* && $OTHER != "$MEMCG_ROOT" ]] || continue
		now=$(next_id "$OTHER" 2>/dev/null) || continue
		step=$(($(next_id "$OTHER") - now))
		now=$((now + step))
		for NUMBER in 1 2 3 4 5 6 7 8; do
			ID=$(stat -c %i "$(cgroup_dir "home$NUMBER")")
			if ((step > 0 && ID > now && (ID - now) % step == 0 &&
				(ID - now) / step < FOLDERS_MAX)); then
				return 0
			fi
		done
	done </proc/self/mountinfo
	return 1
}

need_root
record_start -a
for i in 1 2 3 4 5 6 7 8; do
	cgroup_new "home$i" 16
done
find_clash || skip "no second hierarchy whose folder ids will meet those of memory cgroups"
cgroup_start grow "home$NUMBER" "$WORKLOADS/grow" --total 8M --hold 60
wait_for '[[ $(truth grow grown_bytes) -ge 8000000 ]]'
until [[ $(next_id "$OTHER") -ge $ID ]]; do :; done
record_stop
json_is '[.cgroups[] | select(.cgroup == $cgroup) | has("removed_ms")] == [false]' \
	cgroup "$(cgroup_path "home$NUMBER")"
