package signal

import (
	"math"

	"ingot/internal/num"
	"ingot/ops"
)

type windowAttrs struct {
	OutputDatatype int  `onnx:",1"`
	Periodic       bool `onnx:",1"`
}

// The windows a − b·cos(2πi/n) + c·cos(4πi/n), with n their length, or one less for a symmetric window.
var (
	HannWindow     = Ops.Add(window("HannWindow", 0.5, 0.5, 0))
	HammingWindow  = Ops.Add(window("HammingWindow", 25.0/46, 21.0/46, 0))
	BlackmanWindow = Ops.Add(window("BlackmanWindow", 0.42, 0.5, 0.08))
)

func window(name string, a, b, c float64) *ops.Op {
	return ops.Def(ops.Spec[windowAttrs]{
		Name: name, In: "size:T1", Out: "output:T2", Types: "T1=int32|int64; T2=num4", Vers: []ops.Ver{{Since: 17}},
		Infer: func(ic *ops.Infer, attrs *windowAttrs) error {
			dt, err := outputType(attrs.OutputDatatype)
			if err != nil {
				return err
			}
			size, known, err := scalarDim(ic, 0, "size")
			if err != nil {
				return err
			}
			if !known {
				return ic.OutRank(0, dt, 1)
			}
			if err := positive(size.Add(ops.Num(1)), "size + 1"); err != nil {
				return err
			}
			return ic.Out(0, dt, size)
		},
		Eval: func(call *ops.Call, attrs *windowAttrs) error {
			size, err := scalar(call, 0, "size")
			if err != nil {
				return err
			}
			dt, err := outputType(attrs.OutputDatatype)
			if err != nil {
				return err
			}
			out, err := call.OutOrAlloc(0, dt, size)
			if err != nil {
				return err
			}
			n := float64(size)
			if !attrs.Periodic {
				n = max(n-1, 1) // a symmetric window of one element is its middle
			}
			w := make([]float64, size)
			for i := range w {
				x := 2 * math.Pi * float64(i) / n
				w[i] = a - b*math.Cos(x) + c*math.Cos(2*x)
			}
			if size == 1 && !attrs.Periodic {
				w[0] = 1
			}
			if dt.IsInteger() { // what is 1 but for rounding must not become 0
				for i, v := range w {
					w[i] = float64(float32(v))
				}
			}
			num.Store64(out, 0, w)
			return nil
		},
	})
}
