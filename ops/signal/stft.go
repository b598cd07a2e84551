package signal

import (
	"fmt"

	"ingot/internal/kernel/fft"
	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

type stftAttrs struct {
	Onesided bool `onnx:",1"`
}

// STFT transforms windows of a signal [batch, length, 1 or 2] that lie frame_step apart. A real signal may lack the last dimension.
var STFT = Ops.Add(ops.Def(ops.Spec[stftAttrs]{
	Name: "STFT", In: "signal:T1, frame_step:T2, window:T1?, frame_length:T2?", Out: "output:T1", Types: "T1=floats4; T2=int32|int64",
	Vers: []ops.Ver{{Since: 17}},
	Infer: func(c *ops.Infer, a *stftAttrs) error {
		in, ranked := c.Shape(0)
		dt := c.In(0).DT
		if !ranked {
			return c.OutRank(0, dt, 4)
		}
		if err := a.checkSignal(in); err != nil {
			return err
		}
		length, err := frameLength(c, in[1])
		if err != nil {
			return err
		}
		step, known, err := scalarDim(c, 1, "frame_step")
		if err != nil {
			return err
		}
		frames := c.Fresh()
		if known {
			if err := positive(step, "frame_step"); err != nil {
				return err
			}
			frames = in[1].Sub(length).FloorDiv(step).Add(ops.Num(1)).Max(ops.Num(0))
		}
		bins := length
		if a.Onesided {
			bins = length.FloorDiv(ops.Num(2)).Add(ops.Num(1))
		}
		return c.Out(0, dt, in[0], frames, bins, ops.Num(2))
	},
	Bind: func(_ *ops.Bind, a *stftAttrs) (ops.Kernel, error) { return &stft{stftAttrs: a}, nil },
}))

func (a *stftAttrs) checkSignal(in []ops.Dim) error {
	if len(in) != 2 && len(in) != 3 {
		return fmt.Errorf("signal has rank %d; must be [batch, length, 1] for real or [batch, length, 2] for complex numbers", len(in))
	}
	if len(in) == 2 {
		return nil
	}
	n, ok := in[2].Int()
	switch {
	case ok && n != 1 && n != 2:
		return fmt.Errorf("signal's last dimension is %d; must be 1 for real or 2 for complex numbers", n)
	case ok && n == 2 && a.Onesided:
		return fmt.Errorf("attribute onesided: the spectrum of a complex signal has no redundant half")
	}
	return nil
}

// frameLength is the length of the transforms: frame_length, or else the window's, or else the signal's.
func frameLength(c *ops.Infer, signal ops.Dim) (ops.Dim, error) {
	length, known := signal, true
	if c.Has(2) {
		w, ok := c.Shape(2)
		if ok && len(w) != 1 {
			return length, fmt.Errorf("window has rank %d; must be a vector", len(w))
		}
		if known = ok; known {
			length = w[0]
		}
	}
	if c.Has(3) {
		d, ok, err := scalarDim(c, 3, "frame_length")
		if err != nil {
			return d, err
		}
		if ok && known && c.Has(2) && d.Known() && length.Known() && !d.Equal(length) {
			return d, fmt.Errorf("frame_length is %s but the window has %s elements", d, length)
		}
		if ok && (!c.Has(2) || d.Known()) {
			length, known = d, true
		} else if !c.Has(2) {
			known = false
		}
	}
	if !known {
		return c.Fresh(), nil
	}
	return length, positive(length, "the frame's length")
}

// stft transforms frames; its plans live as long as the kernel.
type stft struct {
	*stftAttrs
	whole *fft.Plan
	real  *fft.Real

	x, y    *tensor.Tensor
	window  []float64
	samples int
	parts   int
	step    int
	length  int
	frames  int
	bins    int
	per     int
}

func (k *stft) Run(c *ops.Call) error {
	k.x = c.In(0)
	dims := k.x.Dims()
	k.samples, k.parts, k.length = dims[1], 1, dims[1]
	if len(dims) == 3 {
		k.parts = dims[2]
	}
	var err error
	if k.step, err = scalar(c, 1, "frame_step"); err != nil {
		return err
	}
	k.window = k.window[:0]
	if c.Has(2) {
		k.length = c.In(2).Len()
		k.window = append(k.window, make([]float64, k.length)...)
		num.Load64(k.window, c.In(2), 0)
	}
	if c.Has(3) {
		n, err := scalar(c, 3, "frame_length")
		if err != nil {
			return err
		}
		if c.Has(2) && n != k.length {
			return fmt.Errorf("frame_length is %d but the window has %d elements", n, k.length)
		}
		k.length = n
	}
	if k.step < 1 || k.length < 1 {
		return fmt.Errorf("frame_step is %d and the frame's length %d; must be positive", k.step, k.length)
	}
	k.frames, k.bins = 0, k.length
	if k.samples >= k.length {
		k.frames = (k.samples-k.length)/k.step + 1
	}
	if k.Onesided {
		k.bins = k.length/2 + 1
	}
	if k.y, err = c.OutOrAlloc(0, k.x.DType(), dims[0], k.frames, k.bins, 2); err != nil {
		return err
	}
	if k.parts == 1 && (k.real == nil || k.real.Len() != k.length) {
		k.real = fft.NewReal(k.length)
	} else if k.parts == 2 && (k.whole == nil || k.whole.Len() != k.length) {
		k.whole = fft.New(k.length)
	}
	k.per = lanesPerTile(k.length)
	return c.Parallel((dims[0]*k.frames+k.per-1)/k.per, k)
}

func (k *stft) Tile(w ops.Worker, i int) {
	scratch := 0
	if k.parts == 1 {
		scratch = k.real.Scratch()
	} else {
		scratch = k.whole.Scratch()
	}
	f := ops.Scratch[float64](w, 2*(k.length+scratch)+2)
	x, s := f[:2*k.length+2], fft.Complex(f[2*k.length+2:])
	z := fft.Complex(x)
	total := k.y.Len() / k.bins / 2
	for frame := i * k.per; frame < min(total, (i+1)*k.per); frame++ {
		start := frame/k.frames*k.samples + frame%k.frames*k.step
		num.Load64(x[:k.length*k.parts], k.x, start*k.parts)
		for j, v := range k.window {
			x[j*k.parts] *= v
			if k.parts == 2 {
				x[j*2+1] *= v
			}
		}
		if k.parts == 1 {
			if k.real.Forward(z, s); !k.Onesided {
				mirror(z[:k.length])
			}
		} else {
			k.whole.Forward(z, s)
		}
		num.Store64(k.y, frame*k.bins*2, x[:k.bins*2])
	}
}
