package vec

import (
	"math"
	"testing"
)

var rowLengths = []int{1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 64, 100, 384, 1000, chunk, chunk + 1, 2*chunk + 77}

// near fails the test where an element is further from want than rel·|want| + abs.
func near(t *testing.T, what string, got []float32, want []float64, rel, abs float64) {
	t.Helper()
	for i, g := range got {
		if !(math.Abs(float64(g)-want[i]) <= rel*math.Abs(want[i])+abs) {
			t.Fatalf("%s of %d: element %d is %g, want %g", what, len(got), i, g, want[i])
		}
	}
}

func TestSoftmax(t *testing.T) {
	onTiers(t, func(t *testing.T) {
		for _, n := range rowLengths {
			for _, scale := range []float32{1, 30, 0.01} {
				x := wave(n, n)
				MulS(x, x, scale)
				want, logs := make([]float64, n), make([]float64, n)
				top, sum := -inf, 0.0
				for _, v := range x {
					top = max(top, v)
				}
				for i, v := range x {
					want[i] = math.Exp(float64(v - top)) // the difference is rounded in the definition too
					sum += want[i]
				}
				for i, v := range x {
					want[i] /= sum
					logs[i] = float64(v) - float64(top) - math.Log(sum)
				}
				got := make([]float32, n)
				Softmax(got, x)
				near(t, "Softmax", got, want, 1e-6, 1e-44)
				LogSoftmax(got, x)
				near(t, "LogSoftmax", got, logs, 1e-6, 1e-6)
				LogSoftmax(x, x)
				for i := range x {
					if x[i] != got[i] {
						t.Fatalf("LogSoftmax in place: element %d is %g, else %g", i, x[i], got[i])
					}
				}
			}
		}
		x := []float32{1, 2, -inf, 3}
		Softmax(x, x)
		if x[2] != 0 || math.Abs(float64(x[0]+x[1]+x[3]-1)) > 1e-6 {
			t.Errorf("Softmax with -Inf: %v", x)
		}
		for _, x := range [][]float32{{-inf, -inf}, {1, inf}, {1, float32(math.NaN())}} {
			Softmax(x, x)
			if x[0] == x[0] || x[1] == x[1] {
				t.Errorf("Softmax: %v, want NaN", x)
			}
		}
		Softmax(nil, nil)
	})
}

func TestLayerNorm(t *testing.T) {
	onTiers(t, func(t *testing.T) {
		for _, n := range rowLengths {
			for _, offset := range []float32{0, 100} {
				x, gamma, beta := wave(n, n), wave(n, 1), wave(n, 2)
				AddS(x, x, offset)
				var mean, variance, square float64
				for _, v := range x {
					mean += float64(v) / float64(n)
				}
				for _, v := range x {
					variance += (float64(v) - mean) * (float64(v) - mean) / float64(n)
					square += float64(v) * float64(v) / float64(n)
				}
				const eps = 1e-5
				inv, rms := 1/math.Sqrt(variance+eps), 1/math.Sqrt(square+eps)
				plain, scaled, shifted, full, root := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
				for i, v := range x {
					g, b := float64(gamma[i]), float64(beta[i])
					plain[i] = (float64(v) - mean) * inv
					scaled[i] = plain[i] * g
					shifted[i] = plain[i] + b
					full[i] = scaled[i] + b
					root[i] = float64(v) * rms * g
				}
				abs := 1e-5
				if offset > 0 {
					abs = 1e-4 // the mean is rounded to 1e-5
				}
				if n == 1 {
					abs *= 300 // 1/√eps
				}
				got := make([]float32, n)
				m, s := LayerNorm(got, x, gamma, beta, eps)
				near(t, "LayerNorm", got, full, 1e-6, abs)
				near(t, "mean and inv", []float32{m, s}, []float64{mean, inv}, 1e-5, 1e-5)
				LayerNorm(got, x, gamma, nil, eps)
				near(t, "LayerNorm without beta", got, scaled, 1e-6, abs)
				LayerNorm(got, x, nil, beta, eps)
				near(t, "LayerNorm without gamma", got, shifted, 1e-6, abs)
				RMSNorm(got, x, gamma, eps)
				near(t, "RMSNorm", got, root, 1e-5, 0)
				LayerNorm(x, x, nil, nil, eps)
				near(t, "LayerNorm in place", x, plain, 1e-6, abs)
			}
		}
	})
}

// TestRows compares the forms for rows with one call over the repeated operand: bit for bit, as they are element-wise.
func TestRows(t *testing.T) {
	const total = 400
	x := wave(total, 5)
	onTiers(t, func(t *testing.T) {
		for c := 1; c <= 40; c++ {
			a, b := wave(c, 6), wave(c, 7)
			as, bs := make([]float32, total), make([]float32, total)
			for i := range as {
				as[i], bs[i] = a[i%c], b[i%c]
			}
			for n := 0; n < total; n = n*2 + 1 {
				got, want := make([]float32, total), make([]float32, total)
				for _, f := range []struct {
					name        string
					rows, plain func()
				}{
					{"AddRows", func() { AddRows(got, x[:n], a) }, func() { Add(want[:n], x[:n], as) }},
					{"MulRows", func() { MulRows(got, x[:n], a) }, func() { Mul(want[:n], x[:n], as) }},
					{"MulAddRows", func() { MulAddRows(got, x[:n], a, b) }, func() { MulAdd(want, x[:n], as, bs) }},
					{"PReluRows", func() { PReluRows(got, x[:n], a) }, func() { PRelu(want[:n], x[:n], as) }},
				} {
					f.rows()
					f.plain()
					for i := range got {
						if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
							t.Fatalf("%s, %d channels, %d elements: element %d is %g, want %g", f.name, c, n, i, got[i], want[i])
						}
					}
				}
			}
		}
	})
}
