package vec

import (
	"math"
	"testing"

	"ingot/internal/kernel/cpu"
)

// A function is an element-wise function of the package, with what the tests need to know of it. The table drives the tests of bounds,
// places, guard pages, allocations, and the benchmarks.
type function struct {
	name string
	call func(dst, x, y, z []float32) // with the inputs that it has
	ref  func(x, y, z float64) float64
	ulp  float64                       // the bound; 0: exactly the float32 of ref
	abs  float64                       // added to the bound: abs·|x|
	plus func(x, y, z float64) float64 // added to the bound
	args int                           // inputs; 0 is 1
}

func one(name string, ulp, abs float64, f func(dst, src []float32), ref func(float64) float64) function {
	return function{name: name, ulp: ulp, abs: abs,
		call: func(dst, x, _, _ []float32) { f(dst, x) }, ref: func(x, _, _ float64) float64 { return ref(x) }}
}

func param(name string, ulp, abs float64, f func(dst, src []float32, p float32), p float32, ref func(x, p float64) float64) function {
	return function{name: name, ulp: ulp, abs: abs,
		call: func(dst, x, _, _ []float32) { f(dst, x, p) }, ref: func(x, _, _ float64) float64 { return ref(x, float64(p)) }}
}

func two(name string, f func(dst, a, b []float32), ref func(x, y float64) float64) function {
	return function{name: name, args: 2,
		call: func(dst, x, y, _ []float32) { f(dst, x, y) }, ref: func(x, y, _ float64) float64 { return ref(x, y) }}
}

// adding states what is added to the bound.
func (f function) adding(plus func(x, y, z float64) float64) function {
	f.plus = plus
	return f
}

// The references, in float64.
func sigmoidRef(x float64) float64  { return 1 / (1 + math.Exp(-x)) }
func softplusRef(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }
func eluRef(x, alpha float64) float64 {
	if x < 0 {
		return alpha * math.Expm1(x)
	}
	return x
}
func leakyRef(x, alpha float64) float64 {
	if x < 0 {
		return alpha * x
	}
	return x
}
func clipRef(x, lo, hi float64) float64 {
	if x < lo {
		x = lo
	}
	if x > hi {
		x = hi
	}
	return x
}
func signRef(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x + 0
}
func addRef(x, y float64) float64 { return x + y }
func subRef(x, y float64) float64 { return x - y }
func mulRef(x, y float64) float64 { return x * y }
func divRef(x, y float64) float64 { return x / y }
func maxRef(x, y float64) float64 { return max(x, y) }
func minRef(x, y float64) float64 { return min(x, y) }
func swap(f func(x, y float64) float64) func(x, y float64) float64 {
	return func(x, y float64) float64 { return f(y, x) }
}

// rounded is how far the rounding of an intermediate result, or two of them, may move it: no bound, where it overflows.
func rounded(v float64) float64 {
	if v = math.Abs(v); v > math.MaxFloat32 {
		return math.Inf(1)
	}
	return v*0x1p-23 + 0x1p-149
}

// normRounding is the addend of the bound of (x-0.5)*2*y.
func normRounding(x, y, _ float64) float64 {
	return rounded((math.Abs(x)+0.5)*2)*max(1, math.Abs(y)) + rounded((math.Abs(x)+0.5)*2*y)
}

// tinyFactor is the addend of the bound of x·f(x), where f may be denormal.
func tinyFactor(x, _, _ float64) float64 { return math.Abs(x) * 0x1p-149 }

