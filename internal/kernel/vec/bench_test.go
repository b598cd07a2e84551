package vec

import (
	"math"
	"strconv"
	"testing"

	"ingot/internal/kernel/cpu"
)

// perElement runs f on each tier and reports nanoseconds an element.
func perElement(b *testing.B, n int, f func()) {
	defer func(old cpu.Tier) { tier = old }(tier)
	for _, tier = range cpu.Supported() {
		b.Run(tier.String(), func(b *testing.B) {
			for b.Loop() {
				f()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/elt")
		})
	}
}

// benchmarkLength keeps three inputs and an output in the first cache.
const benchmarkLength = 2048

func benchmarkInputs() (dst, x, y, z []float32) {
	x, y, z = make([]float32, benchmarkLength), make([]float32, benchmarkLength), make([]float32, benchmarkLength)
	for i := range x {
		x[i], y[i], z[i] = float32(i%200)/20-5, float32(i%7)+0.5, float32(i%11)-5
	}
	return make([]float32, benchmarkLength), x, y, z
}

func BenchmarkFunctions(b *testing.B) {
	dst, x, y, z := benchmarkInputs()
	for _, f := range functions {
		b.Run(f.name, func(b *testing.B) { perElement(b, len(x), func() { f.call(dst, x, y, z) }) })
	}
}

func BenchmarkReductions(b *testing.B) {
	_, x, y, _ := benchmarkInputs()
	for _, r := range reductions {
		b.Run(r.name, func(b *testing.B) { perElement(b, len(x), func() { r.call(x, y) }) })
	}
}

func BenchmarkRows(b *testing.B) {
	for _, n := range []int{128, 384, 1000} {
		dst, x, y, z := benchmarkInputs()
		dst, x, y, z = dst[:n], x[:n], y[:n], z[:n]
		for _, r := range []struct {
			name string
			f    func()
		}{
			{"Softmax", func() { Softmax(dst, x) }},
			{"LogSoftmax", func() { LogSoftmax(dst, x) }},
			{"LayerNorm", func() { LayerNorm(dst, x, y, z, 1e-5) }},
			{"RMSNorm", func() { RMSNorm(dst, x, y, 1e-5) }},
			{"AddRows3", func() { AddRows(dst, x, y[:3]) }},
			{"AddRows32", func() { AddRows(dst, x, y[:32]) }},
		} {
			b.Run(r.name+"/"+strconv.Itoa(n), func(b *testing.B) { perElement(b, n, r.f) })
		}
	}
}

func BenchmarkMoves(b *testing.B) {
	const n = 16384
	x, y := make([]float32, n), make([]float32, n)
	for i := range x {
		x[i] = float32(math.Sin(float64(i)))
	}
	h, q := make([]uint16, n), make([]uint8, n)
	ToHalf(h, x)
	q8, h2, d, d2 := make([]uint8, n), make([]uint16, n), make([]uint64, n), make([]uint64, n)
	for _, m := range []struct {
		name string
		f    func()
	}{
		{"FromHalf", func() { FromHalf(y, h) }},
		{"ToHalf", func() { ToHalf(h, x) }},
		{"FromBrain", func() { FromBrain(y, h) }},
		{"ToBrain", func() { ToBrain(h, x) }},
		{"QuantizeU8", func() { QuantizeU8(q, x, 0.01, 128) }},
		{"DequantizeU8", func() { DequantizeU8(y, q, 0.01, 128) }},
		{"Transpose128x128", func() { TransposeF32(y, 128, x, 128, 128, 128) }},
		{"Transpose8", func() { Transpose8(q8, 128, q, 128, 128, 128) }},
		{"Transpose16", func() { Transpose16(h2, 128, h, 128, 128, 128) }},
		{"Transpose64", func() { Transpose64(d2, 128, d, 128, 128, 128) }},
		{"ToNHWC3", func() { ToNHWC(y, 3, x, 3, n/3, 0, n/3) }},
		{"ToNHWC64", func() { ToNHWC(y, 64, x, 64, n/64, 0, n/64) }},
		{"ToNCHW3", func() { ToNCHW(y, x, 3, 3, n/3, 0, n/3) }},
		{"ToNCHW64", func() { ToNCHW(y, x, 64, 64, n/64, 0, n/64) }},
	} {
		b.Run(m.name, func(b *testing.B) { perElement(b, n, m.f) })
	}
}
