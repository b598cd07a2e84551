// Package calls draws random nodes from the declarations of operators: the number of operands, their types and the kinds of attributes are
// what a declaration allows, while shapes and values may fit together or not. Tests feed them to kernels and shape rules.
package calls

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

// draw makes choices: from bytes, so that a fuzzer can steer them, and from a generator seeded by them when they have run out.
type draw struct {
	b   []byte
	rng *rand.Rand
}

func newDraw(b []byte) *draw {
	h := fnv.New64a()
	h.Write(b)
	return &draw{b, rand.New(rand.NewPCG(h.Sum64(), 1))}
}

// n returns a number in [0, n).
func (d *draw) n(n int) int {
	if len(d.b) >= 2 {
		v := int(d.b[0]) | int(d.b[1])<<8
		d.b = d.b[2:]
		return v % n
	}
	return d.rng.IntN(n)
}

// odds is true once in n times.
func (d *draw) odds(n int) bool { return d.n(n) == 0 }

func pick[T any](d *draw, list ...T) T { return list[d.n(len(list))] }

// Call is a node of one version of an operator with its operands.
type Call struct {
	Op    *ops.Op
	Ver   *ops.Version
	Attrs ops.Attrs
	In    []tensor.Value // nil: absent
	Wants []bool
}

// Bytes returns bytes to draw a call from: others for any other list of numbers.
func Bytes(numbers ...uint64) []byte {
	h := fnv.New128a()
	for _, n := range numbers {
		h.Write(binary.LittleEndian.AppendUint64(nil, n))
	}
	rng := rand.New(rand.NewPCG(binary.LittleEndian.Uint64(h.Sum(nil)), binary.LittleEndian.Uint64(h.Sum(nil)[8:])))
	return binary.LittleEndian.AppendUint64(nil, rng.Uint64())
}

// New draws a call. Its choices follow the bytes, so that a fuzzer can steer them, and what they seed when they run out.
func New(op *ops.Op, v *ops.Version, b []byte) *Call { return newCall(op, v, newWorld(newDraw(b))) }

// Tame is New without sizes and numbers that are there to hurt: what it draws is of the kind that models hold, so that another implementation,
// which checks less, can be asked the same.
func Tame(op *ops.Op, v *ops.Version, b []byte) *Call {
	w := newWorld(newDraw(b))
	w.tame, w.odd = true, 1000
	return newCall(op, v, w)
}

func newCall(op *ops.Op, v *ops.Version, w *world) *Call {
	c := &Call{Op: op, Ver: v, Attrs: ops.Attrs{}}
	d := w.draw
	var tm template
	if list := templates[op.String()]; len(list) > 0 && !d.odds(6) {
		tm = parseTemplate(list[d.n(len(list))])
		w.letters = map[byte]int{}
	}
	for _, a := range v.Attrs {
		often := 2
		if tm.shapes != nil {
			often = 8
		}
		if s, ok := tm.attrs[a.Name]; ok && (w.tame || !d.odds(24)) {
			c.Attrs[a.Name] = w.written(&a, s)
		} else if a.Required || d.odds(often) {
			c.Attrs[a.Name] = w.attr(&a)
		}
	}
	c.operands(w, &tm)
	least, most := ops.Arity(v.Out)
	if most < 0 {
		most = least + 3
	}
	c.Wants = make([]bool, max(1, least+d.n(most-least+1)))
	for o := range c.Wants {
		c.Wants[o] = !op.MayOmit(o) || !d.odds(4)
	}
	return c
}

func (c *Call) operands(w *world, tm *template) {
	vars := map[string]tensor.DType{}
	least, most := ops.Arity(c.Ver.In)
	if most < 0 {
		most = least + 4
	}
	n := least + w.n(most-least+1)
	if tm.shapes != nil && !w.odds(8) {
		n = max(least, min(n, len(tm.shapes)))
		if w.odds(2) {
			n = len(tm.shapes)
		}
	}
	for i := range min(n, most) {
		p := c.Ver.In[min(i, len(c.Ver.In)-1)]
		planned := i < len(tm.shapes) && (w.tame || !w.odds(16))
		if p.Optional && (w.odds(3) && !(planned && w.tame)) {
			c.In = append(c.In, nil)
			continue
		}
		if planned {
			c.In = append(c.In, w.fromTemplate(c.Ver, &p, tm.shapes[i], vars))
			continue
		}
		c.In = append(c.In, w.operand(c.Ver, &p, i, vars))
	}
}

