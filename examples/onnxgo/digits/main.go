// Command digits tells which digit a grey picture shows, with a program of the kind that onnx-go's examples have: decode a model, set its input from a
// picture, run it, sort what it says. Only the line that makes the backend isn't onnx-go's.
//
//	go run ./examples/onnxgo/digits                                  # testdata/digits/seven.png
//	go run ./examples/onnxgo/digits -input testdata/digits/two.png
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/png"
	"io"
	"log"
	"os"
	"slices"

	onnx "github.com/owulveryck/onnx-go"
	"gorgonia.org/tensor"

	"ingot/bridge/onnxgo"
)

const side = 16 // pixels of the network's input

func main() {
	model := flag.String("model", "testdata/digits/digits.onnx", "path to the model file")
	input := flag.String("input", "testdata/digits/seven.png", "path to the input file, - for stdin")
	flag.Parse()
	if err := run(*model, *input, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func run(model, input string, out io.Writer) error {
	// Create a backend receiver
	backend := onnxgo.NewBackend()
	// Create a model and set the execution backend
	m := onnx.NewModel(backend)

	// Read the model and decode it
	b, err := os.ReadFile(model)
	if err != nil {
		return err
	}
	if err := m.UnmarshalBinary(b); err != nil {
		return err
	}

	img, err := readPicture(input)
	if err != nil {
		return err
	}
	inputT := tensor.New(tensor.WithShape(1, 1, side, side), tensor.Of(tensor.Float32))
	if err := shrink(img, inputT); err != nil {
		return err
	}
	if err := m.SetInput(0, inputT); err != nil {
		return err
	}
	if err := backend.Run(); err != nil {
		return err
	}
	computed, err := m.GetOutputTensors()
	if err != nil {
		return err
	}
	for _, c := range classify(computed[0].Data().([]float32))[:2] {
		fmt.Fprintf(out, "%d / %2.2f%%\n", c.digit, c.weight*100)
	}
	return nil
}

func readPicture(path string) (*image.Gray, error) {
	f := os.Stdin
	if path != "-" {
		var err error
		if f, err = os.Open(path); err != nil {
			return nil, err
		}
		defer f.Close()
	}
	img, err := png.Decode(f)
	if err != nil {
		return nil, err
	}
	gray, ok := img.(*image.Gray)
	if !ok {
		return nil, errors.New("the picture isn't a grey one")
	}
	return gray, nil
}

// shrink puts the mean grey of each of side×side fields into a tensor of shape (1, 1, side, side), from 0 for black to 1 for white.
func shrink(img *image.Gray, t *tensor.Dense) error {
	r := img.Bounds()
	if r.Dx() < side || r.Dy() < side {
		return fmt.Errorf("the picture has fewer than %d×%d pixels", side, side)
	}
	data := t.Data().([]float32)
	for y := range side {
		for x := range side {
			field := image.Rect(r.Min.X+x*r.Dx()/side, r.Min.Y+y*r.Dy()/side, r.Min.X+(x+1)*r.Dx()/side, r.Min.Y+(y+1)*r.Dy()/side)
			sum := 0
			for py := field.Min.Y; py < field.Max.Y; py++ {
				for px := field.Min.X; px < field.Max.X; px++ {
					sum += int(img.GrayAt(px, py).Y)
				}
			}
			data[y*side+x] = float32(sum) / 255 / float32(field.Dx()*field.Dy())
		}
	}
	return nil
}

type class struct {
	digit  int
	weight float32
}

// classify sorts digits by their probability, the likeliest first.
func classify(probabilities []float32) []class {
	result := make([]class, len(probabilities))
	for i, p := range probabilities {
		result[i] = class{i, p}
	}
	slices.SortFunc(result, func(a, b class) int { return cmp.Compare(b.weight, a.weight) })
	return result
}
