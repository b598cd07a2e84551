// Command onnxgo runs the tests that onnx-go registers for its backends (backend/testbackend) with Ingot and with gorgonnx, onnx-go's own
// backend on Gorgonia, and prints how many each passes.
//
//	go run ./onnxgo          # totals
//	go run ./onnxgo -ops     # by operator
//	go run ./onnxgo -why     # with the reasons of those that don't pass
//	go run ./onnxgo DIR…     # instead: how long the models in the folders take in each
//
// A test passes if its outputs have the expected shapes and differ by no more than 1e-6, as testbackend has it.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"text/tabwriter"

	onnx "github.com/owulveryck/onnx-go"
	"github.com/owulveryck/onnx-go/backend"
	"github.com/owulveryck/onnx-go/backend/testbackend"
	_ "github.com/owulveryck/onnx-go/backend/testbackend/onnx"
	"github.com/owulveryck/onnx-go/backend/x/gorgonnx"
	"github.com/stretchr/testify/assert"
	gt "gorgonia.org/tensor"

	"ingot/bridge/onnxgo"
	"ingot/loader"
	_ "ingot/ops/all"
)

// way is one way of running a test.
type way struct {
	name string
	run  func(tc *testbackend.TestCase) ([]gt.Tensor, error)
}

var ways = []way{
	{"Ingot, by the line", func(tc *testbackend.TestCase) ([]gt.Tensor, error) {
		return direct(onnxgo.NewBackend(), tc)
	}},
	{"Ingot, opset told", func(tc *testbackend.TestCase) ([]gt.Tensor, error) {
		opset, err := opsetOf(tc)
		if err != nil {
			return nil, err
		}
		return direct(onnxgo.NewBackend(onnxgo.WithOpset(opset)), tc)
	}},
	{"Ingot, Unmarshal", func(tc *testbackend.TestCase) ([]gt.Tensor, error) {
		b := onnxgo.NewBackend()
		m := onnx.NewModel(b)
		if err := b.Unmarshal(m, tc.ModelB); err != nil {
			return nil, err
		}
		return finish(b, m, tc)
	}},
	{"gorgonnx", func(tc *testbackend.TestCase) ([]gt.Tensor, error) {
		return direct(gorgonnx.NewGraph(), tc)
	}},
}

// opsetOf is the version that the test's model imports, which onnx-go's decoder leaves out.
func opsetOf(tc *testbackend.TestCase) (int64, error) {
	m, err := loader.Parse(tc.ModelB)
	if err != nil {
		return 0, err
	}
	return m.Opset(""), nil
}

func direct(b backend.ComputationBackend, tc *testbackend.TestCase) ([]gt.Tensor, error) {
	m := onnx.NewModel(b)
	if err := m.UnmarshalBinary(tc.ModelB); err != nil {
		return nil, err
	}
	return finish(b, m, tc)
}

func finish(b backend.ComputationBackend, m *onnx.Model, tc *testbackend.TestCase) ([]gt.Tensor, error) {
	for i, in := range tc.Input {
		if err := m.SetInput(i, in); err != nil {
			return nil, err
		}
	}
	if err := b.Run(); err != nil {
		return nil, err
	}
	return m.GetOutputTensors()
}

// outcome runs a test in one way: nil, or why it doesn't pass.
func outcome(w way, tc *testbackend.TestCase) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	got, err := w.run(tc)
	if err != nil {
		return err
	}
	if len(got) != len(tc.ExpectedOutput) {
		return fmt.Errorf("%d outputs, want %d", len(got), len(tc.ExpectedOutput))
	}
	for i, want := range tc.ExpectedOutput {
		if !slices.Equal(got[i].Shape(), want.Shape()) {
			return fmt.Errorf("output %d has the shape %v, want %v", i, got[i].Shape(), want.Shape())
		}
		var far distance
		assert.InDeltaSlice(&far, want.Data(), got[i].Data(), 1e-6)
		if far {
			return fmt.Errorf("output %d has other values", i)
		}
	}
	return nil
}

// distance is told by testify that values differ.
type distance bool

func (d *distance) Errorf(string, ...any) { *d = true }

// score counts the tests of an operator that each way passes.
type score struct {
	op     string
	tests  int
	passed []int
}

func main() {
	byOp := flag.Bool("ops", false, "a line for each operator")
	why := flag.Bool("why", false, "tell why tests don't pass")
	rounds := flag.Int("rounds", 15, "runs that each backend takes of a model")
	flag.Parse()
	if flag.NArg() > 0 {
		if err := timeModels(flag.Args(), *rounds); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}

	total := score{op: "all", passed: make([]int, len(ways))}
	scores := map[string]*score{}
	tests := testbackend.GetAllRegisteredTests()
	slices.SortFunc(tests, func(a, b func() *testbackend.TestCase) int { return cmp.Compare(a().Title, b().Title) })
	for _, make1 := range tests {
		op := make1().OpType
		s := scores[op]
		if s == nil {
			s = &score{op: op, passed: make([]int, len(ways))}
			scores[op] = s
		}
		s.tests++
		total.tests++
		for i, w := range ways {
			if err := outcome(w, make1()); err == nil {
				s.passed[i]++
				total.passed[i]++
			} else if *why {
				fmt.Fprintf(os.Stderr, "%s: %s: %v\n", w.name, make1().Title, err)
			}
		}
	}
	lines := []*score{&total}
	if *byOp {
		for _, s := range scores {
			lines = append(lines, s)
		}
		slices.SortFunc(lines[1:], func(a, b *score) int { return cmp.Compare(a.op, b.op) })
	}
	tw := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(tw, "operator\ttests\t")
	for _, w := range ways {
		fmt.Fprintf(tw, "%s\t", w.name)
	}
	fmt.Fprintln(tw)
	for _, s := range lines {
		fmt.Fprintf(tw, "%s\t%d\t", s.op, s.tests)
		for _, n := range s.passed {
			fmt.Fprintf(tw, "%d\t", n)
		}
		fmt.Fprintln(tw)
	}
	if err := tw.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
