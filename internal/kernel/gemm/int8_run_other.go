//go:build !amd64

package gemm

import "ingot/internal/kernel/cpu"

func form8Of(cpu.Tier) form8 { return form8Go }

// run computes the panel with the kernel of its form.
func (p *panel8) run(cpu.Tier) { panel8Go(p) }

func widenBytes(_ cpu.Tier, dst []int16, src []byte, flip byte) int32 {
	return widenBytesGo(dst, src, flip)
}

func copyBytes(_ cpu.Tier, dst, src []byte, flip byte) int32 { return copyBytesGo(dst, src, flip) }
