package vec

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// guarded returns room for floats whose first and last bytes lie beside pages that can't be touched.
func guarded(t *testing.T) []float32 {
	page := unix.Getpagesize()
	m, err := unix.Mmap(-1, 0, 3*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err == nil {
		err = unix.Mprotect(m[:page], unix.PROT_NONE)
	}
	if err == nil {
		err = unix.Mprotect(m[2*page:], unix.PROT_NONE)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Munmap(m); err != nil {
			t.Error(err)
		}
	})
	return unsafe.Slice((*float32)(unsafe.Pointer(&m[page])), page/4)
}

// TestGuardPages runs every function on slices that end, and that begin, at a page that can't be touched. A read or write beside
// the slice kills the test.
func TestGuardPages(t *testing.T) {
	dst, x, y, z := guarded(t), guarded(t), guarded(t), guarded(t)
	sides := []func(s []float32, n int) []float32{
		func(s []float32, n int) []float32 { return s[:n:n] },
		func(s []float32, n int) []float32 { return s[len(s)-n:] },
	}
	onTiers(t, func(t *testing.T) {
		for i, side := range sides {
			first := i == 0
			for n := 0; n <= places; n++ {
				d, a, b, c := side(dst, n), side(x, n), side(y, n), side(z, n)
				for _, f := range functions {
					f.call(d, a, b, c)
				}
				for _, r := range reductions {
					r.call(a, b)
				}
				ExpSum(d, a, 1)
				h := unsafe.Slice((*uint16)(unsafe.Pointer(unsafe.SliceData(b))), 2*n)
				q := unsafe.Slice((*uint8)(unsafe.Pointer(unsafe.SliceData(c))), 4*n)
				if !first { // keep to the end of the page
					h, q = h[n:], q[3*n:]
				} else {
					h, q = h[:n], q[:n]
				}
				ToHalf(h, a)
				FromHalf(d, h)
				ToBrain(h, a)
				FromBrain(d, h)
				QuantizeU8(q, a, 1, 3)
				DequantizeU8(d, q, 1, 3)
			}
			for rows := 1; rows < 20; rows++ {
				for cols := 1; cols < 20; cols++ {
					TransposeF32(side(dst, rows*cols), rows, side(x, rows*cols), cols, rows, cols)
				}
			}
		}
	})
}
