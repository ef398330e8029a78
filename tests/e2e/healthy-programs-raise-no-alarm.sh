#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Six programs that do what programs do: a database at its bound, a compiler, a backup that reads
# 4 GiB, one that rests, a garbage collector, a cache that has filled. None leaks, none is critical, by
# thresholds as much smaller as this is shorter; beside them one that does leak, and is found.
# not in a vm: what is tested lies in user space, and takes programs larger than the machine
. "$(dirname "$0")/lib.sh"

command -v redis-server redis-benchmark node g++ >/dev/null ||
	skip "one of redis-server, redis-benchmark, node, g++ is not installed"

# As cgroup_start, with all the address space it likes: the cgroup holds it.
start() # LABEL COMMAND...
{
	local label=$1
	cgroup_new "$label" 256
	shift
	sh -c "$ENTER" "$(cgroup_dir "$label")" unlimited "$@" >"$WORK/$label.out" 2>"$WORK/$label.err" \
		</dev/null &
	STARTED_PIDS+=("$!")
	eval "${label}_pid=$!"
}

cat >"$WORK/compiled.cc" <<'END'
#include <algorithm>
#include <map>
#include <regex>
#include <string>
#include <vector>
int main() { std::map<std::string, std::vector<int>> m; m["a"].push_back(1);
	return std::regex_match("a", std::regex("[a-z]+")) ? int(m.size()) : 0; }
END
cat >"$WORK/collected.js" <<'END'
let turns = 0, kept = [];
setInterval(() => {
	for (let i = 0; i < 60000; i++) kept.push({turn: turns, text: 'text ' + i});
	if (kept.length > 400000) kept = [];
	console.log('turns=' + ++turns);
}, 50);
END
truncate -s 4G "$WORK/sparse"

record_start -a
start database redis-server --port 0 --unixsocket "$WORK/redis.sock" --dir "$WORK" --save '' \
	--appendonly no --maxmemory 48mb --maxmemory-policy allkeys-lru
wait_for '[[ $(redis-cli -s "$WORK/redis.sock" ping 2>/dev/null) == PONG ]]'
start load redis-benchmark -s "$WORK/redis.sock" -q -t set -d 1000 -r 1000000 -n 100000000 -c 4
start compiler sh -c 'turns=0; while :; do
	g++ -O1 -c "$1" -o "$1.o" && turns=$((turns + 1)) && echo "turns=$turns"; done' sh \
	"$WORK/compiled.cc"
start backup sh -c 'cat "$1" | wc -c | sed s/^/read=/; exec sleep 600' sh "$WORK/sparse"
start idle /usr/bin/python3 -c 'import signal; signal.pause()'
start collector node "$WORK/collected.js"
start cache /usr/bin/python3 -c '
import time
kept, turns = {}, 0
while True:
    for at in range(24):
        kept[at] = bytearray(1 << 20)
    turns += 1
    print("turns=%d" % turns, flush=True)
    time.sleep(0.1)'
start leak "$WORKLOADS/grow" --total 190M --rate 4M --hold 600

evicted() { redis-cli -s "$WORK/redis.sock" info stats | tr -d '\r' | sed -n 's/^evicted_keys://p'; }
wait_for '[[ $(evicted) -gt 100000 && $(truth backup read) == $((4 << 30)) &&
	$(truth compiler turns) -ge 3 && $(truth collector turns) -ge 200 &&
	$(truth cache turns) -ge 100 && $(truth leak grown_bytes) -ge $((100 << 20)) ]]' 200
record_stop

"$OOMTRAIL" report "$TRAIL" --format json --threshold lasting=15s --threshold normal=16M \
	--threshold normal-share=1% >"$WORK/report.json"
"$OOMTRAIL" report "$TRAIL" --threshold lasting=15s --threshold normal=16M \
	--threshold normal-share=1% | sed -n '/^GROWTH, JUDGED/,/^$/p'
json_is '.incidents == []'
json_is '[.outlooks[] | select(.pid == $pid)][0].class == "leak"' pid "$leak_pid"
healthy=$(jq -c --arg tag "$TAG" --argjson leak "$leak_pid" '[.outlooks[] | select(.pid != $leak) |
	select(.limit.cgroup // "" | contains($tag))]' "$WORK/report.json")
jq -e 'length >= 4 and all(.class != "leak" and .level != "CRITICAL")' <<<"$healthy" >/dev/null ||
	fail "an alarm: $healthy"
