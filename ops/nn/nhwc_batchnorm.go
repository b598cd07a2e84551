package nn

import (
	"errors"
	"fmt"
	"math"

	"ingot/internal/kernel/vec"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/internal/wide"
)

// BatchNormalizationNHWC is BatchNormalization of rows of channels by given statistics.
var BatchNormalizationNHWC = Ops.Add(ops.Def(ops.Spec[batchNormAttrs]{
	Name: "BatchNormalizationNHWC", Domain: ops.Internal, In: "X:T, scale:T, B:T, input_mean:T, input_var:T", Out: "Y:T", Types: "T=float",
	Vers: []ops.Ver{{Since: 1}},
	Infer: func(c *ops.Infer, a *batchNormAttrs) error {
		if a.TrainingMode {
			return errors.New("attribute training_mode: rows of channels are normalised by given statistics only")
		}
		x := c.In(0)
		channels := sym.Unknown()
		if x.Ranked {
			if len(x.Shape) < 3 {
				return fmt.Errorf("input X has rank %d; images have at least 3 dimensions", len(x.Shape))
			}
			channels = x.Shape[len(x.Shape)-1]
		}
		for i, name := range []string{"scale", "B", "input_mean", "input_var"} {
			if _, err := vectorOf(c, i+1, name, channels); err != nil {
				return fmt.Errorf("%w of X", err)
			}
		}
		return c.OutLike(0, 0)
	},
	Bind: func(b *ops.Bind, a *batchNormAttrs) (ops.Kernel, error) {
		d := b.Dims(0)
		k := &normRows{channels: d[len(d)-1], eps: float64(a.Epsilon)}
		var room wide.Room[float32]
		k.in, k.out = room.In(b, 0), room.Out(b, 0)
		for i := range k.params {
			k.params[i] = room.In(b, i+1)
		}
		k.factors = room.Buffer(2 * k.channels)
		room.Claim(b)
		return k, nil
	},
	InPlace: [][2]int8{{0, 0}},
}))

// normRows scales and shifts rows.
type normRows struct {
	channels     int
	eps          float64
	in           wide.Operand[float32]
	params       [4]wide.Operand[float32] // scale, shift, mean, variance
	out          wide.Result[float32]
	factors      wide.Buffer
	x, y         []float32
	scale, shift []float32
	per          int // elements of a tile: whole rows
}

// normPiece is about the number of elements of a tile.
const normPiece = 1 << 15

// Run normalises.
func (k *normRows) Run(c *ops.Call) error {
	s := wide.Open[float32](c)
	k.x, k.y = k.in.Load(c, s), k.out.Elements(c, s)
	if len(k.y) == 0 {
		return nil
	}
	f := s.Part(k.factors)
	k.scale, k.shift = f[:k.channels], f[k.channels:]
	gamma, beta := k.params[0].Load(c, s), k.params[1].Load(c, s)
	mean, variance := k.params[2].Load(c, s), k.params[3].Load(c, s)
	for i := range k.scale {
		a := float64(gamma[i]) / math.Sqrt(float64(variance[i])+k.eps)
		k.scale[i], k.shift[i] = float32(a), float32(float64(beta[i])-a*float64(mean[i]))
	}
	k.per = max(1, normPiece/k.channels) * k.channels
	return c.Parallel((len(k.y)-1)/k.per+1, k)
}

// Tile normalises some rows.
func (k *normRows) Tile(_ ops.Worker, i int) {
	lo, hi := i*k.per, min((i+1)*k.per, len(k.y))
	vec.MulAddRows(k.y[lo:hi], k.x[lo:hi], k.scale, k.shift)
}
