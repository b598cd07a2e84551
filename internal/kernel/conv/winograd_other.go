//go:build !amd64

package conv

import "ingot/internal/kernel/cpu"

func transformInput(_ cpu.Tier, _ int, v []float32, point int, in []float32, row, pixel, channels int) {
	transformInputGo(v, point, in, row, pixel, channels)
}

func transformOutput(_ cpu.Tier, _ int, y []float32, row, pixel int, m []float32, point, filters int, e *finish) {
	transformOutputGo(y, row, pixel, m, point, filters, e)
}
