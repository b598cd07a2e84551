// Package reduce folds tensors along any set of axes: the geometry, and loops for sums, products, extremes and norms.
//
// [NewGeom] merges the axes into alternating kept and reduced runs. What is left has one of two forms. Where the innermost run is reduced, each
// output folds contiguous runs (Run in [Loops]); where it is kept, whole rows of outputs are folded at once (Acc). Neither
// copies or transposes.
//
// Work is cut into pieces by [Geom.Split], as a function of shapes only: over outputs, and where they are few over what is reduced, too. The
// partial results of the latter are joined in order. So the bits don't depend on who computes which piece.
package reduce

import "ingot/internal/kernel/elem"

// Number are the types that are folded. Others are loaded as one of them, see [Source].
type Number interface {
	int64 | uint64 | float32 | float64
}

// Loops are the loops of one kind of reduction. Run and Acc apply the element's function first, |x| say; JoinRow folds what is folded
// already.
type Loops struct {
	Width   elem.Width
	Init    elem.Raw   // one element: the result of none
	Run     elem.Loop1 // joins the fold of all that stands in its second operand to the one element of its first
	Acc     elem.Loop1 // folds a row into a row of accumulators
	JoinRow elem.Loop1
}

// newLoops makes Loops of functions on T.
func newLoops[T Number](init T, run, acc, joinRow func(acc, x []T)) Loops {
	return Loops{elem.WidthOf[T](), elem.RawOf([]T{init}), elem.Loop1Of(run), elem.Loop1Of(acc), elem.Loop1Of(joinRow)}
}

// Source is where elements come from: a slice, or a function that converts buf.Len() elements from off on into buf.
type Source struct {
	Width elem.Width
	Data  elem.Raw
	Load  func(buf elem.Raw, off int)
}

// Chunk is the number of elements that are converted at a time where a Source has Load.
const Chunk = 2048

// at returns elements off … off+n, in buf where they must be converted. n is at most buf.Len() then.
func (s *Source) at(off, n int, buf elem.Raw) elem.Raw {
	if s.Load == nil {
		return s.Data.Slice(s.Width, off, off+n)
	}
	buf = buf.Slice(s.Width, 0, n)
	s.Load(buf, off)
	return buf
}
