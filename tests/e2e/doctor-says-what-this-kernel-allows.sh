#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# doctor names a way, or what is missing and why, for every capability; text and JSON say the same,
# and a recording made right after takes these very ways.
# vm: --cgroup v1
# vm: --cgroup hybrid
. "$(dirname "$0")/lib.sh"

need_root
"$OOMTRAIL" doctor >"$WORK/doctor.txt" || fail "status $? of doctor"
"$OOMTRAIL" doctor --json >"$WORK/report.json" || fail "status $? of doctor --json"
# The runner of virtual machines makes README's table of kernels from this.
echo "doctor: $(jq -c '{kernel: .host.kernel, capabilities}' "$WORK/report.json")"

json_is '.works and .programs > 10 and .kernel_bytes > 1048576 and .host.step_bytes >= 262144'
json_is '.host.kernel | startswith($release)' release "$(uname -r)"
json_is '.host.cpus >= $cpus' cpus "$(nproc)"
json_is '.capabilities | length >= 11'
json_is '[.capabilities[] | select(.way == "" and .why == "")] == []'
while IFS=$'\t' read -r capability way why; do
	[[ $way != - ]] || way=MISSING
	grep -qF -- "$(printf '%-18s %s' "$capability" "$way")" "$WORK/doctor.txt" ||
		fail "the text does not say: $capability $way"
	[[ $why == - ]] || grep -qF -- "$why" "$WORK/doctor.txt" || fail "the text does not say: $why"
done < <(json_value '.capabilities[] | [.capability, .way, .why] | map(if . == "" then "-" else . end) | @tsv')
# A kill is seen by BPF on every kernel that we promise.
json_is '.capabilities[] | select(.capability == "OOM victim") | .way | startswith("tp_btf mark_victim")'
find_memory_controller
json_is '.host.memory_cgroup == {version: $version, mount: $mount}' version "$MEMCG_VERSION" mount "$MEMCG_ROOT"

cp "$WORK/report.json" "$WORK/doctor.json"
record_start -a
record_stop
json_is '.probes == $said' said "$(jq -c .capabilities "$WORK/doctor.json")"
