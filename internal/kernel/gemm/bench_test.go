package gemm

import (
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"ingot/internal/kernel/cpu"
	"ingot/internal/kernel/gemm/peak"
)

var peaks = sync.OnceValue(func() map[cpu.Tier]float64 {
	m := map[cpu.Tier]float64{}
	for _, tier := range cpu.Supported() {
		m[tier] = peak.GFLOPS(tier)
	}
	return m
})

// fastest times each tile of a product in each iteration and returns the sum of the least times: the machines that this runs on
// are shared, and a long product is always interrupted somewhere.
func fastest(b *testing.B, tiles int, f func(i int)) time.Duration {
	best := make([]time.Duration, tiles)
	for i := range best {
		best[i] = math.MaxInt64
	}
	for b.Loop() {
		for i := range best {
			start := time.Now()
			f(i)
			best[i] = min(best[i], time.Since(start))
		}
	}
	total := time.Duration(0)
	for _, t := range best {
		total += t
	}
	return total
}

// BenchmarkMatmul reports GFLOP/s and the percentage of the peak of the tier, one thread.
func BenchmarkMatmul(b *testing.B) {
	for _, s := range []struct {
		m, n, k int
		form    string // how B is given
	}{
		{64, 64, 64, "packed"}, {128, 128, 128, "packed"}, {256, 256, 256, "packed"}, {512, 512, 512, "packed"}, {1024, 1024, 1024, "packed"},
		{128, 384, 384, "packed"}, {128, 384, 1536, "packed"}, {49, 512, 4608, "packed"}, {12544, 64, 32, "packed"}, {3136, 256, 64, "packed"},
		{784, 24, 144, "packed"}, {196, 112, 672, "packed"},
		{1, 768, 3072, "packed"}, {1, 768, 3072, "plain"}, {1, 3072, 768, "trans"}, {2, 768, 3072, "packed"}, {4, 768, 3072, "packed"}, {4, 768, 3072, "plain"},
		{128, 128, 32, "trans"}, {128, 32, 128, "plain"}, {256, 256, 256, "plain"}, {512, 512, 512, "plain"}, {512, 512, 512, "trans"},
	} {
		for _, tier := range cpu.Supported() {
			b.Run(fmt.Sprintf("%dx%dx%d/%s/%v", s.m, s.n, s.k, s.form, tier), func(b *testing.B) {
				g := Matmul[float32]{
					M: s.m, N: s.n, K: s.k, A: make([]float32, s.m*s.k), LDA: s.k, B: make([]float32, s.k*s.n), LDB: s.n,
					C: make([]float32, s.m*s.n), LDC: s.n,
				}
				switch s.form {
				case "packed":
					g.Packed = new(PackedB[float32])
					g.Packed.over(tier, s.k, s.n, make([]float32, packedLen[float32](tier, s.k, s.n)))
				case "trans":
					g.TransB, g.LDB = true, s.k
				}
				if err := g.prepare(tier); err != nil {
					b.Fatal(err)
				}
				scratch := make([]float32, g.ScratchLen())
				best := fastest(b, g.Tiles(), func(i int) { g.Tile(i, scratch) })
				rate := 2 * float64(s.m) * float64(s.n) * float64(s.k) / float64(best.Nanoseconds())
				b.ReportMetric(rate, "GFLOP/s")
				if p := peaks()[tier]; p > 0 {
					b.ReportMetric(100*rate/p, "%peak")
				}
			})
		}
	}
}
