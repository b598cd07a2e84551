package elem

import (
	"fmt"
	"math"
	"testing"
)

// index returns the operand's element for position pos of the output, by the definition of broadcasting.
func index(out, in []int, pos int) int {
	off, step := 0, 1
	for i := len(out) - 1; i >= 0; i-- {
		c := pos % out[i]
		pos /= out[i]
		if j := i - (len(out) - len(in)); j >= 0 {
			if in[j] != 1 {
				off += c * step
			}
			step *= in[j]
		}
	}
	return off
}

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

var shapes = []struct{ out, a, b []int }{
	{[]int{}, []int{}, []int{}},
	{[]int{7}, []int{7}, []int{}},
	{[]int{7}, []int{1}, []int{7}},
	{[]int{1, 1}, []int{1}, []int{1, 1}},
	{[]int{3, 1000}, []int{3, 1000}, []int{1000}},
	{[]int{3, 1000}, []int{3, 1}, []int{3, 1000}},
	{[]int{3, 1000}, []int{3, 1}, []int{1000}},
	{[]int{500, 3}, []int{500, 3}, []int{3}},
	{[]int{500, 3}, []int{3}, []int{500, 1}},
	{[]int{500, 3}, []int{500, 1}, []int{500, 3}},
	{[]int{2, 8, 5, 7}, []int{2, 8, 5, 7}, []int{8, 1, 1}},
	{[]int{2, 3, 1, 60}, []int{2, 1, 1, 60}, []int{3, 1, 60}},
	{[]int{2, 3, 4, 5, 6}, []int{2, 1, 4, 1, 6}, []int{3, 1, 5, 1}},
	{[]int{2, 3, 4, 5, 6}, []int{4, 5, 1}, []int{2, 3, 1, 1, 1}},
	{[]int{0, 4}, []int{0, 4}, []int{4}},
	{[]int{4, 0}, []int{1}, []int{4, 1}},
	{[]int{60, 100}, []int{60, 1}, []int{60, 1}},
}

func TestMap(t *testing.T) {
	for _, s := range shapes {
		for _, in := range [][]int{s.a, s.b} {
			m, ok := NewMap(s.out, in)
			if !ok {
				t.Fatalf("%v doesn't broadcast to %v", in, s.out)
			}
			n := product(s.out)
			for pos := 0; pos < n; {
				off, step, run := m.At(pos)
				if run < 1 {
					t.Fatalf("%v → %v: run %d at %d", in, s.out, run, pos)
				}
				for i := range run {
					if want := index(s.out, in, pos+i); off+i*step != want {
						t.Fatalf("%v → %v: position %d is element %d, want %d", in, s.out, pos+i, off+i*step, want)
					}
				}
				pos += run
			}
		}
	}
	for _, bad := range [][2][]int{{{3}, {2}}, {{3}, {1, 3}}, {{2, 0}, {3}}} {
		if _, ok := NewMap(bad[0], bad[1]); ok {
			t.Errorf("%v broadcasts to %v", bad[1], bad[0])
		}
	}
	if m, _ := NewMap([]int{4, 5, 6}, []int{4, 5, 6}); !m.Whole() || m.Scalar() {
		t.Error("the same shape isn't whole")
	}
	if m, _ := NewMap([]int{4, 5}, []int{1, 1}); m.Whole() || !m.Scalar() {
		t.Error("a single element isn't a scalar")
	}
}

