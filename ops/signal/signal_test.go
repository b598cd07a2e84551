package signal

import (
	"fmt"
	"math"
	"math/cmplx"
	"math/rand/v2"
	"testing"

	"ingot/internal/num"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/internal/optest"
	"ingot/tensor"
)

var (
	of    = optest.Of
	attrs = optest.Attrs
)

func integer(t *testing.T, v int) *tensor.Tensor { return optest.Scalar(t, tensor.Int64, float64(v)) }

// transform is the definition, for n numbers of which x are the first; those that are missing are 0.
func transform(x []complex128, n int, inverse bool) []complex128 {
	out := make([]complex128, n)
	sign, scale := -1.0, 1.0
	if inverse {
		sign, scale = 1, 1/float64(n)
	}
	for k := range out {
		for j, v := range x[:min(n, len(x))] {
			s, c := math.Sincos(sign * 2 * math.Pi * float64(j*k%n) / float64(n))
			out[k] += v * complex(c*scale, s*scale)
		}
	}
	return out
}

// compare checks complex numbers against pairs of floats.
func compare(t *testing.T, what string, got []float64, want []complex128, tol float64) {
	t.Helper()
	if len(got) != 2*len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), 2*len(want))
	}
	for i, w := range want {
		if d := cmplx.Abs(w - complex(got[2*i], got[2*i+1])); !(d <= tol) {
			t.Errorf("%s: element %d is off by %g", what, i, d)
			return
		}
	}
}

func TestDFT(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		shape  []int
		axis   int
		length int // 0: not given
	}{
		{[]int{2, 12, 3, 1}, 1, 0}, {[]int{2, 12, 3, 2}, 1, 0}, {[]int{2, 12, 3, 2}, -3, 20}, {[]int{2, 12, 3, 1}, 0, 5},
		{[]int{3, 15, 1}, -2, 0}, {[]int{3, 15, 2}, 1, 9}, {[]int{3, 15, 1}, 1, 40}, {[]int{7, 1}, 0, 1}, {[]int{40, 600, 2}, 1, 0},
	} {
		for _, dt := range []tensor.DType{tensor.Float64, tensor.Float32, tensor.Float16, tensor.BFloat16} {
			n := 1
			for _, d := range c.shape {
				n *= d
			}
			vals := make([]float64, n)
			for i := range vals {
				vals[i] = float64(r.IntN(17)-8) / 8
			}
			x := of(t, dt, vals, c.shape...)
			rank := len(c.shape)
			axis := (c.axis + rank) % rank
			parts := c.shape[rank-1]
			length := c.length
			if length == 0 {
				length = c.shape[axis]
			}
			inner := 1
			for _, d := range c.shape[axis+1 : rank-1] {
				inner *= d
			}
			lane := func(outer, in int) []complex128 {
				out := make([]complex128, c.shape[axis])
				for j := range out {
					p := ((outer*c.shape[axis]+j)*inner + in) * parts
					out[j] = complex(vals[p], 0)
					if parts == 2 {
						out[j] = complex(vals[p], vals[p+1])
					}
				}
				return out
			}
			tol := map[tensor.DType]float64{tensor.Float64: 1e-11, tensor.Float32: 1e-4, tensor.Float16: 1e-1, tensor.BFloat16: 1}[dt]
			if dt.Size() == 2 && length > 100 {
				continue
			}
			for _, mode := range []struct{ inverse, onesided int }{{0, 0}, {1, 0}, {0, 1}} {
				if mode.onesided == 1 && parts == 2 {
					continue
				}
				var dftLength *tensor.Tensor
				if c.length > 0 {
					dftLength = integer(t, c.length)
				}
				got := optest.Eval(t, DFT, attrs("inverse", mode.inverse, "onesided", mode.onesided), x, dftLength, integer(t, c.axis))
				bins := length
				if mode.onesided == 1 {
					bins = length/2 + 1
				}
				want := make([]complex128, n/parts/c.shape[axis]*bins)
				for outer := range n / parts / c.shape[axis] / inner {
					for in := range inner {
						for k, v := range transform(lane(outer, in), length, mode.inverse == 1)[:bins] {
							want[(outer*bins+k)*inner+in] = v
						}
					}
				}
				compare(t, fmt.Sprintf("%v along %d, length %d, %s, %v", c.shape, c.axis, c.length, dt, mode), optest.Floats(got), want, tol)
			}
		}
	}
}

// TestInverseReal checks that half a spectrum gives back the signal.
func TestInverseReal(t *testing.T) {
	for _, n := range []int{1, 2, 7, 8, 30} {
		vals := make([]float64, 3*n)
		for i := range vals {
			vals[i] = float64(i*i%11) - 5
		}
		x := of(t, tensor.Float64, vals, 3, n, 1)
		half := optest.Eval(t, DFT, attrs("onesided", 1), x)
		back := optest.Eval(t, DFT, attrs("onesided", 1, "inverse", 1), half, integer(t, n))
		optest.Check(t, fmt.Sprint(n), back, tensor.Float64, fmt.Sprintf("[3,%d,1]", n), vals, 1e-10)
		if n%2 == 0 {
			same := optest.Eval(t, DFT, attrs("onesided", 1, "inverse", 1), half)
			optest.Check(t, fmt.Sprintf("%d by default", n), same, tensor.Float64, fmt.Sprintf("[3,%d,1]", n), vals, 1e-10)
		}
	}
	// Imaginary parts that a real signal can't have are left out; missing bins are 0.
	got := optest.Eval(t, DFT, attrs("onesided", 1, "inverse", 1), of(t, tensor.Float32, []float64{4, 9}, 1, 2), integer(t, 4), integer(t, 0))
	optest.Check(t, "a constant", got, tensor.Float32, "[4,1]", []float64{1, 1, 1, 1}, 1e-6)
}

