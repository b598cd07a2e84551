// Package tensor holds the values that go into a model and come out of it.
//
// A [Tensor] is a [DType], a shape and one dense buffer in C (row-major) order: NumPy's memory layout. Its bytes are the
// bytes of a []float32, of a .npy file's payload or of a memory-mapped weight, so wrapping any of them copies nothing:
//
//	x := tensor.Of(pixels, 1, 3, 224, 224)  // shares pixels
//	y, err := tensor.Data[float32](x)       // the same slice again
//
// In memory, 2- and 4-bit elements take one byte each (as in ml_dtypes), a bool is the byte 0 or 1, and a string is a Go string.
// Rank 0 is a scalar with one element; a dimension of size 0 makes an empty tensor. Both are ordinary.
//
// [Sequence], [Optional] and [Map] are the other kinds of [Value] in the ONNX standard.
//
// A Tensor's header never changes. Its buffer belongs to whoever made it; sharing a tensor between goroutines is safe as long as nobody
// writes to the buffer.
package tensor
