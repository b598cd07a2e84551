package main

import "math"

// A mapping is an element-wise kernel: dst[i] = body(inputs[i]..., params...).
type mapping struct {
	name   string   // of the Go functions, before the tier
	loop   string   // the Go loop that it equals
	in     []string // its inputs; "dst" stands for the old contents of dst
	params []string // float32 scalars
	light  bool     // a few instructions only: unroll more, keep constants in registers
	body   func(m *machine, x, p []vec) vec
}

var (
	src = []string{"src"}
	ab  = []string{"a", "b"}
)

// unary declares the common shape: one input, no parameter.
func unary(name, expr string, light bool, f func(m *machine, x vec) vec) mapping {
	return mapping{name, "for i, x := range src { dst[i] = " + expr + " }", src, nil, light,
		func(m *machine, x, _ []vec) vec { return f(m, x[0]) }}
}

func binary(name, expr string, f func(m *machine, a, b vec) vec) mapping {
	return mapping{name, "for i := range dst { dst[i] = " + expr + " }", ab, nil, true,
		func(m *machine, x, _ []vec) vec { return f(m, x[0], x[1]) }}
}

func scalar(name, expr string, f func(m *machine, a, s vec) vec) mapping {
	return mapping{name, "for i, a := range src { dst[i] = " + expr + " }", src, []string{"s"}, true,
		func(m *machine, x, p []vec) vec { return f(m, x[0], p[0]) }}
}

func with(name, expr string, params []string, light bool, f func(m *machine, x vec, p []vec) vec) mapping {
	return mapping{name, "for i, x := range src { dst[i] = " + expr + " }", src, params, light,
		func(m *machine, x, p []vec) vec { return f(m, x[0], p) }}
}