func TestDFTErrors(t *testing.T) {
	real1, complex2 := of(t, tensor.Float32, make([]float64, 4), 1, 4, 1), of(t, tensor.Float32, make([]float64, 8), 1, 4, 2)
	optest.Fails(t, DFT, nil, "is the last one", real1, nil, integer(t, 2))
	optest.Fails(t, DFT, nil, "outside of rank 3", real1, nil, integer(t, 3))
	optest.Fails(t, DFT, nil, "the length of the transform is 0", real1, integer(t, 0))
	optest.Fails(t, DFT, nil, "one integer", real1, of(t, tensor.Int64, []float64{1, 2}))
	optest.Fails(t, DFT, nil, "the last dimension is 3", of(t, tensor.Float32, make([]float64, 6), 2, 3))
	optest.Fails(t, DFT, nil, "rank 1", of(t, tensor.Float32, make([]float64, 6)))
	optest.Fails(t, DFT, attrs("onesided", 1), "takes real numbers", complex2)
	optest.Fails(t, DFT, attrs("onesided", 1, "inverse", 1), "takes complex numbers", real1)
	optest.Fails(t, DFT, attrs("onesided", 1, "inverse", 1), "the length of the transform is 0", of(t, tensor.Float32, make([]float64, 2), 1, 1, 2))

	signal := of(t, tensor.Float32, make([]float64, 10), 1, 10, 1)
	optest.Fails(t, STFT, nil, "frame_step is 0", signal, integer(t, 0))
	optest.Fails(t, STFT, nil, "frame_length is 3 but the window has 4 elements", signal, integer(t, 1), of(t, tensor.Float32, make([]float64, 4)), integer(t, 3))
	optest.Fails(t, STFT, nil, "complex signal", complex2, integer(t, 1))
	optest.Fails(t, STFT, nil, "rank 4", of(t, tensor.Float32, nil, 0, 1, 1, 1), integer(t, 1))
	optest.Fails(t, STFT, nil, "window has rank 2", signal, integer(t, 1), of(t, tensor.Float32, make([]float64, 4), 2, 2))
}

func TestSTFT(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		batch, samples, parts int // 0 parts: rank 2
		step                  int
		window, length        int // 0: absent
		onesided              int
	}{
		{2, 50, 1, 7, 16, 16, 1}, {2, 50, 1, 7, 16, 0, 0}, {1, 50, 1, 50, 0, 15, 1}, {3, 33, 2, 4, 9, 0, 0}, {2, 20, 0, 3, 0, 8, 1},
		{1, 10, 1, 1, 0, 0, 1}, {1, 5, 1, 1, 0, 8, 1}, {1, 40000, 1, 160, 400, 0, 1},
	} {
		parts := max(c.parts, 1)
		vals := make([]float64, c.batch*c.samples*parts)
		for i := range vals {
			vals[i] = float64(r.IntN(200)-100) / 64
		}
		shape := []int{c.batch, c.samples, c.parts}
		if c.parts == 0 {
			shape = shape[:2]
		}
		length := c.samples
		var window, frame *tensor.Tensor
		weight := func(int) float64 { return 1 }
		if c.window > 0 {
			length = c.window
			w := make([]float64, c.window)
			for i := range w {
				w[i] = float64(i%8) / 8
			}
			window, weight = of(t, tensor.Float32, w), func(i int) float64 { return w[i] }
		}
		if c.length > 0 {
			length, frame = c.length, integer(t, c.length)
		}
		frames := 0
		if c.samples >= length {
			frames = (c.samples-length)/c.step + 1
		}
		bins := length
		if c.onesided == 1 {
			bins = length/2 + 1
		}
		got := optest.Eval(t, STFT, attrs("onesided", c.onesided), of(t, tensor.Float32, vals, shape...), integer(t, c.step), window, frame)
		if s := fmt.Sprintf("float32[%d,%d,%d,2]", c.batch, frames, bins); got.String() != s {
			t.Fatalf("%+v: %s, want %s", c, got, s)
		}
		var want []complex128
		for b := range c.batch {
			for f := range frames {
				x := make([]complex128, length)
				for j := range x {
					p := (b*c.samples + f*c.step + j) * parts
					x[j] = complex(vals[p]*weight(j), 0)
					if parts == 2 {
						x[j] = complex(vals[p]*weight(j), vals[p+1]*weight(j))
					}
				}
				want = append(want, transform(x, length, false)[:bins]...)
			}
		}
		compare(t, fmt.Sprintf("%+v", c), optest.Floats(got), want, 1e-4)
	}
}

