package vec

import "testing"

// checkTranspose compares one transpose with its definition, and looks that nothing else is written.
func checkTranspose[T uint8 | uint16 | uint32 | uint64](t *testing.T, f func(dst []T, dstStride int, src []T, srcStride, rows, cols int), rows, cols, pad int) {
	t.Helper()
	ss, ds := cols+pad, rows+2*pad
	src, dst := make([]T, rows*ss), make([]T, cols*ds)
	for i := range src {
		src[i] = T(i*7 + 1)
	}
	const canary = 0xee
	for i := range dst {
		dst[i] = canary
	}
	f(dst, ds, src, ss, rows, cols)
	for j := range cols {
		for i := range ds {
			want := T(canary)
			if i < rows {
				want = src[i*ss+j]
			}
			if dst[j*ds+i] != want {
				t.Fatalf("%d×%d, pad %d, %T: [%d][%d] is %d, want %d", rows, cols, pad, want, j, i, dst[j*ds+i], want)
			}
		}
	}
}

func TestTranspose(t *testing.T) {
	onTiers(t, func(t *testing.T) {
		sizes := []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 40, 64, 70}
		for _, rows := range sizes {
			for _, cols := range sizes {
				for _, pad := range []int{0, 3} {
					checkTranspose(t, Transpose8, rows, cols, pad)
					checkTranspose(t, Transpose16, rows, cols, pad)
					checkTranspose(t, Transpose32, rows, cols, pad)
					checkTranspose(t, Transpose64, rows, cols, pad)
				}
			}
		}
	})
}

func TestLayouts(t *testing.T) {
	onTiers(t, func(t *testing.T) {
		for _, c := range []int{1, 3, 4, 8, 19, 32} {
			const pixels, gap = 50, 2
			pitch := c + gap
			planes := wave(c*pixels, c)
			rows, back := make([]float32, pixels*pitch), make([]float32, c*pixels)
			for lo := 0; lo < pixels; lo += 16 { // in tiles
				hi := min(lo+16, pixels)
				ToNHWC(rows, pitch, planes, c, pixels, lo, hi)
				ToNCHW(back, rows, pitch, c, pixels, lo, hi)
			}
			for ch := range c {
				for p := range pixels {
					if rows[p*pitch+ch] != planes[ch*pixels+p] || back[ch*pixels+p] != planes[ch*pixels+p] {
						t.Fatalf("%d channels: channel %d, pixel %d", c, ch, p)
					}
				}
			}
			if rows[c] != 0 {
				t.Fatal("wrote between the rows")
			}
		}
	})
}
