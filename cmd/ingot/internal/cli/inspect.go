package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ingot"
	"ingot/cmd/ingot/internal/feed"
	"ingot/loader"
	"ingot/ops"
	"ingot/runtime"
	"ingot/tensor"
)

// inspectFlags are those of ingot inspect.
type inspectFlags struct {
	dims     []string
	nodes    bool
	weights  bool
	metadata bool
	source   sourceFlags
}

func (a *app) inspectCommand() *cobra.Command {
	f := &inspectFlags{}
	cmd := &cobra.Command{
		Use:   "inspect MODEL",
		Short: "Show what is in a model, and whether it runs",
		Long: `Show a model's inputs, outputs, weights and operators, those that aren't supported,
and what a run takes: multiply-adds, and memory for weights and values.

The exit code is 5 when a node isn't supported; all such nodes are listed.`,
		Example: `  ingot inspect model.onnx
  ingot inspect model.onnx -d batch=8
  ingot inspect model.onnx --nodes --weights
  ingot inspect model.onnx --json`,
		Args:              modelArg,
		ValidArgsFunction: completeModels,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.inspect(cmd.Context(), args[0], f) },
	}
	s := cmd.Flags()
	s.StringArrayVarP(&f.dims, "dim", "d", nil, "size of an open dimension for the estimate, `NAME=N`: batch=4")
	s.BoolVar(&f.nodes, "nodes", false, "list the nodes")
	s.BoolVar(&f.weights, "weights", false, "list the weights")
	s.BoolVar(&f.metadata, "metadata", false, "list the metadata")
	f.source.register(cmd)
	a.completeFromModel(cmd, "dim", func(m *modelNames) []string { return suffixed(m.dims, "=") })
	return cmd
}

// inspectJSON is the result of ingot inspect.
type inspectJSON struct {
	Schema      string            `json:"schema"`
	Model       string            `json:"model"`
	Bytes       int64             `json:"bytes"`
	IR          int64             `json:"ir_version"`
	Opsets      map[string]int64  `json:"opsets"`
	Producer    string            `json:"producer"`
	Parameters  int64             `json:"parameters"`
	ParamBytes  int64             `json:"parameter_bytes"`
	Weights     []paramsJSON      `json:"weights_by_dtype"`
	Inputs      []valueJSON       `json:"inputs"`
	Outputs     []valueJSON       `json:"outputs"`
	Operators   []operatorJSON    `json:"operators"`
	Supported   bool              `json:"supported"`
	Unsupported []unsupportedJSON `json:"unsupported"`
	Error       string            `json:"error,omitempty"`
	Estimate    *estimateJSON     `json:"estimate,omitempty"`
	Metadata    map[string]string `json:"metadata,omitempty"`
	Nodes       []nodeJSON        `json:"nodes,omitempty"`
	WeightList  []weightJSON      `json:"weights,omitempty"`
	Warnings    []string          `json:"warnings,omitempty"`
}

type paramsJSON struct {
	DType    string `json:"dtype"`
	Tensors  int    `json:"tensors"`
	Elements int64  `json:"elements"`
	Bytes    int64  `json:"bytes"`
}

type valueJSON struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	DType string `json:"dtype,omitempty"`
	Shape []any  `json:"shape,omitempty"` // numbers, and names of open dimensions
}

type operatorJSON struct {
	Domain    string `json:"domain"`
	Op        string `json:"op"`
	Count     int    `json:"count"`
	Supported bool   `json:"supported"`
}

type unsupportedJSON struct {
	Node   string `json:"node"`
	Domain string `json:"domain"`
	Op     string `json:"op"`
	Opset  int    `json:"opset"`
	Reason string `json:"reason"`
}

type estimateJSON struct {
	Inputs       []string `json:"inputs"`
	MultiplyAdds float64  `json:"multiply_adds"`
	FLOPs        float64  `json:"flops"`
	Uncounted    int      `json:"uncounted_nodes"` // that have multiply-adds, but not known shapes
	WeightBytes  int64    `json:"weight_bytes"`
	ValueBytes   int64    `json:"value_bytes"`
	Complete     bool     `json:"complete"`
}

