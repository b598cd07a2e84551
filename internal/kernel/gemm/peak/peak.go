// Package peak measures how many fused multiply-adds a core does, the yardstick of the benchmarks of package gemm.
package peak

import (
	"time"

	"ingot/internal/kernel/cpu"
)

//go:generate go run -C ../../gen ./gemm -kernels peak -pkg peak -out ../gemm/peak/peak_amd64.s -stubs ../gemm/peak/peak_amd64.go

// GFLOPS returns the float32 rate of one core on a tier, the best of some short runs, or 0 where it isn't known.
func GFLOPS(tier cpu.Tier) float64 {
	const rounds = 20000
	best := 0.0
	for range 50 {
		start := time.Now()
		flops := spin(tier, rounds)
		best = max(best, flops/float64(time.Since(start).Nanoseconds()))
	}
	return best
}