var functions = []function{
	one("Exp", 2, 0, Exp, math.Exp),
	one("Log", 2, 0, Log, math.Log),
	one("Sigmoid", 3, 0, Sigmoid, sigmoidRef),
	one("Tanh", 3, 0, Tanh, math.Tanh),
	one("Erf", 3, 0, Erf, math.Erf),
	one("Gelu", 3, 2e-7, Gelu, func(x float64) float64 { return x / 2 * math.Erfc(-x/math.Sqrt2) }),
	one("GeluTanh", 3, 1e-7, GeluTanh, func(x float64) float64 {
		return x * sigmoidRef(2*math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x))
	}),
	one("SiLU", 4, 0, SiLU, func(x float64) float64 { return x * sigmoidRef(x) }).adding(tinyFactor),
	param("Swish", 4, 0, Swish, 1.702, func(x, alpha float64) float64 { return x * sigmoidRef(float64(float32(alpha*x))) }).adding(tinyFactor),
	one("Softplus", 3, 0, Softplus, softplusRef),
	one("Mish", 5, 0, Mish, func(x float64) float64 { return x * math.Tanh(softplusRef(x)) }).adding(tinyFactor),
	param("Elu", 3, 0, Elu, 1.3, eluRef),
	one("Selu", 3, 0, Selu, func(x float64) float64 { return seluScale * eluRef(x, seluAlpha) }),
	param("Celu", 3, 0, Celu, 0.7, func(x, alpha float64) float64 {
		if x < 0 {
			return alpha * math.Expm1(float64(float32(x/alpha)))
		}
		return x
	}),
	one("Sin", 2, 0, Sin, math.Sin),
	one("Cos", 2, 0, Cos, math.Cos),
	one("Relu", 0, 0, Relu, func(x float64) float64 {
		if x < 0 {
			return 0
		}
		return x
	}),
	param("LeakyRelu", 0, 0, LeakyRelu, 0.01, leakyRef),
	param("ThresholdedRelu", 0, 0, ThresholdedRelu, 1.5, func(x, alpha float64) float64 {
		if x > alpha {
			return x
		}
		return 0
	}),
	{name: "Clip", call: func(dst, x, _, _ []float32) { Clip(dst, x, -2.5, 6) }, ref: func(x, _, _ float64) float64 { return clipRef(x, -2.5, 6) }},
	{name: "HardSigmoid", call: func(dst, x, _, _ []float32) { HardSigmoid(dst, x, 0.25, 0.5) },
		ref: func(x, _, _ float64) float64 { return clipRef(0.25*x+0.5, 0, 1) }},
	one("HardSwish", 2, 1e-7, HardSwish, func(x float64) float64 { return x * clipRef(x/6+0.5, 0, 1) }),
	one("Softsign", 2, 0, Softsign, func(x float64) float64 {
		if math.IsInf(x, 0) {
			return math.NaN()
		}
		return x / (1 + math.Abs(x))
	}),
	one("Sqrt", 0, 0, Sqrt, math.Sqrt),
	one("Rsqrt", 1.5, 0, Rsqrt, func(x float64) float64 { return 1 / math.Sqrt(x) }),
	one("Reciprocal", 0, 0, Reciprocal, func(x float64) float64 { return 1 / x }),
	one("Abs", 0, 0, Abs, math.Abs),
	one("Neg", 0, 0, Neg, func(x float64) float64 { return -x }),
	one("Floor", 0, 0, Floor, math.Floor),
	one("Ceil", 0, 0, Ceil, math.Ceil),
	one("Round", 0, 0, Round, math.RoundToEven),
	one("Sign", 0, 0, Sign, signRef),
	two("Add", Add, addRef),
	two("Sub", Sub, subRef),
	two("Mul", Mul, mulRef),
	two("Div", Div, divRef),
	two("Max", Max, maxRef),
	two("Min", Min, minRef),
	two("PRelu", PRelu, leakyRef),
	param("AddS", 0, 0, AddS, 1.7, addRef),
	param("RSubS", 0, 0, RSubS, 1.7, swap(subRef)),
	param("MulS", 0, 0, MulS, 1.7, mulRef),
	param("DivS", 0, 0, DivS, 1.7, divRef),
	param("RDivS", 0, 0, RDivS, 1.7, swap(divRef)),
	param("MaxS", 0, 0, MaxS, 0, maxRef),
	param("MinS", 0, 0, MinS, 0, minRef),
	{name: "MulAdd", args: 3, call: MulAdd, ref: func(x, y, z float64) float64 { return x*y + z }, ulp: 0.5,
		plus: func(x, y, _ float64) float64 { return rounded(x * y) }},
	{name: "MulAddS", call: func(dst, x, _, _ []float32) { MulAddS(dst, x, 1.7, 0.3) },
		ref: func(x, _, _ float64) float64 { return x*float64(float32(1.7)) + float64(float32(0.3)) }, ulp: 0.5,
		plus: func(x, _, _ float64) float64 { return rounded(1.7 * x) }},
	{name: "Axpy", args: 2, call: func(dst, x, y, _ []float32) {
		copy(dst, y[:len(x)])
		Axpy(dst, 1.5, x)
	}, ref: func(x, y, _ float64) float64 { return 1.5*x + y }, ulp: 0.5,
		plus: func(x, _, _ float64) float64 { return rounded(1.5 * x) }},
	{name: "Normalize", args: 3, call: func(dst, x, y, z []float32) { Normalize(dst, x, y, z, 0.5, 2) },
		ref: func(x, y, z float64) float64 { return (x-0.5)*2*y + z }, ulp: 0.5,
		plus: normRounding},
	{name: "NormalizeScale", args: 2, call: func(dst, x, y, _ []float32) { Normalize(dst, x, y[:len(x)], nil, 0.5, 2) },
		ref: func(x, y, _ float64) float64 { return (x - 0.5) * 2 * y }, ulp: 0.5,
		plus: normRounding},
	{name: "NormalizePlain", call: func(dst, x, _, _ []float32) { Normalize(dst, x, nil, nil, 0.5, 2) },
		ref: func(x, _, _ float64) float64 { return (x - 0.5) * 2 }, ulp: 0.5,
		plus: func(x, _, _ float64) float64 { return normRounding(x, 1, 0) }},
}

