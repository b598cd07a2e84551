package nn

import (
	"errors"
	"fmt"
	"math"

	"ingot/internal/kernel/real"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

type batchNormAttrs struct {
	Epsilon      float32 `onnx:",1e-05"`
	Momentum     float32 `onnx:",0.9"`
	TrainingMode bool    `onnx:",0"`
}

const batchNormOuts = "Y:T, mean:T?, var:T?, saved_mean:T?, saved_var:T?"

// BatchNormalization scales and shifts each channel so that it had zero mean and unit variance, by given statistics or, in training mode, by
// those of the input itself.
var BatchNormalization = Ops.Add(ops.Def(ops.Spec[batchNormAttrs]{
	Name: "BatchNormalization", In: "X:T, scale:T1, B:T1, input_mean:T2, input_var:T2", Out: "Y:T, running_mean:T2?, running_var:T2?",
	Types: "T=floats4; T1=floats4; T2=floats4",
	Vers: []ops.Ver{{Since: 15},
		{Since: 14, In: "X:T, scale:T, B:T, input_mean:U, input_var:U", Out: "Y:T, running_mean:U?, running_var:U?", Types: "T=floats4; U=floats4"},
		{Since: 9, In: "X:T, scale:T, B:T, mean:T, var:T", Out: batchNormOuts, Types: "T=floats", Attrs: "-training_mode", Up: trainByOutputs},
		{Since: 7, Attrs: "+spatial:int=1", Up: flattenFeatures},
		{Since: 6, Attrs: "+is_test:int=0", Up: dropExtraOutputs},
		{Since: 1, Attrs: "+consumed_inputs:ints=required", Up: ops.DropAttrs("consumed_inputs")}},
	Infer: inferBatchNorm,
	Bind: func(b *ops.Bind, a *batchNormAttrs) (ops.Kernel, error) {
		for i := range 5 {
			if b.In(i).DT == tensor.Float64 {
				return bindBatchNorm[float64](b, a)
			}
		}
		return bindBatchNorm[float32](b, a)
	},
	InPlace: [][2]int8{{0, 0}},
	Layout:  ops.Layout{Kind: ops.Spatial, Twin: "BatchNormalizationNHWC"},
}))

// dropExtraOutputs honours is_test. Without it, versions 1 and 6 train if the node has outputs for what it learns.
func dropExtraOutputs(r *ops.Rewrite) error {
	if test := r.Take("is_test"); test == nil || test.I == 0 {
		return nil
	}
	// In a test the statistics stay what they are.
	for o := 1; o < len(r.Out); o++ {
		if r.Out[o] == nil {
			continue
		}
		if err := r.Graph.EmitAfter("Identity", nil, r.Out[o], r.Input(4-o%2)); err != nil {
			return err
		}
	}
	r.Out = r.Out[:min(1, len(r.Out))]
	return nil
}

// flattenFeatures serves the attribute spatial: unless it is set, each place of each channel is a channel of its own.
func flattenFeatures(r *ops.Rewrite) error {
	if a := r.Take("spatial"); a == nil || a.I != 0 {
		return nil
	}
	emit := func(op string, attrs ops.Attrs, in ...ops.Ref) (ops.Ref, error) {
		out, err := r.Graph.Emit(op, attrs, 1, in...)
		if err != nil {
			return nil, err
		}
		return out[0], nil
	}
	shapes := make([]ops.Ref, 2) // of X and of the statistics
	for i := range shapes {
		var err error
		if shapes[i], err = emit("Shape", nil, r.Input(3*i)); err != nil {
			return err
		}
	}
	flat := r.Graph.Const(tensor.Of([]int64{-1}))
	for i := range 5 {
		in, err := r.Input(i), error(nil)
		if i == 0 {
			in, err = emit("Flatten", ops.Attrs{"axis": ops.IntAttr(1)}, in)
		} else {
			in, err = emit("Reshape", nil, in, flat)
		}
		if err != nil {
			return err
		}
		r.SetInput(i, in)
	}
	for o, out := range r.Out {
		if out == nil {
			continue
		}
		r.Out[o] = r.Graph.NewValue()
		if err := r.Graph.EmitAfter("Reshape", nil, out, r.Out[o], shapes[min(o, 1)]); err != nil {
			return err
		}
	}
	return nil
}

// trainByOutputs makes explicit that versions up to 9 train if more than Y is wanted. The saved statistics are those of the batch: what a
// second node finds that forgets all that it was told.
func trainByOutputs(r *ops.Rewrite) error {
	extra := false
	for o := 1; o < len(r.Out); o++ {
		extra = extra || r.Out[o] != nil
	}
	if !extra {
		return nil
	}
	r.Attrs["training_mode"] = ops.IntAttr(1)
	if len(r.Out) <= 3 {
		return nil
	}
	attrs := ops.Attrs{"training_mode": ops.IntAttr(1), "momentum": ops.FloatAttr(0)}
	batch, err := r.Graph.Emit("BatchNormalization", attrs, 3, r.In...)
	if err != nil {
		return err
	}
	for o := 3; o < len(r.Out); o++ {
		if r.Out[o] == nil {
			continue
		}
		if err := r.Graph.EmitAfter("Identity", nil, r.Out[o], batch[o-2]); err != nil {
			return err
		}
	}
	r.Out = r.Out[:3]
	return nil
}

func inferBatchNorm(c *ops.Infer, a *batchNormAttrs) error {
	x := c.In(0)
	channels := sym.Unknown()
	if x.Ranked {
		switch len(x.Shape) {
		case 0:
			return errors.New("input X is a scalar; it must have a batch dimension")
		case 1:
			channels = ops.Num(1)
		default:
			channels = x.Shape[1]
		}
	}
	for i, name := range []string{"scale", "B", "input_mean", "input_var"} {
		d, err := vectorOf(c, i+1, name, channels)
		if err != nil {
			return fmt.Errorf("%w of X", err)
		}
		if !channels.Known() {
			channels = d
		}
	}
	if !a.TrainingMode && (c.Wants(1) || c.Wants(2)) {
		return errors.New("has outputs for running statistics, which only training_mode computes")
	}
	c.OutLike(0, 0)
	c.Out(1, c.In(3).DT, channels)
	return c.Out(2, c.In(3).DT, channels)
}

// vectorOf checks that input i, of that name, is a vector with an element for each of the channels, and returns its length.
func vectorOf(c *ops.Infer, i int, name string, channels ops.Dim) (ops.Dim, error) {
	s, ok := c.Shape(i)
	if !ok {
		return channels, nil
	}
	if len(s) != 1 || s[0].Known() && channels.Known() && !s[0].Equal(channels) {
		return channels, fmt.Errorf("%s is %s; it must have an element for each of %s channels", name, sym.ShapeString(s), channels)
	}
	return s[0], nil
}

// batchNorm works on images of planes: N·C planes of some pixels.
type batchNorm[T real.Float] struct {
	channels, pixels int
	eps              T
	params           [4]wide.Operand[T]
	scale, shift     wide.Buffer
}

func bindBatchNorm[T real.Float](b *ops.Bind, a *batchNormAttrs) (ops.Kernel, error) {
	dims := b.Dims(0)
	n := batchNorm[T]{channels: 1, pixels: 1, eps: T(a.Epsilon)}
	if len(dims) > 1 {
		n.channels, n.pixels = dims[1], elements(dims[2:])
	}
	var room wide.Room[T]
	for i := range n.params {
		n.params[i] = room.In(b, i+1)
	}
	n.scale, n.shift = room.Buffer(n.channels), room.Buffer(n.channels)
	if a.TrainingMode {
		k := &batchNormTraining[T]{batchNorm: n, momentum: T(a.Momentum)}
		k.outs[0], k.outs[1] = room.Out(b, 1), room.Out(b, 2)
		k.place(b, dims[0])
		room.Claim(b)
		return k, nil
	}
	room.Claim(b)
	k := &batchNormKernel[T]{batchNorm: n, len: elements(dims), convert: b.In(0).DT != wide.DType[T](), loops: real.For[T]()}
	k.per = rowsOfTile(k.len, 1)
	return k, nil
}

// batchNormKernel is y = x·s + t with s = scale/√(variance+ε) and t = B - mean·s, computed for each channel at the begin of a run.
type batchNormKernel[T real.Float] struct {
	batchNorm[T]
	len, per int // elements in all, and of a tile
	convert  bool
	loops    *real.Loops[T]

	in, out *tensor.Tensor
	x, y    []T
	s, t    []T
}

// Run normalises.
func (k *batchNormKernel[T]) Run(c *ops.Call) error {
	if k.len == 0 {
		return nil
	}
	s := wide.Open[T](c)
	gamma, beta, mean, variance := k.params[0].Load(c, s), k.params[1].Load(c, s), k.params[2].Load(c, s), k.params[3].Load(c, s)
	k.s, k.t = s.Part(k.scale), s.Part(k.shift)
	for i := range k.s {
		k.s[i] = gamma[i] / T(math.Sqrt(float64(variance[i]+k.eps)))
		k.t[i] = beta[i] - mean[i]*k.s[i]
	}
	k.in, k.out = c.In(0), c.Out(0)
	if !k.convert {
		k.x, k.y = tensor.View[T](k.in), tensor.View[T](k.out)
	}
	return c.Parallel((k.len-1)/k.per+1, k)
}

// Tile implements [ops.Job].
func (k *batchNormKernel[T]) Tile(w ops.Worker, i int) {
	lo, hi := i*k.per, min(k.len, (i+1)*k.per)
	if !k.convert {
		k.apply(k.y[lo:hi], k.x[lo:hi], lo)
		return
	}
	buf := wide.Scratchpad[T](w, momentsPiece)
	for ; lo < hi; lo += momentsPiece {
		part := buf[:min(momentsPiece, hi-lo)]
		wide.Load(part, k.in, lo)
		k.apply(part, part, lo)
		wide.Store(k.out, lo, part)
	}
}

// apply computes the elements from off on.
func (k *batchNormKernel[T]) apply(dst, src []T, off int) {
	for len(src) > 0 {
		c, p := off/k.pixels%k.channels, off%k.pixels
		n := min(len(src), k.pixels-p)
		if k.pixels == 1 {
			n = min(len(src), k.channels-c)
			k.loops.MulAdd(dst[:n], src[:n], k.s[c:], k.t[c:])
		} else {
			k.loops.MulAddS(dst[:n], src[:n], k.s[c], k.t[c])
		}
		dst, src, off = dst[n:], src[n:], off+n
	}
}

// batchNormTraining normalises by the input's own statistics, which it blends into the running ones.
type batchNormTraining[T real.Float] struct {
	batchNorm[T]
	moments  moments[T]
	momentum T
	outs     [2]wide.Result[T]
}

// place sets the groups: all pixels of a channel.
func (k *batchNormTraining[T]) place(b *ops.Bind, images int) {
	m := &k.moments
	m.eps = k.eps
	m.runs = walk{{images, k.channels * k.pixels}}
	if k.pixels == 1 {
		m.side, m.width = true, k.channels
	} else {
		m.groups, m.width = walk{{k.channels, k.pixels}}, k.pixels
		m.period, m.plane, m.perGroup = max(k.channels, 1), max(k.pixels, 1), 1
	}
	m.prepare(b)
}

// Run normalises.
func (k *batchNormTraining[T]) Run(c *ops.Call) error {
	s := wide.Open[T](c)
	m := &k.moments
	m.scale, m.shift = k.params[0].Load(c, s), k.params[1].Load(c, s)
	m.mean, m.variance = s.Part(k.scale), s.Part(k.shift)
	if err := m.run(c); err != nil {
		return err
	}
	for i, batch := range [][]T{m.mean, m.variance} {
		if !k.outs[i].Wanted() {
			continue
		}
		old, out := k.params[2+i].Load(c, s), k.outs[i].Elements(c, s)
		for j := range out {
			out[j] = old[j]*k.momentum + batch[j]*(1-k.momentum)
		}
		k.outs[i].Store(c, s)
	}
	return nil
}
