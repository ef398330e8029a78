#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Code made at run time, with the map that node writes of it: over 95% of the growth has complete
# stacks, and they name the JavaScript function. Without the map they say [JIT] and what to do.
# not in a vm: the program is larger than all else in the machine, and is unwound the same way
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

command -v node >/dev/null || skip "nodejs is not installed"
cat >"$WORK/grow.js" <<'END'
const kept = [];
function makeRecord(i) { return {key: i, text: 'record ' + i, list: [i, i + 1, i + 2]}; }
function fillTable(count) { for (let i = 0; i < count; i++) kept.push(makeRecord(i)); }
console.log('pid=' + process.pid);
fillTable(500000);
console.log('kept=' + kept.length);
END
cgroup_new app 384
# It reserves far more than it uses: the cgroup holds it.
export ADDRESS_SPACE_KIB=unlimited
cd "$WORK" # --perf-basic-prof writes to /tmp, some other flags to here
record_growth node app -- node --max-old-space-size=256 --perf-basic-prof \
	--interpreted-frames-native-stack "$WORK/grow.js"
rm -f "/tmp/perf-$PID.map"
equal "records" "$(truth node kept)" 500000
grew=$(peak_of "$PID")
[[ $grew -gt $((80 << 20)) ]] || fail "it grew by $grew bytes only"
followed_and_named "$grew" 'fillTable' 25

record_growth unnamed app -- node --max-old-space-size=256 "$WORK/grow.js"
equal "records" "$(truth unnamed kept)" 500000
growth_is 'of($pid) | any(.[].frames[]; .kind == "jit") and
	   all(.[].frames[]; .kind != "jit" or (has("function") | not))' pid "$PID"
text_has '\[JIT\].*--perf-basic-prof'
