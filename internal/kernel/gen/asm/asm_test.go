package asm

import (
	"strings"
	"testing"
)

func TestLint(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"clean", "TEXT ·f(SB), NOSPLIT, $0-0\n\tVXORPS Y0, Y0, Y0\n\tVZEROUPPER\n\tRET\n", ""},
		{"scalar needs none", "TEXT ·f(SB), NOSPLIT, $0-0\n\tMOVQ AX, BX\n\tRET\n", ""},
		{"missing", "TEXT ·f(SB), NOSPLIT, $0-0\n\tVXORPS Y0, Y0, Y0\n\tRET\n", "line 3"},
		{"early return", "TEXT ·f(SB), NOSPLIT, $0-0\n\tRET\nl:\n\tVXORPS Z20, Z0, Z0\n\tVZEROUPPER\n\tRET\n", "line 2"},
		{"before the next function", "TEXT ·f(SB), NOSPLIT, $0-0\n\tVXORPS Y0, Y0, Y0\n\tRET\nTEXT ·g(SB), NOSPLIT, $0-0\n\tRET\n", "·f(SB)"},
		{"legacy", "TEXT ·f(SB), NOSPLIT, $0-8\n\tMOVSS x+0(FP), X0\n\tRET\n", "MOVSS"},
		{"mask moves are fine", "TEXT ·f(SB), NOSPLIT, $0-8\n\tKMOVW AX, K1\n\tVMOVUPS Z0, K1, (AX)\n\tVZEROUPPER\n\tRET\n", ""},
	} {
		err := Lint(c.text)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}
