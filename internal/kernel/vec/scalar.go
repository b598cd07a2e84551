package vec

import "math"

// The portable twins of the approximations in the assembly: the same steps and coefficients, but with a rounding between product and
// sum. The explicit conversions keep compilers from fusing the two, so that all architectures give the same bits.

const (
	magic = 12582912 // 1.5·2²³: adding it rounds to an integer, which then stands in the low bits
	ln2Hi = 6.93145752e-1
	ln2Lo = 1.42860677e-6
)

// mad is x*y + z in two roundings.
func mad(x, y, z float32) float32 { return float32(x*y) + z }

// reduce splits x into n·ln2 + r; the low bits of n hold its integer plus bias.
func reduce(x, bias float32) (n uint32, r float32) {
	t := mad(x, math.Log2E, magic+bias)
	k := t - (magic + bias)
	return math.Float32bits(t), mad(k, -ln2Lo, mad(k, -ln2Hi, x))
}

// expTail is (e^r - 1 - r)/r² for |r| ≤ ln2/2.
func expTail(r float32) float32 {
	return mad(mad(mad(mad(1.37805939e-3, r, 8.37312452e-3), r, 4.16695364e-2), r, 1.66664720e-1), r, 4.99999851e-1)
}

func exp1(x float32) float32 {
	if x > 89 {
		x = 89
	}
	if x < -104 {
		x = -104
	}
	n, r := reduce(x, 254)
	p := mad(mad(expTail(r), r, 1), r, 1)
	h := n >> 1
	return p * math.Float32frombits(h<<23) * math.Float32frombits((n-h)<<23)
}

// expNeg1 is e^x for x ≤ 0 (and up to 43).
func expNeg1(x float32) float32 {
	if x < -104 {
		x = -104
	}
	n, r := reduce(x, 127+64)
	p := mad(mad(expTail(r), r, 1), r, 1)
	return p * math.Float32frombits(n<<23) * 0x1p-64
}

// expm11 is e^x - 1 for -87 ≤ x ≤ 88.
func expm11(x float32) float32 {
	return grown1(reduce(x, 127))
}

// grown1 is 2ⁿ·e^r - 1, for n with a bias of 127.
func grown1(n uint32, r float32) float32 {
	q := mad(expTail(r), float32(r*r), r)
	s := math.Float32frombits(n << 23)
	return mad(q, s, s-1)
}

func abs1(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

func negative(x float32) bool { return math.Float32bits(x)>>31 != 0 }

func sigmoid1(x float32) float32 {
	z := expNeg1(-abs1(x))
	if negative(x) {
		return z / (z + 1)
	}
	return 1 / (z + 1)
}

func tanh1(x float32) float32 {
	a := abs1(x) + abs1(x)
	if a > 20 {
		a = 20
	}
	e := expm11(a) // assembly leaves the second part of ln2 out; without fused products it is needed
	return float32(math.Copysign(float64(e/(e+2)), float64(x)))
}

// erf1 is an odd polynomial for |x| < 0.94, else 1 - e^q(|x|).
func erf1(x float32) float32 {
	a := abs1(x)
	if a < 0.94 {
		t := x * x
		return x * mad(mad(mad(mad(mad(-0.0005862073635769277, t, 0.004967504852436089), t, -0.026748862650370974), t,
			0.11281320631907232), t, -0.376124459285332), t, 1.1283791423106326)
	}
	if a > 4 {
		a = 4
	}
	q := mad(mad(mad(mad(mad(mad(mad(-2.1278864121594326e-05, a, 0.0004365761116015418), a, -0.004181246355067751), a,
		0.025146091934909843), a, -0.10832109036789014), a, -0.6333098596794169), a, -1.1295331566086315), a, 0.00017845388473750336)
	n, r := reduce(q, 127)
	p := mad(mad(expTail(r), r, 1), r, 1)
	return float32(math.Copysign(float64(1-float32(p*math.Float32frombits(n<<23))), float64(x)))
}

// erfQuick1 may exceed ±1 by an ulp.
func erfQuick1(x float32) float32 {
	if x > 3.93 {
		x = 3.93
	}
	if x < -3.93 {
		x = -3.93
	}
	t := x * x
	p := mad(mad(mad(mad(mad(mad(-1.2857936049215368e-08, t, 4.620052095560823e-06), t, 0.00037716730730608106), t,
		0.0038402925711125135), t, 0.05425473302602768), t, 0.18514767289161682), t, 1.128379225730896)
	q := mad(mad(mad(mad(mad(6.250080332392827e-05, t, 0.0013024091022089124), t,
		0.015434837900102139), t, 0.11388693749904633), t, 0.49741625785827637), t, 1)
	return x * p / q
}

// clip1 leaves a NaN.
func clip1(x, lo, hi float32) float32 {
	if lo > x {
		x = lo
	}
	if hi < x {
		x = hi
	}
	return x
}

func gelu1(x float32) float32 {
	e := erfQuick1(x * (math.Sqrt2 / 2))
	if e < -1 {
		e = -1
	}
	h := x * 0.5
	return mad(e, h, h)
}

func geluTanh1(x float32) float32 {
	const c = 1.5957691216057308 // 2√(2/π)
	return sigmoid1(mad(float32(x*x), c*0.044715, c)*x) * x
}

func log1(x float32) float32 {
	switch {
	case !(x < inf): // +Inf and NaN
		return x
	case x < 0:
		return float32(math.NaN())
	case x == 0:
		return float32(math.Inf(-1))
	}
	shift := float32(0)
	if x < 0x1p-126 {
		x *= 0x1p24
		shift = -24
	}
	b := math.Float32bits(x) - 0x3f3504f3
	k := float32(int32(b)>>23) + shift
	f := math.Float32frombits(b&0x7fffff+0x3f3504f3) - 1
	p := mad(mad(mad(mad(mad(mad(mad(mad(-0.07622861862182617, f, 0.1290849894285202), f, -0.13244688510894775), f, 0.14181219041347504), f,
		-0.16608762741088867), f, 0.20002000033855438), f, -0.2500160038471222), f, 0.33333325386047363), f, -0.49999988079071045)
	t := mad(k, ln2Lo, float32(float32(f*f)*p))
	return mad(k, ln2Hi, t+f)
}

// log1pUnit1 is ln(1+z) for 0 ≤ z ≤ 1.
func log1pUnit1(z float32) float32 {
	p := mad(mad(mad(mad(mad(mad(mad(mad(mad(-0.0033106280025094748, z, 0.02016826532781124), z, -0.05759408697485924), z, 0.10673169046640396), z,
		-0.1535084992647171), z, 0.1969374567270279), z, -0.2495824694633484), z, 0.333304762840271), z, -0.4999993145465851), z, 1)
	return z * p
}

func softplus1(x float32) float32 {
	y := log1pUnit1(expNeg1(-abs1(x)))
	if x < 0 {
		return y
	}
	return x + y
}

func mish1(x float32) float32 {
	z := expNeg1(-abs1(x))
	if negative(x) {
		n := z * (z + 2)
		return n / (n + 2) * x
	}
	n := 1 + 2*z // 2*z is exact
	return n / (n + float32(2*float32(z*z))) * x
}

// belowZero is e^x - 1 for x ≤ 0.
func belowZero(x float32) float32 {
	if x < -87 {
		x = -87
	}
	return expm11(x)
}
