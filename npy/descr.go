package npy

import (
	"fmt"
	"math"
	"strconv"

	"ingot/internal/endian"
	"ingot/tensor"
)

// elem is how the elements lie in a file.
type elem struct {
	dt   tensor.DType
	size int  // bytes an element
	swap int  // bytes of the unit whose order must be reversed, a complex number's part say; 0 when the bytes stay
	text byte // 'U' or 'S' for text
}

var native = map[string]tensor.DType{
	"b1": tensor.Bool, "i1": tensor.Int8, "i2": tensor.Int16, "i4": tensor.Int32, "i8": tensor.Int64,
	"?": tensor.Bool, "u1": tensor.Uint8, "u2": tensor.Uint16, "u4": tensor.Uint32, "u8": tensor.Uint64,
	"f2": tensor.Float16, "f4": tensor.Float32, "f8": tensor.Float64, "c8": tensor.Complex64, "c16": tensor.Complex128,
	"f1": tensor.Float8E5M2, // the one type of ml_dtypes that doesn't call itself void; numpy.load refuses what numpy.save made of it
}

// parseDescr reads NumPy's notation. hint is the type of elements that the file knows only as bytes; Invalid for none.
func parseDescr(descr string, hint tensor.DType) (elem, error) {
	big, kind := endian.Big, descr
	switch descr[0] {
	case '<', '>':
		big, kind = descr[0] == '>', descr[1:]
	case '|', '=':
		kind = descr[1:]
	}
	if kind == "f1" && hint.Size() == 1 && hint.IsFloat() {
		return elem{dt: hint, size: 1}, nil
	}
	if dt, ok := native[kind]; ok {
		e := elem{dt: dt, size: dt.Size()}
		if big != endian.Big {
			e.swap = endian.Unit(dt)
		}
		return e, nil
	}
	if kind == "" {
		return elem{}, fmt.Errorf("%q isn't an element type", descr)
	}
	switch kind[0] {
	case 'U', 'S', 'a', 'V':
		n, err := strconv.Atoi(kind[1:])
		if err != nil || n < 0 || n > math.MaxInt32/4 {
			return elem{}, fmt.Errorf("%q isn't an element type", descr)
		}
		return sized(descr, kind[0], n, big, hint)
	case 'O':
		return elem{}, fmt.Errorf("object arrays are pickles, which run code when read: save numbers, or text as an array of str")
	case 'f', 'c':
		return elem{}, fmt.Errorf("%q (extended precision) isn't portable: save it as float64 or complex128", descr)
	case 'M', 'm':
		return elem{}, fmt.Errorf("%q (dates and times) isn't supported: save it as int64", descr)
	}
	return elem{}, fmt.Errorf("element type %q isn't supported", descr)
}

func sized(descr string, kind byte, n int, big bool, hint tensor.DType) (elem, error) {
	switch kind {
	case 'U':
		e := elem{dt: tensor.String, size: 4 * n, text: 'U'}
		if big {
			e.swap = 4 // code points are put together from bytes, little-endian on any machine
		}
		return e, nil
	case 'S', 'a':
		return elem{dt: tensor.String, size: n, text: 'S'}, nil
	}
	switch {
	case hint.Size() == n && n > 0 && !isNative(hint):
	case n == 1 || n == 2:
		return elem{}, fmt.Errorf("%q holds raw bytes and doesn't say of which type: name it, one of %s", descr, voidTypes(n))
	default:
		return elem{}, fmt.Errorf("%q: raw bytes aren't supported as elements", descr)
	}
	e := elem{dt: hint, size: n}
	if n > 1 && (descr[0] == '>') != endian.Big { // bytes without an order (|V2) come from little-endian writers
		e.swap = n
	}
	return e, nil
}

// isNative reports whether NumPy itself has the type.
func isNative(dt tensor.DType) bool {
	if dt == tensor.Float8E5M2 {
		return false
	}
	for _, d := range native {
		if d == dt {
			return true
		}
	}
	return dt == tensor.String
}

// voidTypes lists the types that NumPy stores as n raw bytes.
func voidTypes(n int) tensor.Types {
	var ds []tensor.DType
	for _, d := range tensor.AllTypes.List() {
		if d.Size() == n && !isNative(d) {
			ds = append(ds, d)
		}
	}
	return tensor.TypesOf(ds...)
}

// descrOf is the notation in which numpy.save writes dt. Float8E5M2 is written like its siblings, so that numpy.load takes it.
func descrOf(dt tensor.DType) string {
	switch {
	case !isNative(dt):
		return fmt.Sprintf("<V%d", dt.Size())
	case dt == tensor.Bool:
		return "|b1"
	case dt == tensor.Int8:
		return "|i1"
	case dt == tensor.Uint8:
		return "|u1"
	case dt.IsSigned():
		return fmt.Sprintf("<i%d", dt.Size())
	case dt.IsUnsigned():
		return fmt.Sprintf("<u%d", dt.Size())
	case dt.IsComplex():
		return fmt.Sprintf("<c%d", dt.Size())
	}
	return fmt.Sprintf("<f%d", dt.Size())
}
