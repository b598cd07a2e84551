// Package reduce folds tensors along any set of axes: the geometry, and loops for sums, products, extremes and norms.
//
// [NewGeom] merges the axes into alternating kept and reduced runs. What is left has one of two forms. Where the innermost run is reduced, each
// output folds contiguous runs ([Loops.Run]); where it is kept, whole rows of outputs are folded at once ([Loops.Acc]). Neither
// copies or transposes.
//
// Work is cut into pieces by [Geom.Split], as a function of shapes only: over outputs, and where they are few over what is reduced, too. The
// partial results of the latter are joined in order. So the bits don't depend on who computes which piece.
package reduce

// Number are the types that are folded. Narrower ones are loaded as one of them, see [Source].
type Number interface {
	int8 | int32 | int64 | uint8 | uint32 | uint64 | float32 | float64
}

// Loops are the loops of one kind of reduction. Run and Acc apply the element's function first, |x| say; Join and JoinRow fold what is
// folded already.
type Loops[T Number] struct {
	Init    T
	Run     func(x []T) T
	Join    func(a, b T) T
	Acc     func(acc, x []T)
	JoinRow func(acc, part []T)
}

// Source is where elements come from: a slice, or a function that converts len(buf) elements from off on into buf.
type Source[T Number] struct {
	Data []T
	Load func(buf []T, off int)
}

// Chunk is the number of elements that are converted at a time where a Source has Load.
const Chunk = 2048

// at returns elements off … off+n, in buf where they must be converted. n is at most len(buf) then.
func (s *Source[T]) at(off, n int, buf []T) []T {
	if s.Load == nil {
		return s.Data[off : off+n]
	}
	s.Load(buf[:n], off)
	return buf[:n]
}
