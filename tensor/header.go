package tensor

// NewHeader returns a tensor without a payload, for a runtime that gives it one before each use with [Tensor.Repoint]. Until then it must not
// be shown to anyone.
func NewHeader(dt DType, shape []int) *Tensor {
	return &Tensor{dt: dt, shape: append([]int{}, shape...)}
}

// Repoint gives a header made by [NewHeader] the bytes from off to off+n of from's payload; for strings off and n count elements. It is the
// one way to change a tensor, and only its maker may use it.
func (t *Tensor) Repoint(from *Tensor, off, n int) {
	if t.dt == String {
		t.str = from.str[off : off+n]
		return
	}
	t.b = from.b[off : off+n : off+n]
	t.own = from.own
}
