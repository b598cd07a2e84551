// Command vec writes the assembly of package internal/kernel/vec, and the Go functions that choose among it.
//
// maps.go, reduce.go and moves.go list the kernels; machine.go writes them for AVX2 and AVX-512 from one description.
package main

import (
	"flag"
	"log"
	"os"

	. "github.com/mmcloughlin/avo/build"

	"ingot/internal/kernel/gen/asm"
)

func main() {
	what := flag.String("what", "", "avx2 or avx512: assembly and stubs; choice or nochoice: the Go functions that call them, or their absence")
	flag.Parse()
	switch *what {
	case "avx2", "avx512":
		ConstraintExpr("amd64")
		m := newMachine(*what == "avx512")
		for _, k := range mappings {
			m.mapping(k)
		}
		for _, k := range reductions {
			m.reduction(k)
		}
		if !m.wide {
			m.moves()
		}
		m.data()
		asm.Generate()
	case "choice", "nochoice":
		text, err := choice(*what == "choice")
		if err == nil {
			err = os.WriteFile(flag.Lookup("out").Value.String(), text, 0o644)
		}
		if err != nil {
			log.Fatal(err)
		}
	default:
		log.Fatalf("-what %q: want avx2, avx512, choice or nochoice", *what)
	}
}
