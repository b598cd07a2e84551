// Package asm holds what the assembly generators share: the end of a generator program and the lint of its output.
//
// A generator is a main package of this module, one folder a kernel family, that describes its functions with avo and ends
// with Generate. It is called by a go:generate line in the package that receives the files:
//
//	//go:generate go run -C ../gen ./gemm -pkg gemm -out ../gemm/sgemm_amd64.s -stubs ../gemm/sgemm_amd64.go
//
// The test of this module runs all such lines again and compares the results with the committed files.
package asm

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/mmcloughlin/avo/build"
)

// Return ends a function that used vector registers wider than 128 bits.
// Without VZEROUPPER each legacy SSE instruction that Go's compiler emits afterwards would cost about 100 ns.
func Return() {
	build.VZEROUPPER()
	build.RET()
}

// Generate writes the files that the command line names (-out, -stubs, -pkg) and exits with an error if the
// assembly breaks a rule of Lint.
func Generate() {
	build.Generate()
	out := flag.Lookup("out").Value.String()
	if out == "" || out == "-" {
		return
	}
	text, err := os.ReadFile(out)
	if err == nil {
		err = Lint(string(text))
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", out, err)
		os.Exit(1)
	}
}

var (
	wide   = regexp.MustCompile(`\b[YZ][0-9]+\b`)
	vector = regexp.MustCompile(`\b[XYZ][0-9]+\b`)
)

// Lint checks generated assembly:
//   - a function that names a YMM or ZMM register has VZEROUPPER directly before each RET;
//   - no function names a vector register in a legacy SSE instruction (avo's Load of a float parameter emits one).
func Lint(text string) error {
	var name, last string
	usesWide := false
	var bareReturns []int
	finish := func() error {
		if usesWide && len(bareReturns) > 0 {
			return fmt.Errorf("line %d: %s returns without VZEROUPPER", bareReturns[0], name)
		}
		return nil
	}
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "//")
		line = strings.TrimSpace(line)
		op, args, _ := strings.Cut(line, " ")
		switch {
		case line == "" || strings.HasPrefix(line, "#") || strings.HasSuffix(line, ":"):
			continue
		case op == "TEXT":
			if err := finish(); err != nil {
				return err
			}
			name, usesWide, bareReturns = strings.TrimSuffix(args, ","), false, nil
		case op == "RET":
			if last != "VZEROUPPER" {
				bareReturns = append(bareReturns, i+1)
			}
		case vector.MatchString(args):
			usesWide = usesWide || wide.MatchString(args)
			if op[0] != 'V' && op[0] != 'K' {
				return fmt.Errorf("line %d: %s uses the legacy SSE instruction %s", i+1, name, op)
			}
		}
		last = op
	}
	return finish()
}