// world is what the operands of one call have in common, so that many calls are valid.
type world struct {
	*draw
	style int
	rank  int
	dims  []int // of the operand that all others derive from
	odd   int   // one operand in so many goes its own way
	tame  bool  // nothing extreme, see [Tame]

	letters map[byte]int // the sizes that a template's letters have
}

// The ways in which the shapes of operands may belong together.
const (
	alike = iota
	broadcast
	product
	vectors // the first one has a shape, the others are vectors of one of its dimensions
	layers  // [N,C,…] and weights [M,C/g,…]
	styles
)

func newWorld(d *draw) *world {
	w := &world{draw: d, style: d.n(styles), odd: pick(d, 4, 12, 1000)}
	w.rank = pick(d, 0, 1, 2, 2, 3, 3, 4, 4, 4, 5, 6)
	for range w.rank {
		w.dims = append(w.dims, w.dim())
	}
	return w
}

func (w *world) dim() int { return pick(w.draw, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8, 9, 16, 17) }

// shape returns the shape of operand i.
func (w *world) shape(i int) []int {
	s := slices.Clone(w.dims)
	if w.odds(w.odd) {
		s = s[:0]
		for range w.n(6) {
			s = append(s, w.dim())
		}
		return s
	}
	if i == 0 {
		return s
	}
	switch w.style {
	case broadcast:
		for k := range s {
			if w.odds(3) {
				s[k] = 1
			}
		}
		if w.odds(2) {
			s = s[w.n(len(s)+1):]
		}
	case product:
		if k := len(s); k >= 2 {
			s[k-2], s[k-1] = s[k-1], pick(w.draw, s[k-1], s[k-2], 3)
		}
	case vectors:
		switch {
		case len(s) == 0 || w.odds(4):
			return pick(w.draw, []int{}, []int{1}, []int{2}, []int{w.rank})
		default:
			return []int{s[w.n(len(s))]}
		}
	case layers:
		switch {
		case i > 1:
			return []int{pick(w.draw, 1, 2, 4, append([]int{1, 1}, s...)[min(w.rank, 1)+1])}
		case len(s) > 1:
			s[0] = pick(w.draw, 1, 2, 4)
			for k := 2; k < len(s); k++ {
				s[k] = pick(w.draw, 1, 2, 3, s[k])
			}
		}
	}
	return s
}

// integer draws a number such as stands in attributes and in operands that tell shapes.
func (w *world) integer() int64 {
	if w.odds(24) && !w.tame {
		return pick[int64](w.draw, math.MaxInt64, math.MinInt64, math.MaxInt32, math.MinInt32, 1<<31, 1<<32, 1<<40, 1<<62, 1<<62+1, -1<<62, math.MaxInt64-1, 1<<20, 1000)
	}
	return int64(pick(w.draw, 0, 0, 1, 1, 1, 1, 2, 2, 3, 4, 5, 7, -1, -1, -2, -3, w.rank, w.rank-1, append(w.dims, 1)[0], append(slices.Clone(w.dims), 1)[w.rank/2]))
}

func (w *world) float() float64 {
	if w.odds(16) && !w.tame {
		return pick(w.draw, math.NaN(), math.Inf(1), math.Inf(-1), 1e38, -1e38, 1e-40, 0, 1e18, -1e18, 1<<31, math.MaxFloat64)
	}
	return pick(w.draw, 0, 1, -1, 0.5, 2, 1.5, -0.25, 3, 0.1, 7) * pick(w.draw, 1, 1, 1, 0.3)
}

