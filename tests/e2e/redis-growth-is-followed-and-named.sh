#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A database as its distribution ships it, filled through its client: over 95% of what it grew has
# complete stacks, and they lead through the function that reads from clients.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

command -v redis-server redis-cli >/dev/null || skip "redis-server is not installed"
cat >"$WORK/session" <<'END'
cd "$1" || exit 1
redis-server --port 0 --unixsocket "$1/redis.sock" --dir "$1" --save '' --appendonly no \
	>/dev/null &
until [ "$(redis-cli -s "$1/redis.sock" ping 2>/dev/null)" = PONG ]; do
	read -t 0.1 _ <>"$1/fifo"
done
redis-cli -s "$1/redis.sock" --pipe <"$1/commands"
redis-cli -s "$1/redis.sock" dbsize
redis-cli -s "$1/redis.sock" shutdown nosave
wait
END
mkfifo "$WORK/fifo"
for ((i = 0; i < 100000; i++)); do
	printf '*3\r\n$3\r\nSET\r\n$10\r\nkey:%06d\r\n$1000\r\n%01000d\r\n' "$i" "$i"
done >"$WORK/commands"

cgroup_new db 384
record_growth redis db -- bash "$WORK/session" "$WORK"
grep -qx 100000 "$WORK/redis.out" || fail "the database was not filled: $(cat "$WORK/redis.out")"
pid_of redis-server
grew=$(peak_of "$PID")
[[ $grew -gt $((100 << 20)) ]] || fail "it grew by $grew bytes only"
followed_and_named "$grew" '^readQueryFromClient$' 85
