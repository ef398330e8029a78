#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Status 2 and a sentence for a wrong command line; nothing is started and no file is made.
# not in a vm: what is tested lies in user space and in files, the same on every kernel
. "$(dirname "$0")/lib.sh"

cd "$WORK"
for verb in '' nonsense; do
	status=0
	"$OOMTRAIL" ${verb:+"$verb"} >"$WORK/out" 2>"$WORK/err" || status=$?
	equal "status of '$verb'" "$status" 2
	[[ ! -s $WORK/out ]] || fail "'$verb' prints to stdout"
	grep -q '^Usage: oomtrail ' "$WORK/err" || fail "'$verb' does not tell the usage"
done
grep -q "^oomtrail: .*nonsense" "$WORK/err" || fail "the wrong verb is not named"
refused 2 '--nonsense' "$OOMTRAIL" record --nonsense
refused 2 . "$OOMTRAIL" record -p
refused 2 . "$OOMTRAIL" record -p twelve
refused 2 . "$OOMTRAIL" record -a -p 1
refused 2 . "$OOMTRAIL" record -a --duration soon
refused 2 . "$OOMTRAIL" record -a --report html=x
refused 2 . "$OOMTRAIL" report --format yaml x.trail
refused 2 ending "$OOMTRAIL" report x.trail -o x.html
refused 2 . "$OOMTRAIL" report a.trail b.trail
refused 2 pprof "$OOMTRAIL" report x.trail --pid 1
refused 2 pprof "$OOMTRAIL" report x.trail --cgroup /a --format json
refused 2 'process id' "$OOMTRAIL" report x.trail --format folded --pid 0
refused 2 path "$OOMTRAIL" report x.trail --format folded --cgroup a
refused 2 ID "$OOMTRAIL" report --save
refused 2 folder "$OOMTRAIL" report --save x --format json
refused 2 . "$OOMTRAIL" incidents surplus
refused 2 --kills "$OOMTRAIL" incidents --json --kills
refused 2 . "$OOMTRAIL" info
refused 2 . "$OOMTRAIL" info a.trail b.trail
refused 2 . "$OOMTRAIL" doctor surplus
refused 2 . "$OOMTRAIL" doctor --jsn
[[ -z $(find . -name '*.trail') ]] || fail "a recording was made"

for verb in record report incidents info doctor demo; do
	for option in --help -h; do
		"$OOMTRAIL" "$verb" $option >"$WORK/help" || fail "$verb $option: status $?"
	done
	grep -q "oomtrail $verb" "$WORK/help" || fail "$verb --help does not tell its usage"
done
