// Package cpu says which tier of kernels this process runs.
//
// A tier names a set of instructions that kernels may use together. It is chosen once, at start-up, from the processor's
// features; the environment variable INGOT_CPU forces a lower one, for tests. Results are bit-equal within a tier, not across tiers.
package cpu

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// Tier is a set of instructions; a higher tier of one architecture includes the lower ones.
type Tier uint8

const (
	Generic  Tier = iota // portable Go
	AVX2                 // amd64: AVX2, FMA and F16C
	AVX512               // amd64: AVX-512 F, DQ, BW and VL, on top of AVX2
	NEON                 // arm64: the base vector set
	NEONDot              // arm64: NEON with SDOT and UDOT
	NEONI8MM             // arm64: NEONDot with the 8-bit matrix product
)

var tierNames = [...]string{"generic", "avx2", "avx512", "neon", "neon+dot", "neon+i8mm"}

func (t Tier) String() string { return tierNames[t] }

var current, currentErr = choose(os.Getenv("INGOT_CPU"))

// Current returns the tier in force.
func Current() Tier { return current }

// Err reports an INGOT_CPU that names no tier, or one that this machine can't run; the best tier is in force then.
func Err() error { return currentErr }

// Supported lists the tiers that this machine can run, lowest first.
func Supported() []Tier { return append([]Tier{Generic}, detect()...) }

func choose(force string) (Tier, error) {
	have := Supported()
	best := have[len(have)-1]
	if force == "" {
		return best, nil
	}
	i := slices.IndexFunc(have, func(t Tier) bool { return t.String() == force })
	if i < 0 {
		names := make([]string, len(have))
		for k, t := range have {
			names[k] = t.String()
		}
		return best, fmt.Errorf("INGOT_CPU=%q: this machine runs the tiers %s", force, strings.Join(names, ", "))
	}
	return have[i], nil
}
