package ggml

import (
	"slices"
	"testing"
)

// Values that were worked out by hand; whole rows of every format are compared with ONNX Runtime by the cases of GatherPacked.
func TestBlocks(t *testing.T) {
	one := []byte{0x00, 0x3c} // 1 as float16
	tests := []struct {
		name   string
		format int
		block  []byte
		want   map[int]float32 // some elements; others are rest
		rest   float32
	}{
		{"4 bits: the lower half first", 2, append(slices.Clone(one), 0x9f), map[int]float32{0: 7, 16: 1}, -8},
		{"8 bits are signed", 8, append(slices.Clone(one), 0xff, 0x7f), map[int]float32{0: -1, 1: 127}, 0},
		{"5 bits: the fifth in front", 6, append(slices.Clone(one), 0x01, 0, 0, 0x80, 0x03), map[int]float32{0: 3, 31: 0}, -16},
		{"2 bits", 42, append(slices.Clone(one), 0xe4), map[int]float32{0: -1, 1: 0, 2: 1, 3: 2}, -1},
		{"uneven 4 bits", 20, append(slices.Clone(one), 0xf0), map[int]float32{16: 113}, -127},
		{"float32", 0, []byte{0, 0, 0x80, 0xbf}, nil, -1},
		{"bfloat16", 30, []byte{0x80, 0x3f}, nil, 1},
	}
	for _, tt := range tests {
		f := Formats[tt.format]
		row := make([]byte, f.Bytes)
		copy(row, tt.block)
		dst := make([]float32, f.Block)
		f.Row(dst, row)
		for i, v := range dst {
			want, ok := tt.want[i]
			if !ok {
				want = tt.rest
			}
			if v != want {
				t.Errorf("%s: element %d is %v, want %v", tt.name, i, v, want)
			}
		}
	}
}

// A row of several blocks is read block by block, and no format reads outside of its bytes.
func TestRows(t *testing.T) {
	for id, f := range Formats {
		row := make([]byte, 3*f.Bytes)
		for i := range row {
			row[i] = byte(i*37 + 11)
		}
		whole, part := make([]float32, 3*f.Block), make([]float32, f.Block)
		f.Row(whole, row)
		for b := range 3 {
			f.Row(part, slices.Clip(row[b*f.Bytes:][:f.Bytes]))
			for i, v := range part {
				if w := whole[b*f.Block+i]; v != w && (v == v || w == w) {
					t.Fatalf("format %d: element %d of block %d is %v alone and %v in a row", id, i, b, v, w)
				}
			}
		}
	}
}
