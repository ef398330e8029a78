#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# --sample BYTES: so much growth a stack, or more of it where stacks would come faster than they can be
# taken; the sums are right then, too, and nothing is lost. --call-graph: none takes no samples at all;
# fp goes by frame pointers alone, which an ordinary program does not have, and then says so; unless
# they lead past its functions, as on arm64, where the C library that starts it has them.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 128
for sample in 16 64 1024; do
	record_growth realloc app --sample "${sample}K" -- "$WORKLOADS/realloc_grow" 64M
	# 16 KiB comes faster than can be taken; of 64 samples each that a move makes miss is 1.6%.
	credited_as_told realloc append 5 $([[ $sample -eq 64 ]] || echo fewer)
	samples=$(jq --argjson pid "$PID" "$GROWTH"'of($pid) | map(select(calls(["append"])).samples) |
		add' "$WORK/report.json")
	wanted=$((65536 / sample))
	least=$((sample < 64 ? wanted / 16 : wanted * 8 / 10))
	[[ $samples -ge $least && $samples -le $((wanted * 12 / 10)) ]] ||
		fail "--sample ${sample}K: $samples samples of 64 MiB"
	# The shell's page fault may have waited for the disk; who runs another program by now cannot be
	# asked what it has brought.
	json_is '[.losses.rows[] | select(.kind == "growth" or (.reason | test("growth sample"))) |
		select(.reason | test("nobody saw whether") | not)] == []'
done

record_growth fp app --call-graph fp -- "$WORKLOADS/realloc_grow" 64M
about "samples of frame pointers" "$(credited_in_all)" "$(truth fp bytes.append)" $((16 << 20))
about "append, without its frame pointer" "$(credited append)" 0 $((4 << 20))
if [[ $(uname -m) != aarch64 ]]; then
	growth_is 'of($pid) | map(select(complete)) | sum_bytes < 32 * 1048576' pid "$PID"
	growth_is '.growth.incomplete_bytes > 32 * 1048576 and .explained_ratio < 0.5'
fi

record_growth none app --call-graph none -- "$WORKLOADS/realloc_grow" 64M
json_is '[has("stacks"), has("explained_ratio"), has("growth")] == [false, false, false]'
! grep -q 'WHERE IT GREW' "$WORK/report.txt" || fail "there is a section about it"
"$OOMTRAIL" report "$TRAIL" --format folded >"$WORK/folded" 2>"$WORK/folded.err" &&
	fail "folded stacks of a recording without any: $(head "$WORK/folded")"
one_sentence "$WORK/folded.err"

# Most stacks end before the room for them does. To read on is a page fault as well, of ours: nobody
# grows by it, and no program has missed anything.
head -c 32M /dev/zero >"$WORK/input"
record_growth early app --without rss_stat -- "$WORKLOADS/reader" "$WORK/input" 33554432
json_is 'any(.losses.rows[]; .reason | test("already running")) | not'
