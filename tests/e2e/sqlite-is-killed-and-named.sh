#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A database in memory that outgrows its cgroup in one statement.
. "$(dirname "$0")/lib.sh"

command -v sqlite3 >/dev/null || skip "sqlite3 is not installed"
cgroup_new db 64
record_start -a
cgroup_start sqlite db sqlite3 :memory: 'create table t(b blob);
	with recursive n(i) as (select 1 union all select i + 1 from n where i < 150)
	insert into t select randomblob(1000000) from n;'
pid=$STARTED
join "$pid"
equal "status" "$STATUS" 137
record_stop

json_is '.incidents | length == 1'
json_is '.incidents[0].victim | .pid == $pid and .comm == "sqlite3" and .argv[1] == ":memory:"' pid "$pid"
json_is '.incidents[0].culprit | .pid == $pid and .grew_bytes > 40 * 1048576' pid "$pid"
