package npy

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"ingot/internal/atomicfile"
	"ingot/internal/endian"
	"ingot/tensor"
)

// Write writes t as version 1.0 of the format, little-endian and in C order. Text becomes <U; types that NumPy lacks become raw bytes,
// as numpy.save writes ml_dtypes. It fails on text that isn't UTF-8 or ends with a zero, since NumPy couldn't give it back.
func Write(w io.Writer, t *tensor.Tensor) error {
	a, err := newArray(t)
	if err != nil {
		return err
	}
	return a.writeTo(w)
}

// WriteFile writes t to the file at path: under a temporary name first, then by a rename, so that the file is whole or as it was.
func WriteFile(path string, t *tensor.Tensor) error {
	a, err := newArray(t)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, a.writeTo)
}

// array is a tensor that is ready to be written.
type array struct {
	t      *tensor.Tensor
	header []byte
	width  int // characters of a text element
}

func newArray(t *tensor.Tensor) (*array, error) {
	if err := t.Err(); err != nil {
		return nil, err
	}
	a := &array{t: t}
	descr := ""
	if t.DType() == tensor.String {
		var err error
		if a.width, err = textWidth(tensor.View[string](t)); err != nil {
			return nil, err
		}
		descr = "<U" + strconv.Itoa(a.width)
	} else {
		descr = descrOf(t.DType())
	}
	var err error
	a.header, err = makeHeader(descr, t.Dims())
	return a, err
}

// makeHeader spells the header as NumPy does: with room for the first dimension to grow to 21 digits, and padded by 1 to 64 bytes so that the
// data starts at a multiple of 64. Version 1.0 always does: later ones exist for the names in structured types.
func makeHeader(descr string, shape []int) ([]byte, error) {
	var sb strings.Builder
	fmt.Fprintf(&sb, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr)
	for i, d := range shape {
		if i > 0 {
			sb.WriteString(", ")
		}
		sb.WriteString(strconv.Itoa(d))
	}
	if len(shape) == 1 {
		sb.WriteByte(',')
	}
	sb.WriteString("), }")
	if len(shape) > 0 {
		sb.WriteString(strings.Repeat(" ", max(0, 21-len(strconv.Itoa(shape[0])))))
	}
	const start, align = 10, 64
	sb.WriteString(strings.Repeat(" ", align-(start+sb.Len()+1)%align))
	sb.WriteByte('\n')
	if sb.Len() > math.MaxUint16 {
		return nil, fmt.Errorf("npy: %d dimensions are too many for a header", len(shape))
	}
	h := append([]byte(magic), 1, 0)
	h = binary.LittleEndian.AppendUint16(h, uint16(sb.Len()))
	return append(h, sb.String()...), nil
}

// size returns the bytes that writeTo writes.
func (a *array) size() int64 {
	n := int64(len(a.t.Bytes()))
	if a.width > 0 {
		n = 4 * int64(a.width) * int64(a.t.Len())
	}
	return int64(len(a.header)) + n
}

func (a *array) writeTo(w io.Writer) error {
	if _, err := w.Write(a.header); err != nil {
		return err
	}
	dt := a.t.DType()
	switch {
	case dt == tensor.String:
		return a.writeText(w)
	case endian.Big && endian.Unit(dt) != 0:
		return inChunks(w, a.t.Bytes(), func(dst, src []byte) { endian.Swap(dst, src, endian.Unit(dt)) })
	case dt.Bits() < 8:
		return inChunks(w, a.t.Bytes(), func(dst, src []byte) { narrow(dst, src, dt) })
	}
	_, err := w.Write(a.t.Bytes())
	return err
}

const chunkBytes = 64 << 10 // a multiple of every element's size

func inChunks(w io.Writer, src []byte, convert func(dst, src []byte)) error {
	buf := make([]byte, min(len(src), chunkBytes))
	for len(src) > 0 {
		n := min(len(src), chunkBytes)
		convert(buf[:n], src[:n])
		if _, err := w.Write(buf[:n]); err != nil {
			return err
		}
		src = src[n:]
	}
	return nil
}

func (a *array) writeText(w io.Writer) error {
	var buf []byte
	for _, s := range tensor.View[string](a.t) {
		buf = encodeUTF32(buf, s, a.width)
		if len(buf) >= chunkBytes {
			if _, err := w.Write(buf); err != nil {
				return err
			}
			buf = buf[:0]
		}
	}
	_, err := w.Write(buf)
	return err
}
