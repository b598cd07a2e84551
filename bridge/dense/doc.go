// Package dense turns the *Dense of gorgonia.org/tensor into a tensor of this module and back. Both lay elements out in C order, so that
// neither way copies as a rule: what one writes, the other sees.
//
//	t, err := dense.Tensor(d)  // *gorgonia.org/tensor.Dense → *ingot/tensor.Tensor
//	d, err := dense.Of(t)      // and back
//
// [Tensor] copies what isn't in C order, a transpose or a slice with gaps say; [View] tells why it would. [Of] copies what isn't on the Go
// heap, which [ViewOf] doesn't.
//
// # Element types
//
// Bool, the integers of 8 to 64 bits, float32, float64, complex64, complex128 and string go both ways as they are. Go's int
// and uint become int64 and uint64. gorgonia/tensor has no half precision and nothing smaller than 8 bits, but takes any Go type as an
// element: such tensors become a Dense of [tensor.F16], [tensor.BF16], [tensor.I4] and so on, in the same memory, which Data returns as a []tensor.F16,
// and which can be moved, compared with Eq and given back to a model. Its arithmetic refuses them with an error ("not a member of Number"): convert with F16's Float32
// and [tensor.ToF16]. Elements of type uintptr, of pointers and of any other Go type are an error that names the type.
//
// # What to know of gorgonia.org/tensor
//
// Of version 0.9.24, as the tests of this package verify where they can:
//
//   - A program that imports it panics at its start, unless its go.mod requires go4.org/unsafe/assume-no-moving-gc from
//     v0.0.0-20231121144256-b99613f794b6 on. This module does; so does a module that requires this one.
//   - An empty Dense (Size() == 0) panics in arithmetic, Transpose, Format, WriteNpy and, as the package itself makes it, in Data, Eq and Uintptr.
//     Those which Of makes can be asked for their Data, if the element has more than one byte; ask Size first.
//   - The memory of a Dense of strings is seen by the garbage collector only if it was given as a []string, with WithBacking. New(Of(String)), and what Clone,
//     Materialize, Transpose and operators return, hold strings that may be freed while in use; nothing can tell the one from the other. Of gives its
//     backing; Tensor trusts it.
//   - Data, Uintptr, WriteNpy and gob show a Dense's memory, not its elements: after T, or of a slice with gaps, the two differ. Tensor follows the strides.
//   - A slice with a step along the first axis loses its last row, if the step doesn't divide the range: rows 0:5:2 are 0 and 2. Tensor
//     takes the Dense at its word; use an end that the step divides.
//   - A masked element has a value below its mask. A tensor has no mask, so that Tensor fails if an element is masked; FilledInplace does nothing to row
//     and column vectors: use SetAt, and then SetMask(nil).
//   - ReadNpy fails on int64 and uint64, reads bools as false and big-endian numbers as others, and fails on Fortran order. Read with package ingot/npy, then Of.
//   - A result of its operators may be the memory of an operand (UseUnsafe, WithReuse), and Gorgonia's machines use the memory of a node's value again in the
//     next run. A tensor shares that too: Clone what must last.
package dense
