# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# How much slower programs become: a page-fault storm, python3 building lists, sqlite3 building a table
# in memory, g++'s compiler, redis being filled; below `record -- CMD`, beside `record -p` and `record -a`, and
# with other tools that tell who allocates (tools.bash). ROUNDS=n rounds; each runs every program with
# nothing and then with every tool, and ratios are to nothing in the same round: time, and CPU time of
# the program, which other users of the machine disturb less. Then what each tool has told of the last
# round. PROGRAMS= and TOOLS= narrow it down.

# shellcheck source=tests/bench/tools.bash
. tests/bench/tools.bash

readonly ROUNDS=${ROUNDS:-3} PROGRAMS=${PROGRAMS:-storm python sqlite compiler redis}
declare -rA COMMS=([storm]=storm [python]=python3 [sqlite]=sqlite3 [compiler]=cc1plus [redis]=redis-server)
declare -rA DOES=(
	[storm]="page-fault storm, time of a fault" [python]="python3 building lists"
	[sqlite]="sqlite3 building a table in memory" [compiler]="g++'s cc1plus compiling"
	[redis]="redis being filled, until it answers"
)
BELOW=	# a tool that takes the program's place, and starts it

# Prefixes that start a program and get out of its way are $@; its time begins behind them.
timed() # PREFIX... COMMAND...; TIMED: how many words the prefix has
{
	local prefix=("${@:1:TIMED}") command=("${@:TIMED+1}")
	# shellcheck disable=SC2086
	"${prefix[@]}" build/bench/timed "$work/time" $BELOW "${command[@]}" >"$work/out" 2>"$work/err" </dev/null 9>&-
}

do_storm()
{
	local faults ns
	TIMED=$# timed "$@" "$STORM" 1 || return 1
	faults=$(sed -n 's/^faults=//p' "$work/out") ns=$(sed -n 's/^ns=//p' "$work/out")
	# Of a fault: a storm lasts as long as it is told to.
	awk -v faults="$faults" -v ns="$ns" '{ print ns / faults, $2 / faults }' "$work/time" >"$work/time.new"
	mv "$work/time.new" "$work/time"
}

do_python()
{
	TIMED=$# timed "$@" /usr/bin/python3 -c 'kept = []
for i in range(600000):
    kept.append([i, str(i), None])'
}

do_sqlite()
{
	TIMED=$# timed "$@" sqlite3 :memory: 'create table t(a integer primary key, b text);
		with recursive n(i) as (select 1 union all select i + 1 from n where i < 500000)
		insert into t select i, hex(randomblob(50)) from n;'
}

do_compiler()
{
	if [[ ! -e $work/large.ii ]]; then
		printf '#include <map>\n#include <string>\n#include <vector>\n' >"$work/large.cc"
		for ((i = 0; i < 4; i++)); do
			cat <<-END
				struct s$i { int a; std::string b; };
				int f$i(int n)
				{
					std::map<int, std::vector<s$i>> m;
					for (int i = 0; i < n; i++)
						m[i].push_back(s$i{i, std::to_string(i)});
					return m.size();
				}
			END
		done >>"$work/large.cc"
		g++ -E "$work/large.cc" -o "$work/large.ii"
	fi
	TIMED=$# timed "$@" "$(g++ -print-prog-name=cc1plus)" -quiet "$work/large.ii" -o /dev/null
}

redis()
{
	redis-cli -s "$work/redis.sock" "$@"
}

# From the request to the answer, and the server's CPU time meanwhile.
do_redis()
{
	local server pid before begin end deadline=$((SECONDS + 60))
	# shellcheck disable=SC2086
	"$@" $BELOW redis-server --port 0 --unixsocket "$work/redis.sock" --dir "$work" --save '' \
		--appendonly no >"$work/out" 2>"$work/err" </dev/null 9>&- &
	server=$!
	helpers+=("$server")
	until [[ $(redis ping 2>/dev/null) == PONG ]]; do
		kill -0 "$server" 2>/dev/null && ((SECONDS < deadline)) || return 1
		sleep 0.05
	done
	pid=$(redis info server | tr -d '\r' | sed -n 's/^process_id://p')
	before=$(cut -d' ' -f1 "/proc/$pid/schedstat")
	begin=$(date +%s%N)
	redis eval "for i = 1, 250000 do redis.call('set', 'key:' .. i, string.rep('x', 100) .. i) end" 0 >/dev/null
	end=$(date +%s%N)
	echo "$((end - begin)) $(($(cut -d' ' -f1 "/proc/$pid/schedstat") - before))" >"$work/time"
	redis shutdown nosave 2>/dev/null || true
	wait "$server" || true
}

# Adds "wall cpu" to the file of program and tool, or says there why not.
measure() # PROGRAM TOOL
{
	local file=$work/times.$1.$2
	[[ ! -e $file.why ]] || return 0
	rm -rf "$work"/kept* "$work/time"
	WHY=
	PROGRAM=do_$1
	"with_$2" || true
	if [[ -s $work/time ]]; then
		tail -n 1 "$work/time" >>"$file"
	else
		echo "${WHY:-it did not run: $(tail -n 1 "$work/err" 2>/dev/null)}" >"$file.why"
	fi
}

with_nothing()
{
	"$PROGRAM"
}

ratios() # FILE FIELD: to the same line of nothing's
{
	paste -d' ' "$1" "$work/times.$program.nothing" |
		awk -v a="$2" '{ printf "%.3f\n", $a / $(a + 2) }' | sort -g
}

tell_program()
{
	local tool file
	echo "  ${DOES[$program]} ($(cut -d' ' -f1 "$work/times.$program.nothing" | median |
		awk '{ if ($1 > 1e6) printf "%.2f s", $1 / 1e9; else printf "%.2f us", $1 / 1e3 }') with nothing)"
	for tool in $TOOLS; do
		file=$work/times.$program.$tool
		if [[ -e $file.why ]]; then
			printf '    %-25s %s\n' "${CALLED[$tool]}" "$(cat "$file.why")"
			continue
		fi
		printf '    %-25s %6.2f (%.2f to %.2f)  %6.2f  %s\n' "${CALLED[$tool]}" "$(ratios "$file" 1 | median)" \
			"$(ratios "$file" 1 | head -n 1)" "$(ratios "$file" 1 | tail -n 1)" \
			"$(ratios "$file" 2 | median)" "$(cat "$file.told")"
	done
}

run_9()
{
	local program tool round why
	echo
	echo "slowdown, $ROUNDS interleaved rounds: time against nothing, median (least to most); CPU time; what was told"
	for program in $PROGRAMS; do
		COMM=${COMMS[$program]}
		command -v "$COMM" >/dev/null || [[ $program == storm || $program == compiler ]] ||
			{ echo "  ${DOES[$program]}: $COMM is not installed"; continue; }
		for tool in $TOOLS; do
			why=$("can_$tool")
			[[ -z $why ]] || echo "$why" >"$work/times.$program.$tool.why"
		done
		for ((round = 0; round <= ROUNDS; round++)); do
			for tool in nothing $TOOLS; do
				# The first one is to warm up.
				[[ $round -gt 0 || $tool == nothing ]] || continue
				measure "$program" "$tool"
				[[ $round -gt 0 ]] || rm -f "$work/times.$program.$tool"
				[[ $round -ne $ROUNDS || $tool == nothing || -e $work/times.$program.$tool.why ]] ||
					"told_$tool" >"$work/times.$program.$tool.told" ||
					echo "what it told cannot be read" >>"$work/times.$program.$tool.told"
			done
		done
		tell_program
	done
}
