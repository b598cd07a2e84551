package dense

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"unsafe"

	gt "gorgonia.org/tensor"

	"ingot/internal/kernel/move"
	"ingot/tensor"
)

// ErrCopy is wrapped by the error of [View] for a Dense whose elements don't lie in memory as a tensor's do.
var ErrCopy = errors.New("it can't be shared without a copy")

// Tensor returns d as a tensor with d's shape. It shares d's memory where that holds the elements in C order; else it copies them into this
// order: those of a slice with gaps, of a transpose that hasn't been carried out (T without Transpose), of a column-major Dense.
// [View] is the same without the copy: its error says why there would be one.
//
// A Dense of int becomes int64 and one of uint uint64, shared where int has 64 bits. Bools and 4-bit elements whose bytes hold anything
// else are copied and corrected. Memory that isn't Go's stays the caller's to keep; the tensor keeps d reachable, for the finalizer it may have.
//
// It is an error, and never a panic, if d is nil or has no memory, if its memory can't be reached from Go, if its shape and strides lead out of
// its memory, if elements are masked (a tensor has no mask), or if ONNX has no such element type ([DType]).
func Tensor(d *gt.Dense) (*tensor.Tensor, error) {
	t, _, err := convert(d, copyIfNeeded)
	return t, err
}

// View is [Tensor] that never copies. For a Dense that would need it, the error wraps [ErrCopy] and says why.
func View(d *gt.Dense) (*tensor.Tensor, error) {
	t, why, err := convert(d, shareOnly)
	if err == nil && why != "" {
		err = fmt.Errorf("dense: %w: %s", ErrCopy, why)
	}
	return t, err
}

type mode int

const (
	copyIfNeeded mode = iota
	shareOnly
)

// convert also tells why the elements have to be copied; "" if they needn't. In the mode shareOnly there is no tensor then.
func convert(d *gt.Dense, m mode) (t *tensor.Tensor, why string, err error) {
	defer func() {
		if p := recover(); p != nil {
			t, err = nil, fmt.Errorf("dense: gorgonia/tensor panicked: %v", p)
		}
	}()
	if d == nil {
		return nil, "", errors.New("dense: the Dense is nil")
	}
	dt, err := DType(d.Dtype())
	if err != nil {
		return nil, "", err
	}
	if !d.IsNativelyAccessible() {
		return nil, "", errors.New("dense: the memory of the Dense can't be reached from Go: copy it to the host first")
	}
	defer runtime.KeepAlive(d) // memory that isn't Go's may go with it
	src := memory{raw: d.Raw, size: int(d.Dtype().Size()), dt: dt}
	if len(src.raw) > 0 && (src.addr() == 0 || dt == tensor.String && !src.aligned()) {
		return nil, "", fmt.Errorf("dense: elements of %s can't be at address %#x, where the memory of the Dense is", dt, src.addr())
	}
	l, err := layoutOf(&d.AP, len(src.raw)/src.size)
	if err != nil {
		return nil, "", err
	}
	if l.n == 0 {
		t, err = tensor.New(dt, l.shape...)
		return t, "", err
	}
	if err := checkMask(d, &l); err != nil {
		return nil, "", err
	}
	why = src.whyCopy(&l)
	switch {
	case why == "":
		t, err = src.share(&l, ownerOf(d))
	case m == copyIfNeeded:
		t, err = src.copy(&l)
	}
	return t, why, err
}

// checkMask fails if an element of d is masked: the value below the mask would count as any other.
func checkMask(d *gt.Dense, l *layout) error {
	mask := d.Mask()
	if !d.IsMasked() || !slices.Contains(mask, true) {
		return nil
	}
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(mask))), len(mask))
	if !slices.Contains(l.gather(move.Buf{Bytes: b, Width: 1}).Bytes, 1) {
		return nil // the masked ones are in the gaps of a slice
	}
	return errors.New("dense: the Dense has masked elements, which a tensor can't have: put values in their places (SetAt), then call SetMask(nil)")
}
