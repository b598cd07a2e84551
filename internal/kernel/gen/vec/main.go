// Command vec writes the assembly of package internal/kernel/vec, and the Go functions that choose among it.
//
// maps.go, reduce.go and moves.go list the kernels; machine.go writes them for AVX2 and AVX-512 from one description.
package main

import (
	"flag"
	"log"
	"os"
	"regexp"

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
		if !m.wide {
			onlySixteen(flag.Lookup("out").Value.String())
		}
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

// onlySixteen ends the program if AVX2 code names a register that only AVX-512 has: avo would take one when it runs out of others.
func onlySixteen(file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		log.Fatal(err)
	}
	if bad := regexp.MustCompile(`\b([XY](1[6-9]|[23][0-9])|Z[0-9]+|K[0-7])\b`).Find(text); bad != nil {
		log.Fatalf("%s: AVX2 has no %s", file, bad)
	}
}
