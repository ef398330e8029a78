#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Programs put a FIFO, a link to a secret and a folder where the names of their code should be, and
# broken frame information into their file: the recorder goes on, believes none of it, and names all
# the others.
# not in a vm: node is larger than all else in the machine; what reads its names is the same there
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

command -v node objcopy >/dev/null || skip "nodejs and binutils are not installed"
cat >"$WORK/grow.js" <<'END'
const kept = [];
function fillTable(count) { for (let i = 0; i < count; i++) kept.push({key: i, text: 'record ' + i}); }
console.log('pid=' + process.pid);
fillTable(400000);
console.log('kept=' + kept.length);
END
# As a map of names is written: whoever followed the link would name code by it.
for ((i = 0x7e00; i < 0x8000; i++)); do
	printf '%x00000000 100000000 top_secret_%d\n' "$i" "$i"
done >"$WORK/secret"
chmod 600 "$WORK/secret"

cgroup_new app 512
export ADDRESS_SPACE_KIB=unlimited # it reserves far more than it uses: the cgroup holds it
for kind in fifo link folder; do
	case $kind in
	fifo) make="mkfifo" ;;
	link) make="ln -s '$WORK/secret'" ;;
	folder) make="mkdir" ;;
	esac
	begin=$SECONDS
	record_growth "$kind" app -- sh -c "$make /tmp/perf-\$\$.map && exec \"\$@\"" sh \
		node --max-old-space-size=256 "$WORK/grow.js"
	rm -rf "/tmp/perf-$PID.map"
	[[ $((SECONDS - begin)) -lt $((SLOWER * 60)) ]] || fail "$kind: it took $((SECONDS - begin)) s"
	equal "records" "$(truth "$kind" kept)" 400000
	growth_is 'of($pid) | any(.[].frames[]; .kind == "jit") and
		   all(.[].frames[]; .kind != "jit" or (has("function") | not))' pid "$PID"
	! grep -q top_secret "$WORK/report.json" || fail "$kind: a secret is in the report"
	at_least "complete stacks with $kind" "$(credited_complete)" "$(credited_in_all)" 90
done

# A program whose frame information is noise, beside one that is whole.
objcopy --dump-section ".eh_frame=$WORK/frames" "$WORKLOADS/shares" "$WORK/broken"
head -c "$(stat -c %s "$WORK/frames")" /dev/urandom >"$WORK/noise"
objcopy --update-section ".eh_frame=$WORK/noise" "$WORKLOADS/shares" "$WORK/broken"
record_growth mixed app -- sh -c '"$0" 20M && "$1" 20M && "$0" 20M' \
	"$WORKLOADS/shares" "$WORK/broken"
growth_is '[.stacks[] | select(calls(["allocate", "parse_rows", "serve", "main"])).pid] |
	unique | length >= 2'
growth_is '[.stacks[] | select(any(.frames[]; .module == $program))] | sum_bytes > 15000000' \
	program "$WORK/broken"
