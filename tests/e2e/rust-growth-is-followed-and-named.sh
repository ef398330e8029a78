#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A Rust program with names mangled in the old and in the new way: over 95% of the growth has
# complete stacks through a trait's method, a generic function and a thread, by readable names; and
# lines, where it has debug information.
# deadline: 300
# not in a vm: a compiler is larger than all else in the machine, and what it makes is unwound the same way
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

command -v rustc >/dev/null || skip "rustc is not installed"
cat >"$WORK/grow.rs" <<'END'
use std::collections::HashMap;

struct Cache {
    entries: HashMap<u64, Vec<u8>>,
}

trait Store {
    fn put(&mut self, key: u64);
}

impl Store for Cache {
    #[inline(never)]
    fn put(&mut self, key: u64) {
        self.entries.insert(key, vec![key as u8 | 1; 65536]); // kept
    }
}

#[inline(never)]
fn fill<S: Store>(store: &mut S, count: u64) {
    for key in 0..count {
        store.put(key);
    }
}

#[inline(never)]
fn index_rows(count: u64) -> Vec<u64> {
    (0..count).map(|row| row * 3).collect()
}

fn main() {
    println!("pid={}", std::process::id());
    let rows = std::thread::spawn(|| index_rows(5_000_000)).join().unwrap();
    let mut cache = Cache { entries: HashMap::new() };
    fill(&mut cache, 800);
    println!("rows={}\nentries={}", rows.len(), cache.entries.len());
}
END
line=$(grep -n '// kept' "$WORK/grow.rs" | cut -d: -f1)
build() # PROGRAM OPTION...
{
	HOME=${HOME:-/root} rustc -O "${@:2}" -o "$WORK/$1" "$WORK/grow.rs" ||
		fail "the Rust program does not build"
}
build old
build new -g -C symbol-mangling-version=v0

cgroup_new app 256
for program in old new; do
	record_growth "$program" app -- "$WORK/$program"
	equal "entries" "$(truth "$program" entries)" 800
	grew=$(peak_of "$PID")
	[[ $grew -gt $((85 << 20)) ]] || fail "it grew by $grew bytes only"
	followed_and_named "$grew" '^grow::main$' 50
	followed_and_named "$grew" '^grow::fill(::<grow::Cache>)?$' 50
	followed_and_named "$grew" '^<grow::Cache as grow::Store>::put$' 50
	followed_and_named "$grew" '^grow::index_rows$' 35
	growth_is 'of($pid) | map(select(functions | index("grow::index_rows") and
		index("grow::main"))) == []' pid "$PID"
	growth_is 'of($pid) | all(.[].frames[].function // ""; test("^_(ZN|R)") | not)' pid "$PID"
done
growth_is '[of($pid)[].frames[] | select(.function == "<grow::Cache as grow::Store>::put")] |
	length > 0 and all(.[]; .file | endswith("grow.rs")) and
	any(.[]; .line == ($line | tonumber))' pid "$PID" line "$line"
