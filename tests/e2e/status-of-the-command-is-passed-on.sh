#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# record -- CMD ends as CMD does, and says so when a signal ended it.
. "$(dirname "$0")/lib.sh"

need_root
run() # COMMAND...: sets STATUS
{
	STATUS=0
	"$OOMTRAIL" record -o "$WORK/run.trail" -- "$@" >"$WORK/out" 2>"$WORK/record.err" || STATUS=$?
	"$OOMTRAIL" info "$WORK/run.trail" --verify >/dev/null || fail "info --verify: status $?"
	rm -f "$WORK/run.trail"
}

run sh -c 'exit 3'
equal "status of exit 3" "$STATUS" 3
run sh -c 'echo to stdout; exit 0'
equal "status of exit 0" "$STATUS" 0
equal "stdout" "$(cat "$WORK/out")" "to stdout"
run sh -c 'kill -TERM $$'
equal "status of SIGTERM" "$STATUS" 143
grep -qi 'killed by signal 15\|SIGTERM\|Terminated' "$WORK/record.err" || fail "the signal is not told"

STATUS=0
"$OOMTRAIL" record -o "$WORK/none.trail" -- /nonexistent/program 2>"$WORK/record.err" || STATUS=$?
[[ $STATUS -ne 0 ]] || fail "a command that does not exist gives status 0"
grep -q '^oomtrail: .*/nonexistent/program' "$WORK/record.err" || fail "the command is not named"
[[ ! -e $WORK/none.trail ]] || fail "a recording of nothing was left behind"

# A recording that ends before the command leaves the command alone, and still passes its status on.
STATUS=0
"$OOMTRAIL" record -o "$WORK/short.trail" --duration 200ms -- \
	sh -c "while [ ! -e $WORK/go ]; do sleep 0.05; done; exit 4" 2>"$WORK/record.err" &
waiting=$!
wait_for "grep -q 'waiting for the command' $WORK/record.err"
"$OOMTRAIL" info "$WORK/short.trail" --verify >/dev/null || fail "the recording is not closed yet"
touch "$WORK/go"
wait "$waiting" || STATUS=$?
equal "status of a command that outlives its recording" "$STATUS" 4
