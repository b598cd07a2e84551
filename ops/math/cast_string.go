package math

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

// formatKernel writes numbers as the shortest plain decimals that read back as the same number of their type. Infinities are INF and
// -INF, as the standard reads them, and bools are 1 and 0.
type formatKernel struct{}

func (formatKernel) Run(c *ops.Call) error {
	in, out := c.In(0), tensor.View[string](c.Out(0))
	switch dt := in.DType(); {
	case dt == tensor.Float64:
		for i, v := range tensor.View[float64](in) {
			out[i] = formatFloat(v, 64)
		}
	case dt.IsFloat():
		var v [1]float32
		for i := range out {
			num.Load32(v[:], in, i)
			out[i] = formatFloat(float64(v[0]), 32) // exact for the narrower ones too
		}
	case dt == tensor.Uint64:
		for i, v := range tensor.View[uint64](in) {
			out[i] = strconv.FormatUint(v, 10)
		}
	default:
		var v [1]int64
		for i := range out {
			num.LoadInt(v[:], in, i)
			out[i] = strconv.FormatInt(v[0], 10)
		}
	}
	return nil
}

func formatFloat(v float64, bits int) string {
	switch {
	case v != v:
		return "NaN"
	case math.IsInf(v, 1):
		return "INF"
	case math.IsInf(v, -1):
		return "-INF"
	}
	return strconv.FormatFloat(v, 'f', -1, bits)
}

// parseKernel reads numbers in plain and in scientific notation. A string that is none is an error.
type parseKernel struct{ rules num.Rules }

func (k parseKernel) Run(c *ops.Call) error {
	out := c.Out(0)
	for i, s := range tensor.View[string](c.In(0)) {
		if err := k.parse(out, i, strings.TrimSpace(s)); err != nil {
			return fmt.Errorf("element %d: %q isn't a number", i, s)
		}
	}
	return nil
}

func (k parseKernel) parse(out *tensor.Tensor, i int, s string) error {
	if dt := out.DType(); dt.IsInteger() {
		if v, err := strconv.ParseInt(s, 10, 64); err == nil {
			k.rules.StoreInt(out, i, []int64{v})
			return nil
		}
		if v, err := strconv.ParseUint(s, 10, 64); err == nil {
			k.rules.StoreUint(out, i, []uint64{v})
			return nil
		}
	}
	if out.DType() == tensor.Float32 {
		v, err := parseFloat(s, 32)
		k.rules.Store32(out, i, []float32{float32(v)})
		return err
	}
	v, err := parseFloat(s, 64)
	k.rules.Store64(out, i, []float64{v})
	return err
}

// parseFloat is strconv.ParseFloat in which a magnitude that is too large is infinite without being an error.
func parseFloat(s string, bits int) (float64, error) {
	v, err := strconv.ParseFloat(s, bits)
	if err != nil && math.IsInf(v, 0) {
		return v, nil
	}
	return v, err
}
