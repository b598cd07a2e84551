package conv

import (
	"testing"
	"unsafe"
)

// TestArgumentOffsets: the generator addresses the fields of lineArgs by number.
func TestArgumentOffsets(t *testing.T) {
	var x lineArgs
	for _, c := range []struct {
		name      string
		got, want uintptr
	}{
		{"x", unsafe.Offsetof(x.x), 0}, {"w", unsafe.Offsetof(x.w), 8}, {"bias", unsafe.Offsetof(x.bias), 16}, {"y", unsafe.Offsetof(x.y), 24},
		{"res", unsafe.Offsetof(x.res), 32}, {"rows", unsafe.Offsetof(x.rows), 40}, {"taps", unsafe.Offsetof(x.taps), 48},
		{"stepX", unsafe.Offsetof(x.stepX), 56}, {"rowX", unsafe.Offsetof(x.rowX), 64}, {"pixX", unsafe.Offsetof(x.pixX), 72},
		{"stepW", unsafe.Offsetof(x.stepW), 80}, {"rowW", unsafe.Offsetof(x.rowW), 88}, {"pixY", unsafe.Offsetof(x.pixY), 96},
		{"vecs", unsafe.Offsetof(x.vecs), 104}, {"strips", unsafe.Offsetof(x.strips), 112}, {"stripX", unsafe.Offsetof(x.stripX), 120},
		{"stripY", unsafe.Offsetof(x.stripY), 128}, {"flags", unsafe.Offsetof(x.flags), 136}, {"mask", unsafe.Offsetof(x.mask), 144},
		{"lo", unsafe.Offsetof(x.lo), 152}, {"hi", unsafe.Offsetof(x.hi), 156}, {"count", unsafe.Offsetof(x.count), 160},
	} {
		if c.got != c.want {
			t.Errorf("%s lies at %d, the assembly takes it to lie at %d", c.name, c.got, c.want)
		}
	}
}
