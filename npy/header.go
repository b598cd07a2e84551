package npy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	npyio "github.com/sbinet/npyio/npy"

	"ingot/tensor"
)

const (
	magic = "\x93NUMPY"

	// prefixLen bytes are read first: magic, version and the length of the header, which takes two bytes in version 1 and four since. The
	// smallest header is longer than the two bytes that this may read of it.
	prefixLen = 12

	// maxHeader is the longest header that is read. NumPy's take 118 bytes; only structured types, which are refused anyway, need many.
	maxHeader = 64 << 10
)

// Header is what a .npy file says about its array.
type Header struct {
	Descr   string       // element type in NumPy's notation: "<f4"
	DType   tensor.DType // the same, or Invalid when the description alone doesn't tell: |V2
	Shape   []int        // not nil; empty for a scalar
	Fortran bool         // the first index varies fastest in the file
}

// ReadHeader reads the header and leaves r at the payload.
func ReadHeader(r io.Reader) (*Header, error) {
	h, _, err := readHeader(r)
	if err != nil {
		return nil, inFile(err, nameOf(r))
	}
	if e, err := parseDescr(h.Descr, tensor.Invalid); err == nil {
		h.DType = e.dt
	}
	return h, nil
}

// readHeader also returns the offset of the payload.
func readHeader(r io.Reader) (*Header, int64, error) {
	var pre [prefixLen]byte
	if n, err := io.ReadFull(r, pre[:]); err != nil {
		return nil, 0, prefixErr(pre[:n], err)
	}
	if string(pre[:len(magic)]) != magic {
		return nil, 0, prefixErr(pre[:], nil)
	}
	var size, start int
	switch major := pre[6]; major {
	case 1:
		size, start = int(binary.LittleEndian.Uint16(pre[8:])), 10
	case 2, 3: // 3 differs in that its text is UTF-8, which only names of fields can make use of
		n := binary.LittleEndian.Uint32(pre[8:])
		if n > maxHeader {
			return nil, 0, formatErr(8, nil, "a header of %d bytes is too long (limit %d)", n, maxHeader)
		}
		size, start = int(n), 12
	default:
		return nil, 0, formatErr(6, nil, "format version %d.%d is unknown (1.0, 2.0 and 3.0 are)", major, pre[7])
	}
	already := prefixLen - start
	if size < already {
		return nil, 0, formatErr(8, nil, "a header of %d bytes is too short", size)
	}
	text := make([]byte, size)
	copy(text, pre[start:])
	if n, err := io.ReadFull(r, text[already:]); err != nil {
		return nil, 0, readErr(int64(prefixLen+n), err, "the header is cut off after %d of %d bytes", already+n, size)
	}
	h, err := parseHeader(text)
	if err != nil {
		return nil, 0, formatErr(int64(start), nil, "bad header: %v", err)
	}
	return h, int64(start + size), nil
}

func prefixErr(pre []byte, err error) error {
	switch {
	case err != nil && err != io.EOF && err != io.ErrUnexpectedEOF:
		return err // the disk or the network failed; the format isn't at fault
	case len(pre) == 0:
		return formatErr(0, io.ErrUnexpectedEOF, "the file is empty")
	case bytes.HasPrefix(pre, []byte("PK")):
		return formatErr(0, nil, "this is a zip archive, .npz perhaps, and not a single array")
	case !strings.HasPrefix(magic, string(pre[:min(len(pre), len(magic))])):
		return formatErr(0, nil, "not a .npy file: it starts with %q", pre[:min(len(pre), len(magic))])
	}
	return readErr(int64(len(pre)), err, "the file ends within the first %d bytes", prefixLen)
}

// readErr is a FormatError when the data ended early, and the error itself when reading failed.
func readErr(off int64, err error, format string, args ...any) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return formatErr(off, io.ErrUnexpectedEOF, format, args...)
	}
	return err
}