// onTiers runs a test on each tier that this machine supports.
func onTiers(t *testing.T, f func(t *testing.T)) {
	defer func(old cpu.Tier) { tier = old }(tier)
	for _, tier = range cpu.Supported() {
		t.Run(tier.String(), f)
	}
}

// specials are values at which functions change their ways.
func specials() []float32 {
	var list []float32
	for _, bits := range []uint32{0, 1, 2, 0x7fffff, 0x800000, 0x800001, 0x7f7fffff, 0x7f800000, 0x7fc00000, 0x7f800001, 0x7fffffff} {
		list = append(list, math.Float32frombits(bits), math.Float32frombits(bits|1<<31))
	}
	for _, x := range []float32{0.5, 1, 1.5, 2, 2.5, 3, 3.93, 6, 20, 87.33655, 88.02969, 88.72283, 88.72284, 89, 103.27893, 103.97208, 104, 131072, 131073,
		math.Pi, math.Pi / 2, math.Ln2, 1e10, 0x1p23, 0x1p24, 0x1p31, 1e-10} {
		for _, y := range []float32{math.Nextafter32(x, 0), x, math.Nextafter32(x, 1e38)} {
			list = append(list, y, -y)
		}
	}
	return list
}

// inputs are the specials, a net over all bit patterns and a dense range, padded to full length; y and z are other permutations.
func inputs() (x, y, z []float32) {
	x = specials()
	step := uint64(10007)
	if testing.Short() {
		step = 100003
	}
	for b := uint64(0); b < 1<<32; b += step {
		x = append(x, math.Float32frombits(uint32(b)))
	}
	for i := range 100000 {
		x = append(x, float32(i-50000)*(20.0/50000))
	}
	n := len(x)
	y, z = make([]float32, n), make([]float32, n)
	for i := range x {
		y[i] = x[(i*17+13)%n]
		z[i] = x[(i*31+7)%n]
	}
	for i := range len(specials()) * 3 { // pairs of specials
		y[i] = x[i%7]
	}
	return x, y, z
}

// ulpOf is the distance of float32 numbers about a value.
func ulpOf(v float64) float64 {
	v = math.Abs(v)
	if v < 0x1p-126 {
		return 0x1p-149
	}
	_, e := math.Frexp(min(v, math.MaxFloat32))
	return math.Ldexp(1, e-24)
}

// distance is |got-want| where an infinite float32 counts as 2¹²⁸, the number that rounds to it.
func distance(got float32, want float64) float64 {
	g := float64(got)
	if math.IsInf(g, 0) && math.IsInf(want, 0) && g == want {
		return 0
	}
	if math.IsInf(g, 0) {
		g = math.Copysign(0x1p128, g)
	}
	return math.Abs(g - math.Max(math.Min(want, 0x1p128), -0x1p128))
}

func TestBounds(t *testing.T) {
	x, y, z := inputs()
	n := len(x)
	want := make([]float64, n)
	got := make([]float32, n)
	for _, f := range functions {
		for i := range want {
			want[i] = f.ref(float64(x[i]), float64(y[i]), float64(z[i]))
		}
		t.Run(f.name, func(t *testing.T) {
			onTiers(t, func(t *testing.T) {
				f.call(got, x, y, z)
				worst, worstAt, bad := 0.0, 0, 0
				for i, g := range got {
					w := want[i]
					if math.IsNaN(w) || g != g {
						if math.IsNaN(w) != (g != g) {
							bad++
							t.Errorf("at %g (%g, %g): got %g, want %g", x[i], y[i], z[i], g, w)
						}
					} else if f.ulp == 0 {
						if math.Float32bits(g) != math.Float32bits(float32(w)) {
							bad++
							t.Errorf("at %g (%#08x), %g, %g: got %g, want %g", x[i], math.Float32bits(x[i]), y[i], z[i], g, float32(w))
						}
					} else {
						more := f.abs * math.Abs(float64(x[i]))
						if f.plus != nil {
							more += f.plus(float64(x[i]), float64(y[i]), float64(z[i]))
						}
						d := distance(g, w)
						if math.IsInf(more, 0) {
							continue
						}
						if e := max(0, d-more) / ulpOf(w); e > worst {
							worst, worstAt = e, i
						}
					}
					if bad > 5 {
						t.FailNow()
					}
				}
				if worst > f.ulp {
					t.Errorf("%.2f ulp off at %g (%g, %g): got %g, want %g", worst, x[worstAt], y[worstAt], z[worstAt], got[worstAt], want[worstAt])
				} else if f.ulp > 0 {
					t.Logf("at most %.3f ulp, at %g", worst, x[worstAt])
				}
			})
		})
	}
}
