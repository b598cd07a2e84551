package signal

import (
	"fmt"
	"math"

	"ingot/internal/num"
	"ingot/ops"
)

type melAttrs struct {
	OutputDatatype int `onnx:",1"`
}

// MelWeightMatrix is a bank of triangular filters [dft_length/2+1, num_mel_bins], evenly spaced in mel(f) = 2595·log₁₀(1 + f/700), whose peaks
// are 1.
func MelWeightMatrix() *ops.Op {
	return ops.Def(ops.Spec[melAttrs]{
		Name: "MelWeightMatrix", In: "num_mel_bins:T1, dft_length:T1, sample_rate:T1, lower_edge_hertz:T2, upper_edge_hertz:T2", Out: "output:T3",
		Types: "T1=int32|int64; T2=floats4; T3=num4", Vers: []ops.Ver{{Since: 17}},
		Infer: func(c *ops.Infer, a *melAttrs) error {
			dt, err := outputType(a.OutputDatatype)
			if err != nil {
				return err
			}
			bins, okB, err := scalarDim(c, 0, "num_mel_bins")
			if err != nil {
				return err
			}
			length, okL, err := scalarDim(c, 1, "dft_length")
			if err != nil {
				return err
			}
			if !okB || !okL {
				return c.OutRank(0, dt, 2)
			}
			if err := positive(bins, "num_mel_bins"); err != nil {
				return err
			}
			if err := positive(length, "dft_length"); err != nil {
				return err
			}
			return c.Out(0, dt, length.FloorDiv(ops.Num(2)).Add(ops.Num(1)), bins)
		},
		Eval: evalMel,
	})
}

func evalMel(c *ops.Call, a *melAttrs) error {
	var sizes [3]int
	for i, name := range []string{"num_mel_bins", "dft_length", "sample_rate"} {
		var err error
		if sizes[i], err = scalar(c, i, name); err != nil {
			return err
		}
		if sizes[i] < 1 {
			return fmt.Errorf("%s is %d; must be positive", name, sizes[i])
		}
	}
	bins, length, rate := sizes[0], sizes[1], float64(sizes[2])
	var edges [2]float64
	for i, name := range []string{"lower_edge_hertz", "upper_edge_hertz"} {
		t := c.In(3 + i)
		if t.Len() != 1 {
			return fmt.Errorf("%s must be one number, not %s", name, t)
		}
		num.Load64(edges[i:i+1], t, 0)
	}
	dt, err := outputType(a.OutputDatatype)
	if err != nil {
		return err
	}
	out, err := c.OutOrAlloc(0, dt, length/2+1, bins)
	if err != nil {
		return err
	}
	lo, hi := mel(edges[0]), mel(edges[1])
	step := (hi - lo) / float64(bins+2)
	// place is the bin of the spectrum where triangle i begins; it has its peak where the next begins and ends where the one after that has it.
	place := func(i int) (int, error) {
		f := 700 * math.Expm1((lo+step*float64(i))/2595*math.Ln10)
		p := math.Floor(float64(length+1) * f / rate)
		if !(p >= 0 && p <= float64(length/2)) {
			return 0, fmt.Errorf("frequencies from %g to %g Hz at %g samples a second reach beyond the %d bins of a transform of length %d",
				edges[0], edges[1], rate, length/2+1, length)
		}
		return int(p), nil
	}
	m := make([]float64, (length/2+1)*bins)
	for i := range bins {
		var at [3]int
		for j := range at {
			if at[j], err = place(i + j); err != nil {
				return err
			}
		}
		left, peak, right := at[0], at[1], at[2]
		for j := left; j < peak; j++ {
			m[j*bins+i] = float64(j-left) / float64(peak-left)
		}
		m[peak*bins+i] = 1
		for j := peak + 1; j < right; j++ {
			m[j*bins+i] = float64(right-j) / float64(right-peak)
		}
	}
	num.Store64(out, 0, m)
	return nil
}

func mel(hertz float64) float64 { return 2595 * math.Log1p(hertz/700) / math.Ln10 }
