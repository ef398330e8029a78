#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The profile opens in readers that others made, and their totals, and those of the folded stacks,
# are the report's own.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 256
record_growth shares app -- "$WORKLOADS/shares" 200M
total=$(jq '[.stacks[].bytes] | add' "$WORK/report.json")
parse_rows=$(credited allocate parse_rows serve main)

"$OOMTRAIL" report "$TRAIL" --format folded >"$WORK/folded" || fail "folded: status $?"
equal "sum of the folded stacks" "$(awk '{sum += $NF} END {printf "%.0f", sum}' "$WORK/folded")" \
	"$total"
equal "folded stacks of parse_rows" \
	"$(awk '/;main;serve;parse_rows;allocate;/ {sum += $NF} END {printf "%.0f", sum}' \
		"$WORK/folded")" "$parse_rows"
# What flame-graph scripts take: names between semicolons, a blank, a number.
! grep -qvE '^[^;]+(;[^;]+)* [0-9]+$' "$WORK/folded" ||
	fail "not a folded stack: $(grep -vE '^[^;]+(;[^;]+)* [0-9]+$' "$WORK/folded" | head -3)"

flamegraph=/usr/share/perl5/Devel/NYTProf/flamegraph.pl
[[ -e $flamegraph ]] || skip "the rest needs a flame-graph script: libdevel-nytprof-perl is not installed"
perl "$flamegraph" --countname bytes "$WORK/folded" >"$WORK/flames.svg" 2>"$WORK/flames.err" ||
	fail "flame graph: $(cat "$WORK/flames.err")"
in_flames() # NAME: "NAME (106,233,856 bytes, 100%)" in each of its boxes
{
	grep -o ">$1 ([0-9,]* bytes" "$WORK/flames.svg" | tr -dc '0-9\n' | sort -nu | tail -n 1
}
equal "total, as a flame-graph script reads it" "$(in_flames all)" "$total"
equal "parse_rows, as a flame-graph script reads it" "$(in_flames parse_rows)" \
	"$(awk '/;parse_rows;/ {sum += $NF} END {printf "%.0f", sum}' "$WORK/folded")"

"$OOMTRAIL" report "$TRAIL" --format pprof >"$WORK/profile.pb.gz" || fail "pprof: status $?"
gzip -t "$WORK/profile.pb.gz" || fail "not gzip"
"$OOMTRAIL" report "$TRAIL" --pid "$PID" -o "$WORK/one.pb.gz" || fail "pprof: status $?"

command -v go >/dev/null || skip "the rest needs a reader of profiles: golang-go is not installed"
export HOME=$WORK
go tool pprof -sample_index=growth_bytes -unit=B -nodefraction=0 -nodecount=100000 -top -cum \
	"$WORK/profile.pb.gz" >"$WORK/top" 2>"$WORK/go.err" || fail "go: $(cat "$WORK/go.err")"
# "Showing nodes accounting for 208912384B, 100% of 208912384B total"
equal "total, as go tool pprof reads it" \
	"$(sed -n 's/.* of \([0-9]*\)B total$/\1/p' "$WORK/top")" "$total"
equal "parse_rows, as go tool pprof reads it" \
	"$(awk '$NF == "parse_rows" {print $4 + 0}' "$WORK/top")" "$parse_rows"
go tool pprof -sample_index=growth_bytes -traces "$WORK/profile.pb.gz" >"$WORK/traces" 2>&1 ||
	fail "traces: $(cat "$WORK/traces")"
grep -q "pid: *$PID" "$WORK/traces" || grep -q "pid:$PID" "$WORK/traces" ||
	fail "no label with the pid: $(head -n 20 "$WORK/traces")"
go tool pprof -raw "$WORK/profile.pb.gz" >"$WORK/raw" 2>&1 || fail "$(cat "$WORK/raw")"
build_id=$(json_value '[.stacks[].frames[] | select(.module // "" |
	endswith("/shares")).build_id][0]')
equal "what is still there, as go tool pprof reads it" \
	"$(awk '$3 ~ /:$/ {sum += $2} END {printf "%.0f", sum}' "$WORK/raw")" \
	"$(json_value '.growth.resident_bytes // 0')"
grep -q "$build_id" "$WORK/raw" || fail "no mapping with build-id $build_id"

# Growth in a system call, with the kernel's functions where they can be had.
record_growth reader app -- "$WORKLOADS/reader" /dev/zero 64M
"$OOMTRAIL" report "$TRAIL" --format folded >"$WORK/folded" || fail "folded: status $?"
"$OOMTRAIL" report "$TRAIL" --format pprof >"$WORK/profile.pb.gz" || fail "pprof: status $?"
go tool pprof -sample_index=growth_bytes -unit=B -nodefraction=0 -nodecount=100000 -top -cum \
	"$WORK/profile.pb.gz" >"$WORK/top" 2>"$WORK/go.err" || fail "go: $(cat "$WORK/go.err")"
functions=('[read]')
json_value '.probes[] | select(.capability == "growth by stack").why' | grep -q 'no frames of' ||
	functions+=(vfs_read)
for function in "${functions[@]}"; do
	bytes=$(credited "$function")
	at_least "growth by $function" "$bytes" "$(truth reader bytes.read_piece)" 95
	equal "folded stacks of $function" "$(awk -v function_="$function" \
		'index($0, ";" function_ ";") {sum += $NF} END {printf "%.0f", sum}' \
		"$WORK/folded")" "$bytes"
	equal "$function, as go tool pprof reads it" \
		"$(awk -v function_="$function" '$NF == function_ {print $4 + 0}' "$WORK/top")" "$bytes"
done
[[ ${#functions[@]} -eq 1 ]] || {
	go tool pprof -raw "$WORK/profile.pb.gz" >"$WORK/raw" 2>&1 || fail "$(cat "$WORK/raw")"
	sed -n '/^Mappings/,$p' "$WORK/raw" | grep -qF '[kernel]' || fail "no mapping of the kernel"
}
