#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# incidents and report over a folder with gaps: each is one sentence, and what is there is shown.
. "$(dirname "$0")/lib.sh"

need_root
DIR=$WORK/flight

# --- no folder, an empty one --------------------------------------------------------------------

refused 1 'no folder' "$OOMTRAIL" incidents --dir "$DIR"
refused 1 'no folder' "$OOMTRAIL" report --dir "$DIR"
refused 1 "'nonsense'.*no folder" "$OOMTRAIL" report --dir "$DIR" nonsense
mkdir -m 700 "$DIR"
"$OOMTRAIL" incidents --dir "$DIR" >"$WORK/list.txt"
equal "an empty list" "$(cat "$WORK/list.txt")" \
	"no incidents in $DIR; no recorder watches; 'oomtrail watch' starts one"
refused 1 'no incidents' "$OOMTRAIL" report --dir "$DIR"
refused 1 'no window' "$OOMTRAIL" report --dir "$DIR" window

# --- incidents by hand --------------------------------------------------------------------------

incident() # ID
{
	mkdir -p -m 700 "$DIR/incidents" "$DIR/incidents/$1"
	cat >"$DIR/incidents/$1/incident.json" <<-END
		{"schema": "oomtrail.incident/1", "id": "$1", "time": "2026-11-21T01:00:00Z",
		 "victim": {"comm": "server", "pid": 7}, "killed": []}
	END
}

A=20261121T010000Z-server-7 B=20261121T010000Z-server-71
incident $A
incident $B
echo "what was known of $A" >"$DIR/incidents/$A/report.txt"

# Without its window: what was written, and a word about it.
"$OOMTRAIL" report --dir "$DIR" $A >"$WORK/text.txt" 2>"$WORK/said" || fail "status $?"
equal "stored text" "$(cat "$WORK/text.txt")" "what was known of $A"
grep -q "$A has no window: this is its report.txt as it was written" "$WORK/said" ||
	fail "not said: $(cat "$WORK/said")"
"$OOMTRAIL" report --dir "$DIR" $A --format json 2>/dev/null | cmp - "$DIR/incidents/$A/incident.json" ||
	fail "another JSON than the stored one"
refused 1 "$B has no window.*report.txt cannot be read" "$OOMTRAIL" report --dir "$DIR" $B
refused 1 'stays as it is' "$OOMTRAIL" report --dir "$DIR" --save $A
equal "stored text" "$(cat "$DIR/incidents/$A/report.txt")" "what was known of $A"

# Which one?
refused 1 "several incidents: $B, $A" "$OOMTRAIL" report --dir "$DIR" 20261121T01
refused 1 "neither a file nor an incident" "$OOMTRAIL" report --dir "$DIR" 20261121T02
refused 1 "No such file" "$OOMTRAIL" report --dir "$DIR" ./$A
refused 1 "no incident '20261121T01'" "$OOMTRAIL" report --dir "$DIR" --save 20261121T01

# --- with a window ------------------------------------------------------------------------------

TRAIL=$WORK/run.trail
"$OOMTRAIL" record -o "$TRAIL" -- "$WORKLOADS/grow" --total 16M >"$WORK/out" 2>"$WORK/record.err"

# One that ends before the kill says less than what was written at the kill.
ln "$TRAIL" "$DIR/incidents/$A/window.trail"
"$OOMTRAIL" report --dir "$DIR" $A 2>"$WORK/said" | grep -q "what was known" || fail "not shown"
grep -q 'ends before the kill' "$WORK/said" || fail "not said: $(cat "$WORK/said")"
refused 1 'ends before the kill' "$OOMTRAIL" report --dir "$DIR" --save $A
equal "stored text" "$(cat "$DIR/incidents/$A/report.txt")" "what was known of $A"

# One that was asked for is the recording itself; saving makes both reports, readable by root only.
ASKED=20261121T030000Z-asked
mkdir -m 700 "$DIR/incidents/$ASKED"
echo '{"schema": "oomtrail.session/1"}' >"$DIR/incidents/$ASKED/incident.json"
ln "$TRAIL" "$DIR/incidents/$ASKED/window.trail"
"$OOMTRAIL" report --dir "$DIR" --save $ASKED || fail "cannot be saved: status $?"
"$OOMTRAIL" report "$TRAIL" | cmp - "$DIR/incidents/$ASKED/report.txt" || fail "another text"
"$OOMTRAIL" report "$TRAIL" --format json | cmp - "$DIR/incidents/$ASKED/incident.json" ||
	fail "another JSON"
"$OOMTRAIL" report --dir "$DIR" | cmp - "$DIR/incidents/$ASKED/report.txt" ||
	fail "the newest is another one"
equal "modes" "$(stat -c %a "$DIR/incidents/$ASKED"/{report.txt,incident.json} | sort -u)" 600

# --- without privileges -------------------------------------------------------------------------

chmod 711 "$WORK"
mkdir -m 755 "$WORK/open"
cp "$OOMTRAIL" "$WORK/open/oomtrail"
for verb in incidents report; do
	refused 1 'Permission denied' setpriv --reuid=65534 --regid=65534 --clear-groups \
		"$WORK/open/oomtrail" $verb --dir "$DIR"
done
