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
		float(f32)
		transpose()
	},
	"f64": func() { float(f64) },
	"int8": func() {
		tile8(pairs)
		tile8(quads)
		unsignedRow(true)
		unsignedRow(false)
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

// float writes the kernels of a floating-point type.
func float(e elem) {
	for _, s := range []isa{isaAVX2, isaAVX512} {
		floatTile(s, e)
		oneRow(s, e)
		addRows(s, e)
		dots(s, e)
	}
}