// TestBinary computes ranges of every shape, with and without scalar loops, and compares with the definition.
func TestBinary(t *testing.T) {
	vv := func(d, a, b []float32) {
		for i := range d {
			d[i] = 1000*a[i] + b[i]
		}
	}
	vs := func(d, a []float32, s float32) {
		for i := range d {
			d[i] = 1000*a[i] + s
		}
	}
	sv := func(d []float32, s float32, b []float32) {
		for i := range d {
			d[i] = 1000*s + b[i]
		}
	}
	for i, l := range []Binary{{}, {VS: vs}, {SV: sv}, {VS: vs, SV: sv}} {
		l.VV, l.In, l.Result = Loop2Of(vv), 4, 4
		for _, s := range shapes {
			a, b := counted[float32](product(s.a)), counted[float32](product(s.b))
			n := product(s.out)
			ma, _ := NewMap(s.out, s.a)
			mb, _ := NewMap(s.out, s.b)
			d := make([]float32, n)
			scratch := RawOf(make([]float32, 2*Block))
			for lo := 0; lo < n; lo += 333 {
				l.Range(RawOf(d), RawOf(a), RawOf(b), &ma, &mb, lo, min(n, lo+333), scratch)
			}
			for pos, v := range d {
				if want := 1000*a[index(s.out, s.a, pos)] + b[index(s.out, s.b, pos)]; v != want {
					t.Fatalf("loops %d, %v and %v: element %d is %v, want %v", i, s.a, s.b, pos, v, want)
				}
			}
		}
	}
}

func counted[T Number](n int) []T {
	x := make([]T, n)
	for i := range x {
		x[i] = T(i)
	}
	return x
}

func TestWhere(t *testing.T) {
	for _, s := range shapes {
		for _, cond := range [][]int{s.out, s.a, s.b, {}} {
			c := make([]uint8, product(cond))
			for i := range c {
				c[i] = uint8(i*7%3) & 1
			}
			x, y := counted[int32](product(s.a)), counted[int32](product(s.b))
			n := product(s.out)
			mc, _ := NewMap(s.out, cond)
			mx, _ := NewMap(s.out, s.a)
			my, _ := NewMap(s.out, s.b)
			d := make([]int32, n)
			for lo := 0; lo < n; lo += 333 {
				Where(4, RawOf(d), c, RawOf(x), RawOf(y), &mc, &mx, &my, lo, min(n, lo+333))
			}
			for pos, v := range d {
				want := y[index(s.out, s.b, pos)]
				if c[index(s.out, cond, pos)] != 0 {
					want = x[index(s.out, s.a, pos)]
				}
				if v != want {
					t.Fatalf("%v ? %v : %v: element %d is %d, want %d", cond, s.a, s.b, pos, v, want)
				}
			}
		}
	}
}

// TestIntegers has the pairs on which processors and languages differ.
func TestIntegers(t *testing.T) {
	const least, most = math.MinInt8, math.MaxInt8
	for _, c := range []struct {
		name string
		f    func(d, a, b []int8)
		a, b int8
		want int8
	}{
		{"div", DivInt[int8], 7, 0, 0}, {"div", DivInt[int8], least, -1, least}, {"div", DivInt[int8], -7, 2, -3},
		{"rem", RemInt[int8], 7, 0, 0}, {"rem", RemInt[int8], least, -1, 0}, {"rem", RemInt[int8], -7, 3, -1},
		{"mod", ModInt[int8], 7, 0, 0}, {"mod", ModInt[int8], least, -1, 0}, {"mod", ModInt[int8], -7, 3, 2}, {"mod", ModInt[int8], 7, -3, -2},
		{"add", Add[int8], most, 1, least}, {"mul", Mul[int8], least, -1, least},
		{"shl", Shl[int8], 1, 7, least}, {"shl", Shl[int8], 1, 8, 0}, {"shl", Shl[int8], 1, -1, 0},
		{"shr", Shr[int8], -8, 1, -4}, {"shr", Shr[int8], -8, 100, -1}, {"shr", Shr[int8], 8, -1, 0}, {"shr", Shr[int8], -8, -1, -1},
		{"pow", PowInt[int8], 2, 7, least}, {"pow", PowInt[int8], 3, 0, 1}, {"pow", PowInt[int8], -1, -3, -1}, {"pow", PowInt[int8], 2, -1, 0}, {"pow", PowInt[int8], 0, -1, 0},
	} {
		var d [1]int8
		if c.f(d[:], []int8{c.a}, []int8{c.b}); d[0] != c.want {
			t.Errorf("%s(%d, %d) = %d, want %d", c.name, c.a, c.b, d[0], c.want)
		}
	}
	d := make([]int8, 3)
	if Abs(d, []int8{least, -3, 4}); d[0] != least || d[1] != 3 || d[2] != 4 {
		t.Errorf("abs: %v", d)
	}
}

