package quant

import (
	"math/rand/v2"
	"testing"
)

// TestUnpack compares with what Bits says of each integer.
func TestUnpack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	packed := make([]byte, 40)
	for i := range packed {
		packed[i] = byte(r.Uint32())
	}
	for _, bits := range []int{2, 4, 8} {
		for _, n := range []int{0, 1, 7, 16, 33} {
			dst := make([]float32, n)
			Unpack(dst, packed, bits, 0.25, 3)
			for i, got := range dst {
				q := 0
				for b := range bits {
					at := i*bits + b
					q |= int(packed[at/8]>>(at%8)&1) << b
				}
				if Bits(packed, i, bits) != q {
					t.Fatalf("integer %d of %d bits is %d, want %d", i, bits, Bits(packed, i, bits), q)
				}
				if want := (float32(q) - 3) * 0.25; got != want {
					t.Fatalf("%d bits, element %d of %d: %v, want %v", bits, i, n, got, want)
				}
			}
		}
	}
}
