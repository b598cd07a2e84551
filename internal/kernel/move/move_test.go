package move

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

var widths = []int{0, 1, 2, 4, 8, 16}

// fresh returns n elements of a width that differ from each other.
func fresh(width, n int) Buf {
	if width == 0 {
		b := Buf{Strings: make([]string, n)}
		for i := range b.Strings {
			b.Strings[i] = fmt.Sprint("s", i)
		}
		return b
	}
	words := make([]uint64, (n*width+7)/8+1)
	b := Buf{Width: width, Bytes: unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), n*width)}
	for i := range n {
		for k := range min(width, 4) {
			b.Bytes[i*width+k] = byte((i + 1) >> (8 * k))
		}
	}
	return b
}

// equal compares element i of a with element j of b.
func equal(a, b *Buf, i, j int) bool {
	if a.Width == 0 {
		return a.Strings[i] == b.Strings[j]
	}
	return string(a.Bytes[i*a.Width:(i+1)*a.Width]) == string(b.Bytes[j*b.Width:(j+1)*b.Width])
}

// checkCopy runs the tiles in a random order and compares each element with what the definition says.
func checkCopy(t *testing.T, width, dst, src, dstLen, srcLen int, dims []Dim) {
	t.Helper()
	d, s := fresh(width, dstLen), fresh(width, srcLen)
	before := fresh(width, dstLen)
	c := NewCopy(width, dst, src, dims...)
	for _, i := range rand.Perm(c.Tiles()) {
		c.Tile(d, s, i)
	}
	from := make([]int, dstLen)
	for i := range from {
		from[i] = -1
	}
	var walk func(k, do, so int)
	walk = func(k, do, so int) {
		if k == len(dims) {
			from[do] = so
			return
		}
		for i := range dims[k].N {
			walk(k+1, do+i*dims[k].Dst, so+i*dims[k].Src)
		}
	}
	walk(0, dst, src)
	for i, f := range from {
		if f < 0 && !equal(&d, &before, i, i) {
			t.Fatalf("width %d, %v: place %d was written to", width, dims, i)
		}
		if f >= 0 && !equal(&d, &s, i, f) {
			t.Fatalf("width %d, %v: place %d isn't element %d", width, dims, i, f)
		}
	}
}

// permDims returns the loops of a transpose.
func permDims(shape, perm []int) []Dim {
	step := make([]int, len(shape))
	n := 1
	for i := len(shape) - 1; i >= 0; i-- {
		step[i] = n
		n *= shape[i]
	}
	dims := make([]Dim, len(perm))
	n = 1
	for i := len(perm) - 1; i >= 0; i-- {
		dims[i] = Dim{shape[perm[i]], n, step[perm[i]]}
		n *= shape[perm[i]]
	}
	return dims
}

func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{{}}
	}
	var out [][]int
	for _, p := range permutations(n - 1) {
		for i := range n {
			out = append(out, slices.Insert(slices.Clone(p), i, n-1))
		}
	}
	return out
}

func TestTranspose(t *testing.T) {
	shapes := [][]int{{}, {5}, {0, 3}, {3, 7}, {33, 65}, {2, 3, 4}, {1, 9, 17}, {8, 1, 40}, {3, 5, 2, 7}, {2, 32, 3, 33}, {2, 2, 2, 2, 2}}
	for _, shape := range shapes {
		n := 1
		for _, d := range shape {
			n *= d
		}
		for _, perm := range permutations(len(shape)) {
			for _, w := range widths {
				checkCopy(t, w, 0, 0, n, n, permDims(shape, perm))
			}
		}
	}
}

