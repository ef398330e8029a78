#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# BTF tracepoints need no tracefs: an OOM kill is recorded where none is mounted.
. "$(dirname "$0")/lib.sh"

cgroup_new full 64
mkdir "$WORK/bin"
cat >"$WORK/bin/oomtrail" <<-'END'
	#!/bin/sh
	exec unshare -m sh -c '
		for folder in /sys/kernel/tracing /sys/kernel/debug; do
			[ ! -d $folder ] || mount -t tmpfs none $folder || exit 1
		done
		exec "$@"' sh "$REAL" "$@"
END
chmod +x "$WORK/bin/oomtrail"
REAL=$OOMTRAIL OOMTRAIL_RECORD=$WORK/bin/oomtrail
export REAL OOMTRAIL_RECORD
record_start -a
cgroup_start grow full "$WORKLOADS/grow" --total 90M --rate 150M
join "$STARTED"
record_stop

json_is '.incidents | length == 1'
json_is '.incidents[0] | .victim.pid == $pid and .domain.cgroup == $cgroup' \
	pid "$(truth grow pid)" cgroup "$(cgroup_path full)"
