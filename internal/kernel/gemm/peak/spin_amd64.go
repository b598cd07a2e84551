package peak

import "ingot/internal/kernel/cpu"

// spin runs rounds of independent multiply-adds and returns how many operations they were.
func spin(tier cpu.Tier, rounds int) float64 {
	switch tier {
	case cpu.AVX2:
		fmaAVX2(uint64(rounds))
		return float64(rounds) * 12 * 4 * 16
	case cpu.AVX512:
		fmaAVX512(uint64(rounds))
		return float64(rounds) * 12 * 4 * 32
	}
	return 0
}
