package ml

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"testing"

	"ingot/ops"
	"ingot/ops/internal/optest"
	"ingot/tensor"
)

type goldenTensor struct {
	DType string
	Shape []int
	Data  []any
}

func (g *goldenTensor) tensor(t *testing.T) *tensor.Tensor {
	t.Helper()
	if g.DType == "string" {
		s := make([]string, len(g.Data))
		for i, v := range g.Data {
			s[i] = v.(string)
		}
		return tensor.Of(s, g.Shape...)
	}
	dt, err := tensor.ParseDType(g.DType)
	if err != nil {
		t.Fatal(err)
	}
	return optest.Of(t, dt, numbersOf(t, g.Data), append([]int{}, g.Shape...)...)
}

// numbersOf reads numbers, of which those that JSON lacks are strings.
func numbersOf(t *testing.T, data []any) []float64 {
	t.Helper()
	out := make([]float64, len(data))
	for i, v := range data {
		var err error
		switch v := v.(type) {
		case string:
			out[i], err = strconv.ParseFloat(v, 64)
		case float64:
			out[i] = v
		default:
			err = fmt.Errorf("a %T", v)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

type goldenAttr struct {
	Kind   string
	Value  any
	Tensor *goldenTensor
}

func (g *goldenAttr) attr(t *testing.T) *ops.Attr {
	t.Helper()
	if g.Tensor != nil {
		return ops.TensorAttr(g.Tensor.tensor(t))
	}
	switch g.Kind {
	case "int":
		return ops.IntAttr(int64(g.Value.(float64)))
	case "float":
		return ops.FloatAttr(float32(numbersOf(t, []any{g.Value})[0]))
	case "string":
		return ops.StringAttr(g.Value.(string))
	case "strings":
		a := &ops.Attr{Kind: ops.AttrStrings}
		for _, v := range g.Value.([]any) {
			a.Strings = append(a.Strings, v.(string))
		}
		return a
	}
	a := &ops.Attr{Kind: ops.AttrInts}
	if g.Kind == "floats" {
		a.Kind = ops.AttrFloats
	}
	for _, v := range numbersOf(t, g.Value.([]any)) {
		if g.Kind == "ints" {
			a.Ints = append(a.Ints, int64(v))
		} else {
			a.Floats = append(a.Floats, float32(v))
		}
	}
	return a
}

// TestGolden compares with ONNX Runtime, see testdata/README.md.
func TestGolden(t *testing.T) {
	f, err := os.Open("testdata/golden.json.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Op              string
		Attrs           map[string]goldenAttr
		Inputs, Outputs []goldenTensor
	}
	if err := json.NewDecoder(z).Decode(&cases); err != nil {
		t.Fatal(err)
	}
	for i, c := range cases {
		t.Run(fmt.Sprintf("%d %s", i, c.Op), func(t *testing.T) {
			attrs := ops.Attrs{}
			for name, a := range c.Attrs {
				attrs[name] = a.attr(t)
			}
			var ins []tensor.Value
			for i := range c.Inputs {
				ins = append(ins, c.Inputs[i].tensor(t))
			}
			outs, err := optest.Try(t, lookupOp(t, c.Op), attrs, len(c.Outputs), ins...)
			if err != nil {
				t.Fatal(err)
			}
			for o := range c.Outputs {
				want, got := c.Outputs[o].tensor(t), outs[o].(*tensor.Tensor)
				shape := tensor.ShapeString(want.Dims())
				if want.DType() == tensor.String {
					optest.Strings(t, fmt.Sprint("output ", o), got, shape, tensor.View[string](want)...)
					continue
				}
				optest.Check(t, fmt.Sprint("output ", o), got, want.DType(), shape, optest.Floats(want), 1e-4)
			}
		})
	}
}

func lookupOp(t *testing.T, name string) *ops.Op {
	t.Helper()
	for _, op := range Ops {
		if op.Name == name {
			return op
		}
	}
	t.Fatalf("no operator %s", name)
	return nil
}
