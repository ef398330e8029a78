#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A real database, filled through its client inside a limited cgroup.
. "$(dirname "$0")/lib.sh"

command -v redis-server redis-cli >/dev/null || skip "redis-server is not installed"
cgroup_new db 64
record_start -a
cgroup_start redis db redis-server --port 0 --unixsocket "$WORK/redis.sock" --dir "$WORK" \
	--save '' --appendonly no
redis=$STARTED
wait_for '[[ $(redis-cli -s "$WORK/redis.sock" ping 2>/dev/null) == PONG ]]'
# Large values: a full cgroup that still has program text to reclaim thrashes for a minute.
fill="redis.call('set', 'k:' .. ARGV[1], string.rep('x', 6 * 1048576))"
for ((i = 0; i < 30; i++)); do
	gone "$redis" && break
	redis-cli -s "$WORK/redis.sock" eval "$fill" 0 "$i" >/dev/null 2>&1 || true
done
join "$redis"
equal "status" "$STATUS" 137
record_stop

json_is '.incidents | length == 1'
json_is '.incidents[0].victim | .pid == $pid and .comm == "redis-server" and .cgroup == $cgroup and
	 (.argv | join(" ") | contains("redis-server"))' pid "$redis" cgroup "$(cgroup_path db)"
json_is '.incidents[0].culprit | .pid == $pid and .grew_bytes > 40 * 1048576' pid "$redis"
text_has "^KILLED +redis-server, pid $redis: "
