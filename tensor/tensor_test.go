package tensor

import (
	"errors"
	"math"
	"testing"
)

func TestConstructors(t *testing.T) {
	if _, err := FromSlice([]float32{1, 2, 3}, 2, 2); !errors.Is(err, ErrShape) {
		t.Errorf("3 elements as [2,2]: %v", err)
	}
	if err := Of([]float32{1}, 2).Err(); err == nil {
		t.Error("Of hides a shape that doesn't fit")
	}
	if _, err := New(Float32, math.MaxInt/2, 8); !errors.Is(err, ErrShape) {
		t.Errorf("too large: %v", err)
	}
	if _, err := New(Float32, -1); !errors.Is(err, ErrShape) {
		t.Errorf("negative: %v", err)
	}
	s := Scalar(float32(3))
	if s.Rank() != 0 || s.Len() != 1 || s.String() != "float32[]" {
		t.Errorf("scalar is %v", s)
	}
	e, err := New(Int64, 0, 5)
	if err != nil || e.Len() != 0 {
		t.Errorf("empty: %v, %v", e, err)
	}
	if d, err := Data[int64](e); err != nil || len(d) != 0 {
		t.Errorf("empty data: %v, %v", d, err)
	}
	if _, err := Data[float64](s); !errors.Is(err, ErrDType) {
		t.Errorf("wrong dtype: %v", err)
	}
}

func TestViewsShare(t *testing.T) {
	data := []float32{1, 2, 3, 4, 5, 6}
	a := Of(data, 3, 2)
	r, err := a.Slice(1, 3)
	if err != nil {
		t.Fatal(err)
	}
	v, _ := Data[float32](r)
	v[0] = 30
	if data[2] != 30 {
		t.Error("Slice copies")
	}
	b, err := a.Reshape(2, 3)
	if err != nil || &View[float32](b)[0] != &data[0] {
		t.Errorf("Reshape copies or fails: %v", err)
	}
	if _, err := a.Reshape(4); !errors.Is(err, ErrShape) {
		t.Errorf("bad reshape: %v", err)
	}
	if !a.Clone().Equal(a) || a.Equal(b) {
		t.Error("Equal")
	}
	w, _ := Of([]string{"a", "b", "c"}).Slice(1, 2)
	if s, _ := Data[string](w); len(s) != 1 || s[0] != "b" {
		t.Errorf("strings: %v", s)
	}
}

// Each 16-bit value survives the way to float32 and back, and a float32 half-way between two of them goes to the even one.
func TestHalfRoundTrip(t *testing.T) {
	for i := range 1 << 16 {
		h := F16(i)
		f := h.Float32()
		if f != f {
			if g := ToF16(f).Float32(); g == g {
				t.Fatalf("NaN %#x became %v", i, g)
			}
			continue
		}
		if g := ToF16(f); g != h {
			t.Fatalf("%#x → %v → %#x", i, f, g)
		}
		if g := F16FromFloat64(float64(f)); g != h {
			t.Fatalf("%#x → %v → %#x by float64", i, f, g)
		}
		if i&0x7fff < 0x7bff {
			next := F16(i + 1).Float32()
			mid := f/2 + next/2
			want := h
			if i&1 == 1 {
				want++
			}
			if g := ToF16(mid); g != want {
				t.Fatalf("half-way %v between %#x and the next: %#x", mid, i, g)
			}
		}
		if b := BF16(i); b.Float32() == b.Float32() && ToBF16(b.Float32()) != b {
			t.Fatalf("bf16 %#x", i)
		}
	}
}

func TestFloat8(t *testing.T) {
	for i := range 256 {
		if f := F8E4M3FN(i).Float32(); f == f && ToF8E4M3FN(f, true) != F8E4M3FN(i) {
			t.Errorf("e4m3fn %#x = %v", i, f)
		}
		if f := F8E4M3FNUZ(i).Float32(); f == f && ToF8E4M3FNUZ(f, true) != F8E4M3FNUZ(i) {
			t.Errorf("e4m3fnuz %#x = %v", i, f)
		}
		if f := F8E5M2(i).Float32(); f == f && ToF8E5M2(f, false) != F8E5M2(i) {
			t.Errorf("e5m2 %#x = %v", i, f)
		}
		if f := F8E5M2FNUZ(i).Float32(); f == f && ToF8E5M2FNUZ(f, true) != F8E5M2FNUZ(i) {
			t.Errorf("e5m2fnuz %#x = %v", i, f)
		}
		if f := F8E8M0(i).Float32(); f == f && ToF8E8M0(f, true, RoundNearest) != F8E8M0(i) {
			t.Errorf("e8m0 %#x = %v", i, f)
		}
	}
	for i := range 16 {
		if f := F4E2M1(i).Float32(); ToF4E2M1(f) != F4E2M1(i) {
			t.Errorf("e2m1 %#x = %v", i, f)
		}
	}
	for _, c := range []struct {
		v    float32
		want float32
	}{{448, 448}, {1e9, 448}, {-1e9, -448}, {0.0009765625, 0}, {0.001953125, 0.001953125}} {
		if got := ToF8E4M3FN(c.v, true).Float32(); got != c.want {
			t.Errorf("%v → %v, want %v", c.v, got, c.want)
		}
	}
	if f := ToF8E4M3FN(1e9, false).Float32(); f == f {
		t.Errorf("unsaturated 1e9 → %v", f)
	}
	if f := ToF8E5M2(1e9, false).Float32(); !math.IsInf(float64(f), 1) {
		t.Errorf("unsaturated 1e9 → %v", f)
	}
}

func TestTypes(t *testing.T) {
	if n := len(AllTypes.List()); n != 26 {
		t.Errorf("%d types", n)
	}
	for _, d := range AllTypes.List() {
		for _, name := range []string{d.String(), d.ONNX()} {
			if p, err := ParseDType(name); err != nil || p != d {
				t.Errorf("ParseDType(%q) = %v, %v", name, p, err)
			}
		}
	}
}
