//go:build !amd64

package gemm

import "ingot/internal/kernel/cpu"

// hasAssembly reports whether a tier has kernels for an element type.
func hasAssembly[T Number](cpu.Tier) bool { return false }

// run computes the panel with the kernel of a tier.
func (p *panel[T]) run(cpu.Tier) { panelGo(p) }
