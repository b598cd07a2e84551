package ingot_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ingot"
	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/tensor"
)

// TestRunWhileClosing runs a model from several goroutines while others close it: each run gives its result, or tells that the model is closed.
func TestRunWhileClosing(t *testing.T) {
	x := tensor.Of([]float32{1, 1, 1}, 1, 3)
	for range 20 {
		m := load(t, addRelu())
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 200 {
					out, err := m.Run(context.Background(), ingot.Inputs{"image": x})
					if errors.Is(err, ingot.ErrClosed) {
						return
					}
					if err != nil || !slices.Equal(tensor.View[float32](out["y"]), []float32{2, 0, 4}) {
						t.Errorf("%v, %v", out, err)
						return
					}
				}
			})
		}
		for range 2 {
			wg.Go(func() {
				runtime.Gosched()
				if err := m.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if _, err := m.Run(context.Background(), ingot.Inputs{"image": x}); !errors.Is(err, ingot.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	}
}

// kinds takes a sequence, an optional and strings.
func kinds() *loader.Graph {
	seq := loader.TypeInfo{Kind: loader.KindSequence, Elem: &loader.TypeInfo{Kind: loader.KindTensor, DType: tensor.Float32}}
	opt := loader.TypeInfo{Kind: loader.KindOptional, Elem: &loader.TypeInfo{Kind: loader.KindTensor, DType: tensor.Float32}}
	return &loader.Graph{
		Inputs:  []*loader.ValueInfo{{Name: "s", Type: seq}, {Name: "o", Type: opt}, value("text", tensor.String, 2)},
		Outputs: []*loader.ValueInfo{{Name: "n"}, {Name: "has"}, {Name: "t"}},
		Nodes: []*loader.Node{
			node("SequenceLength", []string{"s"}, []string{"n"}),
			node("OptionalHasElement", []string{"o"}, []string{"has"}),
			node("Identity", []string{"text"}, []string{"t"}),
		},
	}
}

func TestUnusualValues(t *testing.T) {
	m := load(t, kinds())
	x := tensor.Of([]float32{1})
	text := tensor.Of([]string{"\xff\x00", strings.Repeat("x", 1<<16)})
	good := map[string]tensor.Value{"s": &tensor.Sequence{Elem: tensor.Float32, Items: []tensor.Value{x}}, "o": &tensor.Optional{V: x}, "text": text}
	out, err := m.RunValues(context.Background(), good)
	if err != nil {
		t.Fatal(err)
	}
	if y, ok := out["t"].(*tensor.Tensor); !ok || !y.Equal(text) {
		t.Errorf("strings came back as %v", out["t"])
	}
	var none *tensor.Tensor
	loop := &tensor.Sequence{Elem: tensor.Float32}
	loop.Items = []tensor.Value{loop}
	for what, c := range map[string]struct {
		name string
		v    tensor.Value
	}{
		"nil":                           {"s", nil},
		"no sequence":                   {"s", (*tensor.Sequence)(nil)},
		"a tensor for a sequence":       {"s", x},
		"an element that is nil":        {"s", &tensor.Sequence{Items: []tensor.Value{x, nil}}},
		"an element that is no tensor":  {"s", &tensor.Sequence{Items: []tensor.Value{none}}},
		"an element that is a mistake":  {"s", &tensor.Sequence{Items: []tensor.Value{tensor.Of([]float32{1}, 2)}}},
		"a sequence that holds itself":  {"s", loop},
		"elements of another type":      {"s", &tensor.Sequence{Elem: tensor.Int64, Items: []tensor.Value{tensor.Of([]int64{1})}}},
		"elements of two types":         {"s", &tensor.Sequence{Elem: tensor.Float32, Items: []tensor.Value{x, tensor.Of([]int64{1})}}},
		"no optional":                   {"o", (*tensor.Optional)(nil)},
		"an optional of a nil tensor":   {"o", &tensor.Optional{V: none}},
		"an optional of a zero tensor":  {"o", &tensor.Optional{V: &tensor.Tensor{}}},
		"a map":                         {"o", &tensor.Map{}},
		"no map":                        {"s", (*tensor.Map)(nil)},
		"a nil tensor":                  {"text", none},
		"a zero tensor":                 {"text", &tensor.Tensor{}},
		"too few strings":               {"text", tensor.Of([]string{"a"})},
		"an optional of another type":   {"o", &tensor.Optional{V: tensor.Of([]int64{1})}},
		"an optional sequence of those": {"o", &tensor.Optional{V: &tensor.Sequence{Items: []tensor.Value{none}}}},
	} {
		in := map[string]tensor.Value{"s": good["s"], "o": good["o"], "text": good["text"]}
		in[c.name] = c.v
		_, err := m.RunValues(context.Background(), in)
		var ie *ingot.InputError
		if !errors.As(err, &ie) || ie.Name != c.name {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestWrongBuffers(t *testing.T) {
	g := addRelu()
	g.Outputs = append(g.Outputs, value("s", tensor.Float32, "n", 3))
	m := load(t, g)
	in := ingot.Inputs{"image": tensor.Of([]float32{1, 1, 1}, 1, 3)}
	f := func(shape ...int) *tensor.Tensor {
		x, err := tensor.New(tensor.Float32, shape...)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	shared := f(1, 3)
	part, err := shared.Reshape(1, 3)
	if err != nil {
		t.Fatal(err)
	}
	for what, out := range map[string]ingot.Outputs{
		"dtype":           {"y": tensor.Of(make([]float64, 3), 1, 3)},
		"strings":         {"y": tensor.Of([]string{"", "", ""}, 1, 3)},
		"shape":           {"y": f(3, 1)},
		"size":            {"y": f(2, 3)},
		"rank":            {"y": f(3)},
		"nil":             {"y": nil},
		"zero tensor":     {"y": &tensor.Tensor{}},
		"mistake":         {"y": tensor.Of([]float32{1}, 1, 3)},
		"unknown name":    {"z": f(1, 3)},
		"one for both":    {"y": shared, "s": shared},
		"parts in common": {"y": shared, "s": part},
	} {
		if err := m.RunInto(context.Background(), in, out); err == nil || strings.Contains(err.Error(), "internal error") {
			t.Errorf("%s: %v", what, err)
		}
	}
	out := ingot.Outputs{"y": f(1, 3)}
	if err := m.RunInto(context.Background(), in, out); err != nil || !slices.Equal(tensor.View[float32](out["y"]), []float32{2, 0, 4}) {
		t.Errorf("after all those: %v, %v", out, err)
	}
}

// TestCancelledBefore runs with a context that has ended already: nothing is computed, and the model is as good as before.
func TestCancelledBefore(t *testing.T) {
	m := load(t, addRelu())
	why := errors.New("never mind")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(why)
	in := ingot.Inputs{"image": tensor.Of([]float32{1, 1, 1}, 1, 3)}
	y := tensor.Of([]float32{7, 7, 7}, 1, 3)
	for range 3 {
		if out, err := m.Run(ctx, in); !errors.Is(err, why) || out != nil {
			t.Errorf("%v, %v", out, err)
		}
		if err := m.RunInto(ctx, in, ingot.Outputs{"y": y}); !errors.Is(err, why) {
			t.Error(err)
		}
	}
	if !slices.Equal(tensor.View[float32](y), []float32{7, 7, 7}) {
		t.Errorf("the buffer was written to: %v", tensor.View[float32](y))
	}
	past, cancel2 := context.WithDeadline(context.Background(), time.Now().Add(-time.Second))
	defer cancel2()
	if _, err := m.Run(past, in); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if _, err := m.Run(context.Background(), in); err != nil {
		t.Error(err)
	}
}

// TestCollectorBesideProduct collects garbage while a large product runs. How long the world stands still is logged, not judged: an assembly
// kernel that can't be interrupted for long would show here.
func TestCollectorBesideProduct(t *testing.T) {
	const n = 768
	m := load(t, &loader.Graph{
		Inputs:  []*loader.ValueInfo{value("a", tensor.Float32, n, n), value("b", tensor.Float32, n, n)},
		Outputs: []*loader.ValueInfo{value("y", tensor.Float32, n, n)},
		Nodes:   []*loader.Node{node("MatMul", []string{"a", "b"}, []string{"y"})},
	})
	a, b := make([]float32, n*n), make([]float32, n*n)
	for i := range a {
		a[i], b[i] = float32(i%7), float32(i%5)
	}
	in := ingot.Inputs{"a": tensor.Of(a, n, n), "b": tensor.Of(b, n, n)}
	first, err := m.Run(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	runs := 20
	if testing.Short() {
		runs = 3
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	})
	for range runs {
		out, err := m.Run(context.Background(), in)
		if err != nil || !out["y"].Equal(first["y"]) {
			t.Errorf("beside the collector: %v", err)
		}
	}
	close(stop)
	wg.Wait()
	runtime.ReadMemStats(&after)
	cycles := int(min(after.NumGC-before.NumGC, 256))
	var pauses []uint64 // of two stops each
	for i := range cycles {
		pauses = append(pauses, after.PauseNs[(int(after.NumGC)-1-i+256)%256])
	}
	slices.Sort(pauses)
	if cycles == 0 {
		t.Fatal("the collector never ran")
	}
	at := func(q float64) time.Duration {
		return time.Duration(pauses[min(cycles-1, int(math.Ceil(q*float64(cycles))))])
	}
	t.Logf("%d cycles; the world stood still for %v (median), %v (p99), %v at most", cycles, at(0.5), at(0.99), time.Duration(pauses[cycles-1]))
}

// TestDeepLoops loads loops inside loops whose carried shapes never settle: the work of telling types must not double, or worse, with each level.
func TestDeepLoops(t *testing.T) {
	var g *loader.Graph
	for depth := range 24 {
		body := &loader.Graph{Name: "body",
			Inputs:  []*loader.ValueInfo{value("i", tensor.Int64), value("c", tensor.Bool), {Name: "v", Type: loader.TypeInfo{Kind: loader.KindTensor, DType: tensor.Float32}}},
			Outputs: []*loader.ValueInfo{{Name: "c"}, {Name: "w"}},
		}
		if depth == 0 {
			body.Nodes = []*loader.Node{node("Concat", []string{"v", "v"}, []string{"w"}, onnxpb.Attr("axis", int64(0)))}
		} else {
			body.Nodes = []*loader.Node{node("Loop", []string{"", "c", "v"}, []string{"w"}, onnxpb.Attr("body", g))}
		}
		g = body
	}
	main := &loader.Graph{
		Inputs:  []*loader.ValueInfo{value("x", tensor.Float32, 1), value("go", tensor.Bool)},
		Outputs: []*loader.ValueInfo{{Name: "y"}},
		Nodes:   []*loader.Node{node("Loop", []string{"", "go", "x"}, []string{"y"}, onnxpb.Attr("body", g))},
	}
	done := make(chan error, 1)
	b := graph(t, main)
	go func() {
		m, err := ingot.LoadBytes(b)
		if err == nil {
			_, err = m.Run(context.Background(), ingot.Inputs{"x": tensor.Of([]float32{1}), "go": tensor.Scalar(false)})
			m.Close()
		}
		done <- err
	}()
	select {
	case err := <-done:
		t.Logf("it ended with: %v", err)
	case <-time.After(time.Minute):
		t.Fatal("telling the types takes forever")
	}
}

// TestAbsentOperand leaves out an operand in the middle of a list: kernels count on all of them.
func TestAbsentOperand(t *testing.T) {
	g := addRelu()
	g.Nodes = append(g.Nodes, node("Concat", []string{"image", "", "image"}, []string{"z"}, onnxpb.Attr("axis", int64(0))))
	_, err := ingot.LoadBytes(graph(t, g))
	var ne *ingot.NodeError
	if !errors.As(err, &ne) || !strings.Contains(err.Error(), "absent") {
		t.Error(err)
	}
}
