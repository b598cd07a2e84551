package random

import (
	"slices"
	"testing"
)

// TestPhilox compares with the known answers that the authors publish.
func TestPhilox(t *testing.T) {
	if got, want := Philox(0).Block(0), [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}; got != want {
		t.Errorf("block 0 of key 0 is %x, want %x", got, want)
	}
}

// TestPhiloxAnyOrder draws the same stream in pieces.
func TestPhiloxAnyOrder(t *testing.T) {
	whole, parts := make([]float64, 101), make([]float64, 101)
	Philox(42).Fill(whole, 7)
	for _, cut := range [][2]int{{50, 101}, {0, 3}, {3, 50}} {
		Philox(42).Fill(parts[cut[0]:cut[1]], 7+cut[0])
	}
	if !slices.Equal(whole, parts) {
		t.Error("pieces differ from the whole")
	}
	for _, v := range whole {
		if v < 0 || v >= 1 {
			t.Errorf("%g is outside of [0,1)", v)
		}
	}
}

// TestTwister compares with numpy.random.RandomState(seed).random_sample().
func TestTwister(t *testing.T) {
	tests := []struct {
		seed uint32
		want []float64
	}{
		{0, []float64{0.5488135039273248, 0.7151893663724195, 0.6027633760716439}},
		{42, []float64{0.3745401188473625, 0.9507143064099162, 0.7319939418114051}},
	}
	for _, tt := range tests {
		got := make([]float64, 1000)
		NewTwister(tt.seed).Fill(got, 0)
		if !slices.Equal(got[:3], tt.want) {
			t.Errorf("seed %d: %v, want %v", tt.seed, got[:3], tt.want)
		}
	}
}
