package quant

import (
	"math"
	"testing"
)

var nan = float32(math.NaN())

func TestRound(t *testing.T) {
	inf := float32(math.Inf(1))
	src := []float32{0.5, 1.5, 2.5, -0.5, -1.5, 126.4, 126.5, 127.5, 300, -300, inf, -inf, nan, 0.49999997}
	want := []int8{0, 2, 2, 0, -2, 126, 126, 127, 127, -128, 127, -128, -128, 0}
	r := Range{-128, 127}
	got := make([]int8, len(src))
	check := func(what string, zero int32) {
		t.Helper()
		for i := range src {
			w := int32(want[i]) + zero
			if w > 127 || src[i] > 200 {
				w = 127
			}
			if w < -128 || src[i] < -200 || src[i] != src[i] {
				w = -128
			}
			if src[i] == 127.5 {
				w = min(128+zero, 127)
			}
			if int32(got[i]) != w {
				t.Errorf("%s, zero point %d: %v became %d, want %d", what, zero, src[i], got[i], w)
			}
		}
	}
	for _, zero := range []int32{0, 5, -7, 127, -128} {
		zs, wide := make([]int32, len(src)), make([]float64, len(src))
		for i, v := range src {
			zs[i], wide[i] = zero, float64(v)
		}
		Round(got, src, zero, r)
		check("Round", zero)
		RoundEach(got, src, zs, r)
		check("RoundEach", zero)
		Round64(got, wide, zs, r)
		check("Round64", zero)
		Round64(got, wide, zs[:1], r)
		check("Round64 with one zero point", zero)
	}
	narrow := make([]uint8, 4)
	Round(narrow, []float32{2.5, 3.5, -1, 9}, 1, Range{0, 3})
	if string(narrow) != string([]byte{3, 3, 0, 3}) {
		t.Errorf("2 bits: %v", narrow)
	}
	words := make([]uint16, 3)
	Round(words, []float32{65535, 40000.5, 1e9}, 0, Range{0, math.MaxUint16})
	if words[0] != 65535 || words[1] != 40000 || words[2] != 65535 {
		t.Errorf("16 bits: %v", words)
	}
}

func TestRescale(t *testing.T) {
	src := []int32{1, 3, 5, -1, 1 << 30, math.MinInt32, 200}
	u, s := make([]uint8, len(src)), make([]int8, len(src))
	Rescale(u, src, 0.5, 10)
	Rescale(s, src, 0.5, 10)
	scale := []float32{0.5, 0.5, 0.5, 0.5, 0.5, 0.5, nan}
	each := make([]int8, len(src))
	RescaleEach(each, src, scale, 10)
	for i, w := range []int32{10, 12, 12, 10, 255, 0, 110} {
		if int32(u[i]) != w {
			t.Errorf("uint8 of %d: %d, want %d", src[i], u[i], w)
		}
		if i == 4 {
			w = 127
		} else if i == 5 {
			w = -128
		}
		if int32(s[i]) != w {
			t.Errorf("int8 of %d: %d, want %d", src[i], s[i], w)
		}
		if i == 6 {
			w = -128
		}
		if int32(each[i]) != w {
			t.Errorf("int8 of %d with its own scale: %d, want %d", src[i], each[i], w)
		}
	}
	f := make([]float32, 2)
	if Scale(f, src[:2], []float32{2}); f[1] != 6 {
		t.Errorf("Scale: %v", f)
	}
	if Scale(f, src[:2], []float32{2, 3}); f[1] != 9 {
		t.Errorf("Scale: %v", f)
	}
}
