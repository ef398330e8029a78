#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Shells that were there before the recorder, and do not grow, fork; their children grow, and execute
# another program at once: what grew then has the shell's functions, though nobody can see them in the
# child any more.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

need_root
cgroup_new app 512
mkfifo "$WORK/go"
cat >"$WORK/shell.sh" <<'SHELL'
echo $$ >>"$2"
read -r _ <"$1"
(
	printf -v grown '%02000000d' 0
	echo "$BASHPID" >>"$3"
	exec /bin/true
)
# It is there when it is looked at.
read -r _ <"$1"
SHELL
shells=()
for i in 1 2 3 4; do
	cgroup_start "shell$i" app bash "$WORK/shell.sh" "$WORK/go" "$WORK/shells" "$WORK/children"
	shells+=("$STARTED")
done
wait_for '[[ $(wc -l <"$WORK/shells") -eq 4 ]]'
record_start -c "$(cgroup_path app)" --sample 256K
let_go()
{
	local i
	for i in 1 2 3 4; do
		echo
	done >"$WORK/go"
}
let_go
wait_for '[[ -e $WORK/children && $(wc -l <"$WORK/children") -eq 4 ]]'
# The one that names looks ten times a second.
NAMING=$(naming "$RECORDER") || fail "nobody names stacks"
before=$(turns "$NAMING")
wait_for '[[ $(turns "$NAMING") -gt $((before + 5)) ]]'
let_go
for shell in "${shells[@]}"; do
	join "$shell"
done
record_stop
equal "children" "$(wc -l <"$WORK/children")" 4
while read -r PID; do
	growth_is '[of($pid)[] | select(any(.frames[]; (.module // "") | endswith("/bash"))).bytes] |
		add > 1048576' pid "$PID"
	growth_is 'all(of($pid)[]; .ends != "the next return address is in no mapping")' pid "$PID"
done <"$WORK/children"
