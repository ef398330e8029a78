#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel's own memory fills a cgroup: buffers of pipes, which no process shows as its own.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/verdict.bash"

cgroup_new app 64
record_start -a
cgroup_start pipes app /usr/bin/python3 -c '
import fcntl, os
kept = []
for i in range(200):
    pair = os.pipe()
    fcntl.fcntl(pair[1], 1031, 1 << 20)
    os.set_blocking(pair[1], False)
    os.write(pair[1], b"x" * (1 << 20))
    kept.append(pair)
print("done=1", flush=True)'
join "$STARTED"
equal "status of what filled them" "$STATUS" 137
record_stop
verdict_is kernel-memory
text_has "^VERDICT +kernel memory: [3-6][0-9] MiB of the 64 MiB in use were the kernel's own"