type nodeJSON struct {
	Index   int      `json:"index"`
	Name    string   `json:"name"`
	Domain  string   `json:"domain"`
	Op      string   `json:"op"`
	Inputs  []string `json:"inputs"`
	Outputs []string `json:"outputs"`
	Types   []string `json:"types,omitempty"` // of the outputs, at the sizes of the estimate
}

type weightJSON struct {
	Name     string `json:"name"`
	DType    string `json:"dtype"`
	Shape    []int  `json:"shape"`
	Bytes    int64  `json:"bytes"`
	External string `json:"external,omitempty"`
}

func (a *app) inspect(ctx context.Context, path string, f *inspectFlags) error {
	path, err := f.source.model(ctx, a, path, nil)
	if err != nil {
		return err
	}
	m, err := openModel(path)
	if err != nil {
		return err
	}
	defer m.Close()
	r := describe(m)
	r.Schema = a.schema()
	if info, err := os.Stat(path); err == nil {
		r.Bytes = info.Size()
	}
	verr := a.support(m, r, f)
	if f.metadata {
		r.Metadata = map[string]string{}
		for _, p := range m.Metadata {
			r.Metadata[p.Key] = p.Value
		}
	}
	if f.weights {
		r.WeightList = weightList(m)
	}
	if a.json {
		err = a.printJSON(r)
	} else {
		a.printInspection(m, r, f)
	}
	if err == nil {
		err = verr
	}
	return err
}

// describe gathers what the file says of itself.
func describe(m *loader.Model) *inspectJSON {
	r := &inspectJSON{Model: m.File, IR: m.IRVersion, Opsets: map[string]int64{}, Producer: strings.TrimSpace(m.ProducerName + " " + m.ProducerVersion),
		Unsupported: []unsupportedJSON{}, Warnings: m.Warnings}
	for _, o := range m.Opsets {
		r.Opsets[domainName(o.Domain)] = o.Version
	}
	for _, p := range m.Params() {
		r.Parameters += p.Elements
		r.ParamBytes += p.Bytes
		r.Weights = append(r.Weights, paramsJSON{p.DType.String(), p.Tensors, p.Elements, p.Bytes})
	}
	for _, v := range m.Graph.Inputs {
		if m.Graph.Initializer(v.Name) == nil {
			r.Inputs = append(r.Inputs, newValueJSON(v))
		}
	}
	for _, v := range m.Graph.Outputs {
		r.Outputs = append(r.Outputs, newValueJSON(v))
	}
	return r
}

func domainName(d string) string {
	if d == "" {
		return "ai.onnx"
	}
	return d
}

func newValueJSON(v *loader.ValueInfo) valueJSON {
	out := valueJSON{Name: v.Name, Type: v.Type.String()}
	if v.Type.Kind == loader.KindTensor {
		out.DType = v.Type.DType.String()
		for _, d := range v.Type.Dims {
			if d.Size >= 0 {
				out.Shape = append(out.Shape, d.Size)
			} else {
				out.Shape = append(out.Shape, d.String())
			}
		}
	}
	return out
}

// support compiles the model, notes what isn't supported, and estimates what a run takes. The error is the verdict on the model.
func (a *app) support(m *loader.Model, r *inspectJSON, f *inspectFlags) error {
	plain, err := compile(m, runtime.Options{DisablePasses: []string{"all"}})
	var missing *ops.UnsupportedError
	bad := map[[2]string]bool{}
	switch {
	case errors.As(err, &missing):
		for _, n := range missing.Nodes {
			r.Unsupported = append(r.Unsupported, unsupportedJSON{n.Node, n.Domain, n.Op, n.Opset, n.Reason})
			bad[[2]string{n.Domain, n.Op}] = true
		}
	case err != nil:
		r.Error = err.Error()
	}
	for _, o := range m.Operators() {
		if m.Function(o.Domain, o.OpType, "") != nil {
			continue // its body's nodes are counted
		}
		r.Operators = append(r.Operators, operatorJSON{o.Domain, o.OpType, o.Count, !bad[[2]string{o.Domain, o.OpType}]})
	}
	r.Supported = err == nil
	types := map[string]string{}
	if err == nil {
		if err := a.estimate(m, plain, r, f, types); err != nil {
			return err
		}
	}
	if f.nodes {
		r.Nodes = nodeList(m, types)
	}
	switch {
	case missing != nil:
		return verdict(ExitUnsupported)
	case err != nil:
		return loading(err)
	}
	return nil
}

