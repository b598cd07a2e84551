// Command core runs a model with the root package alone: core MODEL PIXELS, where PIXELS is a file of little-endian float32 numbers.
package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"log"
	"os"

	"ingot"
	"ingot/tensor"
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
	out, err := model.Run(context.Background(), ingot.Inputs{"image": tensor.Of(pixels, 1, 1, 16, 16)})
	if err != nil {
		log.Fatal(err)
	}
	scores, err := tensor.Data[float32](out["probabilities"])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(scores)
}
