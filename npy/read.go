package npy

import (
	"io"
	"math"
	"math/bits"
	"os"

	"ingot/internal/endian"
	"ingot/tensor"
)

// Read reads one array from r and nothing past its end. From files and from readers with a Len method, such as *bytes.Reader, whose end is
// known, a size that isn't there is refused before anything is allocated; from others the buffer grows with what arrives.
// A *FormatError tells what is wrong with the data.
func Read(r io.Reader) (*tensor.Tensor, error) { return ReadAs(r, tensor.Invalid) }

// ReadAs is [Read] for arrays that NumPy stored as raw bytes (|V1, |V2), as it does with ml_dtypes: their elements are of type hint.
// The hint must be a type that NumPy lacks, with elements of that many bytes; arrays that know their type ignore it, so it is safe to pass the
// type that a model wants.
func ReadAs(r io.Reader, hint tensor.DType) (*tensor.Tensor, error) {
	t, _, err := read(r, hint)
	return t, inFile(err, nameOf(r))
}

// ReadFile reads the array in the file at path. Data after the array is ignored, as NumPy does.
func ReadFile(path string) (*tensor.Tensor, error) { return ReadFileAs(path, tensor.Invalid) }

// ReadFileAs is [ReadFile] with the hint of [ReadAs].
func ReadFileAs(path string, hint tensor.DType) (*tensor.Tensor, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadAs(f, hint)
}

// read also returns the offset of the array's end.
func read(r io.Reader, hint tensor.DType) (*tensor.Tensor, int64, error) {
	h, off, err := readHeader(r)
	if err != nil {
		return nil, 0, err
	}
	e, err := parseDescr(h.Descr, hint)
	if err != nil {
		return nil, 0, formatErr(prefixLen, nil, "%v", err)
	}
	n, err := tensor.NumElements(h.Shape)
	if err != nil {
		return nil, 0, formatErr(prefixLen, err, "bad shape")
	}
	hi, size := bits.Mul64(uint64(n), uint64(e.size))
	if hi != 0 || size > math.MaxInt-64 {
		return nil, 0, formatErr(prefixLen, nil, "%s%s is larger than the address space", h.Descr, tensor.ShapeString(h.Shape))
	}
	buf, err := readPayload(r, int(size), off)
	if err != nil {
		return nil, 0, err
	}
	end := off + int64(size)
	if e.text != 0 {
		t, err := textTensor(h, e, n, buf, off)
		return t, end, err
	}
	if e.swap != 0 {
		endian.Swap(buf, buf, e.swap)
	}
	normalise(buf, e.dt)
	if h.Fortran {
		buf = toRowMajor(buf, e.size, h.Shape)
	}
	t, err := tensor.FromBytes(e.dt, h.Shape, buf, nil)
	if err != nil {
		return nil, 0, formatErr(off, err, "bad array")
	}
	return t, end, nil
}

// firstChunk is what is allocated for a payload whose end isn't known, before any of it has been seen.
const firstChunk = 1 << 20

func readPayload(r io.Reader, size int, off int64) ([]byte, error) {
	have, known := remaining(r)
	if known && have < int64(size) {
		return nil, formatErr(off+have, io.ErrUnexpectedEOF, "the header promises %d bytes of data, the file holds %d", size, have)
	}
	chunk := size
	if !known {
		chunk = min(size, firstChunk)
	}
	buf := tensor.AlignedBytes(chunk)
	for done := 0; ; {
		n, err := io.ReadFull(r, buf[done:])
		done += n
		if err != nil {
			return nil, readErr(off+int64(done), err, "the data ends after %d of %d bytes", done, size)
		}
		if done == size {
			return buf, nil
		}
		grown := tensor.AlignedBytes(done + min(done, size-done))
		copy(grown, buf)
		buf = grown
	}
}

// remaining returns the bytes that are left in r, where r knows.
func remaining(r io.Reader) (int64, bool) {
	switch r := r.(type) {
	case interface{ Len() int }: // bytes.Reader, bytes.Buffer, strings.Reader
		return int64(r.Len()), true
	case *os.File:
		st, err := r.Stat()
		if err != nil || !st.Mode().IsRegular() || st.Size() == 0 { // files of /proc say 0
			return 0, false
		}
		pos, err := r.Seek(0, io.SeekCurrent)
		if err != nil {
			return 0, false
		}
		return max(0, st.Size()-pos), true
	}
	return 0, false
}

func nameOf(r io.Reader) string {
	if f, ok := r.(interface{ Name() string }); ok {
		return f.Name()
	}
	return ""
}

// normalise makes each element's byte what package tensor wants: bool 0 or 1, signed 4- and 2-bit integers extended, where NumPy's bytes
// leave the upper bits open.
func normalise(b []byte, dt tensor.DType) {
	switch dt {
	case tensor.Bool:
		for i, v := range b {
			if v > 1 {
				b[i] = 1
			}
		}
	case tensor.Int4, tensor.Int2:
		shift := 8 - dt.Bits()
		for i, v := range b {
			b[i] = byte(int8(v<<shift) >> shift)
		}
	case tensor.Uint4, tensor.Uint2, tensor.Float4E2M1:
		narrow(b, b, dt)
	}
}

// narrow clears the bits above 4- or 2-bit elements, which is how ml_dtypes stores them. dst may be src.
func narrow(dst, src []byte, dt tensor.DType) {
	mask := byte(1)<<dt.Bits() - 1
	for i, v := range src {
		dst[i] = v & mask
	}
}
