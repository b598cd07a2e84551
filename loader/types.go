package loader

import (
	"strconv"
	"strings"

	"ingot/tensor"
)

// ValueInfo is the name of a value and what the file says of its type.
type ValueInfo struct {
	Name     string
	Type     TypeInfo
	Doc      string
	Metadata Props

	off int64
}

// Kind says what kind of value a type describes.
type Kind uint8

// The kinds of values in the standard.
const (
	KindUnknown  Kind = iota // the file doesn't say
	KindTensor               // DType, and Dims when HasShape
	KindSequence             // of Elem
	KindOptional             // of Elem
	KindMap                  // from Key to Elem
	KindSparse               // a sparse tensor: DType, and Dims when HasShape
	KindOpaque               // a type that only its maker knows
)

// String returns the kind's name.
func (k Kind) String() string {
	names := [...]string{"unknown", "tensor", "sequence", "optional", "map", "sparse_tensor", "opaque"}
	if int(k) < len(names) {
		return names[k]
	}
	return "kind(" + strconv.Itoa(int(k)) + ")"
}

// TypeInfo is a type as far as the file tells it.
type TypeInfo struct {
	Kind       Kind
	DType      tensor.DType // element type of a tensor; Invalid when the file leaves it open
	Key        tensor.DType // of a map's keys
	HasShape   bool         // false: even the rank is unknown
	Dims       []Dim
	Elem       *TypeInfo // of a sequence's or optional's element, or of a map's values
	Denotation string
}

// Dim is a dimension of a type.
type Dim struct {
	Size       int64  // -1 when it isn't a number
	Sym        string // the name of a symbolic dimension; both Size -1 and Sym "" when nothing is known
	Denotation string
}

// String returns the number, the symbol, or "?".
func (d Dim) String() string {
	switch {
	case d.Size >= 0:
		return strconv.FormatInt(d.Size, 10)
	case d.Sym != "":
		return d.Sym
	}
	return "?"
}

// String formats a type as "float32[batch,3,224,224]", "sequence(int64[?])", "map(string,float32[])"; "float32" without a shape.
func (t TypeInfo) String() string {
	var sb strings.Builder
	t.format(&sb)
	return sb.String()
}

func (t *TypeInfo) format(sb *strings.Builder) {
	switch t.Kind {
	case KindTensor, KindSparse:
		if t.Kind == KindSparse {
			sb.WriteString("sparse ")
		}
		if t.DType == tensor.Invalid {
			sb.WriteByte('?')
		} else {
			sb.WriteString(t.DType.String())
		}
		if !t.HasShape {
			return
		}
		sb.WriteByte('[')
		for i, d := range t.Dims {
			if i > 0 {
				sb.WriteByte(',')
			}
			sb.WriteString(d.String())
		}
		sb.WriteByte(']')
	case KindSequence, KindOptional, KindMap:
		sb.WriteString(t.Kind.String())
		sb.WriteByte('(')
		if t.Kind == KindMap {
			sb.WriteString(t.Key.String())
			sb.WriteByte(',')
		}
		if t.Elem != nil {
			t.Elem.format(sb)
		} else {
			sb.WriteByte('?')
		}
		sb.WriteByte(')')
	default:
		sb.WriteString(t.Kind.String())
	}
}
