package passes

import (
	"context"
	"slices"

	"ingot/internal/ir"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// channelsLast runs convolutional regions on channels-last data: each convolution becomes its twin between explicit ToNHWC and ToNCHW nodes,
// and operators that don't care, or whose axis can be renumbered, stay on the channels-last side. A conversion that
// nothing needs any more is swept away, so that only a region's borders keep theirs.
var channelsLast = &Pass{
	Name: "channels-last",
	Why:  "a twin computes the same on permuted data, and ToNCHW undoes ToNHWC",
	Try: func(p *Patch, n *ir.Node) bool {
		if p.last == nil {
			p.last = map[*ir.Value]*ir.Value{}
		}
		l := layout{p, n}
		switch n.Op.Layout.Kind {
		case ops.Spatial:
			return l.spatial()
		case ops.Agnostic:
			return l.agnostic()
		case ops.AxisAttr:
			return l.axis()
		}
		switch {
		case n.Is("Transpose"):
			return l.transpose()
		case n.Is("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin"):
			return l.reduce()
		}
		return false
	},
}

// layout looks at one node. p.last maps a value to its channels-last form, where there is one.
type layout struct {
	p *Patch
	n *ir.Node
}

// spatial replaces a node by its twin. Convolutions open a region; others join one.
func (l layout) spatial() bool {
	p, n := l.p, l.n
	twin := p.Op(ops.Internal, n.Op.Layout.Twin)
	x := n.In[0]
	if twin == nil || !isFloat32(x) || x.Type.Rank() < 3 || anyOut(n, 1) || n.Out[0] == nil {
		return false
	}
	opens := n.Is("Conv", "ConvTranspose")
	if p.last[x] == nil && !opens {
		return false
	}
	u := l.convert(x)
	if u == nil {
		return false
	}
	in := append([]*ir.Value{u}, n.Inputs()[1:]...)
	a, err := twin.ParseAttrs(n.Op.Attrs(n.Attr))
	if err != nil {
		return false
	}
	return l.put(twin, a, in)
}

// agnostic moves an element-wise node to the channels-last side if one of its operands is there and the others can be.
func (l layout) agnostic() bool {
	p, n := l.p, l.n
	rank := n.Out[0].Type.Rank()
	if rank < 3 || anyOut(n, 1) || !slices.ContainsFunc(n.Inputs(), func(v *ir.Value) bool { return v != nil && p.last[v] != nil && v.Type.Rank() == rank }) {
		return false
	}
	in := make([]*ir.Value, n.NumIn)
	for i, v := range n.Inputs() {
		if v == nil {
			continue
		}
		t := v.Tensor()
		switch {
		case v.Type.Rank() == 0 || t != nil && t.Len() == 1 && t.Rank() <= 1:
			in[i] = v
		case t != nil:
			if in[i] = l.permuted(v, rank); in[i] == nil {
				return false
			}
		case v.Type.Rank() != rank:
			return false
		default:
			if in[i] = l.convert(v); in[i] == nil {
				return false
			}
		}
	}
	return l.put(n.Op, n.Attr, in)
}

// axis moves a node with an axis attribute, all of whose operands are or can be channels-last.
func (l layout) axis() bool {
	p, n := l.p, l.n
	rank := n.In[0].Type.Rank()
	known := 0
	for _, v := range n.Inputs() {
		if v == nil || v.Const == nil && v.Type.Rank() != rank {
			return n.Is("Split") && l.split()
		}
		if p.last[v] != nil {
			known++
		}
	}
	if rank < 3 || 2*known < n.NumIn || known == 0 || len(n.Out) != 1 {
		return n.Is("Split") && l.split()
	}
	in := make([]*ir.Value, n.NumIn)
	for i, v := range n.Inputs() {
		if in[i] = l.convert(v); in[i] == nil {
			return false
		}
	}
	a := l.moved(rank)
	return a != nil && l.put(n.Op, a, in)
}

// split moves a Split, whose outputs are all channels-last then.
func (l layout) split() bool {
	p, n := l.p, l.n
	u, rank := p.last[n.In[0]], n.In[0].Type.Rank()
	if u == nil || rank < 3 {
		return false
	}
	a := l.moved(rank)
	if a == nil {
		return false
	}
	in := slices.Clone(n.Inputs())
	in[0] = u
	m := p.Add(n.Op, a, len(n.Out), in...)
	if m == nil {
		return false
	}
	for o, v := range n.Out {
		if v != nil {
			l.back(v, m.Out[o])
		}
	}
	return true
}

// moved returns the node's attributes with the axis renumbered.
func (l layout) moved(rank int) any {
	attrs := l.n.Op.Attrs(l.n.Attr)
	ax := attrs["axis"]
	if ax == nil {
		return nil
	}
	k, err := ops.Axis(int(ax.I), rank)
	if err != nil {
		return nil
	}
	attrs["axis"] = ops.IntAttr(lastAxis(k, rank))
	a, err := l.n.Op.ParseAttrs(attrs)
	if err != nil {
		return nil
	}
	return a
}

// lastAxis is where a dimension goes in channels-last order.
func lastAxis(axis, rank int) int {
	switch axis {
	case 0:
		return 0
	case 1:
		return rank - 1
	}
	return axis - 1
}

// transpose composes a permutation with the one that ToNCHW would make.
func (l layout) transpose() bool {
	p, n := l.p, l.n
	u := p.last[n.In[0]]
	perm := attr(n, "perm")
	if u == nil || perm == nil {
		return false
	}
	composed := make([]int64, len(perm.Ints))
	for i, d := range perm.Ints {
		composed[i] = int64(lastAxis(int(d), len(perm.Ints)))
	}
	if slices.IsSorted(composed) {
		return p.Replace(n.Out[0], u)
	}
	return p.replaceWith(n.Out[0], "", "Transpose", ops.Attrs{"perm": ops.IntsAttr(composed...)}, u)
}

// reduce renumbers the axes of a reduction. One that drops exactly the spatial dimensions leaves [N,C] either way.
func (l layout) reduce() bool {
	p, n := l.p, l.n
	u, rank := p.last[n.In[0]], n.In[0].Type.Rank()
	if u == nil || rank < 3 || n.NumIn < 2 || n.In[1] == nil {
		return false
	}
	axes, ok := sym.Ints(n.In[1].Type.Val)
	if !ok || len(axes) == 0 {
		return false
	}
	spatial := len(axes) == rank-2
	for i, a := range axes {
		k, err := ops.Axis(int(a), rank)
		if err != nil {
			return false
		}
		spatial = spatial && k >= 2
		axes[i] = int64(lastAxis(k, rank))
	}
	in := []*ir.Value{u, p.Const("axes", tensor.Of(axes))}
	if attr(n, "keepdims").I != 0 {
		return l.put(n.Op, n.Attr, in)
	}
	if !spatial {
		return false
	}
	m := p.Add(n.Op, n.Attr, 1, in...)
	return m != nil && p.Replace(n.Out[0], m.Out[0])
}

// put adds a channels-last node and lets it compute the output of the one in hand.
func (l layout) put(op *ops.Op, a any, in []*ir.Value) bool {
	m := l.p.Add(op, a, 1, in...)
	if m == nil {
		return false
	}
	return l.back(l.n.Out[0], m.Out[0])
}

// back replaces v by u's form in the model's order, and remembers u.
func (l layout) back(v, u *ir.Value) bool {
	w := l.p.make(ops.Internal, "ToNCHW", nil, u)
	if w == nil || !l.p.Replace(v, w) {
		return false
	}
	l.p.last[w] = u
	return true
}

// convert returns the channels-last form of a value.
func (l layout) convert(v *ir.Value) *ir.Value {
	if u := l.p.last[v]; u != nil {
		return u
	}
	u := l.p.make(ops.Internal, "ToNHWC", nil, v)
	if u != nil {
		l.p.last[v] = u
	}
	return u
}

// permuted returns a constant of at most the given rank in channels-last order.
func (l layout) permuted(v *ir.Value, rank int) *ir.Value {
	t := v.Tensor()
	shape := slices.Concat(slices.Repeat([]int{1}, rank-t.Rank()), t.Dims())
	full, err := t.Reshape(shape...)
	if err != nil {
		return nil
	}
	op := l.p.Op(ops.Internal, "ToNHWC")
	if op == nil {
		return nil
	}
	a, err := op.ParseAttrs(nil)
	if err != nil {
		return nil
	}
	out, err := ops.Evaluate(context.Background(), op, a, []tensor.Value{full}, []bool{true}, nil, nil)
	if err != nil {
		return nil
	}
	c, ok := out[0].(*tensor.Tensor)
	if !ok {
		return nil
	}
	return l.p.Const(v.Name, c)
}
