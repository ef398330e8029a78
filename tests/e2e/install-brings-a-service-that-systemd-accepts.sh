#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# `make install` puts program, unit and configuration below DESTDIR with the right modes and paths,
# never over a configuration that is there; the unit is one that systemd accepts as it stands and
# that asks for no capability but the four it names; `make uninstall` takes away what it brought.
# not in a vm: nothing of the kernel is in it, and the machine has no systemd
. "$(dirname "$0")/lib.sh"

ROOT=$WORK/root
BIN=$ROOT/opt/trail/bin/oomtrail
UNIT=$ROOT/units/oomtrail.service
CONF=$ROOT/opt/etc/oomtrail.conf

run_make() # TARGET
{
	make -s -C "$REPO" "$1" DESTDIR="$ROOT" PREFIX=/opt/trail SYSCONFDIR=/opt/etc \
		UNITDIR=/units >"$WORK/make.out" 2>&1 || fail "make $1: $(tail -n 5 "$WORK/make.out")"
}

installed() # FILE MODE SOURCE
{
	[[ -f $1 ]] || fail "not installed: $1"
	equal "mode of $1" "$(stat -c %a "$1")" "$2"
	[[ -z $3 ]] || cmp "$1" "$REPO/$3" || fail "$1 is not $3"
}

unit_has() # LINE
{
	grep -qxF -- "$1" "$UNIT" || fail "the unit has no line: $1"
}

(umask 022 && run_make install)
installed "$BIN" 755 build/oomtrail
installed "$UNIT" 644 ''
installed "$CONF" 644 tools/oomtrail.conf
equal "files installed" "$(find "$ROOT" -type f | wc -l)" 3
"$BIN" --version >/dev/null || fail "the installed program does not run: status $?"

unit_has 'ExecStart=/opt/trail/bin/oomtrail watch --config /opt/etc/oomtrail.conf'
! grep -n '@[A-Z]*@' "$UNIT" || fail "a folder was not put in"
unit_has 'Type=notify'
unit_has 'CapabilityBoundingSet=CAP_BPF CAP_PERFMON CAP_SYS_ADMIN CAP_DAC_READ_SEARCH CAP_IPC_LOCK CAP_SYS_PTRACE CAP_CHECKPOINT_RESTORE'
unit_has 'StateDirectoryMode=0700'

# Changed by somebody: neither installing nor uninstalling touches it.
echo '# ours' >>"$CONF"
cp "$CONF" "$WORK/changed.conf"
run_make install
cmp "$CONF" "$WORK/changed.conf" || fail "install wrote over a configuration"
run_make uninstall
cmp "$CONF" "$WORK/changed.conf" || fail "uninstall took a changed configuration"
equal "files left" "$(find "$ROOT" -type f)" "$CONF"
cp "$REPO/tools/oomtrail.conf" "$CONF"
run_make install
run_make uninstall
equal "files left" "$(find "$ROOT" -type f)" ""

run_make install
command -v systemd-analyze >/dev/null || skip "installed well; systemd-analyze is not here to judge"
# It looks for the program where the unit names it, on this host.
sed "s|^ExecStart=[^ ]*|ExecStart=$BIN|" "$UNIT" >"$WORK/oomtrail.service"
systemd-analyze verify --man=no "$WORK/oomtrail.service" >"$WORK/verify" 2>&1 ||
	fail "systemd-analyze verify: status $?: $(cat "$WORK/verify")"
[[ ! -s $WORK/verify ]] || fail "systemd-analyze verify: $(cat "$WORK/verify")"
systemd-analyze security --help | grep -q -- --offline || skip "this systemd-analyze judges no file"
systemd-analyze security --offline=true --no-pager --threshold=25 "$WORK/oomtrail.service" \
	>"$WORK/security" 2>&1 || fail "too exposed: $(tail -n 1 "$WORK/security")"
tail -n 1 "$WORK/security"
