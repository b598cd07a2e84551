package conv

import (
	"unsafe"

	"ingot/internal/kernel/cpu"
)

// transformInput is transformInputGo for a number of channels that is a multiple of lanes.
func transformInput(tier cpu.Tier, lanes int, v []float32, point int, in []float32, row, pixel, channels int) {
	if tier == cpu.Generic {
		transformInputGo(v, point, in, row, pixel, channels)
		return
	}
	_, _ = v[(winoPoints-1)*point:][:channels], in[(winoPatch-1)*(row+pixel):][:channels]
	if lanes == 16 {
		winogradInAVX512(&v[0], 4*point, &in[0], 4*row, 4*pixel, channels/16)
	} else {
		winogradInAVX2(&v[0], 4*point, &in[0], 4*row, 4*pixel, channels/8)
	}
}

// transformOutput is transformOutputGo for a number of filters that is a multiple of lanes.
func transformOutput(tier cpu.Tier, lanes int, y []float32, row, pixel int, m []float32, point, filters int, e *finish) {
	if tier == cpu.Generic {
		transformOutputGo(y, row, pixel, m, point, filters, e)
		return
	}
	end := (winoTile - 1) * (row + pixel)
	_, _ = y[end:][:filters], m[(winoPoints-1)*point:][:filters]
	if e.bias != nil {
		_ = e.bias[:filters]
	}
	if e.res != nil {
		_ = e.res[end:][:filters]
	}
	bias, res, clip := unsafe.SliceData(e.bias), unsafe.SliceData(e.res), 0
	if e.clip {
		clip = 1
	}
	if lanes == 16 {
		winogradOutAVX512(&y[0], 4*row, 4*pixel, &m[0], 4*point, bias, res, filters/16, clip, e.lo, e.hi)
	} else {
		winogradOutAVX2(&y[0], 4*row, 4*pixel, &m[0], 4*point, bias, res, filters/8, clip, e.lo, e.hi)
	}
}
