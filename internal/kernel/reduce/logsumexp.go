package reduce

import (
	"math"

	"ingot/internal/kernel/elem"
	"ingot/internal/kernel/vec"
)

// LogSumExp is the logarithm of the sum of exponentials, computed about the greatest element so that nothing overflows.
type LogSumExp[T float32 | float64] struct {
	max    Loops
	sumExp func(x []T, top T) T       // Σ exp(x-top)
	addExp func(acc, x, top, tmp []T) // acc += exp(x-top)
}

// LogSumExp32 and LogSumExp64 are the two instances.
var (
	LogSumExp32 = LogSumExp[float32]{max: Max32, sumExp: vec.SumExp, addExp: func(acc, x, top, tmp []float32) {
		vec.Sub(tmp, x, top)
		vec.Exp(tmp, tmp)
		vec.Add(acc, acc, tmp)
	}}
	LogSumExp64 = LogSumExp[float64]{max: Max(math.Inf(-1)), sumExp: func(x []float64, top float64) float64 {
		s := 0.0
		for _, v := range x {
			s += math.Exp(v - top)
		}
		return s
	}, addExp: func(acc, x, top, _ []float64) {
		for i, v := range x {
			acc[i] += math.Exp(v - top[i])
		}
	}}
)

// Fold computes tile i. s comes from [Geom.Split], without its parts; buf holds 5·[Chunk] elements.
func (l *LogSumExp[T]) Fold(g *Geom, s Split, i int, dst []T, src *Source, buf []T) {
	if g.InnerReduced {
		for row := i * s.Rows; row < min(g.Rows, (i+1)*s.Rows); row++ {
			dst[row] = l.row(g, offset(g.kept, row), src, buf)
		}
		return
	}
	perRow := (g.Inner-1)/s.Tile + 1
	col := i % perRow * s.Tile
	n := min(s.Tile, g.Inner-col)
	first := i / perRow * s.Rows
	for row := first; row < min(g.Rows, first+s.Rows); row++ {
		l.columns(g, dst[row*g.Inner+col:][:n], offset(g.kept, row)+col, src, buf)
	}
}

func (l *LogSumExp[T]) row(g *Geom, off int, src *Source, buf []T) T {
	raw, one := elem.RawOf(buf), buf[2*Chunk:][:1]
	one[0] = T(math.Inf(-1))
	l.max.row(g, elem.RawOf(one), off, 0, max(g.Steps, g.Inner), src, raw)
	top := one[0]
	if math.IsInf(float64(top), 0) || top != top {
		return top // nothing, nothing but -Inf, or a +Inf or NaN somewhere
	}
	var s T
	for r := range g.Steps {
		for lo := 0; lo < g.Inner; lo += Chunk {
			s += l.sumExp(elem.View[T](src.at(off+offset(g.red, r)+lo, min(Chunk, g.Inner-lo), raw)), top)
		}
	}
	return top + T(math.Log(float64(s)))
}

func (l *LogSumExp[T]) columns(g *Geom, acc []T, off int, src *Source, buf []T) {
	n := len(acc)
	top, tmp := buf[2*Chunk:][:n], buf[Chunk:][:n]
	raw := elem.RawOf(buf)
	l.max.columns(g, elem.RawOf(top), off, 0, g.Steps, src, raw)
	for i, t := range top {
		acc[i] = t // stays, where the maximum is no finite number
		if math.IsInf(float64(t), 0) {
			top[i] = 0
		}
	}
	sums, part := buf[3*Chunk:][:n], buf[4*Chunk:][:n]
	clear(sums)
	for lo := 0; lo < g.Steps; lo += rowGroup {
		clear(part)
		for r := lo; r < min(g.Steps, lo+rowGroup); r++ {
			l.addExp(part, elem.View[T](src.at(off+offset(g.red, r), n, raw)), top, tmp)
		}
		for i, v := range part {
			sums[i] += v
		}
	}
	for i, t := range acc {
		if !math.IsInf(float64(t), 0) {
			acc[i] = t + T(math.Log(float64(sums[i])))
		}
	}
}
