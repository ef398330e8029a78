#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The ledger of a kill: whatever fills a cgroup, its rows are its usage, and what the kernel's own
# log says of the same kill.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/ledger.bash"

cgroup_new heap 64
cgroup_new heap/child
cgroup_new files 64
cgroup_new pipes 64
cgroup_new tables 64
mkdir "$WORK/tmpfs"
mount -t tmpfs -o size=96M none "$WORK/tmpfs" || skip "no tmpfs can be mounted"
MOUNTS+=("$WORK/tmpfs")
record_start -a

oom_kill heap heap/child 200

cgroup_start files files sh -c 'exec head -c 90M /dev/zero >"$1"' sh "$WORK/tmpfs/file"
join "$STARTED"
equal "status of what filled the tmpfs" "$STATUS" 137

cgroup_start pipes pipes /usr/bin/python3 -c '
import fcntl, os
kept = []
open("/proc/self/oom_score_adj", "w").write("1000")
while len(kept) < 200:
    pair = os.pipe()
    fcntl.fcntl(pair[1], 1031, 1 << 20)
    os.set_blocking(pair[1], False)
    os.write(pair[1], b"x" * (1 << 20))
    kept.append(pair)'
join "$STARTED"
equal "status of what filled pipes" "$STATUS" 137

# Reading where nothing was written costs no page but a page table for every 2 MiB: of far more
# address space than others may have.
sh -c "$ENTER" "$(cgroup_dir tables)" unlimited /usr/bin/python3 -c '
import mmap
empty = mmap.mmap(-1, 256 << 30, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000, mmap.PROT_READ)
empty.madvise(15)
for at in range(0, 256 << 30, 2 << 20):
    empty[at]' 2>"$WORK/tables.err" &
STARTED_PIDS+=("$!")
join "$!"
equal "status of what filled page tables" "$STATUS" 137

record_stop
# A kernel that does not count its own memory leaves that unexplained, and says so.
own=(pipes tables)
[[ $(row heap other_kernel) != null ]] || own=()
for cgroup in heap files "${own[@]}"; do
	adds_up "$cgroup"
done
for cgroup in heap files pipes tables; do
	agrees_with_the_kernel "$cgroup"
done
[[ ${agreed:-0} -ge 6 ]] || fail "the kernel's log told ${agreed:-0} figures to compare"
echo "compared with the kernel's log: $agreed figures"
mib=$((1 << 20))
[[ $(row heap anon) -ge $((60 * mib)) ]] || fail "heap: $(ledger_of heap)"
[[ $(row files shmem) -ge $((60 * mib)) ]] || fail "tmpfs: $(ledger_of files)"
if [[ ${#own[@]} -gt 0 ]]; then
	[[ $(row pipes other_kernel) -ge $((50 * mib)) ]] || fail "pipes: $(ledger_of pipes)"
	[[ $(row tables page_tables) -ge $((50 * mib)) ]] || fail "page tables: $(ledger_of tables)"
else
	[[ $(ledger_of pipes | jq .unexplained_bytes) -ge $((40 * mib)) ]] ||
		fail "pipes: $(ledger_of pipes)"
	text_has 'not explained, or of a kind that this kernel does not count'
fi
text_has '^HELD +9[0-9]%|^HELD +100%'