func TestFloats(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	zero := math.Copysign(0, -1)
	same := func(a, b float64) bool { return a != a && b != b || a == b && math.Signbit(a) == math.Signbit(b) }
	for _, c := range []struct {
		name       string
		f          func(d, a, b []float64)
		a, b, want float64
	}{
		{"mod", Mod[float64], -5, 3, 1}, {"mod", Mod[float64], 5, -3, -1}, {"mod", Mod[float64], 0, -3, zero}, {"mod", Mod[float64], zero, 3, 0},
		{"mod", Mod[float64], 5, inf, 5}, {"mod", Mod[float64], -5, inf, inf}, {"mod", Mod[float64], inf, 3, nan}, {"mod", Mod[float64], 1, 0, nan},
		{"rem", Rem[float64], -5, 3, -2}, {"rem", Rem[float64], 5, inf, 5}, {"rem", Rem[float64], 5, 0, nan},
		{"max", Max[float64], 1, nan, nan}, {"min", Min[float64], nan, 1, nan}, {"max", Max[float64], zero, 0, 0}, {"min", Min[float64], zero, 0, zero},
		{"pow", Pow, -8, 3, -512}, {"pow", Pow, -8, 0.5, nan}, {"pow", Pow, nan, 0, 1},
	} {
		var d [1]float64
		if c.f(d[:], []float64{c.a}, []float64{c.b}); !same(d[0], c.want) {
			t.Errorf("%s(%v, %v) = %v, want %v", c.name, c.a, c.b, d[0], c.want)
		}
	}
	// The ways of Pow32 agree with the definition, rounded once.
	xs := []float32{0, float32(zero), 1, -1, 0.3, -2.5, 7, 1e-30, 1e30, float32(inf), float32(-inf), float32(nan)}
	for _, y := range []float32{0.5, 2, 3, 1, 0, -1, -0.5, 1.7, -3, 40, float32(inf), float32(nan)} {
		d, e := make([]float32, len(xs)), make([]float32, len(xs))
		ys := make([]float32, len(xs))
		Fill(ys, y)
		PowS(d, xs, y)
		Pow32(e, xs, ys)
		for i, x := range xs {
			want := float64(float32(math.Pow(float64(x), float64(y))))
			// Repeated products round more than once.
			if !same(float64(e[i]), want) || !same(float64(d[i]), want) && !(math.Abs(float64(d[i])-want) <= 2e-7*math.Abs(want)) {
				t.Errorf("%v^%v: %v by a scalar, %v by a slice, want %v", x, y, d[i], e[i], want)
			}
		}
	}
}

func BenchmarkBinary(b *testing.B) {
	for _, s := range []struct{ out, a, b []int }{
		{[]int{16384}, []int{16384}, []int{16384}},
		{[]int{64, 256}, []int{64, 256}, []int{256}},
		{[]int{4096, 4}, []int{4096, 4}, []int{4}},
		{[]int{334, 49}, []int{334, 49}, []int{334, 1}},
	} {
		b.Run(fmt.Sprint(s.a, s.b), func(b *testing.B) {
			n := product(s.out)
			x, y, d := make([]float32, product(s.a)), make([]float32, product(s.b)), make([]float32, n)
			ma, _ := NewMap(s.out, s.a)
			mb, _ := NewMap(s.out, s.b)
			l := Binary{VV: Loop2Of(Add[float32]), In: 4, Result: 4}
			scratch := RawOf(make([]float32, 2*Block))
			b.SetBytes(int64(4 * n))
			for b.Loop() {
				l.Range(RawOf(d), RawOf(x), RawOf(y), &ma, &mb, 0, n, scratch)
			}
		})
	}
}
