package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	onnx "github.com/owulveryck/onnx-go"
	"github.com/owulveryck/onnx-go/backend"
	"github.com/owulveryck/onnx-go/backend/x/gorgonnx"
	gt "gorgonia.org/tensor"

	"ingot"
	"ingot/bridge/dense"
	"ingot/bridge/onnxgo"
	"ingot/internal/cases"
	"ingot/loader"
	"ingot/tensor"
)

// session is a decoded model with its inputs.
type session struct {
	backend backend.ComputationBackend
	model   *onnx.Model
}

// open decodes a model in the words of onnx-go's README.
func open(b backend.ComputationBackend, unmarshal func(*onnx.Model) error, in []gt.Tensor) (s *session, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	m := onnx.NewModel(b)
	if err := unmarshal(m); err != nil {
		return nil, err
	}
	for i, t := range in {
		if err := m.SetInput(i, t); err != nil {
			return nil, err
		}
	}
	return &session{b, m}, b.Run()
}

// timeModels runs the models in folders through the decoder and both backends, in turns, and prints the medians of single runs with one goroutine.
func timeModels(dirs []string, rounds int) error {
	list, err := cases.Find(dirs...)
	if err != nil {
		return err
	}
	tw := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "model\tIngot by the line, ms\tIngot by Unmarshal, ms\tgorgonnx, ms\tlargest difference")
	for i := range list {
		if err := timeModel(tw, &list[i], rounds); err != nil {
			return fmt.Errorf("%s: %w", list[i].Name, err)
		}
	}
	return tw.Flush()
}

func timeModel(tw *tabwriter.Writer, c *cases.Case, rounds int) error {
	info, err := loader.Open(c.Model)
	if err != nil {
		return err
	}
	defer info.Close()
	data, err := os.ReadFile(c.Model)
	if err != nil {
		return err
	}
	in, err := inputs(c, info)
	if err != nil {
		return err
	}
	one := onnxgo.WithOptions(ingot.WithThreads(1))
	direct := func(m *onnx.Model) error { return m.UnmarshalBinary(data) }
	whole := onnxgo.NewBackend(one)
	sessions := make([]*session, 3)
	failed := make([]error, 3)
	sessions[0], failed[0] = open(onnxgo.NewBackend(one, onnxgo.WithOpset(info.Opset(""))), direct, in)
	sessions[1], failed[1] = open(whole, func(m *onnx.Model) error { return whole.UnmarshalFile(m, c.Model) }, in)
	sessions[2], failed[2] = open(gorgonnx.NewGraph(), direct, in)
	times := make([][]float64, 3)
	for range rounds {
		for i, s := range sessions {
			if failed[i] != nil {
				continue
			}
			start := time.Now()
			if failed[i] = s.backend.Run(); failed[i] == nil {
				times[i] = append(times[i], float64(time.Since(start))/float64(time.Millisecond))
			}
		}
	}
	fmt.Fprintf(tw, "%s", c.Name)
	for i := range sessions {
		if failed[i] != nil {
			fmt.Fprintf(tw, "\t(%.60v)", failed[i])
			continue
		}
		slices.Sort(times[i])
		fmt.Fprintf(tw, "\t%.3g", times[i][len(times[i])/2])
	}
	if failed[1] == nil && failed[2] == nil {
		fmt.Fprintf(tw, "\t%.2g", difference(sessions[1].model, sessions[2].model))
	}
	fmt.Fprintln(tw)
	return nil
}

// inputs reads a case's first set, in the order of the model's inputs.
func inputs(c *cases.Case, info *loader.Model) ([]gt.Tensor, error) {
	values := map[string]gt.Tensor{}
	for _, f := range c.Sets[0].Inputs {
		decl, err := f.Input(info.Graph)
		if err != nil {
			return nil, err
		}
		v, err := f.Load(decl.Type)
		if err != nil {
			return nil, err
		}
		t, ok := v.(*tensor.Tensor)
		if !ok {
			return nil, fmt.Errorf("input %q is a %T", decl.Name, v)
		}
		if values[decl.Name], err = dense.Of(t); err != nil {
			return nil, err
		}
	}
	var list []gt.Tensor
	for _, in := range info.Graph.Inputs {
		if v := values[in.Name]; v != nil {
			list = append(list, v)
		}
	}
	return list, nil
}

// difference is the largest between the first outputs of two models; NaN if they can't be compared.
func difference(a, b *onnx.Model) float64 {
	x, err := a.GetOutputTensors()
	y, err2 := b.GetOutputTensors()
	if err != nil || err2 != nil || len(x) == 0 || len(y) == 0 {
		return math.NaN()
	}
	u, ok := x[0].Data().([]float32)
	v, ok2 := y[0].Data().([]float32)
	if !ok || !ok2 || len(u) != len(v) {
		return math.NaN()
	}
	largest := 0.0
	for i := range u {
		largest = math.Max(largest, math.Abs(float64(u[i]-v[i])))
	}
	return largest
}
