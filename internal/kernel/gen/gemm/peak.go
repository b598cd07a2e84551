package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"

	"ingot/internal/kernel/gen/asm"
)

// peak writes a loop of 12 × 4 independent multiply-adds, as many as the register tiles have in flight.
func peak(s isa) {
	TEXT("fma"+s.name, NOSPLIT, "func(rounds uint64)")
	Doc("Computes 48 vectors of multiply-adds a round.")
	n := Load(Param("rounds"), GP64())
	var acc [12]VecVirtual
	for i := range acc {
		acc[i] = s.vector()
		s.zero(acc[i])
	}
	a, b := s.vector(), s.vector()
	s.zero(a)
	s.zero(b)
	Label("loop")
	for range 4 {
		for _, v := range acc {
			VFMADD231PS(a, b, v)
		}
	}
	DECQ(n)
	JNZ(LabelRef("loop"))
	asm.Return()
}
