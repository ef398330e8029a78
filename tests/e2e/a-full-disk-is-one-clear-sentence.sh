#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The disk fills while recording: status 1, one sentence, and what was written stays readable.
# not in a vm: what is tested lies in user space and in files, the same on every kernel
. "$(dirname "$0")/lib.sh"

need_root
mkdir "$WORK/small"
mount -t tmpfs -o size=64k none "$WORK/small" || skip "cannot mount a tmpfs"
MOUNTS+=("$WORK/small")
TRAIL=$WORK/small/run.trail
env --default-signal=INT,QUIT "$OOMTRAIL" record -a -o "$TRAIL" >"$WORK/record.out" 2>"$WORK/record.err" &
RECORDER=$!
STARTED_PIDS+=("$RECORDER")
# Command lines that do not compress fill 64 KiB soon.
end=$((SECONDS + 60))
until gone "$RECORDER"; do
	[[ $SECONDS -lt $end ]] || fail "64 KiB are still not full"
	/bin/true "$(head -c 1500 /dev/urandom | base64 -w 0)"
done
join "$RECORDER"
equal "status" "$STATUS" 1
grep -v '^oomtrail: recording to ' "$WORK/record.err" >"$WORK/refused" || true
one_sentence "$WORK/refused"
grep -qi 'no space' "$WORK/refused" || fail "not told that the disk is full: $(cat "$WORK/refused")"
if [[ -e $TRAIL ]]; then
	"$OOMTRAIL" info "$TRAIL" >"$WORK/info.txt" || fail "what was written cannot be read"
	grep -qi incomplete "$WORK/info.txt" || fail "not told that it is incomplete"
fi
