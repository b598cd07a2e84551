package npy

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"ingot/tensor"
)

// maxEmpty is how many elements of width 0 are believed: they take no bytes in a file that could prove them, but 16 each in memory.
const maxEmpty = 1 << 16

func textTensor(h *Header, e elem, n int, buf []byte, off int64) (*tensor.Tensor, error) {
	if e.size == 0 && n > maxEmpty {
		return nil, formatErr(off, nil, "%d strings of width 0", n)
	}
	strs := make([]string, n)
	for i := range strs {
		b := buf[i*e.size : (i+1)*e.size]
		if e.text == 'S' {
			strs[i] = string(bytes.TrimRight(b, "\x00"))
			continue
		}
		s, err := decodeUTF32(b, e.swap != 0)
		if err != nil {
			return nil, formatErr(off+int64(i*e.size), nil, "element %d: %v", i, err)
		}
		strs[i] = s
	}
	if h.Fortran && n > 0 && !isVector(h.Shape) {
		out := make([]string, n)
		transpose(out, strs, h.Shape)
		strs = out
	}
	t, err := tensor.FromSlice(strs, h.Shape...)
	if err != nil {
		return nil, formatErr(off, err, "bad array")
	}
	return t, nil
}

func decodeUTF32(b []byte, big bool) (string, error) {
	order := binary.ByteOrder(binary.LittleEndian)
	if big {
		order = binary.BigEndian
	}
	for len(b) > 0 && order.Uint32(b[len(b)-4:]) == 0 {
		b = b[:len(b)-4]
	}
	out := make([]byte, 0, len(b)/4)
	for ; len(b) > 0; b = b[4:] {
		c := order.Uint32(b)
		if c > utf8.MaxRune || !utf8.ValidRune(rune(c)) {
			return "", fmt.Errorf("%#x isn't a Unicode character", c)
		}
		out = utf8.AppendRune(out, rune(c))
	}
	return string(out), nil
}

// textWidth returns the characters of the longest string, at least 1 as in NumPy. It fails on what NumPy's fixed width can't hold.
func textWidth(strs []string) (int, error) {
	width := 1
	for i, s := range strs {
		if !utf8.ValidString(s) {
			return 0, fmt.Errorf("npy: element %d, %.40q, isn't UTF-8 text", i, s)
		}
		if strings.HasSuffix(s, "\x00") {
			return 0, fmt.Errorf("npy: element %d ends with a zero character, which NumPy's text can't keep", i)
		}
		width = max(width, utf8.RuneCountInString(s))
	}
	return width, nil
}

// encodeUTF32 appends s, padded with zeros to width characters.
func encodeUTF32(dst []byte, s string, width int) []byte {
	end := len(dst) + 4*width
	dst = slices.Grow(dst, 4*width)
	for _, c := range s {
		dst = binary.LittleEndian.AppendUint32(dst, uint32(c))
	}
	n := len(dst)
	dst = dst[:end]
	clear(dst[n:])
	return dst
}
