package onnxgo_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"slices"

	onnx "github.com/owulveryck/onnx-go"
	gt "gorgonia.org/tensor"

	"ingot"
	"ingot/bridge/onnxgo"
	"ingot/tensor"
)

// bar is a picture of 16×16 grey values: an upright bar, which the network of testdata/digits takes for a one.
func bar() gt.Tensor {
	pixels := make([]float32, 16*16)
	for y := 2; y < 14; y++ {
		pixels[16*y+7], pixels[16*y+8] = 1, 1
	}
	return gt.New(gt.WithShape(1, 1, 16, 16), gt.WithBacking(pixels))
}

func likeliest(t gt.Tensor) int {
	p := t.Data().([]float32)
	return slices.Index(p, slices.Max(p))
}

// The program of onnx-go's README, with another backend.
func Example() {
	// Create a backend receiver
	backend := onnxgo.NewBackend() // was gorgonnx.NewGraph()
	// Create a model and set the execution backend
	model := onnx.NewModel(backend)

	// read the onnx model
	b, err := os.ReadFile("../../testdata/digits/digits.onnx")
	if err != nil {
		log.Fatal(err)
	}
	// Decode it into the model
	if err := model.UnmarshalBinary(b); err != nil {
		log.Fatal(err)
	}
	// Set the first input, the number depends of the model
	if err := model.SetInput(0, bar()); err != nil {
		log.Fatal(err)
	}
	if err := backend.Run(); err != nil {
		log.Fatal(err)
	}
	output, err := model.GetOutputTensors()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(output[0].Shape(), likeliest(output[0]))
	// Output: (1, 10) 1
}

// Package loader reads the file in place of onnx-go's decoder, which can't read everything.
func ExampleBackend_Unmarshal() {
	backend := onnxgo.NewBackend()
	model := onnx.NewModel(backend)
	b, err := os.ReadFile("../../testdata/digits/digits.onnx")
	if err != nil {
		log.Fatal(err)
	}
	if err := backend.Unmarshal(model, b); err != nil { // was model.UnmarshalBinary(b)
		log.Fatal(err)
	}
	if err := model.SetInput(0, bar()); err != nil {
		log.Fatal(err)
	}
	if err := backend.Run(); err != nil {
		log.Fatal(err)
	}
	output, err := model.GetOutputTensors()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(likeliest(output[0]))
	// Output: 1
}

// A model that is loaded once serves many goroutines, each with its own backend.
func ExampleBackend_Attach() {
	shared, err := ingot.Load("../../testdata/digits/digits.onnx", ingot.WithThreads(1))
	if err != nil {
		log.Fatal(err)
	}
	found := make(chan int)
	for range 3 {
		go func() {
			backend := onnxgo.NewBackend()
			model := onnx.NewModel(backend)
			if err := backend.Attach(model, shared); err != nil {
				log.Fatal(err)
			}
			if err := model.SetInput(0, bar()); err != nil {
				log.Fatal(err)
			}
			if err := backend.Run(); err != nil {
				log.Fatal(err)
			}
			output, err := model.GetOutputTensors()
			if err != nil {
				log.Fatal(err)
			}
			found <- likeliest(output[0])
		}()
	}
	fmt.Println(<-found, <-found, <-found)
	// Output: 1 1 1
}

// The opset that onnx-go's decoder leaves out is told, and options for compiling are given.
func ExampleWithOpset() {
	backend := onnxgo.NewBackend(onnxgo.WithOpset(20), onnxgo.WithOptions(ingot.WithThreads(1)))
	model := onnx.NewModel(backend)
	b, err := os.ReadFile("../../testdata/digits/digits.onnx")
	if err != nil {
		log.Fatal(err)
	}
	if err := model.UnmarshalBinary(b); err != nil {
		log.Fatal(err)
	}
	if err := model.SetInput(0, bar()); err != nil {
		log.Fatal(err)
	}
	fmt.Println(backend.Run())
	// Output: <nil>
}

// The same without onnx-go.
func Example_leaving() {
	model, err := ingot.Load("../../testdata/digits/digits.onnx")
	if err != nil {
		log.Fatal(err)
	}
	in := model.Inputs()[0]
	pixels := bar().Data().([]float32)
	out, err := model.Run(context.Background(), ingot.Inputs{in.Name: tensor.Of(pixels, 1, 1, 16, 16)})
	if err != nil {
		log.Fatal(err)
	}
	probabilities, err := tensor.Data[float32](out["probabilities"])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(in, slices.Index(probabilities, slices.Max(probabilities)))
	// Output: float32[batch,1,16,16] 1
}
