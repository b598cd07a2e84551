// Command onnxgo runs a model as onnx-go's programs do: onnxgo MODEL PIXELS, where PIXELS is a file of little-endian float32 numbers.
package main

import (
	"encoding/binary"
	"fmt"
	"log"
	"os"

	onnx "github.com/owulveryck/onnx-go"
	gt "gorgonia.org/tensor"

	"ingot/bridge/onnxgo"
)

func main() {
	file, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	raw, err := os.ReadFile(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	pixels := make([]float32, len(raw)/4)
	if _, err := binary.Decode(raw, binary.LittleEndian, pixels); err != nil {
		log.Fatal(err)
	}
	backend := onnxgo.NewBackend(onnxgo.WithOpset(20))
	model := onnx.NewModel(backend)
	if err := model.UnmarshalBinary(file); err != nil {
		log.Fatal(err)
	}
	if err := model.SetInput(0, gt.New(gt.WithShape(1, 1, 16, 16), gt.WithBacking(pixels))); err != nil {
		log.Fatal(err)
	}
	if err := backend.Run(); err != nil {
		log.Fatal(err)
	}
	out, err := model.GetOutputTensors()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(out[0].Data())
}