// Strings that attributes have in the standard; a declaration doesn't tell which ones.
var attrStrings = strings.Fields(`nearest linear cubic bilinear bicubic trilinear zeros border reflection constant reflect edge wrap stretch not_larger not_smaller
	round_prefer_floor round_prefer_ceil floor ceil half_pixel half_pixel_symmetric pytorch_half_pixel align_corners asymmetric tf_crop_and_resize tf_half_pixel_for_nn output_half_pixel
	none add mul max min sum mean NOTSET VALID SAME_UPPER SAME_LOWER DCR CRD forward reverse bidirectional tanh up down avg gated_delta gated delta circular silu swish
	UPPER LOWER NONE TF IDF TFIDF C fr_FR MAX MIN SUM AVERAGE COUNT DENSE SPARSE SOFTMAX LOGISTIC SOFTMAX_ZERO PROBIT TO_FLOAT TO_INT64 TO_STRING RBF LINEAR POLY SIGMOID
	BRANCH_LEQ BRANCH_LT BRANCH_GTE BRANCH_GT BRANCH_EQ BRANCH_NEQ LEAF BRANCH_MEMBER MAX L1 L2 LEFT RIGHT RGB BGR Grayscale left right all
	Relu Tanh Sigmoid Affine LeakyRelu ThresholdedRelu ScaledTanh HardSigmoid Elu Softsign Softplus ij,jk->ik i->i ...i->... ij->ji ii->i ij,ij-> bhi,bhj->bij , -> a.*b (a ^[0-9]+$`)

func (w *world) text() string {
	if w.odds(6) && !w.tame {
		return pick(w.draw, "", "\xff", "\x00", "é", "0", "-1", "1.5", "a b  c", "日本", strings.Repeat("x", 300), "ß İ", "NaN")
	}
	return pick(w.draw, attrStrings...)
}