func TestWindows(t *testing.T) {
	for _, c := range []struct {
		op       *ops.Op
		size     int
		periodic int
		dt       tensor.DType
		want     []float64
	}{
		{HannWindow, 4, 1, tensor.Float32, []float64{0, 0.5, 1, 0.5}},
		{HannWindow, 5, 0, tensor.Float64, []float64{0, 0.5, 1, 0.5, 0}},
		{HannWindow, 4, 1, tensor.Int8, []float64{0, 0, 1, 0}},
		{HammingWindow, 4, 1, tensor.Float16, []float64{4.0 / 46, 25.0 / 46, 1, 25.0 / 46}},
		{BlackmanWindow, 4, 1, tensor.BFloat16, []float64{0, 0.34, 1, 0.34}},
		{BlackmanWindow, 1, 0, tensor.Float32, []float64{1}},
		{HannWindow, 1, 1, tensor.Float32, []float64{0}},
		{HannWindow, 0, 1, tensor.Float32, nil},
	} {
		got := optest.Eval(t, c.op, attrs("periodic", c.periodic, "output_datatype", int(c.dt)), optest.Scalar(t, tensor.Int32, float64(c.size)))
		tol := map[tensor.DType]float64{tensor.Float16: 1e-3, tensor.BFloat16: 4e-3}[c.dt] + 1e-6
		optest.Check(t, fmt.Sprintf("%s of %d in %s", c.op, c.size, c.dt), got, c.dt, fmt.Sprintf("[%d]", c.size), c.want, tol)
	}
	optest.Fails(t, HannWindow, nil, "must be positive", integer(t, -1))
	optest.Fails(t, HannWindow, attrs("output_datatype", 8), "output_datatype is 8", integer(t, 1))
	optest.Fails(t, HannWindow, attrs("output_datatype", 99), "output_datatype is 99", integer(t, 1))
}

func TestMel(t *testing.T) {
	hertz := func(v float64) *tensor.Tensor { return optest.Scalar(t, tensor.Float32, v) }
	got := optest.Eval(t, MelWeightMatrix(), attrs("output_datatype", 11), integer(t, 8), integer(t, 16), integer(t, 8192), hertz(0), hertz(4096))
	m := optest.Floats(got)
	if got.String() != "float64[9,8]" {
		t.Fatal(got)
	}
	for i := range 8 {
		peak := 0.0
		for j := range 9 {
			peak = max(peak, m[j*8+i])
		}
		if peak != 1 {
			t.Errorf("filter %d peaks at %v", i, peak)
		}
	}
	for dt := range tensor.NumDTypes {
		if d := tensor.DType(dt); (tensor.Ints | tensor.Floats16).Has(d) {
			x := optest.Eval(t, MelWeightMatrix(), attrs("output_datatype", dt), integer(t, 8), integer(t, 16), integer(t, 8192), hertz(0), hertz(4096))
			if v := make([]int64, x.Len()); !num.LoadInt(v, x, 0) || v[0] != 1 {
				t.Errorf("%s: the first filter's peak is %d", d, v[0])
			}
		}
	}
	optest.Fails(t, MelWeightMatrix(), nil, "num_mel_bins is 0", integer(t, 0), integer(t, 16), integer(t, 8192), hertz(0), hertz(4096))
	optest.Fails(t, MelWeightMatrix(), nil, "sample_rate is 0", integer(t, 8), integer(t, 16), integer(t, 0), hertz(0), hertz(4096))
	optest.Fails(t, MelWeightMatrix(), nil, "reach beyond", integer(t, 8), integer(t, 16), integer(t, 8192), hertz(0), hertz(80000))
	optest.Fails(t, MelWeightMatrix(), nil, "reach beyond", integer(t, 8), integer(t, 16), integer(t, 8192), hertz(math.NaN()), hertz(80))
}

// TestSymbolicShapes follows symbols through the shape rules.
func TestSymbolicShapes(t *testing.T) {
	n := sym.Symbol("n")
	signal := sym.TensorType(tensor.Float32, ops.Num(1), n, ops.Num(1))
	one := sym.TensorType(tensor.Int64)
	one.Val = []ops.Dim{ops.Num(160)}
	window := sym.TensorType(tensor.Float32, ops.Num(400))
	for _, c := range []struct {
		op   *ops.Op
		a    ops.Attrs
		ins  []*ops.Type
		want string
	}{
		{DFT, attrs("onesided", 1), []*ops.Type{&signal}, "float32[1,(n/2)+1,2]"},
		{STFT, nil, []*ops.Type{&signal, &one, &window}, "float32[1,max(((n+80)/160)-2,0),201,2]"},
		{DFT, nil, []*ops.Type{{DT: tensor.Float32}}, "float32[…]"},
	} {
		outs, err := optest.Infer(t, c.op, c.a, 1, c.ins...)
		if err != nil || outs[0].String() != c.want {
			t.Errorf("%s: %v, %v; want %s", c.op, outs[0].String(), err, c.want)
		}
	}
}