// TestManyTiles has copies that are cut in every way: blocks of a matrix, groups of matrices, ranges of rows and of one run.
func TestManyTiles(t *testing.T) {
	for _, tt := range []struct{ shape, perm []int }{
		{[]int{500, 611}, []int{1, 0}},
		{[]int{3, 200003}, []int{1, 0}},
		{[]int{200003, 3}, []int{1, 0}},
		{[]int{300, 20, 40}, []int{0, 2, 1}},
		{[]int{4, 300, 301}, []int{0, 2, 1}},
		{[]int{60, 70, 80}, []int{1, 0, 2}},
		{[]int{60, 70, 80}, []int{2, 0, 1}},
		{[]int{1000003}, []int{0}},
	} {
		n := 1
		for _, d := range tt.shape {
			n *= d
		}
		for _, w := range widths {
			dims := permDims(tt.shape, tt.perm)
			if c := NewCopy(w, 0, 0, dims...); c.Tiles() < 2 {
				t.Errorf("width %d, %v: %d tiles", w, tt.shape, c.Tiles())
			}
			checkCopy(t, w, 0, 0, n, n, dims)
		}
	}
}

func TestStrides(t *testing.T) {
	for _, tt := range []struct {
		name                     string
		dst, src, dstLen, srcLen int
		dims                     []Dim
	}{
		{"reversed", 0, 19, 20, 20, []Dim{{20, 1, -1}}},
		{"every third, backwards", 0, 18, 7, 20, []Dim{{7, 1, -3}}},
		{"one element repeated", 3, 2, 100, 5, []Dim{{90, 1, 0}}},
		{"rows repeated", 0, 0, 60, 20, []Dim{{3, 20, 0}, {20, 1, 1}}},
		{"rows repeated and reversed", 0, 19, 60, 20, []Dim{{3, 20, 0}, {20, 1, -1}}},
		{"into columns", 1, 0, 30, 10, []Dim{{10, 3, 1}}},
		{"window", 5, 7, 100, 100, []Dim{{4, 10, 20}, {3, 1, 2}}},
		{"no dimension", 4, 2, 9, 9, nil},
		{"nothing", 0, 0, 5, 5, []Dim{{3, 1, 1}, {0, 1, 1}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, w := range widths {
				checkCopy(t, w, tt.dst, tt.src, tt.dstLen, tt.srcLen, tt.dims)
			}
		})
	}
}

func TestContiguous(t *testing.T) {
	for _, tt := range []struct {
		dims []Dim
		want bool
	}{
		{nil, true},
		{[]Dim{{1, 7, 9}, {5, 1, 1}}, true},
		{[]Dim{{2, 5, 5}, {5, 1, 1}}, true},
		{[]Dim{{2, 5, 10}, {5, 1, 1}}, false},
		{[]Dim{{5, 1, -1}}, false},
		{[]Dim{{5, 1, 0}}, false},
	} {
		if c := NewCopy(4, 0, 0, tt.dims...); c.Contiguous() != tt.want {
			t.Errorf("%v: %t", tt.dims, !tt.want)
		}
	}
}

