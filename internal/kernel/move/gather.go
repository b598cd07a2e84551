package move

// Rows reads or writes rows at places along an axis:
//
//	dst[o, k, :] = src[o, at[k], :]
//
// with Outer × len(at) rows of Inner elements, of Axis rows in src.
type Rows struct {
	Outer, Axis, Inner int
	n, per             int
}

// NewRows returns the geometry for n places.
func NewRows(width, outer, axis, n, inner int) Rows {
	if width == 0 {
		width = 16
	}
	r := Rows{Outer: outer, Axis: axis, Inner: inner, n: n}
	if inner > 0 {
		// A tile is a number of rows, or one.
		r.per = max(1, TileLen(outer*n*inner, runCost(inner, width))/inner)
	}
	return r
}

// Tiles returns the number of tiles.
func (r *Rows) Tiles() int {
	if r.Inner == 0 {
		return 0
	}
	return TileCount(r.Outer*r.n, r.per)
}

// Tile does tile i. Each of at must be in [0, Axis).
func (r *Rows) Tile(dst, src Buf, at []int, i int) {
	lo, hi := i*r.per, min(r.Outer*r.n, (i+1)*r.per)
	switch dst.Width {
	case 0:
		gatherRows(r, dst.Strings, src.Strings, at, lo, hi)
	case 1:
		gatherRows(r, view[uint8](&dst), view[uint8](&src), at, lo, hi)
	case 2:
		gatherRows(r, view[uint16](&dst), view[uint16](&src), at, lo, hi)
	case 4:
		gatherRows(r, view[uint32](&dst), view[uint32](&src), at, lo, hi)
	case 8:
		gatherRows(r, view[uint64](&dst), view[uint64](&src), at, lo, hi)
	case 16:
		gatherRows(r, view[Bits128](&dst), view[Bits128](&src), at, lo, hi)
	}
}

func gatherRows[T any](r *Rows, dst, src []T, at []int, lo, hi int) {
	n := r.Inner
	for lo < hi {
		o := lo / r.n
		k := lo - o*r.n
		rows := at[k:min(r.n, k+hi-lo)]
		s := src[o*r.Axis*n : (o+1)*r.Axis*n]
		d := dst[lo*n : (lo+len(rows))*n]
		switch {
		case n == 1:
			for j, a := range rows {
				d[j] = s[a]
			}
		case n < shortRun:
			for _, a := range rows {
				x, y := d[:n], s[a*n:a*n+n]
				for j := range x {
					x[j] = y[j]
				}
				d = d[n:]
			}
		default:
			for _, a := range rows {
				copy(d[:n], s[a*n:])
				d = d[n:]
			}
		}
		lo += len(rows)
	}
}

// Gather moves runs of n elements: dst[k] = src[at[k]] counted in elements, for k from lo to hi-1.
func Gather(dst, src Buf, at []int, n, lo, hi int) {
	switch dst.Width {
	case 0:
		gather(dst.Strings, src.Strings, at, n, lo, hi)
	case 1:
		gather(view[uint8](&dst), view[uint8](&src), at, n, lo, hi)
	case 2:
		gather(view[uint16](&dst), view[uint16](&src), at, n, lo, hi)
	case 4:
		gather(view[uint32](&dst), view[uint32](&src), at, n, lo, hi)
	case 8:
		gather(view[uint64](&dst), view[uint64](&src), at, n, lo, hi)
	case 16:
		gather(view[Bits128](&dst), view[Bits128](&src), at, n, lo, hi)
	}
}

func gather[T any](dst, src []T, at []int, n, lo, hi int) {
	if n == 1 {
		d := dst[lo:hi]
		for i, a := range at[lo:hi] {
			d[i] = src[a]
		}
		return
	}
	for k := lo; k < hi; k++ {
		copy(dst[k*n:(k+1)*n], src[at[k]:])
	}
}

// Scatter moves runs of n elements: dst[at[k]] = src[k], at counted in elements, in the order of k.
func Scatter(dst, src Buf, at []int, n int) {
	switch dst.Width {
	case 0:
		scatter(dst.Strings, src.Strings, at, n)
	case 1:
		scatter(view[uint8](&dst), view[uint8](&src), at, n)
	case 2:
		scatter(view[uint16](&dst), view[uint16](&src), at, n)
	case 4:
		scatter(view[uint32](&dst), view[uint32](&src), at, n)
	case 8:
		scatter(view[uint64](&dst), view[uint64](&src), at, n)
	case 16:
		scatter(view[Bits128](&dst), view[Bits128](&src), at, n)
	}
}

func scatter[T any](dst, src []T, at []int, n int) {
	if n == 1 {
		for k, a := range at {
			dst[a] = src[k]
		}
		return
	}
	for k, a := range at {
		copy(dst[a:a+n], src[k*n:])
	}
}
