package num

import (
	"math"
	"testing"

	"ingot/tensor"
)

func newTensor(t *testing.T, dt tensor.DType, n int) *tensor.Tensor {
	t.Helper()
	x, err := tensor.New(dt, n)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// TestRoundTrip stores small numbers that nearly every type holds and loads them back by all four computing types.
func TestRoundTrip(t *testing.T) {
	const n = 300 // more than one inner block
	for _, dt := range Numeric.List() {
		x := newTensor(t, dt, n+2)
		src := make([]float32, n)
		for i := range src {
			src[i] = float32(i & 1)
			if dt == tensor.Float8E8M0 {
				src[i] = float32(1 + i&1)
			}
		}
		if !Store32(x, 1, src) {
			t.Fatalf("%s isn't stored", dt)
		}
		f32, f64, i64, u64 := make([]float32, n), make([]float64, n), make([]int64, n), make([]uint64, n)
		ok := Load32(f32, x, 1) && Load64(f64, x, 1) && LoadInt(i64, x, 1) && LoadUint(u64, x, 1)
		for i, v := range src {
			if !ok || f32[i] != v || f64[i] != float64(v) || i64[i] != int64(v) || u64[i] != uint64(v) {
				t.Fatalf("%s: element %d is %v %v %v %v, want %v", dt, i, f32[i], f64[i], i64[i], u64[i], v)
			}
		}
		for name, store := range map[string]func() bool{
			"float64": func() bool { return Store64(x, 2, f64) },
			"int64":   func() bool { return StoreInt(x, 2, i64) },
			"uint64":  func() bool { return StoreUint(x, 2, u64) },
		} {
			clear(x.Bytes())
			if !store() {
				t.Fatalf("%s isn't stored from %s", dt, name)
			}
			clear(f32)
			if Load32(f32, x, 2); f32[0] != src[0] || f32[n-1] != src[n-1] {
				t.Errorf("%s from %s: %v … %v", dt, name, f32[0], f32[n-1])
			}
		}
	}
	s := newTensor(t, tensor.String, 3)
	if Load32(make([]float32, 1), s, 0) || Store64(s, 0, make([]float64, 1)) || LoadInt(nil, s, 0) {
		t.Error("strings are said to be numbers")
	}
}

func TestFloatToInt(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		dt   tensor.DType
		in   float64
		want int64
	}{
		{tensor.Int32, 2.9, 2}, {tensor.Int32, -2.9, -2}, {tensor.Int32, 3e9, math.MaxInt32}, {tensor.Int32, -inf, math.MinInt32}, {tensor.Int32, nan, 0},
		{tensor.Int64, 1e30, math.MaxInt64}, {tensor.Int64, -1e30, math.MinInt64}, {tensor.Int64, nan, 0},
		{tensor.Uint64, 1e30, -1}, {tensor.Uint64, -1, -1}, {tensor.Uint64, 1 << 63, math.MinInt64},
		{tensor.Uint32, -1, math.MaxUint32}, {tensor.Uint8, 300, 44}, {tensor.Uint8, -1, 255}, {tensor.Int8, 200, -56}, {tensor.Int16, 40000, -25536},
		{tensor.Int4, 8, -8}, {tensor.Int4, -9, 7}, {tensor.Uint4, -1, 15}, {tensor.Int2, 2, -2}, {tensor.Uint2, 5, 1},
		{tensor.Bool, 0.25, 1}, {tensor.Bool, math.Copysign(0, -1), 0}, {tensor.Bool, nan, 1},
	} {
		x := newTensor(t, c.dt, 1)
		got := make([]int64, 1)
		Store64(x, 0, []float64{c.in})
		if LoadInt(got, x, 0); got[0] != c.want {
			t.Errorf("%v → %s: %d, want %d", c.in, c.dt, got[0], c.want)
		}
		Store32(x, 0, []float32{float32(c.in)})
		if LoadInt(got, x, 0); got[0] != c.want {
			t.Errorf("float32 %v → %s: %d, want %d", c.in, c.dt, got[0], c.want)
		}
	}
}

