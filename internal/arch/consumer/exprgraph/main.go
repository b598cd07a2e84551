// Command exprgraph runs a model as a Gorgonia graph: exprgraph MODEL PIXELS, where PIXELS is a file of little-endian float32 numbers.
package main

import (
	"encoding/binary"
	"fmt"
	"log"
	"os"

	gt "gorgonia.org/tensor"

	"ingot/bridge/exprgraph"
)

func main() {
	g, err := exprgraph.Load(os.Args[1])
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
	x := gt.New(gt.WithShape(1, 1, 16, 16), gt.WithBacking(pixels))
	if err := exprgraph.Let(exprgraph.Input(g, "image"), x); err != nil {
		log.Fatal(err)
	}
	vm := exprgraph.NewVM(g)
	defer vm.Close()
	if err := vm.RunAll(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(exprgraph.Output(g, "probabilities").Value().Data())
}
