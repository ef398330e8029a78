#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A table in memory, built by a library without symbols but those it exports: over 95% of the growth
# has complete stacks, and they lead through the library's sqlite3_step().
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

command -v sqlite3 >/dev/null || skip "sqlite3 is not installed"
cgroup_new db 256
record_growth sqlite db -- sqlite3 :memory: 'create table t(a integer primary key, b text);
	with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000000)
	insert into t select i, hex(randomblob(50)) from n; select count(*) from t;'
equal "rows" "$(cat "$WORK/sqlite.out")" 1000000
pid_of sqlite3
grew=$(peak_of "$PID")
[[ $grew -gt $((100 << 20)) ]] || fail "it grew by $grew bytes only"
followed_and_named "$grew" '^sqlite3_step$' 90
