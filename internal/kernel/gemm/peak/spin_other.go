//go:build !amd64

package peak

import "ingot/internal/kernel/cpu"

func spin(cpu.Tier, int) float64 { return 0 }
