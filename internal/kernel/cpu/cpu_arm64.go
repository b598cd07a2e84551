package cpu

import "golang.org/x/sys/cpu"

func detect() []Tier {
	tiers := []Tier{NEON} // part of the base architecture
	if cpu.ARM64.HasASIMDDP {
		tiers = append(tiers, NEONDot)
		if cpu.ARM64.HasI8MM {
			tiers = append(tiers, NEONI8MM)
		}
	}
	return tiers
}
