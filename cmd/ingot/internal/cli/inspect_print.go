package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"ingot/loader"
	"ingot/tensor"
)

// maxOperators is how many kinds of operators are listed before those that run are left out, so that the answer stays on one screen.
const maxOperators = 24

// printInspection prints what ingot inspect found.
func (a *app) printInspection(m *loader.Model, r *inspectJSON, f *inspectFlags) {
	var opsets []string
	for _, d := range slices.Sorted(maps.Keys(r.Opsets)) {
		opsets = append(opsets, fmt.Sprintf("%s %d", d, r.Opsets[d]))
	}
	made := ""
	if r.Producer != "" {
		made = ", made by " + r.Producer
	}
	fmt.Fprintf(a.out, "%s  %s, ONNX IR %d, opset %s%s\n", r.Model, byteSize(r.Bytes), r.IR, strings.Join(opsets, ", "), made)
	a.printParameters(r)
	fmt.Fprintln(a.out)
	t := newTable(a.out)
	for _, v := range r.Inputs {
		t.row("input", v.Name, v.Type)
	}
	for _, v := range r.Outputs {
		t.row("output", v.Name, v.Type)
	}
	t.flush()
	fmt.Fprintln(a.out)
	a.printOperators(r)
	for _, w := range r.Warnings {
		a.warn("%s", w)
	}
	a.printVerdict(r)
	if f.metadata {
		a.printMetadata(m)
	}
	if f.weights {
		fmt.Fprintln(a.out)
		t := newTable(a.out)
		t.row("WEIGHT", "DTYPE", "SHAPE", "SIZE", "FILE")
		for _, w := range r.WeightList {
			t.row(w.Name, w.DType, tensor.ShapeString(w.Shape), byteSize(w.Bytes), w.External)
		}
		t.flush()
	}
	if f.nodes {
		fmt.Fprintln(a.out)
		t := newTable(a.out)
		t.row("NODE", "NAME", "OPERATOR", "INPUTS", "OUTPUTS", "TYPES")
		for _, n := range r.Nodes {
			t.row(n.Index, n.Name, opName(n.Domain, n.Op), strings.Join(n.Inputs, ", "), strings.Join(n.Outputs, ", "), strings.Join(n.Types, ", "))
		}
		t.flush()
	}
}

func (a *app) printParameters(r *inspectJSON) {
	var kinds []string
	for _, p := range r.Weights {
		kinds = append(kinds, fmt.Sprintf("%s %s", p.DType, byteSize(p.Bytes)))
	}
	const most = 4
	if len(kinds) > most {
		kinds = append(kinds[:most], "…")
	}
	fmt.Fprintf(a.out, "%s parameters, %s", count(float64(r.Parameters)), byteSize(r.ParamBytes))
	if len(kinds) > 0 {
		fmt.Fprintf(a.out, " (%s)", strings.Join(kinds, ", "))
	}
	fmt.Fprintln(a.out)
}

func (a *app) printOperators(r *inspectJSON) {
	t := newTable(a.out)
	t.row("OPERATOR", "COUNT", "RUNS")
	left := 0
	for i, o := range r.Operators {
		switch {
		case !o.Supported:
			t.row(opName(o.Domain, o.Op), o.Count, "no")
		case i < maxOperators:
			t.row(opName(o.Domain, o.Op), o.Count, "yes")
		default:
			left++
		}
	}
	t.flush()
	if left > 0 {
		fmt.Fprintf(a.out, "and %s more that run\n", plural(left, "operator"))
	}
	fmt.Fprintln(a.out)
}

// printVerdict tells whether the model runs, and what that takes.
func (a *app) printVerdict(r *inspectJSON) {
	switch {
	case len(r.Unsupported) > 0:
		fmt.Fprintf(a.out, "runs: %s, %s not supported\n", a.out.paint(red, "no"), plural(len(r.Unsupported), "node"))
		t := newTable(a.out)
		for _, n := range r.Unsupported {
			t.row("  "+n.Node, opName(n.Domain, n.Op), fmt.Sprintf("opset %d", n.Opset), n.Reason)
		}
		t.flush()
	case r.Error != "":
		fmt.Fprintf(a.out, "runs: %s\n", a.out.paint(red, "no"))
	default:
		fmt.Fprintf(a.out, "runs: %s\n", a.out.paint(green, "yes"))
	}
	e := r.Estimate
	if e == nil {
		return
	}
	fmt.Fprintf(a.out, "a run with %s takes about %s multiply-adds (%s)", strings.Join(e.Inputs, ", "), count(e.MultiplyAdds), flops(e.FLOPs))
	if e.Uncounted > 0 {
		fmt.Fprintf(a.out, " and those of %s whose shapes depend on data", plural(e.Uncounted, "node"))
	}
	fmt.Fprintf(a.out, "\nand %s%s of memory: %s for weights and %s for values\n", atLeast(e.Complete), byteSize(e.WeightBytes+e.ValueBytes), byteSize(e.WeightBytes), byteSize(e.ValueBytes))
}

// flops formats a number of floating-point operations: "3.68 MFLOP".
func flops(n float64) string {
	text := count(n)
	if last := text[len(text)-1]; last >= '0' && last <= '9' {
		text += " "
	}
	return text + "FLOP"
}

func (a *app) printMetadata(m *loader.Model) {
	fmt.Fprintln(a.out)
	t := newTable(a.out)
	t.row("KEY", "VALUE")
	for _, p := range m.Metadata {
		t.row(p.Key, cutText(strings.ReplaceAll(p.Value, "\n", " "), 500))
	}
	t.flush()
	if m.Doc != "" {
		fmt.Fprintln(a.out, m.Doc)
	}
}
