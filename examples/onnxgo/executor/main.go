// Command executor runs a model of one input on a tensor from a file, and compares its first output with another one: onnx-go's example
// model_zoo_executor, with two lines changed. The model is read by Backend.Unmarshal, so that it may be any model that Ingot runs.
//
//	go run ./examples/onnxgo/executor -model model.onnx -input test_data_set_0/input_0.pb -output test_data_set_0/output_0.pb
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"math"
	"os"

	onnx "github.com/owulveryck/onnx-go"

	"ingot/bridge/onnxgo"
	_ "ingot/ops/all" // operators that few models have
)

func main() {
	model := flag.String("model", "model.onnx", "path to the model file")
	input := flag.String("input", "test_data_set_0/input_0.pb", "path to the input file")
	output := flag.String("output", "test_data_set_0/output_0.pb", "path to the output file")
	flag.Parse()
	if err := run(*model, *input, *output, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(model, input, output string, out io.Writer) error {
	// Create a backend receiver
	backend := onnxgo.NewBackend()
	// Create a model and set the execution backend
	m := onnx.NewModel(backend)

	// Read the model and decode it
	if err := backend.UnmarshalFile(m, model); err != nil {
		return err
	}
	// Set the first input, the number depends of the model
	b, err := os.ReadFile(input)
	if err != nil {
		return err
	}
	inputT, err := onnx.NewTensor(b)
	if err != nil {
		return err
	}
	if err := m.SetInput(0, inputT); err != nil {
		return err
	}
	if err := backend.Run(); err != nil {
		return err
	}
	if b, err = os.ReadFile(output); err != nil {
		return err
	}
	outputT, err := onnx.NewTensor(b)
	if err != nil {
		return err
	}
	computedOutputT, err := m.GetOutputTensors()
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "output shape: ", computedOutputT[0].Shape())
	want, ok := outputT.Data().([]float32)
	got, ok2 := computedOutputT[0].Data().([]float32)
	if !ok || !ok2 || len(want) != len(got) {
		return fmt.Errorf("the output is %d %v, want %d %v", computedOutputT[0].Size(), computedOutputT[0].Dtype(), outputT.Size(), outputT.Dtype())
	}
	for i := range want {
		if !(math.Abs(float64(got[i]-want[i])) <= 5e-3) {
			return fmt.Errorf("element %d of the output is %v, want %v", i, got[i], want[i])
		}
	}
	fmt.Fprintln(out, "output data: ", got)
	return nil
}
