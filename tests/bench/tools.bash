# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What `make bench` compares with: each tool by three functions of its name. can_TOOL says why not;
# with_TOOL runs the program of the part, PROGRAM, below it or while it looks on, and leaves what it
# kept in $work/kept; told_TOOL prints what that says: the bytes it knows of, how much of them by
# stacks that reach the program's start, and its size on disk.

readonly TOOLS=${TOOLS:-record record_pid record_all bpftrace perf_fp perf_dwarf heaptrack massif}
declare -rA CALLED=(
	[record]="record -- CMD" [record_pid]="record -p PID" [record_all]="record -a, met before"
	[bpftrace]="bpftrace ustack"
	[perf_fp]="perf -g" [perf_dwarf]="perf --call-graph dwarf" [heaptrack]="heaptrack"
	[massif]="massif"
)
# Functions below which a program's own code stands.
readonly START='(_start|main|__libc_start_main|__libc_start_call_main|start_thread)'

mib() # BYTES
{
	awk -v bytes="$1" 'BEGIN { printf "%.1f MiB", bytes / 1048576 }'
}

kept_size()
{
	local bytes
	bytes=$(cat "$work"/kept* | wc -c)
	awk -v bytes="$bytes" 'BEGIN { if (bytes < 1048576) printf "%.0f KiB on disk\n", bytes / 1024
		else printf "%.1f MiB on disk\n", bytes / 1048576 }'
}

# BYTES STARTED-BYTES on stdin
tell_bytes() # OF-WHAT
{
	local bytes started
	read -r bytes started || true
	echo "$(mib "${bytes:-0}") $1, $(awk -v all="${bytes:-0}" -v part="${started:-0}" \
		'BEGIN { printf "%.0f%%", (all > 0 ? part / all * 100 : 0) }') of it by stacks to the start, $(kept_size)"
}

installed() # COMMAND
{
	command -v "$1" >/dev/null || echo "not installed; tools/install-deps --for bench"
}

# --- this recorder ------------------------------------------------------------------------------
can_record() { :; }
can_record_pid() { :; }
can_record_all() { :; }

with_record()
{
	"$PROGRAM" "$OOMTRAIL" record -o "$work/kept" --
}

with_record_pid()
{
	local pid deadline=$((SECONDS + 30))
	"$PROGRAM" tests/bench/attached "$OOMTRAIL" "$work/kept"
	# It ends with the program.
	pid=$(cat "$work/kept.pid")
	while kill -0 "$pid" 2>/dev/null && ((SECONDS < deadline)); do
		sleep 0.05
	done
	kill -TERM "$pid" 2>/dev/null || true
	rm -f "$work/kept.pid" "$work/kept.err"
}

with_record_all()
{
	start_recorder "$work/kept" -a
	# A recorder of the whole host has met its programs: their names are read once.
	"$PROGRAM"
	"$PROGRAM"
	stop_recorder
}

told_record()
{
	if ! "$OOMTRAIL" report "$work/kept" --format folded >"$work/folded" 2>"$work/folded.err"; then
		echo "$(tail -n 1 "$work/folded.err"), $(kept_size)"
		return
	fi
	awk -v comm="$COMM" -v start="(^|;)$START(;| )" 'index($0, comm ";") == 1 {
		all += $NF
		if ($0 ~ start) part += $NF
	} END { printf "%.0f %.0f\n", all, part }' "$work/folded" | tell_bytes grown
}

told_record_pid() { told_record; }
told_record_all() { told_record; }

# --- bpftrace -----------------------------------------------------------------------------------
can_bpftrace() { installed bpftrace; }