var mappings = []mapping{
	unary("exp", "exp(x)", false, (*machine).exp),
	unary("log", "log(x)", false, (*machine).log),
	unary("sigmoid", "1/(1+exp(-x))", false, (*machine).sigmoid),
	unary("tanh", "tanh(x)", false, (*machine).tanh),
	unary("erf", "erf(x)", false, (*machine).erf),
	unary("gelu", "x/2 * (1+erf(x/√2))", false, func(m *machine, x vec) vec {
		e := m.greater(num(-1), m.erfQuick(m.mul(x, num(math.Sqrt2/2))))
		h := m.mul(x, num(0.5))
		m.horner(e, h, h)
		return e
	}),
	unary("geluTanh", "x/2 * (1+tanh(√(2/π)*(x+0.044715*x*x*x)))", false, func(m *machine, x vec) vec {
		u := m.mul(x, x) // (1+tanh(u))/2 is sigmoid(2u)
		t := m.load(num(2 * math.Sqrt(2/math.Pi)))
		m.addMul(t, u, num(2*math.Sqrt(2/math.Pi)*0.044715))
		return m.mul(m.sigmoid(m.mul(t, x)), x)
	}),
	unary("silu", "x / (1+exp(-x))", false, func(m *machine, x vec) vec { return m.mul(m.sigmoid(x), x) }),
	with("swish", "x / (1+exp(-alpha*x))", []string{"alpha"}, false, func(m *machine, x vec, p []vec) vec {
		return m.mul(m.sigmoid(m.mul(p[0], x)), x)
	}),
	unary("softplus", "log(1+exp(x))", false, func(m *machine, x vec) vec {
		return m.add(m.greater(num(0), x), m.log1pUnit(m.decay(x)))
	}),
	unary("mish", "x * tanh(log(1+exp(x)))", false, func(m *machine, x vec) vec {
		// With e = exp(x): tanh(log(1+e)) = (e²+2e)/(e²+2e+2). For x > 0 both sides are divided by e².
		z, negative := m.decay(x), m.signOf(x)
		n := m.load(num(1))
		m.addMul(n, z, num(2))
		n = m.choose(negative, m.mul(z, m.add(z, num(2))), n)
		d := m.choose(negative, num(2), m.mul(m.mul(z, z), num(2)))
		return m.mul(m.div(n, m.add(n, d)), x)
	}),
	with("elu", "x < 0 ? alpha*expm1(x) : x", []string{"alpha"}, false, func(m *machine, x vec, p []vec) vec {
		e := m.expm1(m.greater(num(-87), m.lesser(num(0), x)))
		return m.choose(m.compare(x, less, num(0)), m.mul(p[0], e), x)
	}),
	unary("selu", "1.0507009873554805 * (x < 0 ? 1.6732632423543772*expm1(x) : x)", false, func(m *machine, x vec) vec {
		e := m.expm1(m.greater(num(-87), m.lesser(num(0), x)))
		return m.choose(m.compare(x, less, num(0)), m.mul(e, num(1.0507009873554805*1.6732632423543772)), m.mul(x, num(1.0507009873554805)))
	}),
	with("celu", "x < 0 ? alpha*expm1(x/alpha) : x", []string{"alpha"}, false, func(m *machine, x vec, p []vec) vec {
		e := m.expm1(m.greater(num(-87), m.lesser(num(0), m.div(x, p[0]))))
		return m.choose(m.compare(x, less, num(0)), m.mul(p[0], e), x)
	}),
	unary("sinSmall", "sin(x), |x| ≤ 131072", false, func(m *machine, x vec) vec {
		return m.xor(m.sinCos(m.and(x, absBits), 0), m.and(x, signBit))
	}),
	unary("cosSmall", "cos(x), |x| ≤ 131072", false, func(m *machine, x vec) vec { return m.sinCos(x, 1) }),

	unary("relu", "x < 0 ? 0 : x", true, func(m *machine, x vec) vec { return m.greater(num(0), x) }),
	with("leakyRelu", "x < 0 ? alpha*x : x", []string{"alpha"}, true, func(m *machine, x vec, p []vec) vec {
		return m.choose(m.compare(x, less, num(0)), m.mul(p[0], x), x)
	}),
	with("thresholdedRelu", "x > alpha ? x : 0", []string{"alpha"}, true, func(m *machine, x vec, p []vec) vec {
		return m.keep(m.compare(x, more, p[0]), x)
	}),
	with("clip", "lo > x ? lo : hi < x ? hi : x", []string{"lo", "hi"}, true, func(m *machine, x vec, p []vec) vec {
		return m.lesser(p[1], m.greater(p[0], x))
	}),
	with("hardSigmoid", "clip(alpha*x+beta, 0, 1)", []string{"alpha", "beta"}, true, func(m *machine, x vec, p []vec) vec {
		y := m.load(p[1])
		m.addMul(y, p[0], x)
		return m.lesser(num(1), m.greater(num(0), y))
	}),
	unary("hardSwish", "x * clip(x/6+0.5, 0, 1)", true, func(m *machine, x vec) vec {
		y := m.load(num(0.5))
		m.addMul(y, x, num(1.0/6))
		return m.mul(m.lesser(num(1), m.greater(num(0), y)), x)
	}),
	unary("softsign", "x / (1+abs(x))", true, func(m *machine, x vec) vec {
		return m.div(x, m.add(m.and(x, absBits), num(1)))
	}),
	unary("sqrt", "sqrt(x)", true, func(m *machine, x vec) vec { return m.sqrt(x) }),
	unary("rsqrt", "1 / sqrt(x)", true, func(m *machine, x vec) vec { return m.div(num(1), m.sqrt(x)) }),
	unary("reciprocal", "1 / x", true, func(m *machine, x vec) vec { return m.div(num(1), x) }),
	unary("abs", "abs(x)", true, func(m *machine, x vec) vec { return m.and(x, absBits) }),
	unary("neg", "-x", true, func(m *machine, x vec) vec { return m.xor(x, signBit) }),
	unary("floor", "floor(x)", true, func(m *machine, x vec) vec { return m.round(x, down) }),
	unary("ceil", "ceil(x)", true, func(m *machine, x vec) vec { return m.round(x, up) }),
	unary("round", "roundToEven(x)", true, func(m *machine, x vec) vec { return m.round(x, toEven) }),
	unary("sign", "x > 0 ? 1 : x < 0 ? -1 : x+0", true, func(m *machine, x vec) vec {
		y := m.choose(m.compare(x, less, num(0)), num(-1), m.add(x, num(0)))
		return m.choose(m.compare(x, more, num(0)), num(1), y)
	}),

	binary("add", "a[i] + b[i]", func(m *machine, a, b vec) vec { return m.add(a, b) }),
	binary("sub", "a[i] - b[i]", func(m *machine, a, b vec) vec { return m.sub(a, b) }),
	binary("mul", "a[i] * b[i]", func(m *machine, a, b vec) vec { return m.mul(a, b) }),
	binary("div", "a[i] / b[i]", func(m *machine, a, b vec) vec { return m.div(a, b) }),
	binary("max", "max(a[i], b[i])", (*machine).maximum),
	binary("min", "min(a[i], b[i])", (*machine).minimum),
	binary("prelu", "a[i] < 0 ? a[i]*b[i] : a[i]", func(m *machine, a, b vec) vec {
		return m.choose(m.compare(a, less, num(0)), m.mul(a, b), a)
	}),
	scalar("addS", "a + s", func(m *machine, a, s vec) vec { return m.add(a, s) }),
	scalar("rsubS", "s - a", func(m *machine, a, s vec) vec { return m.sub(s, a) }),
	scalar("mulS", "a * s", func(m *machine, a, s vec) vec { return m.mul(a, s) }),
	scalar("divS", "a / s", func(m *machine, a, s vec) vec { return m.div(a, s) }),
	scalar("rdivS", "s / a", func(m *machine, a, s vec) vec { return m.div(s, a) }),
	scalar("maxS", "max(a, s)", (*machine).maximum),
	scalar("minS", "min(a, s)", (*machine).minimum),

	{"axpy", "for i, v := range x { dst[i] += alpha * v }", []string{"dst", "x"}, []string{"alpha"}, true,
		func(m *machine, x, p []vec) vec { m.addMul(x[0], x[1], p[0]); return x[0] }},
	{"mulAdd", "for i, v := range x { dst[i] = v*scale[i] + bias[i] }", []string{"x", "scale", "bias"}, nil, true,
		func(m *machine, x, _ []vec) vec { m.addMul(x[2], x[0], x[1]); return x[2] }},
	{"mulAddS", "for i, v := range src { dst[i] = v*scale + bias }", src, []string{"scale", "bias"}, true,
		func(m *machine, x, p []vec) vec { m.horner(x[0], p[0], p[1]); return x[0] }},
	{"norm", "for i, x := range src { dst[i] = (x-mean) * inv }", src, []string{"mean", "inv"}, true,
		func(m *machine, x, p []vec) vec { return m.mul(m.sub(x[0], p[0]), p[1]) }},
	{"subSub", "for i, x := range src { dst[i] = x - s - t }", src, []string{"s", "t"}, true,
		func(m *machine, x, p []vec) vec { return m.sub(m.sub(x[0], p[0]), p[1]) }},
	{"normScale", "for i, x := range src { dst[i] = (x-mean) * inv * gamma[i] }", []string{"src", "gamma"}, []string{"mean", "inv"}, true,
		func(m *machine, x, p []vec) vec { return m.mul(m.mul(m.sub(x[0], p[0]), p[1]), x[1]) }},
	{"normAffine", "for i, x := range src { dst[i] = (x-mean)*inv*gamma[i] + beta[i] }", []string{"src", "gamma", "beta"}, []string{"mean", "inv"}, true,
		func(m *machine, x, p []vec) vec {
			y := m.mul(m.sub(x[0], p[0]), p[1])
			m.horner(y, x[1], x[2])
			return y
		}},
}

// maximum is Go's max: a NaN wins, and +0 is above -0. The two orders of VMAXPS differ for these cases only:
// "and" picks +0 of two zeros, and a mask of ones over the rest is a NaN.
func (m *machine) maximum(a, b vec) vec {
	if m.wide {
		return m.withNaN(a, b, m.ranged(a, b, 5))
	}
	return m.or(m.and(m.greater(a, b), m.greater(b, a)), m.compare(a, unordered, b))
}

// minimum is Go's min.
func (m *machine) minimum(a, b vec) vec {
	if m.wide {
		return m.withNaN(a, b, m.ranged(a, b, 4))
	}
	return m.or(m.or(m.lesser(a, b), m.lesser(b, a)), m.compare(a, unordered, b))
}
