#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a child has from its parent is not its growth, nor is a page that is copied for it when it
# writes: its resident memory is what it was. What it takes itself is.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 192
record_growth forked app -- "$WORKLOADS/forked" 64M
credited_as_told forked parent_grows 5
at_least "the parent's complete stacks" "$(credited_complete)" \
	"$(truth forked bytes.parent_grows)" 95
equal "the parent's bytes by the child's functions" "$(credited child_grows)" 0

PID=$(truth forked child_pid)
credited_as_told forked child_grows 5
about "copied pages" "$(credited child_writes)" 0 $((1 << 20))
equal "the child's bytes by its parent's function" "$(credited parent_grows)" 0
about "all that the child grew" "$(credited_in_all)" "$(truth forked bytes.child_grows)" \
	$((5 << 20))
growth_is '.growth.inherited_bytes | . > 60 * 1048576 and . < 72 * 1048576'
