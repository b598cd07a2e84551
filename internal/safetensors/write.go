package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"ingot/internal/atomicfile"
	"ingot/internal/endian"
	"ingot/tensor"
)

// Named is a tensor with its name in the file.
type Named struct {
	Name   string
	Tensor *tensor.Tensor
}

// Write writes the tensors, and the metadata if it isn't nil. The order is the reference implementation's, whatever the slice's: by element type,
// then by name. Text, complex128, and 2- and 4-bit integers aren't in the format, and a float4 tensor needs an even number of elements.
func Write(w io.Writer, tensors []Named, metadata map[string]string) error {
	sorted := slices.Clone(tensors)
	for _, x := range sorted {
		if err := check(x); err != nil {
			return err
		}
	}
	slices.SortStableFunc(sorted, func(a, b Named) int {
		return cmp.Or(cmp.Compare(rank(b.Tensor.DType()), rank(a.Tensor.DType())), strings.Compare(a.Name, b.Name))
	})
	names := map[string]bool{metadataKey: true}
	for _, x := range sorted {
		if !utf8.ValidString(x.Name) {
			return fmt.Errorf("safetensors: the name %q isn't UTF-8", x.Name)
		}
		if names[x.Name] {
			return fmt.Errorf("safetensors: the name %q is taken", x.Name)
		}
		names[x.Name] = true
	}
	head, err := header(sorted, metadata)
	if err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	for _, x := range sorted {
		if err := writePayload(w, x.Tensor); err != nil {
			return err
		}
	}
	return nil
}

// WriteFile is [Write] to the file at path, which is written whole or stays as it was.
func WriteFile(path string, tensors []Named, metadata map[string]string) error {
	return atomicfile.Write(path, func(w io.Writer) error { return Write(w, tensors, metadata) })
}

func check(x Named) error {
	if err := x.Tensor.Err(); err != nil {
		return fmt.Errorf("safetensors: %q: %w", x.Name, err)
	}
	dt := x.Tensor.DType()
	if rank(dt) < 0 {
		return fmt.Errorf("safetensors: %q: the format has no %s", x.Name, dt)
	}
	if dt.Bits()*x.Tensor.Len()%8 != 0 {
		return fmt.Errorf("safetensors: %q: %v doesn't fill whole bytes", x.Name, x.Tensor)
	}
	return nil
}

// header is the length and the JSON text, padded with spaces so that the data starts at a multiple of 8.
func header(sorted []Named, metadata map[string]string) ([]byte, error) {
	var buf bytes.Buffer
	buf.Write(make([]byte, prefixLen))
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	var failed error
	put := func(v any) {
		if err := enc.Encode(v); err != nil {
			failed = err
			return
		}
		buf.Truncate(buf.Len() - 1) // the newline that Encode adds
	}
	sep := byte('{')
	if metadata != nil {
		buf.WriteByte(sep)
		sep = ','
		put(metadataKey)
		buf.WriteByte(':')
		open := byte('{')
		for _, k := range slices.Sorted(maps.Keys(metadata)) {
			buf.WriteByte(open)
			open = ','
			put(k)
			buf.WriteByte(':')
			put(metadata[k])
		}
		if len(metadata) == 0 {
			buf.WriteByte('{')
		}
		buf.WriteByte('}')
	}
	at := int64(0)
	for _, x := range sorted {
		end := at + fileSize(x.Tensor)
		buf.WriteByte(sep)
		sep = ','
		put(x.Name)
		buf.WriteByte(':')
		put(struct {
			DType   string   `json:"dtype"`
			Shape   []int    `json:"shape"`
			Offsets [2]int64 `json:"data_offsets"`
		}{kinds[rank(x.Tensor.DType())].name, append([]int{}, x.Tensor.Dims()...), [2]int64{at, end}})
		at = end
	}
	if sep == '{' {
		buf.WriteByte('{')
	}
	buf.WriteByte('}')
	for buf.Len()%8 != 0 {
		buf.WriteByte(' ')
	}
	b := buf.Bytes()
	if failed == nil && len(b)-prefixLen > maxHeader {
		failed = fmt.Errorf("safetensors: a header of %d bytes is longer than the format allows", len(b)-prefixLen)
	}
	binary.LittleEndian.PutUint64(b, uint64(len(b)-prefixLen))
	return b, failed
}

func fileSize(t *tensor.Tensor) int64 { return int64(t.DType().Bits()) * int64(t.Len()) / 8 }

const chunkBytes = 64 << 10

func writePayload(w io.Writer, t *tensor.Tensor) error {
	src, unit := t.Bytes(), endian.Unit(t.DType())
	pack := t.DType() == tensor.Float4E2M1
	if !pack && (!endian.Big || unit == 0) {
		_, err := w.Write(src)
		return err
	}
	buf := make([]byte, min(len(src), chunkBytes))
	for len(src) > 0 {
		n := min(len(src), chunkBytes)
		out := buf[:n]
		if pack {
			out = buf[:n/2]
			for i := range out {
				out[i] = src[2*i]&15 | src[2*i+1]<<4
			}
		} else {
			endian.Swap(out, src[:n], unit)
		}
		if _, err := w.Write(out); err != nil {
			return err
		}
		src = src[n:]
	}
	return nil
}