with_bpftrace()
{
	local tracer deadline=$((SECONDS + 30))
	# Of x86 the tracepoint exceptions:page_fault_user tells the same; bpftrace 0.17 does not find it.
	# Its 4,096 keys are soon used up on a busy host.
	BPFTRACE_MAP_KEYS_MAX=65536 bpftrace -e 'software:page-faults:1 { @[comm, ustack] = count(); }' \
		-o "$work/kept" >"$work/bpftrace.out" 2>"$work/bpftrace.err" &
	tracer=$!
	helpers+=("$tracer")
	# It says nothing when it is ready (BEGIN needs uprobes): it has an event and a buffer for each CPU.
	until [[ $(readlink "/proc/$tracer"/fd/* 2>/dev/null | grep -c perf_event) -ge $((2 * $(nproc))) ]]; do
		if ! kill -0 "$tracer" 2>/dev/null || ((SECONDS >= deadline)); then
			WHY=$(tail -n 1 "$work/bpftrace.err")
			kill -TERM "$tracer" 2>/dev/null || true
			return 1
		fi
		sleep 0.05
	done
	"$PROGRAM"
	kill -INT "$tracer"
	deadline=$((SECONDS + 60))
	while kill -0 "$tracer" 2>/dev/null && ((SECONDS < deadline)); do
		sleep 0.1
	done
	kill -KILL "$tracer" 2>/dev/null || true
	wait "$tracer" 2>/dev/null || true
}

told_bpftrace()
{
	awk -v comm="@[$COMM, " -v start="^ +$START[+]" -v page="$(getconf PAGESIZE)" '
		index($0, "@[") == 1 { is_ours = index($0, comm) == 1; starts = 0 }
		$0 ~ start { starts = 1 }
		is_ours && /\]: [0-9]+$/ { all += $NF * page; part += starts * $NF * page }
		END { printf "%.0f %.0f\n", all, part }' "$work/kept" | tell_bytes faulted
}

# --- perf ---------------------------------------------------------------------------------------
can_perf_fp() { installed perf; }
can_perf_dwarf() { installed perf; }

with_perf() # OPTION...
{
	# Without -B perf 6.1 aborts here at its end, on build-ids of a newer kernel.
	"$PROGRAM" perf record -B -q -e page-faults "$@" -o "$work/kept" --
}

with_perf_fp() { with_perf -g; }
with_perf_dwarf() { with_perf --call-graph dwarf; }

told_perf_fp()
{
	local page
	page=$(getconf PAGESIZE)
	if timeout 120 perf script --no-inline -i "$work/kept" -F comm,period,ip,sym \
		>"$work/script" 2>"$work/script.err"; then
		awk -v comm="$COMM" -v start="^$START(\$|[@+])" -v page="$page" '
			function ended() { all += period * page; part += starts * period * page }
			/^[^ \t]/ { ended(); period = index($0, comm) == 1 ? $NF : 0; starts = 0 }
			/^[ \t]/ && $2 ~ start { starts = 1 }
			END { ended(); printf "%.0f %.0f\n", all, part }' "$work/script" | tell_bytes faulted
	else
		echo "perf cannot read it: $(grep -v '^$' "$work/script.err" | head -n 1), $(kept_size)"
	fi
}

told_perf_dwarf() { told_perf_fp; }

# --- allocators' profilers ----------------------------------------------------------------------
can_heaptrack() { installed heaptrack; }
can_massif() { installed valgrind; }

# They start the program: their own start is in its time.
with_heaptrack()
{
	BELOW="heaptrack -o $work/kept" "$PROGRAM"
}

with_massif()
{
	BELOW="valgrind -q --tool=massif --massif-out-file=$work/kept" "$PROGRAM"
}

told_heaptrack()
{
	echo "$(heaptrack_print "$work"/kept* 2>/dev/null | sed -n 's/^peak heap memory consumption: \(.*\)/\1iB/p' |
		tail -n 1) of heap at most, $(kept_size)"
}

told_massif()
{
	echo "$(mib "$(sed -n 's/^mem_heap_B=//p' "$work"/kept | sort -n | tail -n 1)") of heap at most, $(kept_size)"
}
