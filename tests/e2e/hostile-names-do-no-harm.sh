#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A comm, arguments and a cgroup name of control bytes, escape sequences and bytes that are no
# UTF-8 reach neither the terminal nor break the JSON.
. "$(dirname "$0")/lib.sh"

evil=$'evil\e]0;owned\a\xff\xc3(\x9b31m"\\..'
cgroup_new "$evil" 64
record_start -a
cgroup_start grow "$evil" "$WORKLOADS/weirdname" 90M $'\e[2J\xff' $'two\nlines' ''
join "$STARTED"
equal "status" "$STATUS" 137
record_stop
pid=$(truth grow pid)

clean() # FILE: no control bytes but newlines, valid UTF-8, no C1 controls
{
	if LC_ALL=C grep -qaP '[\x00-\x08\x0b-\x1f\x7f]' "$1"; then
		fail "$1 has control bytes: $(cat -v "$1" | grep -a '\^' | head -n 3)"
	fi
	iconv -f UTF-8 -t UTF-8 "$1" >"$WORK/valid" 2>/dev/null || fail "$1 is not UTF-8"
	if grep -qaP '\xc2[\x80-\x9f]' "$1"; then
		fail "$1 has C1 control characters"
	fi
}
clean "$WORK/report.txt"
clean "$WORK/replay.json"
"$OOMTRAIL" info "$TRAIL" --verify >"$WORK/info.txt"
clean "$WORK/info.txt"
clean "$WORK/record.err"

json_is '.incidents | length == 1'
json_is '.incidents[0].victim | .pid == $pid and .argv[1] == "90M" and (.argv | length) == 5' pid "$pid"
hex=$(printf '\x1b[31m../\n\xff\xc3\x9b\x07"\\' | od -An -tx1 | tr -d ' \n')
json_is '.incidents[0].victim.comm_hex == $hex' hex "$hex"
json_is '.incidents[0].id | test("^[A-Za-z0-9._:-]+$") and (contains("..") | not)'
text_has "^KILLED .*, pid $pid: "
equal "lines that tell of a victim" "$(grep -ca '^KILLED   ' "$WORK/report.txt")" \
	"$(jq '.incidents | length' "$WORK/replay.json")"
