package reduce

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"ingot/internal/kernel/elem"
)

var geometries = []struct {
	dims []int
	axes string // r: reduced, k: kept
}{
	{[]int{}, ""}, {[]int{1}, "r"}, {[]int{5}, "r"}, {[]int{5}, "k"},
	{[]int{3, 7}, "kr"}, {[]int{3, 7}, "rk"}, {[]int{3, 7}, "rr"}, {[]int{3, 7}, "kk"},
	{[]int{2, 3, 4, 5}, "krkr"}, {[]int{2, 3, 4, 5}, "rkrk"}, {[]int{2, 3, 4, 5}, "rkkr"}, {[]int{2, 3, 4, 5}, "krrk"},
	{[]int{2, 1, 4, 1}, "rkkr"}, {[]int{3, 1, 1}, "krk"},
	{[]int{0, 4}, "rk"}, {[]int{0, 4}, "kr"}, {[]int{4, 0}, "kr"}, {[]int{2, 0, 3}, "krk"},
	{[]int{300000}, "r"}, {[]int{3, 70000}, "kr"}, {[]int{70000, 3}, "rk"}, {[]int{20000, 7}, "rk"}, {[]int{300, 3000}, "rk"},
	{[]int{2, 5000, 40}, "krk"}, {[]int{3000, 40}, "kr"}, {[]int{40, 30, 100}, "rkr"}, {[]int{9000, 3, 4}, "krk"},
}

func marks(s string) []bool {
	out := make([]bool, len(s))
	for i := range s {
		out[i] = s[i] == 'r'
	}
	return out
}

// naive folds by the definition.
func naive(dims []int, red []bool, x []int64, init int64, f func(a, b int64) int64) []int64 {
	n, outs := 1, 1
	for i, d := range dims {
		n *= d
		if !red[i] {
			outs *= d
		}
	}
	out := make([]int64, outs)
	for i := range out {
		out[i] = init
	}
	for pos := range n {
		at, step, p := 0, 1, pos
		for i := len(dims) - 1; i >= 0; i-- {
			if !red[i] {
				at += p % dims[i] * step
				step *= dims[i]
			}
			p /= dims[i]
		}
		out[at] = f(out[at], x[pos])
	}
	return out
}

// sourceOf is a slice.
func sourceOf[T Number](x []T) *Source { return &Source{Width: elem.WidthOf[T](), Data: elem.RawOf(x)} }

// fold runs all pieces in an order that is not theirs.
func fold[T Number](l Loops, g *Geom, src *Source) []T {
	s := g.Split()
	dst := make([]T, s.Parts*g.Outputs())
	raw, buf := elem.RawOf(dst), elem.RawOf(make([]T, 2*Chunk))
	for i := s.Tiles*s.Parts - 1; i >= 0; i-- {
		l.Fold(g, s, i, raw, src, buf)
	}
	l.Finish(g, s, raw)
	return dst[:g.Outputs()]
}

func TestFold(t *testing.T) {
	for _, c := range geometries {
		red := marks(c.axes)
		g := NewGeom(c.dims, red)
		n := 1
		for _, d := range c.dims {
			n *= d
		}
		x := make([]int64, n)
		for i := range x {
			x[i] = int64(i)*2654435761%1000 - 500
		}
		direct := sourceOf(x)
		loaded := &Source{Width: 8, Load: func(buf elem.Raw, off int) { copy(elem.View[int64](buf), x[off:off+buf.Len()]) }}
		for _, l := range []struct {
			name  string
			loops Loops
			init  int64
			f     func(a, b int64) int64
		}{
			{"sum", Sum[int64](), 0, func(a, b int64) int64 { return a + b }},
			{"abs", SumAbs[int64](), 0, func(a, b int64) int64 { return a + max(b, -b) }},
			{"squares", SumSq[int64](), 0, func(a, b int64) int64 { return a + b*b }},
			{"prod", Prod[int64](), 1, func(a, b int64) int64 { return a * b }},
			{"max", Max[int64](math.MinInt64), math.MinInt64, func(a, b int64) int64 { return max(a, b) }},
			{"min", Min[int64](math.MaxInt64), math.MaxInt64, func(a, b int64) int64 { return min(a, b) }},
		} {
			want := naive(c.dims, red, x, l.init, l.f)
			for name, src := range map[string]*Source{"direct": direct, "loaded": loaded} {
				if got := fold[int64](l.loops, &g, src); !slices.Equal(got, want) {
					t.Errorf("%s %s over %v %s: wrong", name, l.name, c.dims, c.axes)
				}
			}
		}
	}
}

