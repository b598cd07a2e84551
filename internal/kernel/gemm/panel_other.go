//go:build !amd64

package gemm

import "ingot/internal/kernel/cpu"

// maxLanes is the largest number of elements in a vector.
const maxLanes = 4

// vectorLen is the number of elements that the row kernels take at a time.
func vectorLen[T Number](cpu.Tier) int { return 1 }

// hasAssembly reports whether a tier has kernels for an element type.
func hasAssembly[T Number](cpu.Tier) bool { return false }

// run computes the panel with the kernel of a tier.
func (p *panel[T]) run(cpu.Tier) { panelGo(p) }

func addRows8[T Number](_ cpu.Tier, y, a, b []T, ldb int) { addRows8Go(y, a, b, ldb) }

func dot4[T Number](_ cpu.Tier, y *[4]T, a, b []T, ldb int) { dot4Go(y, a, b, ldb) }

func transpose[T Number](_ cpu.Tier, dst []T, ldd int, src []T, lds, rows, cols int) {
	transposeGo(dst, ldd, src, lds, rows, cols)
}
