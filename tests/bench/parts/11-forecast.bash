# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# How good "at this rate full in ..." is: courses of real memory up to the kill, each looked at as its
# recording stood on the way, and what was said then beside what came. Steered by LIMIT (MiB), COURSES, and KEEP, a folder for their recordings.

readonly LIMIT=${LIMIT:-128}
readonly COURSES=${COURSES:-steady in_steps faster_and_faster slower_and_slower sawtooth_that_leaks \
	python3_dictionary sqlite3_in_memory}

# Commands that grow in one way each until they are killed, in about 20 to 40 s; python3 and sqlite3
# are programs as they are installed.
course_steady() { build/workloads/grow --total 200M --rate 5M; }
course_in_steps() { build/workloads/grow --total 192M --rate 5M --step 16M; }
course_faster_and_faster()
{
	/usr/bin/python3 -c '
import time
kept = []
while True:
    kept.append(bytearray((1 << 16) + len(kept) * 1024))
    time.sleep(0.05)'
}
course_slower_and_slower()
{
	/usr/bin/python3 -c '
import time
kept = []
while True:
    kept.append(bytearray(1 << 20))
    time.sleep(0.05 + len(kept) * 0.004)'
}
# Three quarters of each turn are given back.
course_sawtooth_that_leaks()
{
	/usr/bin/python3 -c '
import time
kept = []
while True:
    turn = [bytearray(1 << 20) for _ in range(12)]
    time.sleep(0.4)
    kept += turn[:3]
    del turn
    time.sleep(0.4)'
}
course_python3_dictionary()
{
	/usr/bin/python3 -c '
import time
kept = {}
while True:
    for _ in range(2000):
        kept[len(kept)] = str(len(kept))
    time.sleep(0.025)'
}
course_sqlite3_in_memory()
{
	seq 1 100000 | while read -r _; do
		echo 'insert into t select hex(randomblob(100)) from n;'
		sleep 0.02
	done | sqlite3 -cmd 'create table n(x); insert into n select value from generate_series(1, 500);
		create table t(x);' :memory:
}

# "in 12.1 s (10.0 to 14.0)" and what came, a row for each of four moments.
score() # NAME BEGAN-MS
{
	local kill_ms pid at_ms percent said
	pid=$("$OOMTRAIL" report "$work/course.trail" --format json |
		jq --arg cgroup "${GROUP##*/}" '[.incidents[] |
			select(.domain.cgroup | endswith($cgroup))][0].victim.pid // 0')
	kill_ms=$("$OOMTRAIL" report "$work/course.trail" --format json |
		jq --argjson pid "$pid" '[.kills[] | select(.target.pid == $pid)][0].t_ms | floor')
	[[ $kill_ms != null ]] || { echo "  $1: not killed"; return; }
	for percent in 30 50 70 90; do
		at_ms=$(($2 + (kill_ms - $2) * percent / 100))
		said=$("$OOMTRAIL" report "$work/course.trail@..${at_ms}ms" --format json \
			--threshold normal=4M --threshold normal-share=0% |
			jq -r --argjson pid "$pid" '.outlooks[] | select(.pid == $pid) |
				.forecast | select(.in_ms) |
				[.in_ms, .earliest_ms // 0, .latest_ms // 1e12] | @tsv')
		awk -v name="$1" -v percent="$percent" -v came="$((kill_ms - at_ms))" -v said="$said" 'BEGIN {
			if (split(said, s, "\t") < 3) {
				printf "  %-24s %3d%%  nothing said, came in %5.1f s\n", name, percent, came / 1000
				exit
			}
			printf "  %-24s %3d%%  said %5.1f s (%.1f to %s), came in %5.1f s: %+4.0f%%, %s\n",
				name, percent, s[1] / 1000, s[2] / 1000,
				(s[3] < 1e11) ? sprintf("%.1f", s[3] / 1000) : "never", came / 1000,
				100 * (s[1] - came) / came,
				(came >= s[2] && came <= s[3]) ? "within" : "outside" }'
	done
}

run_11()
{
	local name began
	echo
	echo "forecasts of $LIMIT MiB being full, scored by replay: said at 30 to 90% of the way to the kill"
	for name in $COURSES; do
		new_cgroup "$name" "$LIMIT"
		start_recorder "$work/course.trail" -a
		began=$(date +%s%3N)
		(
			echo "$BASHPID" >"$GROUP/cgroup.procs"
			ulimit -v $((1 << 20))
			"course_$name"
		) >/dev/null 2>&1 || true
		stop_recorder
		began=$((began - $("$OOMTRAIL" report "$work/course.trail" --format json |
			jq '.span.from | sub("Z$"; "") | (. + "Z") | fromdateiso8601 * 1000')))
		score "${name//_/ }" "$((began > 0 ? began : 0))"
		[[ -z ${KEEP-} ]] || cp "$work/course.trail" "$KEEP/$name.trail"
		rmdir "$GROUP" && cgroups=("${cgroups[@]:1}")
	done
}
