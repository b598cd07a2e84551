// Package dense turns the *Dense of gorgonia.org/tensor into a tensor of this module and back. Both lay elements out in C order, so that
// neither way copies as a rule: what one writes, the other sees.
//
//	t, err := dense.Tensor(d)  // *gorgonia.org/tensor.Dense → *ingot/tensor.Tensor
//	d, err := dense.Of(t)      // and back
//
// [Tensor] copies what isn't in C order, a transpose or a slice with gaps say; [View] tells why it would. [Of] copies what isn't on the Go
// heap, which [ViewOf] doesn't. Where nothing is copied, a conversion takes less than a microsecond, whatever the size.
//
// # Element types
//
// Bool, the integers of 8 to 64 bits, float32, float64, complex64, complex128 and string go both ways as they are. Go's int and uint become
// int64 and uint64.
//
// gorgonia/tensor has no half precision and nothing smaller than 8 bits, but takes any Go type as an element: such tensors become a Dense of
// [tensor.F16], [tensor.BF16], [tensor.I4] and so on, in the same memory. Data returns it as a []tensor.F16, and the Dense can be sliced,
// transposed, compared with Eq and given back to a model. Its arithmetic refuses them with an error ("not a member of Number"), and its At
// and SetAt speak of the uint16 below; to calculate, convert with F16's Float32 and [tensor.ToF16].
//
// Elements of type uintptr, of pointers and of any other Go type are an error that names the type.
//
// # What to know of gorgonia.org/tensor
//
// Of version 0.9.24; the tests of this package pin what can be pinned.
//
//   - A program that imports it panics at its start, unless its go.mod requires go4.org/unsafe/assume-no-moving-gc from
//     v0.0.0-20231121144256-b99613f794b6 on. This module does, and with it every module that requires this one.
//   - An empty Dense (Size() == 0) panics in arithmetic, Transpose, Format and WriteNpy, and one that the package made also in Data, Eq and
//     Uintptr. One that Of made has Data, unless its elements are of one byte: ask Size first.
//   - The garbage collector sees the memory of a Dense of strings only if that was given as a []string, with WithBacking, as Of does. What
//     New(Of(String)), Clone, Materialize and operators make holds strings that may be freed while in use. Nothing tells the one
//     from the other: Tensor trusts what it gets.
//   - Data, WriteNpy and gob give a Dense's memory and not its elements; after T, or of a slice with gaps, these differ. Tensor
//     follows the strides.
//   - New makes a scalar of a backing of one element, if no shape is given.
//   - A slice with a step along the first axis loses its last row, if the step doesn't divide the range: rows 0:5:2 are 0 and 2. Tensor takes
//     the Dense at its word; choose an end that the step divides.
//   - A masked element has a value below its mask. A tensor has no mask, so Tensor fails if an element is masked. FilledInplace does nothing to
//     row and column vectors: use SetAt, then SetMask(nil).
//   - ReadNpy fails on int64 and uint64 (int32 and uint32 on machines of 32 bits) and on Fortran order, reads bools as false and takes
//     big-endian numbers for little-endian ones. Read with package ingot/npy, then use Of.
//   - An operator's result may be the memory of an operand (UseUnsafe, WithReuse), and Gorgonia's machines write to the value of a node again in
//     the next run. A tensor shares that too: Clone what must last.
package dense
