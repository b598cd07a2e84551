package math

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// recorder is a graph that writes down what a rewrite adds to it.
type recorder struct {
	types map[string]ops.Type
	log   []string
}

func (g *recorder) Const(t *tensor.Tensor) ops.Ref {
	name := fmt.Sprintf("const(%s%v)", t.DType(), floats(t))
	g.types[name] = sym.TypeOf(t, true)
	return name
}

func (g *recorder) Emit(op string, attrs ops.Attrs, n int, in ...ops.Ref) ([]ops.Ref, error) {
	var as []string
	for name, a := range attrs {
		as = append(as, fmt.Sprintf(" %s=%d", name, a.I))
	}
	slices.Sort(as)
	return []ops.Ref{fmt.Sprintf("%s%s(%s)", op, strings.Join(as, ""), refs(in))}, nil
}

func (g *recorder) EmitAfter(op string, _ ops.Attrs, out ops.Ref, in ...ops.Ref) error {
	g.log = append(g.log, fmt.Sprintf("%v = %s(%s)", out, op, refs(in)))
	return nil
}

func (g *recorder) NewValue() ops.Ref { return "new" }

func (g *recorder) TypeOf(r ops.Ref) *ops.Type {
	t := g.types[r.(string)]
	return &t
}

func refs(in []ops.Ref) string {
	var s []string
	for _, r := range in {
		if r == nil {
			r = "-"
		}
		s = append(s, r.(string))
	}
	return strings.Join(s, ",")
}