func TestPick(t *testing.T) {
	up := func(n, times, step int) []int {
		var out []int
		for i := range n * times {
			out = append(out, i/times*step)
		}
		return out
	}
	pad := func(n, by, step int) []int {
		var out []int
		for i := range n + 2*by {
			if i -= by; i < 0 || i >= n {
				out = append(out, -1)
			} else {
				out = append(out, i*step)
			}
		}
		return out
	}
	for _, tt := range []struct {
		name   string
		srcLen int
		axes   []Axis
	}{
		{"twice", 5 * 7, []Axis{{Table: up(5, 2, 7)}, {Table: up(7, 2, 1)}}},
		{"sixteen times", 5 * 7, []Axis{{Table: up(5, 2, 7)}, {Table: up(7, 16, 1)}}},
		{"padded", 50 * 40, []Axis{{Table: pad(50, 3, 40)}, {Table: pad(40, 2, 1)}}},
		{"padded in the middle", 3 * 4 * 5, []Axis{{N: 3, Step: 20}, {Table: pad(4, 1, 5)}, {N: 5, Step: 1}}},
		{"whole", 3 * 4, []Axis{{N: 3, Step: 4}, {N: 4, Step: 1}}},
		{"gathered columns", 100, []Axis{{Table: []int{30, 0, 90, -1, 30}}, {Table: []int{3, 1, 2}}}},
		{"no axis", 1, nil},
		{"large", 300 * 300, []Axis{{Table: up(300, 2, 300)}, {Table: pad(300, 9, 1)}}},
		{"empty source", 0, []Axis{{Table: []int{-1, -1}}, {Table: []int{-1}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			total := 1
			for i := range tt.axes {
				if tt.axes[i].Table != nil {
					tt.axes[i].N = len(tt.axes[i].Table)
				}
				total *= tt.axes[i].N
			}
			for _, w := range widths {
				d, s, fill := fresh(w, total), fresh(w, tt.srcLen), fresh(w, 77)
				fill = Buf{Width: w, Strings: fill.Strings[min(len(fill.Strings), 76):], Bytes: fill.Bytes[min(len(fill.Bytes), 76*w):]}
				p := NewPick(w, slices.Clone(tt.axes)...)
				for _, i := range rand.Perm(p.Tiles()) {
					p.Tile(d, s, fill, i)
				}
				for i := range total {
					off, r := 0, i
					for k := len(tt.axes) - 1; k >= 0 && off >= 0; k-- {
						a := &tt.axes[k]
						v := r % a.N * a.Step
						if a.Table != nil {
							v = a.Table[r%a.N]
						}
						if off += v; v < 0 {
							off = -1
						}
						r /= a.N
					}
					if off < 0 && !equal(&d, &fill, i, 0) || off >= 0 && !equal(&d, &s, i, off) {
						t.Fatalf("width %d: place %d isn't element %d", w, i, off)
					}
				}
			}
		})
	}
}

func TestRows(t *testing.T) {
	for _, tt := range []struct{ outer, axis, n, inner int }{{1, 10, 4, 1}, {3, 5, 7, 1}, {3, 5, 7, 4}, {2, 6, 3, 100}, {1, 4, 0, 3}, {2, 3, 4, 0}, {5, 100, 3000, 9}} {
		at := make([]int, tt.n)
		for i := range at {
			at[i] = rand.IntN(tt.axis)
		}
		for _, w := range widths {
			r := NewRows(w, tt.outer, tt.axis, tt.n, tt.inner)
			d, s := fresh(w, tt.outer*tt.n*tt.inner), fresh(w, tt.outer*tt.axis*tt.inner)
			for _, i := range rand.Perm(r.Tiles()) {
				r.Tile(d, s, at, i)
			}
			for i := range d.Len() {
				o, k, j := i/(tt.n*tt.inner), i/tt.inner%tt.n, i%tt.inner
				if from := (o*tt.axis+at[k])*tt.inner + j; !equal(&d, &s, i, from) {
					t.Fatalf("%+v, width %d: place %d isn't element %d", tt, w, i, from)
				}
			}
		}
	}
}

func TestFill(t *testing.T) {
	for _, n := range []int{0, 1, 64, 65, 1000, 4095, 4096, 4097, 20000} {
		x := make([]uint16, n+2)
		Fill(x[1:n+1], 7)
		for i, v := range x {
			if want := uint16(7); (i == 0 || i == n+1) && v != 0 || i > 0 && i <= n && v != want {
				t.Fatalf("%d: place %d is %d", n, i, v)
			}
		}
	}
}

func BenchmarkMoves(b *testing.B) {
	bench := func(name string, width int, shape, perm []int) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		b.Run(name, func(b *testing.B) {
			c := NewCopy(width, 0, 0, permDims(shape, perm)...)
			d, s := fresh(width, n), fresh(width, n)
			b.SetBytes(int64(2 * n * width))
			for b.Loop() {
				for i := range c.Tiles() {
					c.Tile(d, s, i)
				}
			}
		})
	}
	bench("copy", 4, []int{1 << 18}, []int{0})
	bench("heads [128,12,32]", 4, []int{128, 12, 32}, []int{1, 0, 2})
	bench("keys [12,128,32]", 4, []int{12, 128, 32}, []int{0, 2, 1})
	bench("512x512", 4, []int{512, 512}, []int{1, 0})
	bench("1024x1024", 4, []int{1024, 1024}, []int{1, 0})
	bench("nchw to nhwc, 3 channels", 1, []int{3, 224 * 224}, []int{1, 0})
	bench("nhwc to nchw, 64 channels", 4, []int{56 * 56, 64}, []int{1, 0})
	bench("shuffle [2,58,28,28]", 4, []int{2, 58, 784}, []int{1, 0, 2})
}
