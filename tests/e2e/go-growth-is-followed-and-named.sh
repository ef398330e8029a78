#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A Go program, and the same one stripped: over 95% of the growth has complete stacks, and the
# functions that grew are told apart by name.
# deadline: 300
# not in a vm: a compiler is larger than all else in the machine, and what it makes is unwound the same way
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/growth.bash"

command -v go >/dev/null || skip "golang-go is not installed"
cat >"$WORK/grow.go" <<'END'
package main

import (
	"fmt"
	"os"
)

type record struct {
	key   int
	value [1000]byte
}

//go:noinline
func addRecords(table map[int]*record, count int) {
	for i := 0; i < count; i++ {
		table[i] = &record{key: i}
	}
}

//go:noinline
func loadImages(count int) [][]byte {
	images := make([][]byte, 0)
	for i := 0; i < count; i++ {
		image := make([]byte, 1<<20)
		for j := range image {
			image[j] = 'x'
		}
		images = append(images, image)
	}
	return images
}

func main() {
	fmt.Printf("pid=%d\n", os.Getpid())
	table := make(map[int]*record)
	addRecords(table, 50000)
	images := loadImages(50)
	fmt.Printf("records=%d\nimages=%d\n", len(table), len(images))
}
END
(cd "$WORK" && HOME=$WORK GOCACHE=$WORK/cache GO111MODULE=off go build -p 1 -o plain grow.go) ||
	fail "the Go program does not build"
cp "$WORK/plain" "$WORK/stripped"
strip "$WORK/stripped"

cgroup_new app 256
export ADDRESS_SPACE_KIB=unlimited # it reserves far more than it uses: the cgroup holds it
for program in plain stripped; do
	record_growth "$program" app -- "$WORK/$program"
	equal "records" "$(truth "$program" records)" 50000
	grew=$(peak_of "$PID")
	[[ $grew -gt $((90 << 20)) ]] || fail "it grew by $grew bytes only"
	followed_and_named "$grew" '^runtime\.goexit' 92
	followed_and_named "$grew" '^main\.addRecords$' 40
	followed_and_named "$grew" '^main\.loadImages$' 40
	growth_is 'of($pid) | map(select(functions | index("main.addRecords") and
		index("main.loadImages"))) == []' pid "$PID"
done