// TestSplitCovers checks that the pieces are as many as there is work for, and a function of the shape.
func TestSplitCovers(t *testing.T) {
	for _, c := range geometries {
		g := NewGeom(c.dims, marks(c.axes))
		s := g.Split()
		if g.Outputs() == 0 {
			if s.Tiles != 0 {
				t.Errorf("%v %s: %d tiles for nothing", c.dims, c.axes, s.Tiles)
			}
			continue
		}
		if total := g.Outputs() * g.Count; total > 4*forkLen && s.Tiles*s.Parts < 2 {
			t.Errorf("%v %s: one piece for %d elements", c.dims, c.axes, total)
		}
	}
}

func TestLogSumExp(t *testing.T) {
	inf := math.Inf(1)
	for _, c := range geometries {
		red := marks(c.axes)
		g := NewGeom(c.dims, red)
		n := 1
		for _, d := range c.dims {
			n *= d
		}
		x64, x32, scaled := make([]float64, n), make([]float32, n), make([]int64, n)
		for i := range x64 {
			scaled[i] = int64(i)*2654435761%1000 - 500
			x64[i] = float64(scaled[i]) / 50
			x32[i] = float32(x64[i])
		}
		sums := make([]float64, g.Outputs())
		// The definition, by way of the naive fold over indices.
		at := naiveIndex(c.dims, red)
		for pos, o := range at {
			sums[o] += math.Exp(x64[pos])
		}
		s := g.Whole()
		d64, d32 := make([]float64, g.Outputs()), make([]float32, g.Outputs())
		for i := range s.Tiles {
			LogSumExp64.Fold(&g, s, i, d64, sourceOf(x64), make([]float64, 5*Chunk))
			LogSumExp32.Fold(&g, s, i, d32, sourceOf(x32), make([]float32, 5*Chunk))
		}
		for o := range sums {
			want := math.Log(sums[o])
			if !near(d64[o], want, 1e-9) || !near(float64(d32[o]), want, 1e-4) {
				t.Fatalf("%v %s: output %d is %v and %v, want %v", c.dims, c.axes, o, d64[o], d32[o], want)
			}
		}
	}
	for _, c := range []struct {
		x    []float32
		want float64
	}{
		{[]float32{float32(-inf), float32(-inf)}, -inf}, {[]float32{float32(inf), 1}, inf}, {[]float32{float32(-inf), 2}, 2}, {[]float32{1000, 1000}, 1000 + math.Ln2},
	} {
		for _, axes := range []string{"kr", "rk"} {
			dims := []int{1, 2}
			x := c.x
			if axes == "rk" { // two columns alike, so that rows are folded at once
				dims, x = []int{2, 2}, []float32{c.x[0], c.x[0], c.x[1], c.x[1]}
			}
			g := NewGeom(dims, marks(axes))
			d := make([]float32, g.Outputs())
			LogSumExp32.Fold(&g, g.Whole(), 0, d, sourceOf(x), make([]float32, 5*Chunk))
			if !near(float64(d[0]), c.want, 1e-6) {
				t.Errorf("%v %s: %v, want %v", c.x, axes, d[0], c.want)
			}
		}
	}
}

func naiveIndex(dims []int, red []bool) []int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	at := make([]int, n)
	for pos := range at {
		step, p := 1, pos
		for i := len(dims) - 1; i >= 0; i-- {
			if !red[i] {
				at[pos] += p % dims[i] * step
				step *= dims[i]
			}
			p /= dims[i]
		}
	}
	return at
}

func near(a, b, tol float64) bool { return a == b || math.Abs(a-b) <= tol*(1+math.Abs(b)) }

