package contrib

import (
	"fmt"

	"ingot/internal/num"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// graph is the small graph that stands for a node.
type graph struct{ *ops.Expansion }

// attrs makes attributes from pairs of a name and a value.
func attrs(pairs ...any) ops.Attrs {
	out := ops.Attrs{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		switch v := pairs[i+1].(type) {
		case int:
			out[name] = ops.IntAttr(v)
		case tensor.DType:
			out[name] = ops.IntAttr(v)
		case bool:
			out[name] = ops.IntAttr(0)
			if v {
				out[name] = ops.IntAttr(1)
			}
		case float32:
			out[name] = ops.FloatAttr(v)
		case string:
			out[name] = ops.StringAttr(v)
		case []int:
			if v != nil {
				out[name] = intsAttr(v)
			}
		}
	}
	return out
}

func intsAttr(v []int) *ops.Attr {
	wide := make([]int64, len(v))
	for i, n := range v {
		wide[i] = int64(n)
	}
	return ops.IntsAttr(wide...)
}

// ints is a constant vector of int64.
func (g graph) ints(v ...int64) ops.Ref { return g.Const(tensor.Of(v, len(v))) }

// scalar is a constant of the type that a value has.
func (g graph) scalar(v float64, like ops.Ref) ops.Ref {
	if dt := g.TypeOf(like).DT; dt != tensor.Invalid {
		if t, err := tensor.New(dt); err == nil && num.Store64(t, 0, []float64{v}) {
			return g.Const(t)
		}
	}
	return g.Op("CastLike", nil, g.Const(tensor.Scalar(v)), like)
}

// cast gives v another type, if it hasn't it already.
func (g graph) cast(v ops.Ref, dt tensor.DType) ops.Ref {
	if v == nil || g.TypeOf(v).DT == dt {
		return v
	}
	return g.Op("Cast", attrs("to", dt), v)
}

// wide gives v a type that sums are computed in: half types become float32.
func (g graph) wide(v ops.Ref) ops.Ref {
	if g.TypeOf(v).DT == tensor.Float64 {
		return v
	}
	return g.cast(v, tensor.Float32)
}

// add is the sum of those values that are there.
func (g graph) add(vs ...ops.Ref) ops.Ref {
	var sum ops.Ref
	for _, v := range vs {
		switch {
		case v == nil:
		case sum == nil:
			sum = v
		default:
			sum = g.Op("Add", nil, sum, v)
		}
	}
	return sum
}

func (g graph) mul(a, b ops.Ref) ops.Ref { return g.Op("Mul", nil, a, b) }

// outLike makes v output o, in the type of another value.
func (g graph) outLike(o int, v, like ops.Ref) error {
	if !g.Wants(o) {
		return nil
	}
	return g.SetOut(o, g.cast(v, g.TypeOf(like).DT))
}

// rank returns the rank of input i, which the graph depends on.
func (g graph) rank(i int, name string) (int, error) {
	t := g.Type(i)
	if !t.Ranked {
		return 0, fmt.Errorf("the rank of %s must be known when the model is loaded", name)
	}
	return len(t.Shape), nil
}

// expand declares an operator that is a small graph.
func expand[A any](name, in, out, types string, build func(g graph, a *A) error) *ops.Op {
	return expandIn(domain, name, in, out, types, build)
}

func expandIn[A any](domain, name, in, out, types string, build func(g graph, a *A) error) *ops.Op {
	return ops.Def(ops.Spec[A]{Name: name, Domain: domain, In: in, Out: out, Types: types, Vers: since1,
		Expand: func(x *ops.Expansion, a *A) error { return build(graph{x}, a) }})
}

type noAttrs struct{}

// differ reports whether two dimensions are known to differ.
func differ(a, b ops.Dim) bool { return a.Known() && b.Known() && !a.Equal(b) }

// checkDims compares the shape of an input, if it is there and known, with what it must be.
func checkDims(c *ops.Infer, i int, name string, want ...ops.Dim) error {
	s, ok := c.Shape(i)
	if !ok {
		return nil
	}
	bad := len(s) != len(want)
	for k := 0; k < len(s) && !bad; k++ {
		bad = differ(s[k], want[k])
	}
	if bad {
		return fmt.Errorf("%s is %s; it must be %s", name, sym.ShapeString(s), sym.ShapeString(want))
	}
	return nil
}