// TestUpgrades takes nodes of old versions to the newest form.
func TestUpgrades(t *testing.T) {
	shape := func(n int, dt tensor.DType) ops.Type {
		ds := make([]ops.Dim, n)
		for i := range ds {
			ds[i] = ops.Num(2 + i)
		}
		return sym.TensorType(dt, ds...)
	}
	f32 := func(n int) ops.Type { return shape(n, tensor.Float32) }
	i := func(v int64) *ops.Attr { return ops.IntAttr(v) }
	for _, c := range []struct {
		op    string
		opset int
		attrs ops.Attrs
		types []ops.Type // of inputs a, b
		want  string     // inputs after the upgrade, and what follows the node
		fails bool
	}{
		{"Add", 6, ops.Attrs{"broadcast": i(1), "axis": i(1)}, []ops.Type{f32(4), f32(1)}, "a,Unsqueeze(b,const(int64[1 2]))", false},
		{"Add", 6, ops.Attrs{"broadcast": i(1), "axis": i(-3)}, []ops.Type{f32(4), f32(2)}, "a,Unsqueeze(b,const(int64[2]))", false},
		{"Add", 6, ops.Attrs{"broadcast": i(1)}, []ops.Type{f32(4), f32(2)}, "a,b", false},
		{"Add", 6, ops.Attrs{"broadcast": i(0)}, []ops.Type{f32(4), f32(4)}, "a,b", false},
		{"Add", 6, nil, []ops.Type{f32(4), f32(2)}, "", true},
		{"Add", 6, ops.Attrs{"broadcast": i(1), "axis": i(4)}, []ops.Type{f32(4), f32(2)}, "", true},
		{"Add", 6, ops.Attrs{"broadcast": i(1), "axis": i(1)}, []ops.Type{f32(4), {DT: tensor.Float32}}, "", true},
		{"Add", 1, ops.Attrs{"broadcast": i(1), "axis": i(0), "consumed_inputs": ops.IntsAttr(0, 0)}, []ops.Type{f32(3), f32(1)}, "a,Unsqueeze(b,const(int64[1 2]))", false},
		{"And", 6, ops.Attrs{"broadcast": i(1), "axis": i(0)}, []ops.Type{shape(2, tensor.Bool), shape(1, tensor.Bool)}, "a,Unsqueeze(b,const(int64[1]))", false},
		{"PRelu", 6, nil, []ops.Type{f32(4), sym.TensorType(tensor.Float32, ops.Num(3))}, "a,Unsqueeze(b,const(int64[1 2]))", false},
		{"PRelu", 6, nil, []ops.Type{f32(4), sym.TensorType(tensor.Float32, ops.Num(1))}, "a,b", false},
		{"PRelu", 7, nil, []ops.Type{f32(4), f32(1)}, "a,b", false},
		{"Clip", 6, ops.Attrs{"min": ops.FloatAttr(0), "max": ops.FloatAttr(6)}, []ops.Type{f32(2)}, "a,const(float32[0]),const(float32[6])", false},
		{"Clip", 1, ops.Attrs{"max": ops.FloatAttr(6)}, []ops.Type{shape(2, tensor.Float16)}, "a,-,CastLike(const(float32[6]),a)", false},
		{"Clip", 6, nil, []ops.Type{f32(2)}, "a,const(float32[-3.4028234663852886e+38]),const(float32[3.4028234663852886e+38])", false},
		{"Relu", 1, ops.Attrs{"consumed_inputs": ops.IntsAttr(0)}, []ops.Type{f32(2)}, "a", false},
		{"Selu", 1, nil, []ops.Type{f32(2)}, "a", false},
		{"ReduceSum", 11, ops.Attrs{"axes": ops.IntsAttr(0, 2)}, []ops.Type{f32(3)}, "a,const(int64[0 2])", false},
		{"ReduceMax", 1, ops.Attrs{"axes": ops.IntsAttr(1)}, []ops.Type{f32(3)}, "a,const(int64[1])", false},
		{"ReduceMean", 13, nil, []ops.Type{f32(3)}, "a", false},
		{"TopK", 1, ops.Attrs{"k": i(5)}, []ops.Type{f32(1)}, "a,const(int64[5])", false},
		{"Softmax", 11, ops.Attrs{"axis": i(2)}, []ops.Type{f32(3)}, "a", false},
		{"Softmax", 9, nil, []ops.Type{f32(4)}, "Flatten axis=1(a); y = Reshape(new,Shape(a))", false},
		{"Hardmax", 11, ops.Attrs{"axis": i(-2)}, []ops.Type{f32(4)}, "Flatten axis=-2(a); y = Reshape(new,Shape(a))", false},
		{"LogSoftmax", 11, ops.Attrs{"axis": i(1)}, []ops.Type{{DT: tensor.Float32}}, "Flatten axis=1(a); y = Reshape(new,Shape(a))", false},
		{"Softmax", 11, ops.Attrs{"axis": i(3)}, []ops.Type{f32(3)}, "", true},
		{"Cast", 1, ops.Attrs{"to": ops.StringAttr("FLOAT16")}, []ops.Type{f32(3)}, "a", false},
		{"Cast", 1, ops.Attrs{"to": ops.StringAttr("FLOAT17")}, []ops.Type{f32(3)}, "", true},
	} {
		op := lookup(t, c.op)
		ver, k := op.At(c.opset)
		g := &recorder{types: map[string]ops.Type{}}
		attrs := ops.Attrs{}
		for name, a := range c.attrs {
			attrs[name] = a
		}
		r := &ops.Rewrite{Attrs: attrs, Out: []ops.Ref{"y"}, Graph: g}
		for n, typ := range c.types {
			name := string(rune('a' + n))
			g.types[name] = typ
			r.In = append(r.In, name)
		}
		err := ver.CheckAttrs(attrs, op.Newest())
		for ; err == nil && k > 0; k-- {
			if up := op.Versions[k].Up; up != nil {
				err = up(r)
			}
		}
		if err == nil {
			_, err = op.ParseAttrs(r.Attrs)
		}
		if (err != nil) != c.fails {
			t.Errorf("%s of opset %d: %v", c.op, c.opset, err)
		}
		if got := strings.Join(append([]string{refs(r.In)}, g.log...), "; "); err == nil && got != c.want {
			t.Errorf("%s of opset %d: %s, want %s", c.op, c.opset, got, c.want)
		}
	}
}
