//go:build !amd64

package conv

import "ingot/internal/kernel/cpu"

func (l *line) run(cpu.Tier) { l.runGo(0) }

func copyRows32(cpu.Tier, []float32, int, []float32, int, int, int) bool { return false }