func TestTopK(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		vals    []float32
		largest bool
		want    []int32
	}{
		{[]float32{3, 1, 4, 1, 5, 9, 2, 6}, true, []int32{5, 7, 4}},
		{[]float32{3, 1, 4, 1, 5, 9, 2, 6}, false, []int32{1, 3, 6}},
		{[]float32{2, 2, 2, 2}, true, []int32{0, 1, 2}},
		{[]float32{2, 2, 2, 2}, false, []int32{0, 1, 2, 3}},
		{[]float32{1, nan, 3, nan}, true, []int32{1, 3, 2, 0}},
		{[]float32{1, nan, 3, nan}, false, []int32{0, 2, 1, 3}},
		{[]float32{1, 2}, true, []int32{}},
	} {
		idx := make([]int32, len(c.want))
		if TopK(c.vals, idx, c.largest); !slices.Equal(idx, c.want) {
			t.Errorf("%v, largest %v: %v, want %v", c.vals, c.largest, idx, c.want)
		}
	}
}

func TestArg(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		x    []float64
		arg  Arg
		want int64
	}{
		{[]float64{1, 3, 3, 2}, Arg{}, 1}, {[]float64{1, 3, 3, 2}, Arg{Last: true}, 2},
		{[]float64{2, 1, 1, 2}, Arg{Min: true}, 1}, {[]float64{2, 1, 1, 2}, Arg{Min: true, Last: true}, 2},
		{[]float64{1, nan, 3, nan}, Arg{}, 1}, {[]float64{1, nan, 3, nan}, Arg{Min: true, Last: true}, 3}, {[]float64{nan, 1}, Arg{}, 0},
	} {
		src := sourceOf(c.x)
		buf := elem.RawOf(make([]float64, 2*Chunk))
		if got := ArgRow[float64](c.arg, src, 0, len(c.x), buf); got != c.want {
			t.Errorf("%v %+v: %d, want %d", c.x, c.arg, got, c.want)
		}
		x32 := make([]float32, len(c.x))
		for i, v := range c.x {
			x32[i] = float32(v)
		}
		if got := ArgRow32(c.arg, sourceOf(x32), 0, len(x32), elem.Raw{}); got != c.want {
			t.Errorf("%v %+v as float32: %d, want %d", c.x, c.arg, got, c.want)
		}
		// The same beyond a chunk of the worst there is.
		far := make([]float32, Chunk+7+len(x32))
		for i := range far {
			if far[i] = -9; c.arg.Min {
				far[i] = 9
			}
		}
		copy(far[Chunk+7:], x32)
		if got := ArgRow32(c.arg, sourceOf(far), 0, len(far), elem.Raw{}); got != c.want+Chunk+7 {
			t.Errorf("%v %+v far away: %d, want %d", c.x, c.arg, got, c.want+Chunk+7)
		}
		var idx [1]int64
		if ArgColumns[float64](c.arg, idx[:], src, 0, len(c.x), 1, buf); idx[0] != c.want {
			t.Errorf("%v %+v as a column: %d, want %d", c.x, c.arg, idx[0], c.want)
		}
	}
}

func BenchmarkFold(b *testing.B) {
	for _, c := range []struct {
		dims []int
		axes string
	}{{[]int{128, 384}, "kr"}, {[]int{12544, 64}, "rk"}, {[]int{64, 12544}, "kr"}, {[]int{100000, 3}, "rk"}, {[]int{100000, 4}, "kr"}} {
		b.Run(fmt.Sprint(c.dims, c.axes), func(b *testing.B) {
			g := NewGeom(c.dims, marks(c.axes))
			src := sourceOf(make([]float32, c.dims[0]*c.dims[1]))
			s := g.Split()
			dst, buf := elem.RawOf(make([]float32, s.Parts*g.Outputs())), elem.RawOf(make([]float32, 2*Chunk))
			b.SetBytes(int64(4 * src.Data.Len()))
			for b.Loop() {
				for i := range s.Tiles * s.Parts {
					Sum32.Fold(&g, s, i, dst, src, buf)
				}
				Sum32.Finish(&g, s, dst)
			}
		})
	}
}
