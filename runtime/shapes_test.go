package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"ingot/internal/cases"
	"ingot/internal/ir"
	"ingot/internal/suite"
	"ingot/internal/sym"
	"ingot/loader"
	"ingot/ops"
	"ingot/ops/standard"
	"ingot/runtime"
	"ingot/tensor"
)

// TestShapeRules runs all suites node by node and compares what each operator's shape rule said, on symbols when the model was bound and on
// numbers when the run was planned, with what its kernel gave.
func TestShapeRules(t *testing.T) {
	set, err := standard.Set()
	if err != nil {
		t.Fatal(err)
	}
	contrib := t.TempDir()
	if err := cases.Unpack(filepath.Join("..", "ops", "contrib", "testdata", "cases.tar.gz"), contrib); err != nil {
		t.Fatal(err)
	}
	list, err := cases.Find(suite.Need(t), contrib, filepath.Join("..", "testdata", "differential"))
	if err != nil {
		t.Fatal(err)
	}
	nodes, operators := 0, map[string]bool{}
	for _, c := range list {
		if strings.HasPrefix(c.Name, "real/") && testing.Short() {
			continue
		}
		for _, passes := range [][]string{nil, {"all"}} {
			r := &rules{values: map[string]int64{}, operators: operators}
			if err := r.run(&c, set, passes); err != nil {
				t.Errorf("%s, without the passes %q: %v", c.Name, passes, err)
			}
			nodes += r.nodes
		}
	}
	t.Logf("%d nodes of %d operators in %d cases", nodes, len(operators), len(list))
	if len(operators) < 230 {
		t.Errorf("only %d operators ran", len(operators))
	}
}

// rules compares types with values in one run.
type rules struct {
	values    map[string]int64 // of symbols, and of expressions of symbols that have no value
	nodes     int
	operators map[string]bool
	err       error
}

// run runs a case. One that can't be run is another test's business.
func (r *rules) run(c *cases.Case, set *ops.Set, passes []string) error {
	info, err := loader.Open(c.Model)
	if err != nil {
		return nil
	}
	defer info.Close()
	in, err := c.Sets[0].Values(info.Graph)
	if err != nil {
		return nil
	}
	supplied, err := c.Overridable(info)
	if err != nil {
		return err
	}
	p, err := runtime.Compile(info, runtime.Options{Ops: set, Heap: true, DisablePasses: passes, Overridable: supplied, Observe: r.observe})
	if err != nil {
		return nil
	}
	defer p.Close()
	for _, v := range p.Inputs() {
		if x, ok := in[v.Name].(*tensor.Tensor); ok {
			r.learn(&v.Type, x.Dims())
		}
	}
	if _, err := (session{p}).RunValues(context.Background(), in); err != nil {
		return nil
	}
	return r.err
}

// learn takes the values of the symbols in an input's shape.
func (r *rules) learn(t *sym.Type, dims []int) {
	for k, d := range t.Shape {
		if name, ok := d.IsSymbol(); ok && k < len(dims) {
			r.values[name] = int64(dims[k])
		}
	}
}

func (r *rules) observe(n *ir.Node, said []sym.Type, gave []tensor.Value) {
	r.nodes++
	r.operators[n.Op.String()] = true
	for o, v := range gave {
		if v == nil || n.Out[o] == nil || r.err != nil {
			continue
		}
		err := r.admits(&said[o], v)
		if err == nil && n.Out[o].Graph.Outer == nil { // a body's symbols may differ from trip to trip
			err = r.admits(&n.Out[o].Type, v)
		}
		if err != nil {
			r.err = fmt.Errorf("%s, %s: output %d: %w", n.Origin.Node, n.Op, o, err)
		}
	}
}

