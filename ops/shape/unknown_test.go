package shape

import (
	"slices"
	"testing"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// TestUnknown runs every shape rule on inputs of which little is known, and on shapes that no rule should be given: errors are fine, panics
// aren't, and an output must not be claimed to be known.
func TestUnknown(t *testing.T) {
	required := ops.Attrs{"axis": ops.IntAttr(0), "blocksize": ops.IntAttr(2), "shape": ops.IntsAttr(2), "value_int": ops.IntAttr(1)}
	unknown := func(dt tensor.DType, rank int) ops.Type {
		ty := ops.Type{DT: dt, Ranked: rank >= 0}
		for range rank {
			ty.Shape = append(ty.Shape, sym.Unknown())
		}
		return ty
	}
	var variants []ops.Type
	for _, dt := range []tensor.DType{tensor.Invalid, tensor.Float32, tensor.Int64} {
		for rank := -1; rank < 6; rank++ {
			variants = append(variants, unknown(dt, rank))
		}
		variants = append(variants, sym.TensorType(dt, sym.Num(0)), sym.TensorType(dt, sym.Num(0), sym.Num(1)), sym.TensorType(dt, sym.Num(1<<62), sym.Num(1<<62)))
	}
	for _, v := range [][]int64{{}, {0}, {-1}, {1 << 62}, {-1 << 63}, {2, 3}, {0, -1, 1 << 40}} {
		x := tensor.Of(v)
		ty := sym.TypeOf(x, true)
		ty.Data = x
		variants = append(variants, ty)
	}
	for _, op := range slices.Concat(Ops, More()) {
		attrs := ops.Attrs{}
		for _, a := range op.Newest().Attrs {
			if v := required[a.Name]; v != nil && (a.Required || a.Name == "value_int") {
				attrs[a.Name] = v
			}
		}
		a, err := op.ParseAttrs(attrs)
		if err != nil {
			t.Fatalf("%s: %v", op, err)
		}
		least, most := ops.Arity(op.Newest().In)
		if most < 0 {
			most = 2
		}
		for n := least; n <= most; n++ {
			for i := range variants {
				for j := range variants {
					ins := make([]*ops.Type, n)
					for k := range ins {
						ins[k] = &variants[j]
						if k == 0 {
							ins[k] = &variants[i]
						}
					}
					infer(t, op, a, ins)
				}
			}
		}
	}
}

func infer(t *testing.T, op *ops.Op, a any, ins []*ops.Type) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			var s []string
			for _, in := range ins {
				s = append(s, in.String())
			}
			t.Errorf("%s of %v: panic: %v", op, s, r)
		}
	}()
	wants := []bool{true, true}
	c := ops.NewInfer(ins, wants, nil)
	if op.InferTypes(c, a) != nil {
		return
	}
	for o := range wants {
		out := &c.Outs()[o]
		for _, d := range out.Shape {
			if n, ok := d.Int(); ok && n < 0 {
				t.Errorf("%s: output of shape %s", op, sym.ShapeString(out.Shape))
			}
		}
		if out.Kind == ops.KindTensor {
			op.ViewOf(c, a, o)
		}
	}
}
