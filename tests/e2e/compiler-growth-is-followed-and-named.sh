#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# g++ on a large file: over 95% of what its compiler proper grows has complete stacks, and they lead
# through toplev::main().
# deadline: 300
# not in a vm: a compiler is larger than all else in the machine, and is unwound the same way
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

command -v g++ >/dev/null || skip "g++ is not installed"
{
	printf '#include <map>\n#include <string>\n#include <vector>\n'
	for ((i = 0; i < 40; i++)); do
		cat <<-END
			struct s$i { int a; std::string b; };
			int f$i(int n)
			{
				std::map<int, std::vector<s$i>> m;
				for (int i = 0; i < n; i++)
					m[i].push_back(s$i{i, std::to_string(i)});
				return m.size();
			}
		END
	done
} >"$WORK/large.cc"

cgroup_new app 512
ADDRESS_SPACE_KIB=$((1 << 20)) record_growth compiler app -- \
	g++ -c "$WORK/large.cc" -o "$WORK/large.o"
[[ -s $WORK/large.o ]] || fail "nothing was compiled"
pid_of cc1plus
grew=$(peak_of "$PID")
[[ $grew -gt $((100 << 20)) ]] || fail "it grew by $grew bytes only"
followed_and_named "$grew" '^toplev::main' 95
followed_and_named "$grew" '^c_parse_file' 24
# Of the rest most is what becomes of what was parsed.
followed_and_named "$grew" '^(c_parse_file|symbol_table::finalize_compilation_unit)' 55
