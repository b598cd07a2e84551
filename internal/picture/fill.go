package picture

import (
	"fmt"
	"math"

	"ingot/tensor"
)

// table returns what each of the 256 levels becomes in each channel, (level·scale − mean) / std, in double precision.
func (s *Spec) table(channels int, dt tensor.DType) (*[3][256]float64, error) {
	for _, v := range []struct {
		field string
		n     int
	}{{"mean", len(s.Mean)}, {"std", len(s.Std)}} {
		if v.n > 1 && v.n != channels {
			return nil, &SpecError{v.field, fmt.Sprintf("%d numbers for %d channels", v.n, channels)}
		}
	}
	scale := 1.0 / 255
	if dt.IsInteger() {
		scale = 1
	}
	if s.Scale != nil {
		scale = *s.Scale
	}
	pick := func(list []float64, c int, none float64) float64 {
		switch len(list) {
		case 0:
			return none
		case 1:
			return list[0]
		}
		return list[c]
	}
	var t [3][256]float64
	for c := range channels {
		for v := range t[c] {
			t[c][v] = (float64(float64(v)*scale) - pick(s.Mean, c, 0)) / pick(s.Std, c, 1)
		}
	}
	return &t, nil
}

func fill(m *Image, g geometry, dt tensor.DType, table *[3][256]float64, bgr bool) (*tensor.Tensor, error) {
	t, err := tensor.New(dt, g.shape...)
	if err != nil {
		return nil, err
	}
	switch dt {
	case tensor.Float32:
		spread(tensor.View[float32](t), m, g, table, bgr, func(v float64) float32 { return float32(v) })
	case tensor.Float64:
		spread(tensor.View[float64](t), m, g, table, bgr, func(v float64) float64 { return v })
	case tensor.Float16:
		spread(tensor.View[tensor.F16](t), m, g, table, bgr, tensor.F16FromFloat64)
	case tensor.BFloat16:
		spread(tensor.View[tensor.BF16](t), m, g, table, bgr, func(v float64) tensor.BF16 { return tensor.ToBF16(float32(v)) })
	case tensor.Uint8:
		spread(tensor.View[uint8](t), m, g, table, bgr, func(v float64) uint8 { return uint8(whole(v, 0, math.MaxUint8)) })
	case tensor.Int8:
		spread(tensor.View[int8](t), m, g, table, bgr, func(v float64) int8 { return int8(whole(v, math.MinInt8, math.MaxInt8)) })
	case tensor.Int32:
		spread(tensor.View[int32](t), m, g, table, bgr, func(v float64) int32 { return int32(whole(v, math.MinInt32, math.MaxInt32)) })
	case tensor.Int64:
		spread(tensor.View[int64](t), m, g, table, bgr, func(v float64) int64 { return whole(v, -1<<53, 1<<53) })
	default:
		return nil, &SpecError{"", fmt.Sprintf("a picture can't fill an input of %s", dt)}
	}
	return t, nil
}

// whole rounds to the nearest integer, ties to even, and keeps it within the bounds.
func whole(v, lo, hi float64) int64 { return int64(max(lo, min(hi, math.RoundToEven(v)))) }

// spread writes the samples in the input's layout. Channel c of the input is channel c of the picture, counted from the end for BGR.
func spread[T any](dst []T, m *Image, g geometry, table *[3][256]float64, bgr bool, round func(float64) T) {
	step, plane := 1, g.h*g.w
	if g.last {
		step, plane = g.c, 1
	}
	for c := range g.c {
		from := c
		if bgr {
			from = g.c - 1 - c
		}
		var level [256]T
		for v := range level {
			level[v] = round(table[c][v])
		}
		for i := range g.h * g.w {
			dst[c*plane+i*step] = level[m.Pix[i*g.c+from]]
		}
	}
}
