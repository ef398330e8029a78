#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Files in a tmpfs fill a cgroup: who is killed for that has not leaked, and what to do is another
# thing.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/verdict.bash"

cgroup_new app 64
mkdir "$WORK/tmpfs"
mount -t tmpfs -o size=96M none "$WORK/tmpfs" || skip "no tmpfs can be mounted"
MOUNTS+=("$WORK/tmpfs")
record_start -a
cgroup_start fill app sh -c 'exec head -c 90M /dev/zero >"$1"' sh "$WORK/tmpfs/file"
join "$STARTED"
equal "status of what filled it" "$STATUS" 137
record_stop
verdict_is tmpfs
text_has '^VERDICT +tmpfs or shared memory: [5-6][0-9] MiB of the 64 MiB in use were'
verdict | jq -e '.actions | any(contains("ipcs -m"))' >/dev/null || fail "advice: $(verdict)"
