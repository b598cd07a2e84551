// Command conv writes the assembly of package internal/kernel/conv.
package main

import (
	"flag"
	"log"
	"os"
	"regexp"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/reg"

	"ingot/internal/kernel/gen/asm"
)

// isa is an instruction set.
type isa struct {
	name  string
	bytes int // of a vector
}

var (
	avx2   = isa{"AVX2", 32}
	avx512 = isa{"AVX512", 64}
)

func (s isa) wide() bool { return s.bytes == 64 }

func (s isa) vector() VecVirtual {
	if s.wide() {
		return ZMM()
	}
	return YMM()
}

func main() {
	flag.Parse()
	ConstraintExpr("amd64")
	for _, s := range []isa{avx2, avx512} {
		for _, pixels := range []int{8, 4} {
			for _, taps := range []int{3, 5} {
				for _, stride := range []int{1, 2} {
					line(s, kernel{op: multiply, pixels: pixels, taps: taps, stride: stride})
				}
			}
		}
		for _, op := range []operation{multiply, maximum, sum} {
			line(s, kernel{op: op, pixels: 4})
			line(s, kernel{op: op, pixels: 1})
		}
		winogradIn(s)
		winogradOut(s)
	}
	copyRows()
	constants()
	asm.Generate()
	onlySixteen(flag.Lookup("out").Value.String())
}

// onlySixteen ends the program if an AVX2 kernel names a register that only AVX-512 has: avo would take one when it runs out of others.
func onlySixteen(file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range regexp.MustCompile(`(?m)^TEXT ·`).Split(string(text), -1) {
		name := regexp.MustCompile(`^\w*`).FindString(f)
		if bad := regexp.MustCompile(`\b([XY](1[6-9]|[23][0-9])|Z[0-9]+|K[0-7])\b`).FindString(f); bad != "" && !regexp.MustCompile(`AVX512$`).MatchString(name) {
			log.Fatalf("%s: %s: AVX2 has no %s", file, name, bad)
		}
	}
}
