package tensor

// Value is what an ONNX value can be: a *Tensor, a *Sequence, an *Optional or a *Map.
type Value interface{ value() }

func (*Tensor) value()   {}
func (*Sequence) value() {}
func (*Optional) value() {}
func (*Map) value()      {}

// Sequence is a list of values of one type. It isn't changed after it was made; operators that insert or erase make another one,
// which shares the elements.
type Sequence struct {
	Elem  DType // element type of the tensors inside, Invalid when unknown or when the elements aren't tensors
	Items []Value
}

// Optional is a value that may be absent.
type Optional struct{ V Value } // V is nil when absent

// Map is a dictionary as ai.onnx.ml has it. Keys is a rank-1 tensor of int64 or string, and Values holds, at the same index, what the
// key maps to.
type Map struct {
	Keys   *Tensor
	Values *Tensor
}
