# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Behind lib.sh, for the scripts about growth by stack: recordings of one command in a cgroup, and
# what the report credits to which functions. Numbers of workloads: tests/workloads/own_frame.h.

# For jq: of one row of .stacks, innermost frame first.
readonly GROWTH='
def functions: [.frames[] | .function // "?"];
def calls($chain): functions | index($chain) != null;
def complete: .ends == null and .quality != "no-stack";
def of($pid): [.stacks // [] | .[] | select(.pid == $pid)];
def sum_bytes: map(.bytes) | add // 0;
'

# Records COMMAND in the cgroup and makes the reports; PID is what it told, or what its name tells.
record_growth() # LABEL CGROUP [OPTION...] -- COMMAND...
{
	local label=$1 dir options=() status=0
	dir=$(cgroup_dir "$2")
	shift 2
	while [[ $1 != -- ]]; do
		options+=("$1")
		shift
	done
	shift
	TRAIL=$WORK/$label.trail
	rm -f "$TRAIL"
	"$OOMTRAIL" record -o "$TRAIL" "${options[@]}" -- \
		sh -c "$ENTER" "$dir" "${ADDRESS_SPACE_KIB:-$HOG_AS_KIB}" "$@" \
		>"$WORK/$label.out" 2>"$WORK/record.err" </dev/null || status=$?
	equal "status of record -- $1" "$status" "${STATUS_WANTED:-0}"
	reports
	PID=$(truth "$label" pid)
}

# Asserts an expression of the JSON report that may use what GROWTH defines.
growth_is() # EXPRESSION [NAME VALUE]...
{
	json_is "$GROWTH $1" "${@:2}"
}

# Bytes that PID grew by stacks on which these functions stand in a row, innermost first.
credited() # FUNCTION...
{
	jq -r --argjson pid "$PID" "$GROWTH"'$ARGS.positional as $chain |
		of($pid) | map(select(calls($chain))) | sum_bytes' \
		"$WORK/report.json" --args "$@"
}

# The process that names stacks: of the recorder's children the one that starts those, and its own.
naming() # RECORDER
{
	local keeper
	keeper=$(pgrep -P "$1" -x oomtrail-keeper) && pgrep -P "$keeper" -x oomtrail-stacks
}

# It turns ten times a second at least.
turns() # NAMING
{
	sed -n 's/^voluntary_ctxt_switches:\t//p' "/proc/$1/status"
}

# Of the report's losses.
lost() # REASON KIND
{
	jq --arg reason "$1" --arg kind "$2" '[.losses.rows[] |
		select((.reason | startswith($reason)) and .kind == $kind).count] | add // 0' \
		"$WORK/report.json"
}

# Bytes that PID grew by all stacks, and by those that were followed to their end.
credited_in_all()
{
	jq -r --argjson pid "$PID" "$GROWTH"'of($pid) | sum_bytes' "$WORK/report.json"
}

credited_complete()
{
	jq -r --argjson pid "$PID" "$GROWTH"'of($pid) | map(select(complete)) | sum_bytes' \
		"$WORK/report.json"
}

# The first is the second, give or take so many bytes.
about() # WHAT BYTES TRUE-BYTES MARGIN-BYTES
{
	local off=$(($2 - $3))
	[[ ${off#-} -le $4 ]] || fail "$1: $2 bytes, truth $3, $((off * 100 / ($3 ? $3 : 1)))% off" \
		"stacks: $(growth_seen)"
}

at_least() # WHAT BYTES OF-BYTES PERCENT
{
	[[ $3 -gt 0 && $(($2 * 100)) -ge $(($3 * $4)) ]] ||
		fail "$1: $2 of $3 bytes, less than $4%" "stacks: $(growth_seen)"
}

# Three times the sampling error that the report gives for stacks on which these functions stand.
said_margin() # FUNCTION...
{
	jq -r --argjson pid "$PID" "$GROWTH"'.growth.rose_bytes as $rose |
		$ARGS.positional as $chain | [of($pid)[] | select(calls($chain)).error_ratio | . * .] |
		add // 0 | sqrt * 3 * $rose | floor' "$WORK/report.json" --args "$@"
}

# What a workload told of a function is what it is credited with: within PERCENT, or 1 MiB. Where
# samples are FEWER because they come faster than they are taken, as near as is said.
credited_as_told() # LABEL FUNCTION PERCENT [FEWER]
{
	local true_bytes margin said=0
	true_bytes=$(truth "$1" "bytes.$2")
	margin=$((true_bytes * $3 / 100))
	[[ $margin -ge 1048576 ]] || margin=1048576
	# shellcheck disable=SC2046 # the names of a chain
	[[ -z ${4-} ]] || said=$(said_margin $(truth "$1" "chain.$2"))
	[[ $margin -ge $said ]] || margin=$said
	# shellcheck disable=SC2046 # the names of a chain
	about "$2" "$(credited $(truth "$1" "chain.$2"))" "$true_bytes" "$margin"
}

# Where a program or a thread begins, of whatever language; where a dynamic loader does, which runs
# before any main().
BEGINNINGS='main|_start|__libc_start_(call_)?main|_dl_start(_user)?|start_thread|__?clone3?|execve'
BEGINNINGS+='|runtime\.(goexit|mstart|rt0_go|systemstack|mcall|morestack).*'
readonly BEGINNINGS

# Bytes that PID grew by stacks on which a program or thread begins. A stripped loader's beginning
# has no name.
credited_to_beginnings()
{
	jq -r --argjson pid "$PID" --arg begin "^($BEGINNINGS)\$" "$GROWTH"'
		def by_loader: .frames[-1].module // "" | test("/ld-linux[^/]*$");
		of($pid) | map(select(complete and
			(by_loader or any(functions[]; test($begin))))) | sum_bytes' \
		"$WORK/report.json"
}

# More than 95% of PID's growth, sampled or by the kernel's counters, whichever is more, is by stacks
# that were followed to where the program or a thread begins. FUNCTION (a regular expression) is on
# stacks that make PERCENT of it.
followed_and_named() # GREW-BYTES FUNCTION PERCENT
{
	local named whole
	whole=$(credited_in_all)
	at_least "complete stacks" "$(credited_complete)" "$whole" 95
	# Nor more than there was.
	growth_is '.growth | .sampled_bytes < 1.15 * .rose_bytes + 3 * .explained_error_bytes'
	[[ $whole -ge $1 ]] || whole=$1
	at_least "stacks from a beginning" "$(credited_to_beginnings)" "$whole" 95
	named=$(jq -r --argjson pid "$PID" --arg name "$2" "$GROWTH"'of($pid) |
		map(select(any(functions[]; test($name)))) | sum_bytes' "$WORK/report.json")
	at_least "stacks with $2" "$named" "$whole" "$3"
}

# A busy machine, and more so an emulated one, cannot take samples as fast as they come: fewer, or
# milliseconds in which to take those of some MiB.
fewer_samples()
{
	[[ ${OOMTRAIL_TEST_SLOWER:-1} -eq 1 ]] || echo --sample 1M
}

rest_ms()
{
	echo $((20 + (${OOMTRAIL_TEST_SLOWER:-1} - 1) * 100))
}

# What the kernel counted: the peak of PID's resident memory, by the report's own series.
peak_of() # PID
{
	jq -r --argjson pid "$1" '[.processes[] | select(.pid == $pid).peak_bytes] | max // 0' \
		"$WORK/report.json"
}

# What is known of one program by its build-id must not help with the next.
copy() # TO: the workload of known shares
{
	objcopy --dump-section ".note.gnu.build-id=$WORK/note" "$WORKLOADS/shares" "$1"
	[[ -s $WORK/note ]] || fail "no build-id"
	head -c -8 "$WORK/note" >"$WORK/other"
	printf '%-8.8s' "${1##*/}" >>"$WORK/other"
	objcopy --update-section ".note.gnu.build-id=$WORK/other" "$WORKLOADS/shares" "$1"
}

# For a person who looks at a failed test.
growth_seen()
{
	jq -r "$GROWTH"'"  lost: \(.losses.rows // [] | map("\(.count) \(.reason)") | join(", "))",
		(.stacks // [] | sort_by(-.bytes)[:12][] |
		"  \(.bytes) \(.pid) \(.ends // .quality): \(functions | if length > 12
			then .[:8] + ["..."] + .[-3:] else . end | join(" < "))")' \
		"$WORK/report.json"
}

# PID: the process of this name that has grown most.
pid_of() # COMM
{
	PID=$(jq -r --arg comm "$1" '[.processes[] | select(.comm == $comm)] |
		max_by(.peak_bytes).pid // 0' "$WORK/report.json")
	[[ $PID -gt 0 ]] || fail "no process $1 in the report"
}
