package nn

import (
	"fmt"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type maxUnpoolAttrs struct {
	KernelShape []int `onnx:",required"`
	Pads        []int
	Strides     []int
}

// MaxUnpool puts elements back to where MaxPool found them, zeros elsewhere. The indices count in the image that the attributes imply, even
// where output_shape asks for a larger one.
func MaxUnpool() *ops.Op {
	return ops.Def(ops.Spec[maxUnpoolAttrs]{
		Name: "MaxUnpool", In: "X:T1, I:T2, output_shape:T2?", Out: "output:T1", Types: "T1=floats4; T2=int64",
		Vers: []ops.Ver{{Since: 22}, {Since: 11, Types: "T1=floats"}, {Since: 9}},
		Infer: func(c *ops.Infer, a *maxUnpoolAttrs) error {
			x := c.In(0)
			n := len(a.KernelShape)
			w := window{kernel: a.KernelShape, strides: a.Strides, pads: a.Pads}
			if err := w.check(n); err != nil {
				return err
			}
			if x.Ranked && len(x.Shape) != n+2 {
				return fmt.Errorf("attribute kernel_shape: %v has %d dimensions for an input of rank %d", a.KernelShape, n, len(x.Shape))
			}
			if i := c.In(1); x.Known() && i.Known() && !sym.EqualShapes(x.Shape, i.Shape) {
				return fmt.Errorf("input I is %s, but X is %s", sym.ShapeString(i.Shape), sym.ShapeString(x.Shape))
			}
			s := unknownIf(x, n+2)
			if !c.Has(2) {
				return c.Out(0, x.DT, planes.shape(s[0], s[1], a.implied(s[2:]))...)
			}
			out, ok := c.Ints(2)
			if !ok {
				return c.OutRank(0, x.DT, n+2)
			}
			if len(out) != n+2 {
				return fmt.Errorf("output_shape has %d elements for rank %d", len(out), n+2)
			}
			for d, v := range out {
				if v < 0 || d < 2 && s[d].Known() && !s[d].Is(v) {
					return fmt.Errorf("output_shape is %v for an input of %s", out, sym.ShapeString(s))
				}
				if d >= 2 {
					if least, ok := a.implied(s[2:])[d-2].Int(); ok && v < least {
						return fmt.Errorf("output_shape is %v, smaller than the image of %s that was pooled", out, sym.ShapeString(a.implied(s[2:])))
					}
				}
			}
			return c.Out(0, x.DT, sym.Nums(out)...)
		},
		Eval: func(c *ops.Call, a *maxUnpoolAttrs) error {
			x, y := c.In(0), c.Out(0)
			at := tensor.View[int64](c.In(1))
			from := []int{}
			for _, d := range a.implied(sym.Nums(x.Dims()[2:])) {
				from = append(from, num64(d))
			}
			to := y.Dims()[2:]
			index := make([]int, len(at))
			planes := x.Dims()[0] * x.Dims()[1]
			for i, v := range at {
				if v < 0 || v >= int64(planes)*int64(elements(from)) {
					return fmt.Errorf("index %d is outside of an image of %s", v, tensor.ShapeString(from))
				}
				index[i] = replace(int(v), from, to)
			}
			switch y.DType().Size() {
			case 2:
				put(tensor.View[uint16](y), tensor.View[uint16](x), index)
			case 4:
				put(tensor.View[uint32](y), tensor.View[uint32](x), index)
			default:
				put(tensor.View[uint64](y), tensor.View[uint64](x), index)
			}
			return nil
		},
	})
}

// implied is the size of the image that was pooled.
func (a *maxUnpoolAttrs) implied(in []ops.Dim) []ops.Dim {
	w := window{strides: a.Strides, pads: a.Pads}
	out := make([]ops.Dim, len(in))
	for d := range in {
		begin, end := w.padding(d, len(in))
		out[d] = in[d].Sub(ops.Num(1)).Mul(ops.Num(w.stride(d))).Add(ops.Num(a.KernelShape[d] - begin - end)).Max(ops.Num(0))
	}
	return out
}

// replace turns a place in planes of one size into the same place in planes of another.
func replace(at int, from, to []int) int {
	out, scale := 0, 1
	for d := len(from) - 1; d >= 0; d-- {
		out += at % from[d] * scale
		at /= from[d]
		scale *= to[d]
	}
	return out + at*scale
}

func put[T any](y, x []T, index []int) {
	clear(y)
	for i, at := range index {
		y[at] = x[i]
	}
}
