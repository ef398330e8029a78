#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel's own memory fills a cgroup: buffers of pipes, which no process shows as its own.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/verdict.bash"

# One that is killed first, and tells by that that all is full; the pipes outlive it.
cgroup_new app 64
record_start -a
cgroup_start pipes app /usr/bin/python3 -c '
import fcntl, os, signal
child = os.fork()
if child == 0:
    open("/proc/self/oom_score_adj", "w").write("1000")
    held = bytearray(os.urandom(1 << 10) * 4096)
    signal.pause()
kept = []
while os.waitpid(child, os.WNOHANG)[0] == 0 and len(kept) < 200:
    pair = os.pipe()
    fcntl.fcntl(pair[1], 1031, 1 << 20)
    os.set_blocking(pair[1], False)
    os.write(pair[1], b"x" * (1 << 20))
    kept.append(pair)
print("done=%d" % len(kept), flush=True)
signal.pause()'
pipes=$STARTED
wait_for '[[ -n $(truth pipes done) ]] || gone "$pipes"' 60
wait_for 'kernel_kills app | grep -q "^[1-9]"'
record_stop
kill -TERM "$pipes" 2>/dev/null || true
join "$pipes"
json_is '.incidents[0].domain | has("statistics")'
jq -e '.incidents[0].domain | .statistics.kernel_bytes // .kmem_usage_bytes' "$WORK/report.json" >/dev/null ||
	skip "this kernel does not tell how much of a cgroup is its own"
verdict_is kernel-memory
text_has "^VERDICT +kernel memory: [3-6][0-9] MiB of the 6[0-9] MiB in use were the kernel's own"
