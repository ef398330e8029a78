# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What every e2e script starts with: cgroups with a limit that is read back, recordings that are
# waited for, assertions that say what they saw. Each script is one promise, and its name is the
# promise. Exit status 77: skipped, the last line is the reason.
#
# Everything made here is taken away on every way out: processes first, then cgroups, then files.

set -euo pipefail
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
OOMTRAIL=${OOMTRAIL:-$REPO/build/oomtrail}
WORKLOADS=$REPO/build/workloads
TAG=oomtrail-e2e-$$
WORK=$(mktemp -d "${TMPDIR:-/tmp}/$TAG.XXXXXX")
readonly REPO OOMTRAIL WORKLOADS TAG WORK

STARTED_PIDS=() # processes of ours that may still run
CGROUPS=()	# folders we made, parents first
MOUNTS=()

# How many times longer than usual anything may take here: an emulated machine is slow.
SLOWER=${OOMTRAIL_TEST_SLOWER:-1}

# --- ends ---------------------------------------------------------------------------------------

skip() # REASON
{
	echo "$*"
	exit 77
}

fail() # WHAT...
{
	echo "failed: $*"
	if [[ -s $WORK/record.err ]]; then
		echo "--- the recorder's stderr"
		cat -v "$WORK/record.err"
	fi
	if [[ -s $WORK/watch.err ]]; then
		echo "--- the flight recorder's log"
		tail -n 40 "$WORK/watch.err" | cat -v
	fi
	if [[ -s $WORK/report.txt ]]; then
		echo "--- the report"
		head -n 60 "$WORK/report.txt" | cat -v
	fi
	exit 1
}

cgroup_empty() # FOLDER: kills what is in it, true when nothing is
{
	local pid busy=0
	while read -r pid; do
		busy=1
		kill -KILL "$pid" 2>/dev/null || true
	done < <(cat "$1/cgroup.procs" 2>/dev/null)
	[[ $busy -eq 0 ]]
}

