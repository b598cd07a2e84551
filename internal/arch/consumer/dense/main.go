// Command dense runs a model on a Dense: dense MODEL PIXELS, where PIXELS is a file of little-endian float32 numbers.
package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"log"
	"os"

	gt "gorgonia.org/tensor"

	"ingot"
	"ingot/bridge/dense"
)

func main() {
	model, err := ingot.Load(os.Args[1])
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
	x, err := dense.Tensor(gt.New(gt.WithShape(1, 1, 16, 16), gt.WithBacking(pixels)))
	if err != nil {
		log.Fatal(err)
	}
	out, err := model.Run(context.Background(), ingot.Inputs{"image": x})
	if err != nil {
		log.Fatal(err)
	}
	scores, err := dense.Of(out["probabilities"])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(scores.Data())
}
