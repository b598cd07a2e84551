// Command gemm writes the assembly of package internal/kernel/gemm: one file a call, chosen by -kernels.
package main

import (
	"flag"
	"fmt"
	"os"

	. "github.com/mmcloughlin/avo/build"

	"ingot/internal/kernel/gen/asm"
)

var families = map[string]func(){
	"f32": func() {
		floatTile(isaAVX2, f32)
		floatTile(isaAVX512, f32)
	},
	"f64": func() {
		floatTile(isaAVX2, f64)
		floatTile(isaAVX512, f64)
	},
	"peak": func() {
		peak(isaAVX2)
		peak(isaAVX512)
	},
}

func main() {
	which := flag.String("kernels", "", "family of kernels to write")
	flag.Parse()
	write, ok := families[*which]
	if !ok {
		fmt.Fprintf(os.Stderr, "gemm: no kernels named %q\n", *which)
		os.Exit(2)
	}
	ConstraintExpr("amd64")
	write()
	asm.Generate()
}
