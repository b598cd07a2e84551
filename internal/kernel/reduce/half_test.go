package reduce

import (
	"math"
	"testing"

	"ingot/internal/kernel/vec"
)

// columns are numbers that both half types hold, six rows of three.
var columns = [6][3]float32{{2, -0.25, 3.25}, {-1.25, 2.75, -3.125}, {-4, 2.875, 2.625}, {0.625, -2.875, -1.125}, {-3.125, 2.625, 0.5}, {0.75, -1.75, -0.125}}

// TestSoftmaxHalf compares bits with those of NumPy 2.4 and ml_dtypes 0.6: x-max, its exp, their sum and the quotient in the type itself.
func TestSoftmaxHalf(t *testing.T) {
	for _, c := range []struct {
		half    Half
		columns func(d, x []float32, rows, n, stride int, tmp []float32)
		bits    func(dst []uint16, src []float32)
		want    [6][3]uint16
	}{
		{BFloat16, SoftmaxBFloat16, vec.ToBrain, [6][3]uint16{{16161, 15492, 16156}, {15561, 16038, 14984}, {15052, 16060, 16039},
			{15907, 15002, 15355}, {15222, 16018, 15648}, {15929, 15213, 15531}}},
		{Float16, SoftmaxFloat16, vec.ToHalf, [6][3]uint16{{14603, 9251, 14555}, {9794, 13617, 5180}, {5734, 13795, 13619},
			{12570, 5324, 8147}, {7085, 13461, 10487}, {12744, 7011, 9553}}},
	} {
		const stride = 4 // there is a column beside these
		x, d := make([]float32, 6*stride), make([]float32, 6*stride)
		for r, row := range columns {
			copy(x[r*stride:], row[:])
		}
		c.columns(d, x, 6, 3, stride, make([]float32, 12))
		for col := range 3 {
			row, wide, single := make([]float32, 6), make([]float64, 6), make([]float32, 6)
			for r := range 6 {
				row[r], wide[r] = columns[r][col], float64(columns[r][col])
			}
			c.columns(single, row, 6, 1, 1, make([]float32, 4))
			SoftmaxRow(c.half, wide)
			for r := range 6 {
				var got [3]uint16
				c.bits(got[:], []float32{d[r*stride+col], single[r], float32(wide[r])})
				if want := c.want[r][col]; got != [3]uint16{want, want, want} {
					t.Errorf("type %d, row %d, column %d: strided %d, contiguous %d, of float64 %d, want %d", c.half, r, col, got[0], got[1], got[2], want)
				}
			}
		}
	}
}

// TestSoftmaxHalfLong looks at rows whose sum eight bits couldn't hold: adding 1 to 256 one after another stops there.
func TestSoftmaxHalfLong(t *testing.T) {
	for _, n := range []int{brainRow, brainRow + 1, 1000} {
		row, cols := make([]float32, n), make([]float32, 2*n)
		SoftmaxRow(BFloat16, row)
		SoftmaxBFloat16(cols, cols, n, 2, 2, make([]float32, 8))
		want := []float32{1 / float32(n)}
		Round(BFloat16, want)
		Round(BFloat16, cols)
		if row[n-1] != want[0] || cols[2*n-1] != want[0] {
			t.Errorf("%d equal numbers: %v, in columns %v, want %v", n, row[n-1], cols[2*n-1], want[0])
		}
	}
}

func TestBrainSum(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		x    []float32
		want float32
	}{
		{nil, 0}, {[]float32{1, 1.0 / 256}, 1}, {[]float32{1, 3.0 / 256}, 1 + 4.0/256}, {[]float32{256, 1, 1}, 256}, {[]float32{inf, 1}, inf},
	} {
		if got := brainSum(c.x); got != c.want {
			t.Errorf("%v: %v, want %v", c.x, got, c.want)
		}
	}
	if got := brainSum([]float32{inf, -inf, 1}); got == got {
		t.Errorf("Inf-Inf: %v", got)
	}
}
