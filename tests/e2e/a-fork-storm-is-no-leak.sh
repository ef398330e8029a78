#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Many small processes fill a cgroup: none of them is to blame, and how many there may be is what to
# bound.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/verdict.bash"

cgroup_new app 96
record_start -a
# Each holds a MiB and a half; they end with their parent.
cgroup_start storm app /usr/bin/python3 -c '
import os, signal, time
storm = os.getpid()
for i in range(400):
    if os.fork() == 0:
        kept = bytearray(os.urandom(1 << 10) * 1536)
        while os.getppid() == storm:
            time.sleep(0.2)
        os._exit(0)
    time.sleep(0.01)
print("done=1", flush=True)
signal.pause()'
storm=$STARTED
wait_for 'kernel_kills app | grep -q "^[1-9]" || gone "$storm"' 60
kill -KILL "$storm" 2>/dev/null || true
join "$storm"
record_stop
verdict_is fork-storm
verdict | jq -e '.actions | any(contains("pids.max"))' >/dev/null || fail "advice: $(verdict)"
