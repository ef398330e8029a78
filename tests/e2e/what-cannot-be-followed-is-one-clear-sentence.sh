#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A pid, a cgroup or a recording that does not exist.
. "$(dirname "$0")/lib.sh"

need_root
cd "$WORK"
refused 1 '4194303' "$OOMTRAIL" record -p 4194303 -o run.trail
refused 1 'no/such/cgroup' "$OOMTRAIL" record -c /no/such/cgroup -o run.trail
[[ ! -e run.trail ]] || fail "a file was left behind"

refused 1 'missing.trail' "$OOMTRAIL" report missing.trail
refused 1 'missing.trail' "$OOMTRAIL" info missing.trail
echo "this is no recording, and long enough for a header" >text.trail
refused 1 'text.trail' "$OOMTRAIL" report text.trail
refused 1 'text.trail' "$OOMTRAIL" info text.trail
: >empty.trail
refused 1 'empty.trail' "$OOMTRAIL" report empty.trail
refused 1 . "$OOMTRAIL" report "$WORK"
