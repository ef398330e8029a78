#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# After an OOM kill over 95% of the victim's growth has complete stacks with their functions: of an
# ordinary program, of one in a mount namespace of its own, of one whose file is deleted.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

command -v objcopy >/dev/null || skip "binutils are not installed"

victim() # LABEL COMMAND...
{
	local label=$1
	shift
	cgroup_start "$label" app "$@"
	PID=$STARTED
	join "$PID"
	equal "status of $label" "$STATUS" 137
}

judge() # LABEL
{
	local peak
	PID=$(truth "$1" pid)
	peak=$(peak_of "$PID")
	[[ $peak -gt $((100 << 20)) ]] || fail "$1 grew by $peak bytes only"
	at_least "complete stacks of $1" "$(credited_complete)" "$peak" 95
	about "all four of $1" "$(($(credited allocate decode_image read_thumbnail serve main) +
		$(credited allocate parse_rows serve main) +
		$(credited allocate keep_session serve main) +
		$(credited allocate log_line log_request serve main)))" "$peak" $((peak / 20))
}

cgroup_new app 128
record_start -c "$(cgroup_path app)"
victim ordinary "$WORKLOADS/shares" 200M

# The program is on a tmpfs that nobody else sees, and that goes away with it.
mkdir "$WORK/private"
copy "$WORK/hidden"
victim private unshare -m sh -c 'mount --make-rprivate / && mount -t tmpfs none "$0" &&
	cp "$1" "$0/program" && exec "$0/program" 200M' "$WORK/private" "$WORK/hidden"
rm "$WORK/hidden"
[[ ! -e $WORK/private/program ]] || fail "the private program is seen from here"

copy "$WORK/deleted"
victim deleted sh -c 'rm "$0" && exec /proc/self/fd/4 200M' "$WORK/deleted" \
	4<"$WORK/deleted"
[[ ! -e $WORK/deleted ]] || fail "the program is still there"
record_stop

for label in ordinary private deleted; do
	judge "$label"
done
ids=$(jq -r '[.stacks[].frames[] | select(.function == "allocate").build_id] | unique | length' \
	"$WORK/report.json")
equal "programs by their build-ids" "$ids" 3
