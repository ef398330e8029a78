#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Registers, stacks and frame information of another machine's own programs are read on that machine as
# on this one: by the unit tests that were built for it.
# kernels: *-arm64
# deadline: 300
. "$(dirname "$0")/../../e2e/lib.sh"

mapfile -t tests < <(find "$REPO/build/tests/unit" -name '*_test' 2>/dev/null | sort)
[[ ${#tests[@]} -gt 0 ]] || skip "make test runs them: this was built on such a machine"
cd "$REPO" # they look for the workloads from there
failed=0
for test in "${tests[@]}"; do
	status=0
	"$test" >"$WORK/out" 2>&1 </dev/null || status=$?
	echo "$(uname -m) ${test#"$REPO/build/tests/unit/"}: status $status, $(tail -n 1 "$WORK/out")"
	[[ $status -ne 0 ]] || continue
	failed=$((failed + 1))
	grep -v '^\[ *\(RUN\|OK\) *\]' "$WORK/out" | head -n 40 | cat -v
done
equal "unit tests that failed of ${#tests[@]}" "$failed" 0
