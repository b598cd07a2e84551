package signal

import (
	"fmt"

	"ingot/internal/kernel/fft"
	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

type dftAttrs struct {
	Inverse  bool `onnx:",0"`
	Onesided bool `onnx:",0"`
}

// DFT is the discrete Fourier transform along an axis, forward or inverse. Onesided forward transforms take real numbers and give the first
// half of the spectrum; onesided inverse ones take that half and give real numbers.
var DFT = Ops.Add(ops.Def(ops.Spec[dftAttrs]{
	Name: "DFT", In: "input:T1, dft_length:T2?, axis:int64?", Out: "output:T1", Types: "T1=floats4; T2=int32|int64",
	Vers: []ops.Ver{{Since: 20}, {Since: 17, In: "input:T1, dft_length:T2?", Attrs: "+axis:int=1", Up: ops.AttrToInput("axis", 2)}},
	Infer: func(c *ops.Infer, a *dftAttrs) error {
		in, ranked := c.Shape(0)
		dt := c.In(0).DT
		if !ranked {
			return c.OutUnranked(0, dt)
		}
		rank := len(in)
		if rank < 2 {
			return fmt.Errorf("input has rank %d; must have at least 2, the last dimension for real and imaginary parts", rank)
		}
		if err := a.check(in[rank-1]); err != nil {
			return err
		}
		axis := ops.Num(-2)
		known := true
		if c.Has(2) {
			var err error
			if axis, known, err = scalarDim(c, 2, "axis"); err != nil {
				return err
			}
		}
		k, isNum := axis.Int()
		if !known || !isNum {
			return c.OutRank(0, dt, rank)
		}
		at, err := signalAxis(int(k), rank)
		if err != nil {
			return err
		}
		length := in[at]
		if a.irfft() {
			length = length.Sub(ops.Num(1)).Mul(ops.Num(2))
		}
		if c.Has(1) {
			if length, known, err = scalarDim(c, 1, "dft_length"); err != nil {
				return err
			}
			if !known {
				length = c.Fresh()
			}
		}
		if err := positive(length, "the length of the transform"); err != nil {
			return err
		}
		out := append([]ops.Dim{}, in...)
		out[at], out[rank-1] = length, ops.Num(2)
		if a.Onesided && !a.Inverse {
			out[at] = length.FloorDiv(ops.Num(2)).Add(ops.Num(1))
		} else if a.Onesided {
			out[rank-1] = ops.Num(1)
		}
		return c.Out(0, dt, out...)
	},
	Bind: func(_ *ops.Bind, a *dftAttrs) (ops.Kernel, error) { return &dft{dftAttrs: a}, nil },
}))

func (a *dftAttrs) irfft() bool { return a.Onesided && a.Inverse }

// check verifies the dimension of real and imaginary parts.
func (a *dftAttrs) check(parts ops.Dim) error {
	n, ok := parts.Int()
	switch {
	case !ok:
	case n != 1 && n != 2:
		return fmt.Errorf("the last dimension is %d; must be 1 for real or 2 for complex numbers", n)
	case a.Onesided && !a.Inverse && n == 2:
		return fmt.Errorf("a onesided transform takes real numbers: the last dimension is 2, must be 1")
	case a.Onesided && a.Inverse && n == 1:
		return fmt.Errorf("a onesided inverse transform takes complex numbers: the last dimension is 1, must be 2")
	}
	return nil
}

// signalAxis checks an axis, which can't be the last one.
func signalAxis(axis, rank int) (int, error) {
	k, err := ops.Axis(axis, rank)
	if err == nil && k == rank-1 {
		err = fmt.Errorf("axis %d is the last one, which holds real and imaginary parts", axis)
	}
	return k, err
}

// dft transforms the lanes along an axis. The plans live as long as the kernel, for the length rarely changes.
type dft struct {
	*dftAttrs
	whole *fft.Plan
	real  *fft.Real

	x, y       *tensor.Tensor
	shape      []int
	length     int // of the transform
	n, inner   int // of the input's axis; elements behind it
	parts      int // 1 or 2
	outN       int // of the output's axis
	outParts   int
	lanes, per int
}

func (k *dft) Run(c *ops.Call) error {
	k.x = c.In(0)
	dims := k.x.Dims()
	axis := -2
	var err error
	if c.Has(2) {
		if axis, err = scalar(c, 2, "axis"); err != nil {
			return err
		}
	}
	if axis, err = signalAxis(axis, len(dims)); err != nil {
		return err
	}
	k.n, k.parts, k.length = dims[axis], dims[len(dims)-1], dims[axis]
	if k.irfft() {
		k.length = 2 * (k.n - 1)
	}
	if c.Has(1) {
		if k.length, err = scalar(c, 1, "dft_length"); err != nil {
			return err
		}
	}
	if k.length < 1 {
		return fmt.Errorf("the length of the transform is %d; must be positive", k.length)
	}
	k.shape = append(k.shape[:0], dims...)
	shape := k.shape
	shape[axis], shape[len(dims)-1] = k.length, 2
	if k.Onesided && !k.Inverse {
		shape[axis] = k.length/2 + 1
	} else if k.Onesided {
		shape[len(dims)-1] = 1
	}
	if k.y, err = c.OutOrAlloc(0, k.x.DType(), shape...); err != nil {
		return err
	}
	k.outN, k.outParts = shape[axis], shape[len(dims)-1]
	k.inner = 1
	for _, d := range dims[axis+1 : len(dims)-1] {
		k.inner *= d
	}
	if k.y.Len() == 0 {
		return nil
	}
	k.lanes = k.y.Len() / k.outN / k.outParts
	if k.parts == 1 && !k.Inverse {
		if k.real == nil || k.real.Len() != k.length {
			k.real = fft.NewReal(k.length)
		}
	} else if k.whole == nil || k.whole.Len() != k.length {
		k.whole = fft.New(k.length)
	}
	k.per = lanesPerTile(k.length)
	return c.Parallel((k.lanes+k.per-1)/k.per, k)
}

// lanesPerTile returns the number of transforms that make some 20 µs.
func lanesPerTile(length int) int { return max(1, 4096/length) }

func (k *dft) Tile(w ops.Worker, i int) {
	scratch := k.length
	if k.whole != nil {
		scratch = max(scratch, k.whole.Scratch())
	}
	if k.real != nil {
		scratch = max(scratch, k.real.Scratch())
	}
	f := ops.Scratch[float64](w, 2*(k.length+scratch)+2)
	x, s := f[:2*k.length+2], fft.Complex(f[2*k.length+2:])
	z := fft.Complex(x)
	for lane := i * k.per; lane < min(k.lanes, (i+1)*k.per); lane++ {
		base, at := lane/k.inner, lane%k.inner
		clear(x)
		k.load(x, base, at)
		switch {
		case k.irfft():
			unfold(z[:k.length])
			k.whole.Inverse(z, s)
			for j := range k.length {
				x[j] = real(z[j])
			}
		case k.Inverse:
			k.whole.Inverse(z, s)
		case k.parts == 1:
			k.real.Forward(z, s)
			if !k.Onesided {
				mirror(z[:k.length])
			}
		default:
			k.whole.Forward(z, s)
		}
		k.store(x, base, at)
	}
}

// load reads a lane: real numbers one after the other for a real transform, complex numbers otherwise.
func (k *dft) load(x []float64, base, at int) {
	n := min(k.n, k.length)
	if k.irfft() {
		n = min(k.n, k.length/2+1)
	}
	step := k.parts
	if k.Inverse {
		step = 2
	}
	if k.inner == 1 && step == k.parts {
		num.Load64(x[:n*step], k.x, base*k.n*k.parts)
		return
	}
	for j := range n {
		num.Load64(x[j*step:][:k.parts], k.x, ((base*k.n+j)*k.inner+at)*k.parts)
	}
}

func (k *dft) store(x []float64, base, at int) {
	if k.inner == 1 {
		num.Store64(k.y, base*k.outN*k.outParts, x[:k.outN*k.outParts])
		return
	}
	for j := range k.outN {
		num.Store64(k.y, ((base*k.outN+j)*k.inner+at)*k.outParts, x[j*k.outParts:][:k.outParts])
	}
}

// mirror fills in the second half of a spectrum of real numbers.
func mirror(z []complex128) {
	for j, n := 1, len(z); j < n-j; j++ {
		z[n-j] = complex(real(z[j]), -imag(z[j]))
	}
}

// unfold makes a spectrum of real numbers from its first half. What would make them complex is left out.
func unfold(z []complex128) {
	n := len(z)
	z[0] = complex(real(z[0]), 0)
	if n%2 == 0 {
		z[n/2] = complex(real(z[n/2]), 0)
	}
	mirror(z)
}
