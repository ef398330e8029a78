# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The flight recorder: from the kill to trail and JSON on disk, over KILLS=n kills of as many
# causes, idle and with the recorder's own cgroup full, beside what a sync costs on that disk.

readonly KILLS=${KILLS:-50}

# For the reader that keeps reclaim going, and for naming, which takes more as there is more to name.
readonly READER_MIB=48

in_ms() # durations such as "830 us", "7.3 ms", "1.2 s" on stdin
{
	awk '{ print $1 * ($2 == "us" ? 0.001 : $2 == "s" ? 1000 : 1) }'
}

median_and_p90()
{
	sort -g | awk '{ v[NR] = $1 } END {
		i = int(NR * 0.9 + 0.5)
		printf "median %.1f ms, 90%% within %.1f ms, worst %.1f ms", v[int((NR + 1) / 2)], v[i < 1 ? 1 : i], v[NR] }'
}

# Each kill is a cause of its own: a cgroup with a name of its own.
kill_many() # LABEL
{
	local i count
	for ((i = 0; i < KILLS; i++)); do
		new_cgroup "$1-$(printf '%c%c' "$(printf "\\$(printf %o $((97 + i / 26)))")" "$(printf "\\$(printf %o $((97 + i % 26)))")")" 16
		build/workloads/respawn "$GROUP" 1 48 >/dev/null
		# One after the other: the next when this one is on the disk.
		until count=$(grep -c 'trail and JSON written' "$work/watch.err"); [[ $count -gt $i ]]; do
			sleep 0.02
		done
		rmdir "$GROUP"
		cgroups=("${cgroups[@]:1}")
	done
}

tell_latency() # LABEL
{
	sed -nE 's/.*JSON written ([0-9.]+ [a-z]+) after the kill.*/\1/p' "$work/watch.err" | in_ms >"$work/all"
	sed -nE 's/.*\(([0-9.]+ [a-z]+) of it.*/\1/p' "$work/watch.err" | in_ms >"$work/syncs"
	paste "$work/all" "$work/syncs" | awk '{ print $1 - $2 }' >"$work/own"
	echo "  $1"
	echo "    kill to written:        $(median_and_p90 <"$work/all")"
	echo "    of it the disk's syncs: $(median_and_p90 <"$work/syncs")"
	echo "    without them (budget 20 ms in the median): $(median_and_p90 <"$work/own")"
	echo "    kills $(wc -l <"$work/all"), of them without a page fault and without heap from the kernel: $(grep -c ' 0 page faults, 0 bytes of heap' "$work/watch.err")"
}

run_5()
{
	echo
	echo "kill to written, $KILLS kills of as many causes (trail and JSON on the disk, synced)"
	python3 - "$work" <<-'END' | in_ms >"$work/fsync"
		import os, sys, time
		for i in range(50):
		    fd = os.open(sys.argv[1] + "/probe", os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
		    os.write(fd, b"x" * 16384)
		    begin = time.monotonic_ns()
		    os.fdatasync(fd)
		    print((time.monotonic_ns() - begin) / 1e6, "ms")
		    os.close(fd)
	END
	echo "  one fdatasync of 16 KiB on this disk: $(median_and_p90 <"$work/fsync")"
	start_watch ""
	kill_many idle
	tell_latency "idle host"
	stop_recorder

	# Its own cgroup is full, and a reader beside it in the cgroup keeps reclaim going.
	new_cgroup recorder 256
	local group=$GROUP before held
	start_watch "$group"
	# What it holds and what the kernel holds for it, and little else.
	held=$(cat "$(usage_file "$group")")
	# Read there, the file is charged there, and read again and again it never fits. What is dirty
	# could not be given back at once.
	head -c 128M /dev/zero >"$work/large"
	sync "$work/large"
	dd of="$work/large" oflag=nocache conv=notrunc count=0 status=none
	(
		echo "$BASHPID" >"$group/cgroup.procs"
		while :; do cat "$work/large" >/dev/null; done
	) &
	helpers+=($!)
	echo 1000 >"/proc/$!/oom_score_adj"
	echo $(((held & -4096) + (READER_MIB << 20))) >"$(limit_file "$group")"
	before=$(limit_hits "$group")
	kill_many pressed
	tell_latency "the recorder's cgroup full ($(($(cat "$(limit_file "$group")") >> 20)) MiB, its limit hit $(($(limit_hits "$group") - before)) times meanwhile)"
	kill -TERM "${helpers[-1]}" || echo "  the reader was killed: not all of it was under pressure"
	echo $((256 << 20)) >"$(limit_file "$group")"
	stop_recorder
	rm "$work/large"
}
