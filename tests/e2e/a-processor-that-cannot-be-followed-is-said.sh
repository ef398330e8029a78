#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A processor that came online and cannot be followed is said: by whoever sees page faults, where
# perf's events alone tell of them, and by whoever follows what is mapped. With none there is
# nothing of it.
#
# The processor is one that only the list says is there, in mounts of our own.
# not in a vm: a real one comes online there (a-processor-that-comes-online-later-is-followed)
if [[ -z ${OWN_MOUNTS-} && $EUID -eq 0 ]]; then
	OWN_MOUNTS=1 exec unshare --mount "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

readonly ONLINE=/sys/devices/system/cpu/online NONE=4095
need_root

unwatched() # KIND
{
	lost "CPU that came online" "$1"
}

# Who names stacks looks at the list once a second; who sees page faults every ten, and at the end.
looked()
{
	[[ $(($(date +%s%N) - listed_ns)) -ge 2500000000 ]]
}

record_with() # ONLINE OPTION...
{
	record_start -p $$ "${@:2}"
	echo "$1" >"$WORK/online"
	mount --bind "$WORK/online" "$ONLINE"
	listed_ns=$(date +%s%N)
	wait_for looked
	record_stop
	umount "$ONLINE"
}

cpus=$(<"$ONLINE")
record_with "$cpus"
equal "processors whose mappings are not followed, of those there are" "$(unwatched frame)" 0
equal "processors whose page faults are not seen, of those there are" "$(unwatched growth)" 0

record_with "$cpus,$NONE"
equal "processors whose mappings are not followed" "$(unwatched frame)" 1
text_has 'CPU that came online later and is not followed'

record_with "$cpus,$NONE" --without page_fault
equal "processors whose mappings are not followed, beside perf's page faults" "$(unwatched frame)" 1
equal "processors whose page faults are not seen" "$(unwatched growth)" 1