// estimate plans a run with the sizes that -d sets and 1 for the others. types gets the types of all values.
func (a *app) estimate(m *loader.Model, plain *compiled, r *inspectJSON, f *inspectFlags, types map[string]string) error {
	size, err := feed.Sizes(inputInfos(m), f.dims)
	if err != nil {
		return err
	}
	in, ones := openTypes(plain.prog, size)
	e, err := plain.prog.Estimate(in)
	if err != nil {
		if len(ones) > 0 {
			a.warn("no estimate with open dimensions taken as 1, %s; -d sets them", strings.Join(ones, ", "))
		} else {
			a.warn("no estimate at these sizes")
		}
		a.detail("%v", err)
		return nil
	}
	for i := range e.Steps {
		s := &e.Steps[i]
		for k := range s.Out {
			types[fmt.Sprint(s.Origin.Node, k)] = s.Out[k].String()
		}
	}
	macs, unknown := multiplyAdds(e.Steps)
	est := &estimateJSON{MultiplyAdds: macs, FLOPs: 2 * macs, Uncounted: unknown}
	for i, v := range plain.prog.Inputs() {
		est.Inputs = append(est.Inputs, v.Name+" "+in[i].String())
	}
	if best, err := compile(m, runtime.Options{}); err == nil {
		if o, err := best.prog.Estimate(in); err == nil {
			e = o
		}
	}
	est.WeightBytes, est.ValueBytes, est.Complete = e.Weights, e.Arena+e.Outputs, e.Complete
	r.Estimate = est
	return nil
}

// inputInfos describes the inputs as the root package does, for -d.
func inputInfos(m *loader.Model) []ingot.ValueInfo {
	var list []ingot.ValueInfo
	for _, v := range m.Graph.Inputs {
		if m.Graph.Initializer(v.Name) != nil {
			continue
		}
		info := ingot.ValueInfo{Name: v.Name}
		for _, d := range v.Type.Dims {
			dim := ingot.Dim{Size: d.Size, Sym: d.Sym}
			if d.Size < 0 && d.Sym == "" {
				dim.Sym = "?" // open, and x.0=4 sets it
			}
			info.Dims = append(info.Dims, dim)
		}
		list = append(list, info)
	}
	return list
}

func nodeList(m *loader.Model, types map[string]string) []nodeJSON {
	var list []nodeJSON
	m.Graph.Walk(func(g *loader.Graph) {
		for _, n := range g.Nodes {
			j := nodeJSON{Index: n.Index, Name: n.Name, Domain: n.Domain, Op: n.OpType, Inputs: n.Inputs, Outputs: n.Outputs}
			for k := range n.Outputs {
				if t := types[fmt.Sprint(n.String(), k)]; t != "" {
					j.Types = append(j.Types, t)
				}
			}
			list = append(list, j)
		}
	})
	return list
}

func weightList(m *loader.Model) []weightJSON {
	var list []weightJSON
	m.Graph.Walk(func(g *loader.Graph) {
		for _, in := range g.Initializers {
			n, _ := tensor.NumElements(in.Shape)
			w := weightJSON{Name: in.Name, DType: in.DType.String(), Shape: append([]int{}, in.Shape...), Bytes: int64(n) * int64(in.DType.Bits()) / 8}
			if in.External != nil {
				w.External = in.External.Location
			}
			list = append(list, w)
		}
	})
	slices.SortStableFunc(list, func(x, y weightJSON) int { return cmp.Compare(y.Bytes, x.Bytes) })
	return list
}