// parseHeader has npyio read the dictionary. npyio wants it spelled as NumPy does and panics on much else, so it is tidied before.
func parseHeader(text []byte) (h *Header, err error) {
	descr, fortran, shape, err := splitDict(string(text))
	if err != nil {
		return nil, err
	}
	tidy := fmt.Sprintf("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n", descr, fortran, shape)
	var file bytes.Buffer
	file.WriteString(magic + "\x02\x00")
	binary.Write(&file, binary.LittleEndian, uint32(len(tidy)))
	file.WriteString(tidy)
	defer func() {
		if p := recover(); p != nil {
			h, err = nil, fmt.Errorf("%v", p)
		}
	}()
	rd, err := npyio.NewReader(&file)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "npy: "))
	}
	d := rd.Header.Descr
	h = &Header{Descr: d.Type, Shape: d.Shape, Fortran: d.Fortran}
	if h.Shape == nil {
		h.Shape = []int{}
	}
	if _, err := tensor.NumElements(h.Shape); err != nil {
		return nil, err
	}
	return h, nil
}

// splitDict takes a Python dictionary literal apart, in any order of keys, spacing and quotes, as the format's description allows.
// The values come back as text in NumPy's spelling; descr is without its quotes.
func splitDict(text string) (descr, fortran, shape string, err error) {
	s := strings.TrimSpace(text)
	if len(s) < 2 || s[0] != '{' || s[len(s)-1] != '}' {
		return "", "", "", errors.New("it isn't a dictionary")
	}
	s = s[1 : len(s)-1]
	vals := map[string]string{}
	for {
		s = strings.TrimLeft(s, " \t\r\n,")
		if s == "" {
			break
		}
		key, rest, err := pyString(s)
		if err != nil {
			return "", "", "", err
		}
		rest = strings.TrimLeft(rest, " \t")
		if !strings.HasPrefix(rest, ":") {
			return "", "", "", fmt.Errorf("no colon after %q", key)
		}
		val, rest, err := pyValue(strings.TrimLeft(rest[1:], " \t"))
		if err != nil {
			return "", "", "", fmt.Errorf("%s: %w", key, err)
		}
		if _, dup := vals[key]; dup {
			return "", "", "", fmt.Errorf("%q stands twice", key)
		}
		vals[key] = val
		s = rest
	}
	for _, k := range []string{"descr", "fortran_order", "shape"} {
		if _, ok := vals[k]; !ok {
			return "", "", "", fmt.Errorf("%q is missing", k)
		}
	}
	if len(vals) != 3 {
		return "", "", "", errors.New("it has keys beside descr, fortran_order and shape")
	}
	d := vals["descr"]
	if d[0] == '[' || d[0] == '(' {
		return "", "", "", fmt.Errorf("structured element types such as %.40s aren't supported: save each field as an array of its own", d)
	}
	if descr, _, err = pyString(d); err != nil {
		return "", "", "", err
	}
	if descr == "" || strings.ContainsAny(descr, "'\"{},: ") {
		return "", "", "", fmt.Errorf("%q isn't an element type", descr)
	}
	shape = vals["shape"]
	if shape[0] != '(' {
		return "", "", "", fmt.Errorf("shape %.40q isn't a tuple", shape)
	}
	shape = strings.NewReplacer("L,", ",", "L)", ")").Replace(shape) // Python 2's long integers
	return descr, vals["fortran_order"], shape, nil
}

// pyString reads a quoted string without escapes.
func pyString(s string) (val, rest string, err error) {
	if s == "" || s[0] != '\'' && s[0] != '"' {
		return "", "", fmt.Errorf("a quoted string is missing at %.20q", s)
	}
	end := strings.IndexByte(s[1:], s[0])
	if end < 0 {
		return "", "", fmt.Errorf("no end of the string %.20q", s)
	}
	return s[1 : end+1], s[end+2:], nil
}

// pyValue cuts one value off, quotes and brackets included. It finds where the value ends and leaves its meaning to others.
func pyValue(s string) (val, rest string, err error) {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\'', '"':
			end := strings.IndexByte(s[i+1:], c)
			if end < 0 {
				return "", "", errors.New("a string without an end")
			}
			i += end + 1
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		case ',':
			if depth == 0 {
				s, rest = s[:i], s[i:]
			}
		}
		if rest != "" || depth < 0 {
			break
		}
	}
	s = strings.TrimSpace(s)
	if depth != 0 || s == "" {
		return "", "", errors.New("the value is missing or its brackets don't match")
	}
	return s, rest, nil
}
