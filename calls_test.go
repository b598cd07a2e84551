package ingot_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"ingot"
	"ingot/internal/calls"
	"ingot/internal/num"
	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/ops"
	"ingot/ops/standard"
	"ingot/tensor"
)

// TestRandomModels makes models of random calls of every version of every operator, and loads and runs them in several ways: panics are faults,
// and so are ways that disagree.
func TestRandomModels(t *testing.T) {
	each := 6
	if testing.Short() {
		each = 1
	}
	made, ran := 0, 0
	for i, v := range allVersions(t) {
		for k := range each {
			made++
			if tryModel(t, v, binary.LittleEndian.AppendUint32(nil, uint32(i*100000+k))) {
				ran++
			}
		}
	}
	t.Logf("%d models, of which %d ran", made, ran)
	if ran*5 < made {
		t.Errorf("hardly a model runs: %d of %d", ran, made)
	}
}

// FuzzModels is TestRandomModels without an end. The first two bytes choose operator and version.
func FuzzModels(f *testing.F) {
	list := allVersions(f)
	for i := range list {
		f.Add(binary.LittleEndian.AppendUint16(nil, uint16(i)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= 2 {
			tryModel(t, list[int(binary.LittleEndian.Uint16(b))%len(list)], b[2:])
		}
	})
}

type opVersion struct {
	op  *ops.Op
	ver *ops.Version
}

func allVersions(t testing.TB) []opVersion {
	set, err := standard.Set()
	if err != nil {
		t.Fatal(err)
	}
	var list []opVersion
	for _, op := range set.All() {
		for _, v := range op.Versions {
			if op.Domain != ops.Internal { // no file may name those
				list = append(list, opVersion{op, v})
			}
		}
	}
	return list
}

// tryModel reports whether the model ran.
func tryModel(t *testing.T, v opVersion, b []byte) bool {
	t.Helper()
	c := calls.New(v.op, v.ver, b)
	seed := 0
	for _, x := range b {
		seed = seed*31 + int(x)
	}
	var first []tensor.Value
	var firstErr error
	for way := range 4 {
		m := callModel(c, way, seed)
		if m == nil {
			return false
		}
		out, err := runModel(m, c, way)
		if err != nil && strings.Contains(err.Error(), "internal error") {
			t.Errorf("%s-%d, way %d: %s\n%v", v.op, v.ver.Since, way, c, err)
			return false
		}
		if way == 0 {
			first, firstErr = out, err
			continue
		}
		if err != nil && firstErr == nil && !expected(err) && (way != 2 || v.ver == v.op.Newest()) {
			t.Errorf("%s-%d: %s\nruns with shapes in the file, but not in way %d: %v", v.op, v.ver.Since, c, way, err)
			return false
		}
		if err == nil && firstErr == nil && v.op.Flags&ops.Random == 0 {
			for o := range out {
				if !alike(first[o], out[o]) {
					t.Errorf("%s-%d: %s\noutput %d differs from way 0 in way %d: %v %v", v.op, v.ver.Since, c, o, way, first[o], out[o])
				}
			}
		}
	}
	return firstErr == nil
}

// expected reports whether a model that runs when its file tells all shapes may fail when it doesn't: old versions and contributed operators are
// rewritten while binding, which takes ranks.
func expected(err error) bool {
	s := err.Error()
	return errors.Is(err, context.DeadlineExceeded) || strings.Contains(s, "memory limit") || strings.Contains(s, "must be known")
}

// callModel makes a model of one node: way 0 tells all shapes, 1 only ranks, 2 not even those, and 3 has constants instead of some inputs and
// leaves the rest of the shapes open. nil when no file can express the call.
func callModel(c *calls.Call, way, seed int) []byte {
	g := &loader.Graph{Name: "g"}
	n := &loader.Node{OpType: c.Op.Name, Domain: c.Op.Domain}
	for i, v := range c.In {
		name := ""
		if v != nil {
			name = fmt.Sprintf("i%d", i)
			x, isTensor := v.(*tensor.Tensor)
			if way == 3 && isTensor && (seed>>i)&1 == 1 {
				g.Initializers = append(g.Initializers, loader.NewInitializer(name, x))
			} else {
				g.Inputs = append(g.Inputs, &loader.ValueInfo{Name: name, Type: fileType(v, way, name)})
			}
		}
		n.Inputs = append(n.Inputs, name)
	}
	for o, w := range c.Wants {
		name := ""
		if w {
			name = fmt.Sprintf("o%d", o)
			g.Outputs = append(g.Outputs, &loader.ValueInfo{Name: name})
		}
		n.Outputs = append(n.Outputs, name)
	}
	if len(g.Outputs) == 0 {
		return nil
	}
	for name, a := range c.Attrs {
		f := fileAttr(name, a)
		if f == nil {
			return nil
		}
		n.Attrs = append(n.Attrs, f)
	}
	slices.SortFunc(n.Attrs, func(a, b *loader.Attr) int { return strings.Compare(a.Name, b.Name) })
	g.Nodes = []*loader.Node{n}
	sets := []loader.OpsetImport{{Domain: c.Op.Domain, Version: int64(c.Ver.Since)}}
	if c.Op.Domain != "" {
		sets = append(sets, loader.OpsetImport{Version: 21})
	}
	b, err := onnxpb.Encode(&loader.Model{IRVersion: 10, Opsets: sets, Graph: g})
	if err != nil {
		return nil
	}
	return b
}

func fileType(v tensor.Value, way int, name string) loader.TypeInfo {
	switch v := v.(type) {
	case *tensor.Tensor:
		ty := loader.TypeInfo{Kind: loader.KindTensor, DType: v.DType(), HasShape: way != 2}
		for k, d := range v.Dims() {
			switch way {
			case 0:
				ty.Dims = append(ty.Dims, loader.Dim{Size: int64(d)})
			case 1, 3:
				ty.Dims = append(ty.Dims, loader.Dim{Size: -1, Sym: fmt.Sprintf("%s_%d", name, k)})
			}
		}
		return ty
	case *tensor.Sequence:
		return loader.TypeInfo{Kind: loader.KindSequence, Elem: &loader.TypeInfo{Kind: loader.KindTensor, DType: v.Elem}}
	case *tensor.Optional:
		elem := loader.TypeInfo{Kind: loader.KindTensor, DType: tensor.Float32}
		if v.V != nil {
			elem = fileType(v.V, 2, name)
		}
		return loader.TypeInfo{Kind: loader.KindOptional, Elem: &elem}
	case *tensor.Map:
		return loader.TypeInfo{Kind: loader.KindMap, Key: v.Keys.DType(), Elem: &loader.TypeInfo{Kind: loader.KindTensor, DType: v.Values.DType()}}
	}
	return loader.TypeInfo{}
}

// fileAttr returns nil for bodies and types: random ones don't say much.
func fileAttr(name string, a *ops.Attr) *loader.Attr {
	switch a.Kind {
	case ops.AttrFloat:
		return onnxpb.Attr(name, a.F)
	case ops.AttrInt:
		return onnxpb.Attr(name, a.I)
	case ops.AttrString:
		return onnxpb.Attr(name, a.S)
	case ops.AttrTensor:
		return onnxpb.Attr(name, a.T)
	case ops.AttrFloats:
		return onnxpb.Attr(name, a.Floats)
	case ops.AttrInts:
		return onnxpb.Attr(name, a.Ints)
	case ops.AttrStrings:
		return onnxpb.Attr(name, a.Strings)
	case ops.AttrTensors:
		return onnxpb.Attr(name, a.Tensors)
	}
	return nil
}

func runModel(b []byte, c *calls.Call, way int) ([]tensor.Value, error) {
	opts := []ingot.Option{ingot.WithMemoryLimit(64 << 20), ingot.WithThreads(1 + way%2)}
	if way == 2 {
		opts = append(opts, ingot.WithoutPasses("all"))
	}
	m, err := ingot.LoadBytes(b, opts...)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	in := map[string]tensor.Value{}
	for _, v := range m.Inputs() {
		var i int
		fmt.Sscanf(v.Name, "i%d", &i)
		in[v.Name] = c.In[i]
	}
	res, err := m.RunValues(ctx, in)
	if err != nil {
		return nil, err
	}
	var out []tensor.Value
	for _, v := range m.Outputs() {
		out = append(out, res[v.Name])
	}
	return out, nil
}

// alike compares two outcomes of the same arithmetic; packed constants may round otherwise.
func alike(a, b tensor.Value) bool {
	x, ok := a.(*tensor.Tensor)
	y, ok2 := b.(*tensor.Tensor)
	if !ok || !ok2 {
		return ok == ok2 && fmt.Sprintf("%T", a) == fmt.Sprintf("%T", b)
	}
	if x.Equal(y) {
		return true
	}
	if x.DType() != y.DType() || !slices.Equal(x.Dims(), y.Dims()) || !x.DType().IsFloat() {
		return false
	}
	p, q := make([]float64, x.Len()), make([]float64, y.Len())
	num.Load64(p, x, 0)
	num.Load64(q, y, 0)
	for i := range p {
		if p[i] != q[i] && !(math.IsNaN(p[i]) && math.IsNaN(q[i])) && !(math.Abs(p[i]-q[i]) <= 1e-2*math.Max(math.Abs(p[i]), 1e-3)) {
			return false
		}
	}
	return true
}
