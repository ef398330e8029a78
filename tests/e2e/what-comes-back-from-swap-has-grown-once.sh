#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Memory that goes to swap and comes back has grown once, by whoever filled it: what came back is said
# by itself, and adds nothing.
# not in a vm: swap and python3 are not there
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

command -v python3 >/dev/null || skip "python3 is not installed"
need_root
dd if=/dev/zero of="$WORK/swap" bs=1M count=96 status=none
chmod 600 "$WORK/swap"
mkswap "$WORK/swap" >/dev/null
swapon "$WORK/swap" 2>"$WORK/refused" || skip "no swap file here: $(cat "$WORK/refused")"
trap 'status=$?; set +e; swapoff "$WORK/swap"; (exit "$status"); cleanup' EXIT

cgroup_new app 256
[[ ! -e $(cgroup_dir app)/memory.swap.max ]] || echo max >"$(cgroup_dir app)/memory.swap.max"
[[ ! -e $(cgroup_dir app)/memory.memsw.limit_in_bytes ]] ||
	echo $((384 << 20)) >"$(cgroup_dir app)/memory.memsw.limit_in_bytes"
record_start -c "$(cgroup_path app)" --sample 64K
cgroup_start swapped app "$(python3 -c 'import sys; print(sys.executable)')" -c '
import mmap, os, time
size = 64 << 20
m = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for i in range(0, size, 1 << 20):
    m[i:i + (1 << 20)] = b"x" * (1 << 20)
def swapped():
    with open("/proc/self/status") as status:
        return [int(l.split()[1]) << 10 for l in status if l.startswith("VmSwap")][0]
m.madvise(21)  # MADV_PAGEOUT
print("pid=%d\nswapped=%d" % (os.getpid(), swapped()), flush=True)
back = sum(m[i] for i in range(0, size, 4096))
print("back=%d" % swapped(), flush=True)
time.sleep(600)'
wait_for '[[ -n $(truth swapped back) ]] || gone "$STARTED"'
record_stop

PID=$(truth swapped pid)
swapped=$(truth swapped swapped)
[[ $swapped -gt $((32 << 20)) ]] || skip "only $swapped bytes went to swap"
came_back=$((swapped - $(truth swapped back)))
about "what came back" "$(json_value '.growth.from_swap_bytes')" "$came_back" $((8 << 20))
about "all of it, once" "$(credited_in_all)" "$(peak_of "$PID")" $((10 << 20))
# It is all there, and nothing has gone by having been away.
growth_is '(.growth | .resident_of_bytes - .resident_bytes) < 6000000'
