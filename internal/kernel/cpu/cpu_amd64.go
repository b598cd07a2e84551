package cpu

import "golang.org/x/sys/cpu"

func detect() []Tier {
	x := &cpu.X86
	if !x.HasAVX2 || !x.HasFMA {
		return nil
	}
	tiers := []Tier{AVX2}
	if x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512BW && x.HasAVX512VL {
		tiers = append(tiers, AVX512)
	}
	return tiers
}
