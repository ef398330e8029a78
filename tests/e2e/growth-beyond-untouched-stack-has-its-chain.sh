#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What lies below the stack pointer may not be there at all, nor the pages of a large buffer that
# nobody has touched: the callers beyond them are told.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

cgroup_new app 128
record_growth brink app -- "$WORKLOADS/brink" 48M
credited_as_told brink take_at_the_brink 5
at_least "complete stacks" "$(credited_complete)" "$(truth brink bytes.take_at_the_brink)" 95
