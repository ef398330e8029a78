# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the parts of tests/bench share: recorders that are ended and cgroups that are removed whatever
# happens, and numbers.

export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"

readonly OOMTRAIL=build/oomtrail STORM=build/workloads/storm
readonly SECONDS_EACH=${SECONDS_EACH:-3}
# Page faults have tracepoints on x86 only.
[[ $(uname -m) == x86_64 ]] && FAULT_TRACEPOINT=page_fault_user || FAULT_TRACEPOINT=
readonly FAULT_TRACEPOINT

work=$(mktemp -d)
recorder=
helpers=()	# further processes of ours
cgroups=()	# and cgroups
stats_before=$(sysctl -n kernel.bpf_stats_enabled)

cleanup()
{
	[[ -n $recorder ]] && kill -TERM "$recorder" 2>/dev/null && wait "$recorder" || true
	local pid group deadline=$((SECONDS + 30))
	for pid in "${helpers[@]}"; do
		kill -TERM "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true
	done
	for group in "${cgroups[@]}"; do
		until rmdir "$group" 2>/dev/null || [[ ! -d $group || $SECONDS -ge $deadline ]]; do
			sleep 0.1
		done
	done
	sysctl -qw kernel.bpf_stats_enabled="$stats_before"
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

start_recorder() # FILE OPTION...
{
	local file=$1 deadline=$((SECONDS + 20))
	shift
	: >"$work/recorder.err"
	# Descriptor 9 holds the empty programs; whoever inherits it would hold them, too.
	"$OOMTRAIL" record -o "$file" "$@" 2>"$work/recorder.err" 9>&- &
	recorder=$!
	until grep -q 'recording to' "$work/recorder.err"; do
		kill -0 "$recorder" 2>/dev/null && ((SECONDS < deadline)) ||
			{ cat "$work/recorder.err" >&2; exit 1; }
		sleep 0.05
	done
}

stop_recorder()
{
	kill -TERM "$recorder"
	wait "$recorder"
	recorder=
}

# Others may record here, too: name, runs and ns of this recorder's programs. Names are cut as the
# kernel cuts them; bpftool gives more of one where BTF has it.
recorder_programs()
{
	bpftool prog show --json | jq -r --argjson ids "$(sed -n 's/^prog_id:[[:space:]]*//p' \
		"/proc/$recorder"/fdinfo/* 2>/dev/null | jq -s .)" '.[] |
		select((.run_cnt // 0) > 0 and (.id as $id | $ids | index($id))) |
		"\(.name[:15]) \(.run_cnt) \(.run_time_ns)"'
}

median() # numbers on stdin
{
	sort -g | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

faults_per_second()
{
	"$STORM" "$SECONDS_EACH" | sed -n 's/^faults_per_second=//p'
}

memcg_root()
{
	awk '$(NF - 2) == "cgroup" && $NF ~ /(^|,)memory(,|$)/ { print $5; found = 1; exit }
		$(NF - 2) == "cgroup2" { v2 = $5 }
		END { if (!found && v2 != "") print v2 }' /proc/self/mountinfo
}

limit_file() # FOLDER
{
	if [[ -e $1/memory.limit_in_bytes ]]; then
		echo "$1/memory.limit_in_bytes"
	else
		echo "$1/memory.max"
	fi
}

usage_file() # FOLDER
{
	if [[ -e $1/memory.usage_in_bytes ]]; then
		echo "$1/memory.usage_in_bytes"
	else
		echo "$1/memory.current"
	fi
}

limit_hits() # FOLDER
{
	cat "$1/memory.failcnt" 2>/dev/null || sed -n 's/^max //p' "$1/memory.events"
}

new_cgroup() # NAME [MIB]: sets GROUP
{
	GROUP=$(memcg_root)/oomtrail-bench-$$.$1
	mkdir "$GROUP"
	cgroups=("$GROUP" "${cgroups[@]}")
	[[ -n ${2-} ]] || return 0
	echo $(($2 << 20)) >"$(limit_file "$GROUP")"
	[[ $(cat "$(limit_file "$GROUP")") -eq $(($2 << 20)) ]] || { echo "no limit on $GROUP" >&2; exit 1; }
}

start_watch() # CGROUP-FOLDER [OPTION...]
{
	local group=$1 deadline=$((SECONDS + 30))
	shift
	rm -rf "$work/flight"
	printf '[watch]\n' >"$work/watch.conf"
	sh -c '[ -z "$0" ] || echo $$ >"$0/cgroup.procs"; exec "$@"' "$group" \
		"$OOMTRAIL" watch --dir "$work/flight" --config "$work/watch.conf" "$@" \
		2>"$work/watch.err" 9>&- &
	recorder=$!
	until grep -q 'watching the host' "$work/watch.err"; do
		kill -0 "$recorder" 2>/dev/null && ((SECONDS < deadline)) ||
			{ cat "$work/watch.err" >&2; exit 1; }
		sleep 0.05
	done
}