cleanup()
{
	local status=$? pid i end
	trap '' EXIT INT TERM HUP
	set +e
	for pid in "${STARTED_PIDS[@]}"; do
		kill -TERM "$pid" 2>/dev/null && kill -CONT "$pid" 2>/dev/null
	done
	for pid in "${STARTED_PIDS[@]}"; do
		end=$((SECONDS + 5))
		while kill -0 "$pid" 2>/dev/null && ! zombie "$pid"; do
			[[ $SECONDS -lt $end ]] || kill -KILL "$pid" 2>/dev/null
			pause
		done
	done
	for ((i = ${#CGROUPS[@]} - 1; i >= 0; i--)); do
		end=$((SECONDS + 10))
		until cgroup_empty "${CGROUPS[i]}" && rmdir "${CGROUPS[i]}" 2>/dev/null ||
			[[ ! -d ${CGROUPS[i]} ]]; do
			[[ $SECONDS -lt $end ]] || break
			pause
		done
		[[ ! -d ${CGROUPS[i]} ]] || echo "left behind: ${CGROUPS[i]}"
	done
	for ((i = ${#MOUNTS[@]} - 1; i >= 0; i--)); do
		umount "${MOUNTS[i]}"
	done
	rm -rf "$WORK"
	exit "$status"
}
trap cleanup EXIT
# A second signal must not end the clean-up half way (timeout sends two).
trap 'trap "" INT TERM HUP; exit 130' INT
trap 'trap "" INT TERM HUP; exit 143' TERM HUP

# --- waiting ------------------------------------------------------------------------------------

exec {NOTHING}<> <(:)
pause() # between two looks at a condition
{
	read -rt 0.02 -u "$NOTHING" || true
}

zombie() # PID
{
	local stat=
	# Polled: no fork. The name in it may hold newlines.
	{ IFS= read -rd '' stat <"/proc/$1/stat"; } 2>/dev/null || true
	[[ ${stat##*) } == Z* ]]
}

wait_for() # CONDITION [SECONDS]: polls a shell condition, fails at the deadline
{
	local end=$((SECONDS + SLOWER * ${2:-20}))
	until eval "$1"; do
		[[ $SECONDS -lt $end ]] || fail "waited ${2:-20} s for: $1"
		pause
	done
}

gone() # PID: neither running nor a zombie of someone else's
{
	[[ ! -e /proc/$1 ]] || zombie "$1"
}

# --- cgroups ------------------------------------------------------------------------------------

need_root()
{
	[[ $EUID -eq 0 ]] || skip "needs root"
	[[ -x $OOMTRAIL && -x $WORKLOADS/grow ]] || fail "not built: make products"
}

find_memory_controller()
{
	local fields mount
	[[ -z ${MEMCG_VERSION-} ]] || return 0
	while read -r -a fields; do
		mount=${fields[4]}
		case " ${fields[*]} " in
		*' - cgroup '*[\ ,]memory[\ ,]*)
			MEMCG_VERSION=1 MEMCG_ROOT=$mount
			return ;;
		*' - cgroup2 '*)
			if grep -qw memory "$mount/cgroup.controllers"; then
				MEMCG_VERSION=2 MEMCG_ROOT=$mount
			fi ;;
		esac
	done </proc/self/mountinfo
	[[ -n ${MEMCG_VERSION-} ]] || skip "no memory controller is mounted"
}

cgroup_path() # NAME: as the program shows it
{
	echo "/$TAG.$1"
}

cgroup_dir() # NAME
{
	echo "$MEMCG_ROOT/$TAG.$1"
}

# Tells memory controller files apart by version: limit usage failures swap
cgroup_file() # NAME WHAT
{
	case $MEMCG_VERSION.$2 in
	1.limit) echo "$(cgroup_dir "$1")/memory.limit_in_bytes" ;;
	2.limit) echo "$(cgroup_dir "$1")/memory.max" ;;
	1.usage) echo "$(cgroup_dir "$1")/memory.usage_in_bytes" ;;
	2.usage) echo "$(cgroup_dir "$1")/memory.current" ;;
	esac
}

# A cgroup below the memory controller's root; NAME may be PARENT/CHILD. Without a limit of its
# own it must lie below one that has one. Does not return unless the limit reads back.
cgroup_new() # NAME [LIMIT in MiB]
{
	local dir bytes got
	need_root
	find_memory_controller
	dir=$(cgroup_dir "$1")
	if [[ $MEMCG_VERSION == 2 ]]; then
		echo +memory >"${dir%/*}/cgroup.subtree_control" || fail "cannot enable +memory"
	fi
	mkdir "$dir" || fail "cannot make $dir"
	CGROUPS+=("$dir")
	if [[ $MEMCG_VERSION == 1 && $(cat "$dir/memory.use_hierarchy" 2>/dev/null || echo 1) == 0 ]]; then
		echo 1 >"$dir/memory.use_hierarchy"
	fi
	if [[ -n ${2-} ]]; then
		bytes=$(($2 << 20))
		echo "$bytes" >"$(cgroup_file "$1" limit)"
		got=$(cat "$(cgroup_file "$1" limit)")
		[[ $got == "$bytes" ]] || fail "$dir: limit reads back as $got, not $bytes"
		if [[ -e $dir/memory.swap.max ]]; then
			echo 0 >"$dir/memory.swap.max"
		elif [[ -e $dir/memory.memsw.limit_in_bytes ]]; then
			echo "$bytes" >"$dir/memory.memsw.limit_in_bytes"
		fi
	fi
}

# v1 only: whoever finds no memory there waits.
may_not_kill() # NAME
{
	local control
	[[ $MEMCG_VERSION == 1 ]] || skip "cgroup v2 has no oom_kill_disable"
	control=$(cgroup_dir "$1")/memory.oom_control
	echo 1 >"$control"
	grep -q '^oom_kill_disable 1$' "$control" || skip "oom_kill_disable cannot be set"
}

tasks_wait() # NAME
{
	grep -q '^under_oom 1$' "$(cgroup_dir "$1")/memory.oom_control"
}

# Every process started by these functions has an address space of its own limit, so that a test
# gone wrong cannot eat the machine.
readonly HOG_AS_KIB=$((512 << 10))
readonly ENTER='[ -z "$0" ] || echo $$ >"$0/cgroup.procs" || exit 126
ulimit -v "$1" && shift && exec "$@"'

# The command runs in the cgroup ("" for none) and is waited for.
cgroup_run() # NAME COMMAND...
{
	local dir=
	[[ -z $1 ]] || dir=$(cgroup_dir "$1")
	shift
	sh -c "$ENTER" "$dir" "$HOG_AS_KIB" "$@"
}

# The same in the background: STARTED is the command's own pid. stdout to $WORK/LABEL.out.
cgroup_start() # LABEL NAME COMMAND...
{
	local label=$1 dir=
	[[ -z $2 ]] || dir=$(cgroup_dir "$2")
	shift 2
	env --default-signal=INT,QUIT sh -c "$ENTER" "$dir" "$HOG_AS_KIB" "$@" \
		>"$WORK/$label.out" 2>"$WORK/$label.err" </dev/null &
	STARTED=$!
	STARTED_PIDS+=("$STARTED")
}

# Waits for a child of ours; STATUS is its exit status (137: killed by SIGKILL).
join() # PID [SECONDS]
{
	local i
	wait_for "gone $1" "${2:-60}"
	STATUS=0
	wait "$1" || STATUS=$?
	for i in "${!STARTED_PIDS[@]}"; do
		[[ ${STARTED_PIDS[i]} != "$1" ]] || unset "STARTED_PIDS[i]"
	done
	STARTED_PIDS=("${STARTED_PIDS[@]}")
}

truth() # LABEL KEY: the last value that a workload told
{
	sed -n "s/^$2=//p" "$WORK/$1.out" | tail -n 1
}

# --- oomtrail -----------------------------------------------------------------------------------

# Starts a recording of $WORK/run.trail and returns once everything is attached.
record_start() # ARGUMENT...
{
	need_root
	TRAIL=$WORK/run.trail
	: >"$WORK/record.err"
	env --default-signal=INT,QUIT "${OOMTRAIL_RECORD:-$OOMTRAIL}" record -o "$TRAIL" "$@" \
		>"$WORK/record.out" 2>"$WORK/record.err" </dev/null &
	RECORDER=$!
	STARTED_PIDS+=("$RECORDER")
	wait_for 'grep -q "^oomtrail: recording to " "$WORK/record.err" || gone "$RECORDER"'
	grep -q "^oomtrail: recording to " "$WORK/record.err" || fail "record ended before it began"
}

# Ends it as a user would, and makes both reports.
record_stop()
{
	kill -INT "$RECORDER"
	join "$RECORDER"
	[[ $STATUS -eq 0 ]] || fail "record ended with status $STATUS"
	reports
}

# $WORK/report.txt and replay.json as they are; report.json without the incidents of cgroups that
# are not ours: the host may have others meanwhile.
reports()
{
	"$OOMTRAIL" report "$TRAIL" --format json >"$WORK/replay.json" || fail "report: status $?"
	"$OOMTRAIL" report "$TRAIL" >"$WORK/report.txt" || fail "report: status $?"
	jq --arg tag "$TAG" '.incidents |= map(select(.victim.cgroup | contains($tag)))' \
		"$WORK/replay.json" >"$WORK/report.json" || fail "the JSON report does not parse"
}

# --- the flight recorder ------------------------------------------------------------------------

# Starts `watch` on $FLIGHT (a folder of this test) and returns once everything is attached. Its
# log is $WORK/watch.err.
FLIGHT=$WORK/flight
WATCHER=
watch_start() # ARGUMENT...
{
	need_root
	: >"$WORK/watch.err"
	printf '[watch]\n' >"$WORK/empty.conf"
	env --default-signal=INT,QUIT "${OOMTRAIL_WATCH:-$OOMTRAIL}" watch --dir "$FLIGHT" \
		--config "$WORK/empty.conf" "$@" >"$WORK/watch.out" 2>"$WORK/watch.err" </dev/null &
	WATCHER=$!
	STARTED_PIDS+=("$WATCHER")
	wait_for 'grep -q "^oomtrail: watching the host" "$WORK/watch.err" || gone "$WATCHER"'
	! gone "$WATCHER" || watch_failed "watch ended before it began"
}

# The recorder itself, from its first moment on.
watch_start_in() # CGROUP ARGUMENT...
{
	OOMTRAIL_WATCH=$WORK/in-cgroup
	cat >"$OOMTRAIL_WATCH" <<-END
		#!/bin/sh
		echo \$\$ >"$(cgroup_dir "$1")/cgroup.procs" && exec "$OOMTRAIL" "\$@"
	END
	chmod +x "$OOMTRAIL_WATCH"
	watch_start "${@:2}"
	grep -q "$TAG.$1" "/proc/$WATCHER/cgroup" || fail "the recorder is elsewhere"
}

watch_failed() # WHAT...
{
	[[ ! -d $FLIGHT ]] || ls -lR "$FLIGHT" | head -n 60
	fail "$@"
}

watch_stop()
{
	kill -TERM "$WATCHER"
	join "$WATCHER"
	[[ $STATUS -eq 0 ]] || watch_failed "watch ended with status $STATUS"
}

# How often the log has a line like this.
logged() # REGEXP
{
	grep -cE -- "$1" "$WORK/watch.err" || true
}

# The ids of incidents in cgroups of this test, oldest first. The host may have others meanwhile.
our_incidents()
{
	local json
	for json in "$FLIGHT"/incidents/*/incident.json; do
		[[ -e $json ]] || continue
		! jq -e --arg tag "$TAG" '.victim.cgroup // "" | contains($tag)' "$json" \
			>/dev/null 2>&1 || basename "$(dirname "$json")"
	done
}

# Waits until this many incidents of ours have been written, and sets ID to the last one.
wait_for_incidents() # COUNT [SECONDS]
{
	local end=$((SECONDS + SLOWER * ${2:-20})) ids
	until ids=$(our_incidents) && [[ $(wc -w <<<"$ids") -ge $1 ]]; do
		[[ $SECONDS -lt $end ]] || watch_failed "waited ${2:-20} s for $1 incidents: $ids"
		pause
	done
	ID=${ids##*$'\n'}
}

# The incident ID's own report.txt and incident.json, once they are final, into $WORK/report.*.
wait_for_reports() # ID [SECONDS]
{
	local end=$((SECONDS + SLOWER * ${2:-60}))
	until [[ -e $FLIGHT/incidents/$1/report.txt ]]; do
		[[ $SECONDS -lt $end ]] || watch_failed "no report.txt of $1 after ${2:-60} s"
		pause
	done
	cp "$FLIGHT/incidents/$1/report.txt" "$FLIGHT/incidents/$1/incident.json" "$WORK/"
	cp "$WORK/incident.json" "$WORK/report.json"
}

# Kills a process of CGROUP (its limit is LIMIT MiB) by its own growth.
oom_kill() # LABEL CGROUP TOTAL-MiB
{
	cgroup_start "$1" "$2" "$WORKLOADS/grow" --total "$3M" --rate 200M
	join "$STARTED"
	equal "status of the victim $1" "$STATUS" 137
}

# Names of variables for jq come in pairs: json_is 'EXPRESSION' pid 12 cgroup /a: $pid, $cgroup.
# Numbers and [arrays] arrive as such. Asserts that the expression is true of the session report.
json_is() # EXPRESSION [NAME VALUE]...
{
	local expression=$1 arguments=()
	shift
	while [[ $# -gt 0 ]]; do
		if [[ $2 =~ ^(-?(0|[1-9][0-9]*)|\[.*\])$ ]]; then
			arguments+=(--argjson "$1" "$2")
		else
			arguments+=(--arg "$1" "$2")
		fi
		shift 2
	done
	jq -e "${arguments[@]}" "$expression" "$WORK/report.json" >/dev/null ||
		fail "not true of the JSON report: $expression (${arguments[*]-})" \
		     "incidents: $(jq -c '[.incidents[]? | {id, domain: .domain.cgroup} +
			(to_entries | map(select(.key == ("victim", "trigger", "culprit")) |
			 .value |= {pid, comm, cgroup}) | from_entries)]' "$WORK/report.json")"
}

json_value() # EXPRESSION
{
	jq -r "$1" "$WORK/report.json"
}

text_has() # EXTENDED-REGEXP
{
	# A paragraph goes on where its text began.
	sed -z 's/\n \{9,\}/ /g' "$WORK/report.txt" >"$WORK/paragraphs"
	grep -qaE -- "$1" "$WORK/paragraphs" || fail "the text report has no line like: $1"
}

equal() # WHAT A B
{
	[[ $2 == "$3" ]] || fail "$1: $2, expected $3"
}

# How often the kernel has killed in this cgroup, by its own count: without descendants on v1.
kernel_kills() # NAME
{
	case $MEMCG_VERSION in
	1) sed -n 's/^oom_kill //p' "$(cgroup_dir "$1")/memory.oom_control" ;;
	2) sed -n 's/^oom_kill //p' "$(cgroup_dir "$1")/memory.events" ;;
	esac
}

# The kernel's own word: "Killed process PID (COMM) total-vm:..., anon-rss:...kB, ..."
kernel_kill_line() # PID
{
	dmesg 2>/dev/null | grep -a "Killed process $1 " | tail -n 1 || true
}

# The OOM context of the first incident was reached by the way that was planned.
way_is_the_planned_one()
{
	local planned
	planned=$(json_value '.probes[] | select(.capability == "OOM context").way')
	case $planned in
	'oom_control on '*) planned="the trigger's kernel stack" ;;
	'level by its '*) planned="the one level whose count of OOM events rose" ;;
	esac
	json_is '.incidents[0].context.way == $way' way "$planned"
}

# One clear sentence: one line from oomtrail; a wrong command line adds where the help is.
one_sentence() # FILE
{
	[[ $(grep -vc "^Try 'oomtrail " "$1") -eq 1 ]] || fail "not one sentence: $(cat -v "$1")"
	grep -q '^oomtrail: ' "$1" || fail "does not begin with oomtrail: $(cat -v "$1")"
}

# refused STATUS REGEXP COMMAND...: ends with that status and one sentence that matches.
refused()
{
	local wanted=$1 regexp=$2 status=0
	shift 2
	timeout -k 5 $((SLOWER * 20)) "$@" >"$WORK/stdout" 2>"$WORK/refused" </dev/null || status=$?
	equal "status of $*" "$status" "$wanted"
	one_sentence "$WORK/refused"
	grep -qE -- "$regexp" "$WORK/refused" || fail "says nothing of $regexp: $(cat "$WORK/refused")"
}

# The recording's reports, made by the live run into $WORK/live.*, and by replay.
live_equals_replay()
{
	cmp "$WORK/live.txt" "$WORK/report.txt" || fail "text: $(diff "$WORK/live.txt" "$WORK/report.txt" | head)"
	cmp "$WORK/live.json" "$WORK/replay.json" || fail "JSON: live and replayed differ"
	"$OOMTRAIL" info "$TRAIL" --verify >"$WORK/info.txt" || fail "info --verify: status $?"
}

session_members() # SESSION: pids, zombies left out
{
	local stat fields
	for stat in /proc/[0-9]*/stat; do
		read -r stat 2>/dev/null <"$stat" || continue
		read -r -a fields <<<"${stat##*) }"
		[[ ${fields[3]} != "$1" || ${fields[0]} == Z ]] || echo "${stat%% *}"
	done
}
