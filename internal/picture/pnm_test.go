package picture

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestPNM(t *testing.T) {
	for _, c := range []struct {
		file string
		c    int
		pix  []uint8
	}{
		{"P1\n# two rows\n3 2\n010 1\n1 0", 1, []uint8{255, 0, 255, 0, 0, 255}},
		{"P4 9 2\n\xaa\x80\x00\x7f", 1, []uint8{0, 255, 0, 255, 0, 255, 0, 255, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255}},
		{"P2 2 2 15 0 15\n7 8", 1, []uint8{0, 255, 119, 136}},
		{"P5 2 1 255\n\x00\xfe", 1, []uint8{0, 254}},
		{"P5 2 1 65535\n\x00\x80\xff\xff", 1, []uint8{0, 255}},
		{"P3 1 1 255 1 2 3", 3, []uint8{1, 2, 3}},
		{"P6\n#\n1 2#x\n255\n\x01\x02\x03\x04\x05\x06", 3, []uint8{1, 2, 3, 4, 5, 6}},
		{"P6 1 1 1\n\x00\x01\x01", 3, []uint8{0, 255, 255}},
	} {
		m, err := Decode(strings.NewReader(c.file), Limits{})
		if err != nil {
			t.Errorf("%q: %v", c.file, err)
		} else if m.C != c.c || !bytes.Equal(m.Pix, c.pix) {
			t.Errorf("%q: %d channels, %v; want %v", c.file, m.C, m.Pix, c.pix)
		}
	}
	for _, file := range []string{"P1", "P1 0 1", "P5 2 1 0\n\x00", "P5 2 1 70000\n\x00", "P5 2 1 255\n\x00", "P2 1 1 5 6", "P1 1 1 2", "P6 99999 99999 255\n", "P5 -1 1 255\n",
		"P5 99999999999999999999 1 255\n", "P4 8 2\n\x00"} {
		var e *DecodeError
		if _, err := Decode(strings.NewReader(file), Limits{}); !errors.As(err, &e) {
			t.Errorf("%q: %v", file, err)
		}
	}
}