// TestOneRounding has doubles that round differently when float32 comes in between.
func TestOneRounding(t *testing.T) {
	for _, c := range []struct {
		dt   tensor.DType
		in   float64
		want float32
	}{
		{tensor.BFloat16, 1 + 0x1p-8 + 0x1p-40, 1 + 0x1p-7}, // float32 would make it a tie, which goes down
		{tensor.BFloat16, 1 + 0x1p-8 - 0x1p-40, 1},
		{tensor.BFloat16, -(1 + 0x1p-8 + 0x1p-40), -(1 + 0x1p-7)},
		{tensor.Float16, 1 + 0x1p-11 + 0x1p-40, 1 + 0x1p-10},
		{tensor.Float8E5M2, 1 + 0x1p-3 + 0x1p-40, 1.25},
		{tensor.Float16, 65519.99999, 65504},
		{tensor.Float16, 1e300, float32(math.Inf(1))},
		{tensor.Float8E4M3FN, 1e300, 448},
	} {
		x := newTensor(t, c.dt, 1)
		got := make([]float32, 1)
		Store64(x, 0, []float64{c.in})
		if Load32(got, x, 0); got[0] != c.want {
			t.Errorf("%v → %s: %v, want %v", c.in, c.dt, got[0], c.want)
		}
	}
}

func TestRules(t *testing.T) {
	for _, c := range []struct {
		dt   tensor.DType
		r    Rules
		in   float32
		bits uint8
	}{
		{tensor.Float8E4M3FN, Rules{}, 1e6, 0x7e},
		{tensor.Float8E4M3FN, Rules{NoSaturate: true}, 1e6, 0x7f},
		{tensor.Float8E5M2, Rules{NoSaturate: true}, -1e6, 0xfc},
		{tensor.Float8E8M0, Rules{}, 1.1, 128},
		{tensor.Float8E8M0, Rules{Round: tensor.RoundDown}, 1.9, 127},
		{tensor.Float8E8M0, Rules{NoSaturate: true, Round: tensor.RoundNearest}, 0, 0xff},
		{tensor.Float4E2M1, Rules{}, float32(math.NaN()), 8},
	} {
		x := newTensor(t, c.dt, 1)
		c.r.Store32(x, 0, []float32{c.in})
		if got := x.Bytes()[0]; got != c.bits {
			t.Errorf("%v → %s by %+v: %#x, want %#x", c.in, c.dt, c.r, got, c.bits)
		}
	}
}

// TestConvert converts between all pairs; 1 and 0 survive every way, and large integers are exact where no float is in between.
func TestConvert(t *testing.T) {
	for _, from := range Numeric.List() {
		for _, to := range Numeric.List() {
			x, y := newTensor(t, from, 200), newTensor(t, to, 200)
			ones := make([]int64, 200)
			for i := range ones {
				ones[i] = 1
			}
			StoreInt(x, 0, ones)
			got := make([]float64, 200)
			if ok := (Rules{}).Convert(y, x, 3, 190); !ok {
				t.Fatalf("%s → %s isn't converted", from, to)
			}
			if Load64(got, y, 0); got[3] != 1 || got[192] != 1 || (to != tensor.Float8E8M0 && (got[2] != 0 || got[193] != 0)) {
				t.Errorf("%s → %s: %v", from, to, got[:8])
			}
		}
	}
	x, y := tensor.Of([]uint64{math.MaxUint64, 1<<53 + 1}), newTensor(t, tensor.Int64, 2)
	(Rules{}).Convert(y, x, 0, 2)
	if v := tensor.View[int64](y); v[0] != -1 || v[1] != 1<<53+1 {
		t.Errorf("uint64 → int64: %v", v)
	}
	f := newTensor(t, tensor.Float32, 2)
	(Rules{}).Convert(f, x, 0, 2)
	if v := tensor.View[float32](f); v[0] != 0x1p64 || v[1] != 1<<53 {
		t.Errorf("uint64 → float32: %v", v)
	}
}