// admits reports whether v may be of type t.
func (r *rules) admits(t *sym.Type, v tensor.Value) error {
	is := sym.TypeOf(v, false)
	bad := fmt.Errorf("was said to be %s, but is %s", t, &is)
	switch {
	case t.Kind == sym.None:
		return nil
	case t.Kind != is.Kind:
		return bad
	case t.Kind != sym.Tensor:
		if t.Elem != nil && is.Elem != nil && t.Elem.Kind == sym.Tensor && is.Elem.Kind == sym.Tensor && t.Elem.DT != tensor.Invalid && t.Elem.DT != is.Elem.DT {
			return bad
		}
		return nil
	case t.DT != tensor.Invalid && t.DT != is.DT, t.Ranked && len(t.Shape) != len(is.Shape):
		return bad
	}
	for k, d := range t.Shape {
		n, _ := is.Shape[k].Int()
		if want, err := r.value(d, n); err != nil {
			return err
		} else if want != n {
			return fmt.Errorf("%w: dimension %d should be %d", bad, k, want)
		}
	}
	return nil
}

// value returns what a dimension must be. One of which nothing is known yet is n, from now on.
func (r *rules) value(d ops.Dim, n int64) (int64, error) {
	if v, ok := d.Int(); ok {
		return v, nil
	}
	p := &dimParser{text: d.String(), values: r.values}
	switch v, err := p.sum(); {
	case errors.Is(err, errUnknownSymbol):
		if old, ok := r.values[d.String()]; ok {
			return old, nil
		}
		r.values[d.String()] = n
		return n, nil
	case err != nil:
		return 0, err
	case p.text != "":
		return 0, fmt.Errorf("the dimension %s can't be read behind %q", d, p.text)
	case n == 0 && strings.Contains(d.String(), "max("):
		return 0, nil // 1 broadcast with 0 gives 0; see ops.Broadcast
	default:
		return v, nil
	}
}

var errUnknownSymbol = errors.New("a symbol has no value")

// dimParser computes a dimension from its text: sums of products of numbers, symbols, quotients in parentheses, which are floored, min and max.
type dimParser struct {
	text    string
	values  map[string]int64
	unknown bool
}

func (p *dimParser) take(s string) bool {
	rest, ok := strings.CutPrefix(p.text, s)
	if ok {
		p.text = rest
	}
	return ok
}

func (p *dimParser) sum() (int64, error) {
	var total int64
	for first := true; ; first = false {
		sign := int64(1)
		switch {
		case p.take("-"):
			sign = -1
		case p.take("+"), first:
		default:
			if p.unknown {
				return 0, errUnknownSymbol
			}
			return total, nil
		}
		v, err := p.product()
		if err != nil {
			return 0, err
		}
		total += sign * v
	}
}

func (p *dimParser) product() (int64, error) {
	v, err := p.factor()
	for err == nil && p.take("*") {
		var w int64
		w, err = p.factor()
		v *= w
	}
	return v, err
}

func (p *dimParser) factor() (int64, error) {
	for _, fn := range []string{"min(", "max(", "("} {
		if !p.take(fn) {
			continue
		}
		a, err := p.sum()
		if err != nil && !errors.Is(err, errUnknownSymbol) {
			return 0, err
		}
		var b int64
		quotient := fn == "(" && p.take("/")
		if quotient || p.take(",") {
			if b, err = p.sum(); err != nil && !errors.Is(err, errUnknownSymbol) {
				return 0, err
			}
		}
		if !p.take(")") {
			return 0, fmt.Errorf("no parenthesis at %q", p.text)
		}
		switch {
		case fn == "min(":
			return min(a, b), nil
		case fn == "max(":
			return max(a, b), nil
		case quotient && b == 0:
			p.unknown = true
			return 0, nil
		case quotient:
			v, _ := sym.Num(a).FloorDiv(sym.Num(b)).Int()
			return v, nil
		}
		return a, nil
	}
	end := strings.IndexAny(p.text, "+-*/(),")
	if end < 0 {
		end = len(p.text)
	}
	word := p.text[:end]
	p.text = p.text[end:]
	if v, err := strconv.ParseInt(word, 10, 64); err == nil {
		return v, nil
	}
	v, ok := p.values[word]
	if !ok {
		p.unknown = true
	}
	return v, nil
}
