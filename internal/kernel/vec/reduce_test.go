package vec

import (
	"math"
	"testing"

	"ingot/internal/kernel/cpu"
)

// A reduction of the package. The table drives the tests and benchmarks.
type reduction struct {
	name string
	call func(x, y []float32) float32
	// ref gives the exact value, and the sum of the absolute addends, of which rel is the bound.
	ref func(x, y []float32) (v, size float64)
	rel float64 // 0: exact
	// same says that all tiers give the same bits: no product that one of them fuses.
	same bool
}

// sumRef adds f over the elements.
func sumRef(f func(x, y float64) float64) func(x, y []float32) (v, size float64) {
	return func(x, y []float32) (v, size float64) {
		for i := range x {
			a := f(float64(x[i]), float64(y[i]))
			v += a
			size += math.Abs(a)
		}
		return v, size
	}
}

const expTop = 6 // above every element of the tests

// exponentials is where the reductions' ExpSum writes.
var exponentials [3 * chunk]float32

var reductions = []reduction{
	{"Sum", func(x, _ []float32) float32 { return Sum(x) }, sumRef(func(x, _ float64) float64 { return x }), 1e-6, true},
	{"SumSq", func(x, _ []float32) float32 { return SumSq(x) }, sumRef(func(x, _ float64) float64 { return x * x }), 1e-6, false},
	{"SumAbs", func(x, _ []float32) float32 { return SumAbs(x) }, sumRef(func(x, _ float64) float64 { return math.Abs(x) }), 1e-6, true},
	{"SumSqDev", func(x, _ []float32) float32 { return SumSqDev(x, 1.5) }, sumRef(func(x, _ float64) float64 { return (x - 1.5) * (x - 1.5) }), 1e-6, false},
	{"Dot", Dot, sumRef(func(x, y float64) float64 { return x * y }), 1e-6, false},
	{"SumExp", func(x, _ []float32) float32 { return SumExp(x, expTop) }, sumRef(func(x, _ float64) float64 { return math.Exp(x - expTop) }), 1e-6, false},
	{"ExpSum", func(x, _ []float32) float32 {
		return ExpSum(exponentials[:len(x)], x, expTop)
	}, sumRef(func(x, _ float64) float64 { return math.Exp(x - expTop) }), 1e-6, false},
	{"MaxOf", func(x, _ []float32) float32 { return MaxOf(x) }, func(x, _ []float32) (v, size float64) {
		v = math.Inf(-1)
		for _, x := range x {
			v = max(v, float64(x))
		}
		return v, 0
	}, 0, true},
	{"MinOf", func(x, _ []float32) float32 { return MinOf(x) }, func(x, _ []float32) (v, size float64) {
		v = math.Inf(1)
		for _, x := range x {
			v = min(v, float64(x))
		}
		return v, 0
	}, 0, true},
	{"topOf", func(x, _ []float32) float32 { return topOf(x) }, func(x, _ []float32) (v, size float64) {
		v = math.Inf(-1)
		for _, x := range x {
			v = max(v, float64(x))
		}
		return v, 0
	}, 0, true},
	{"MaxAbs", func(x, _ []float32) float32 { return MaxAbs(x) }, func(x, _ []float32) (v, size float64) {
		for _, x := range x {
			v = max(v, math.Abs(float64(x)))
		}
		return v, 0
	}, 0, true},
}

// wave is test data within ±5, in no simple order.
func wave(n, seed int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32((i*7919+seed%1000*104729)%1000)/100 - 5
	}
	return x
}

func TestReductions(t *testing.T) {
	const longest = 3*chunk - 1
	x, y := wave(longest+7, 1), wave(longest+7, 2)
	for _, r := range reductions {
		t.Run(r.name, func(t *testing.T) {
			onTiers(t, func(t *testing.T) {
				for n := 0; n <= longest; n++ {
					if n == 140 {
						n = chunk - 35
					} else if n == chunk+35 {
						n = longest
					}
					x, y := x[n%7:][:n], y[n%7:][:n]
					want, size := r.ref(x, y)
					got := r.call(x, y)
					if d := math.Abs(float64(got) - want); !(d <= r.rel*size) && float64(got) != want {
						t.Fatalf("%d elements: got %g, want %g", n, got, want)
					}
					if r.same {
						here := tier
						tier = cpu.Generic
						plain := r.call(x, y)
						tier = here
						if math.Float32bits(plain) != math.Float32bits(got) {
							t.Fatalf("%d elements: got %g, portable %g", n, got, plain)
						}
					}
				}
			})
		})
	}
}

// TestReductionSpecials puts a special value at each place.
func TestReductionSpecials(t *testing.T) {
	nan := float32(math.NaN())
	isNaN := func(x float32) bool { return x != x }
	onTiers(t, func(t *testing.T) {
		for n := 1; n <= 70; n++ {
			for at := range n {
				x := wave(n, 3)
				x[at] = nan
				if !isNaN(Sum(x)) || !isNaN(MaxOf(x)) || !isNaN(MinOf(x)) || !isNaN(MaxAbs(x)) || !isNaN(SumExp(x, expTop)) || !isNaN(Dot(x, x)) {
					t.Fatalf("a NaN at %d of %d is lost", at, n)
				}
				x[at] = 7
				if MaxOf(x) != 7 || MinOf(x) == 7 && n > 1 {
					t.Fatalf("the maximum at %d of %d is lost", at, n)
				}
				if topOf(x) != 7 {
					t.Fatalf("the top at %d of %d is lost", at, n)
				}
				x[at] = -7
				if MinOf(x) != -7 || MaxAbs(x) != 7 {
					t.Fatalf("the minimum at %d of %d is lost", at, n)
				}
				for i := range x {
					x[i] = float32(math.Copysign(0, -1))
				}
				x[at] = 0
				if math.Signbit(float64(MaxOf(x))) || !math.Signbit(float64(MinOf(x))) && n > 1 {
					t.Fatalf("zeros: the sign of +0 at %d of %d", at, n)
				}
				for i := range x {
					x[i] = -inf
				}
				if MaxOf(x) != -inf || MinOf(x) != -inf || Sum(x) != -inf {
					t.Fatalf("%d times -Inf", n)
				}
			}
		}
		if MaxOf(nil) != -inf || MinOf(nil) != inf || Sum(nil) != 0 {
			t.Error("reductions of nothing")
		}
	})
}

// TestExpSum looks at the exponentials that ExpSum writes.
func TestExpSum(t *testing.T) {
	onTiers(t, func(t *testing.T) {
		for n := range 3 * lanes {
			x, y := wave(n, n), make([]float32, n+1)
			MulS(x, x, 20)
			ExpSum(y, x, 100)
			for i, x := range x {
				if d := distance(y[i], math.Exp(float64(x-100))); d > 2*ulpOf(float64(y[i])) {
					t.Fatalf("%d elements: at %g: got %g", n, x, y[i])
				}
			}
			if y[n] != 0 {
				t.Fatalf("%d elements: wrote beside the slice", n)
			}
		}
	})
}
