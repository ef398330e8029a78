#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# report(live run) == report(replay of its recording), byte for byte: a command without a kill.
. "$(dirname "$0")/lib.sh"

need_root
command -v python3 >/dev/null || skip "python3 is not installed"
python=$(python3 -c 'import sys; print(sys.executable)')
TRAIL=$WORK/run.trail
"$OOMTRAIL" record -o "$TRAIL" --report "text=$WORK/live.txt" --report "json=$WORK/live.json" -- \
	"$python" -c 'b = [bytearray(b"x") * (1 << 20) for i in range(40)]; print(len(b))' \
	>"$WORK/command.out" 2>"$WORK/record.err" || fail "status $?"
equal "output of the command" "$(cat "$WORK/command.out")" 40

reports
live_equals_replay
json_is '.incidents == [] and [.kills[] | select(.target.comm | startswith("python"))] == []'
json_is '[.processes[] | select(.argv[0:2] == [$python, "-c"] and .peak_bytes > 40 * 1048576)] |
	 length == 1' python "$python"
