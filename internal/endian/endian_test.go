package endian

import (
	"bytes"
	"testing"

	"ingot/tensor"
)

func TestSwap(t *testing.T) {
	src := []byte{1, 2, 3, 4, 5, 6, 7, 8}
	for unit, want := range map[int][]byte{
		0: src,
		2: {2, 1, 4, 3, 6, 5, 8, 7},
		4: {4, 3, 2, 1, 8, 7, 6, 5},
		8: {8, 7, 6, 5, 4, 3, 2, 1},
	} {
		dst := make([]byte, 8)
		Swap(dst, src, unit)
		if !bytes.Equal(dst, want) {
			t.Errorf("unit %d: %v, want %v", unit, dst, want)
		}
		Swap(dst, dst, unit)
		if !bytes.Equal(dst, src) {
			t.Errorf("unit %d in place: %v", unit, dst)
		}
	}
}

func TestUnit(t *testing.T) {
	for dt, want := range map[tensor.DType]int{
		tensor.Int8: 0, tensor.Bool: 0, tensor.Float16: 2, tensor.Float32: 4, tensor.Int64: 8, tensor.Complex64: 4, tensor.Complex128: 8, tensor.String: 0,
	} {
		if got := Unit(dt); got != want {
			t.Errorf("%v: %d, want %d", dt, got, want)
		}
	}
}

func TestBig(t *testing.T) {
	if first := tensor.Of([]uint16{1}).Bytes()[0]; (first == 0) != Big {
		t.Errorf("Big is %v, but the first byte of 1 is %d", Big, first)
	}
}