// usual are the values that an attribute of a name takes, where few do.
var usual = map[string][]string{
	"direction": {"forward", "reverse", "bidirectional", "LEFT", "RIGHT"}, "auto_pad": {"NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"}, "reduction": {"none", "add", "mul", "max", "min", "sum", "mean"},
	"mode":                           {"nearest", "linear", "cubic", "bilinear", "bicubic", "constant", "reflect", "edge", "wrap", "DCR", "CRD", "avg", "max", "circular", "TF", "IDF", "TFIDF", "fan_in"},
	"coordinate_transformation_mode": {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize", "output_half_pixel"},
	"nearest_mode":                   {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}, "keep_aspect_ratio_policy": {"stretch", "not_larger", "not_smaller"},
	"padding_mode": {"zeros", "border", "reflection"}, "post_transform": {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"}, "kernel_type": {"LINEAR", "RBF", "POLY", "SIGMOID"},
	"aggregate_function": {"SUM", "AVERAGE", "MIN", "MAX"}, "activation": {"none", "silu", "swish", "Relu", "Clip"}, "norm": {"MAX", "L1", "L2"}, "nodes_modes": {"BRANCH_LEQ", "LEAF", "BRANCH_LT", "BRANCH_EQ"},
	"activations":        {"Relu", "Tanh", "Sigmoid", "Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu", "Softsign", "Softplus"},
	"equation":           {"ij,jk->ik", "i->i", "...i->...", "ij->ji", "ii->i", "ij,ij->", "bhi,bhj->bij", ",", "->", "...,...", "ij,jk", "...ij,...jk->...ik", "a,a->a"},
	"pattern":            {"a.*b", "(a", "^[0-9]+$", "", "(a*)*b", `\d`, "x{1001}"},
	"to":                 {"FLOAT", "INT64", "DOUBLE", "UINT8", "FLOAT16", "BOOL", "INT32"},
	"cast_to":            {"TO_FLOAT", "TO_INT64", "TO_STRING"},
	"map_form":           {"DENSE", "SPARSE"},
	"pixel_format":       {"RGB", "BGR", "Grayscale"},
	"update_rule":        {"linear", "gated", "delta", "gated_delta"},
	"approximate":        {"none", "tanh"},
	"case_change_action": {"LOWER", "UPPER", "NONE"},
}

func (w *world) attrText(name string) string {
	if list := usual[name]; list != nil && !w.odds(12) {
		return pick(w.draw, list...)
	}
	return w.text()
}

// attr draws an attribute.
func (w *world) attr(s *ops.AttrSchema) *ops.Attr {
	a := &ops.Attr{Kind: s.Kind}
	few := pick(w.draw, 0, 1, 2, 2, 2, 3, 4, w.rank, 2*w.rank, max(0, w.rank-2), max(0, 2*w.rank-4))
	if w.tame { // a list without elements stands for none with some
		few = max(1, few)
	}
	switch s.Kind {
	case ops.AttrFloat:
		a.F = float32(w.float())
	case ops.AttrInt:
		if a.I = w.integer(); s.Flag && (w.tame || !w.odds(16)) {
			a.I = int64(w.n(2))
		}
		if strings.Contains(s.Name, "dtype") || strings.Contains(s.Name, "datatype") || s.Name == "to" {
			a.I = int64(w.n(28))
		}
	case ops.AttrString:
		a.S = w.attrText(s.Name)
	case ops.AttrTensor, ops.AttrSparse:
		a.T = w.tensor(pick(w.draw, someTypes...), w.shape(1))
	case ops.AttrGraph:
		a.G = w.body()
	case ops.AttrFloats:
		for range few {
			a.Floats = append(a.Floats, float32(w.float()))
		}
	case ops.AttrInts:
		positive := w.odds(2)
		for range few {
			n := w.integer()
			if positive && n < 1 && n > -100 {
				n = 1
			}
			a.Ints = append(a.Ints, n)
		}
	case ops.AttrStrings:
		for range few {
			a.Strings = append(a.Strings, w.attrText(s.Name))
		}
	case ops.AttrTensors:
		for range few {
			a.Tensors = append(a.Tensors, w.tensor(pick(w.draw, someTypes...), w.shape(1)))
		}
	case ops.AttrGraphs:
		for range few {
			a.Graphs = append(a.Graphs, w.body())
		}
	case ops.AttrType:
		t := ops.Type{Kind: pick(w.draw, ops.KindTensor, ops.KindSequence, ops.KindOptional), DT: pick(w.draw, someTypes...)}
		if t.Kind != ops.KindTensor {
			t.Elem = &ops.Type{DT: pick(w.draw, someTypes...)}
		}
		a.Type = &t
	}
	return a
}

func (w *world) body() *ops.Subgraph {
	return &ops.Subgraph{NumIn: w.n(5), NumOut: w.n(5)}
}

var someTypes = []tensor.DType{tensor.Float32, tensor.Float32, tensor.Int64, tensor.Int32, tensor.Float64, tensor.Bool, tensor.String, tensor.Uint8, tensor.Float16}

// dtype draws one of a set of types: that of the operands of the same type variable, if there are any.
func (w *world) dtype(set tensor.Types, p *ops.Param, vars map[string]tensor.DType) tensor.DType {
	dt := pick(w.draw, set.List()...)
	if set.Has(tensor.Float32) && w.odds(3) {
		dt = tensor.Float32
	}
	if old, ok := vars[p.Type]; ok && !p.Hetero && set.Has(old) {
		dt = old
	}
	vars[p.Type] = dt
	return dt
}

// operand draws a value for a parameter.
func (w *world) operand(v *ops.Version, p *ops.Param, i int, vars map[string]tensor.DType) tensor.Value {
	ts := v.TypeSet(p.Type)
	var kinds []int
	for k, has := range []bool{ts.Tensor != 0, ts.Seq != 0, ts.Opt != 0, ts.OptSeq != 0, ts.Map} {
		if has {
			kinds = append(kinds, k)
		}
	}
	kind := pick(w.draw, kinds...)
	types := func(set tensor.Types) tensor.DType { return w.dtype(set, p, vars) }
	sequence := func(dt tensor.DType) *tensor.Sequence {
		s := &tensor.Sequence{Elem: dt}
		for range w.n(4) {
			s.Items = append(s.Items, w.tensor(dt, w.shape(i)))
		}
		return s
	}
	switch kind {
	case 1:
		return sequence(types(ts.Seq))
	case 2:
		if w.odds(3) {
			return &tensor.Optional{}
		}
		return &tensor.Optional{V: w.tensor(types(ts.Opt), w.shape(i))}
	case 3:
		return &tensor.Optional{V: sequence(types(ts.OptSeq))}
	case 4:
		n := w.n(4)
		return &tensor.Map{Keys: w.tensor(pick(w.draw, tensor.Int64, tensor.String), []int{n}), Values: w.tensor(pick(w.draw, tensor.Float32, tensor.String, tensor.Int64, tensor.Float64), []int{n})}
	}
	dt := types(ts.Tensor)
	shape := w.shape(i)
	if i > 0 && (dt == tensor.Int64 || dt == tensor.Int32) && ts.Tensor&^tensor.TypesOf(tensor.Int64, tensor.Int32) == 0 && !w.odds(4) {
		shape = pick(w.draw, []int{}, []int{1}, []int{w.rank}, []int{w.rank}, []int{2 * w.rank}, []int{2}, shape)
	}
	return w.tensor(dt, shape)
}

// tensor draws elements; a shape of too many is cut.
func (w *world) tensor(dt tensor.DType, shape []int) *tensor.Tensor {
	for n, err := tensor.NumElements(shape); err != nil || n > 2000; n, err = tensor.NumElements(shape) {
		shape = shape[1:]
	}
	t, err := tensor.New(dt, shape...)
	if err != nil {
		// Only tests and their tools import this package. The dtype is one of a declaration, and the loop has seen to the shape.
		panic(fmt.Sprint("a tensor that can't be: ", err))
	}
	n := t.Len()
	switch {
	case dt == tensor.String:
		s := tensor.View[string](t)
		for i := range s {
			s[i] = w.text()
		}
	case dt == tensor.Bool:
		for i := range t.Bytes() {
			t.Bytes()[i] = byte(w.n(2))
		}
	case dt == tensor.Complex64 || dt == tensor.Complex128:
		for i := range t.Bytes() {
			t.Bytes()[i] = byte(w.n(256))
		}
	case dt.IsInteger():
		v := make([]int64, n)
		same, fixed := w.odds(3), w.integer()
		for i := range v {
			if v[i] = fixed; !same && (i < 16 || w.odds(3)) {
				v[i] = w.integer()
			}
		}
		num.StoreInt(t, 0, v)
	default:
		v := make([]float64, n)
		hostile := w.odds(4) && (!w.tame || w.odds(2))
		for i := range v {
			switch {
			case w.tame && hostile && w.odds(8):
				v[i] = pick(w.draw, 0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1))
			case w.tame:
				v[i] = float64(w.n(4001)-2000) / 512
			case hostile:
				v[i] = w.float()
			default:
				v[i] = float64(i%5) / 2
			}
		}
		num.Store64(t, 0, v)
	}
	return t
}

// String describes the call well enough to repeat it.
func (c *Call) String() string {
	var sb strings.Builder
	fmt.Fprintf(&sb, "%s(", c.Op)
	for i, v := range c.In {
		if i > 0 {
			sb.WriteString(", ")
		}
		sb.WriteString(describe(v))
	}
	sb.WriteString(")")
	for _, a := range c.Ver.Attrs {
		at := c.Attrs[a.Name]
		if at == nil {
			continue
		}
		fmt.Fprintf(&sb, " %s=", a.Name)
		switch at.Kind {
		case ops.AttrInt:
			fmt.Fprint(&sb, at.I)
		case ops.AttrFloat:
			fmt.Fprint(&sb, at.F)
		case ops.AttrString:
			fmt.Fprintf(&sb, "%q", at.S)
		case ops.AttrInts:
			fmt.Fprint(&sb, at.Ints)
		case ops.AttrFloats:
			fmt.Fprint(&sb, at.Floats)
		case ops.AttrStrings:
			fmt.Fprintf(&sb, "%q", at.Strings)
		case ops.AttrTensor, ops.AttrSparse:
			sb.WriteString(describe(at.T))
		case ops.AttrGraph:
			fmt.Fprintf(&sb, "body(%d→%d)", at.G.NumIn, at.G.NumOut)
		default:
			fmt.Fprintf(&sb, "%v %d %d", at.Kind, len(at.Tensors), len(at.Graphs))
		}
	}
	fmt.Fprintf(&sb, " wants %v", c.Wants)
	return sb.String()
}

func describe(v tensor.Value) string {
	switch v := v.(type) {
	case *tensor.Tensor:
		s := v.String()
		if v.DType().IsInteger() && v.Len() <= 16 {
			n := make([]int64, v.Len())
			num.LoadInt(n, v, 0)
			s += fmt.Sprint(n)
		}
		if v.DType() == tensor.String && v.Len() <= 8 {
			s += fmt.Sprintf("%q", tensor.View[string](v))
		}
		return s
	case *tensor.Sequence:
		s := "seq(" + v.Elem.String() + ")["
		for _, it := range v.Items {
			s += describe(it) + " "
		}
		return s + "]"
	case *tensor.Optional:
		return "optional(" + describe(v.V) + ")"
	case *tensor.Map:
		return "map(" + describe(v.Keys) + "→" + describe(v.Values) + ")"
	}
	return "-"
}
