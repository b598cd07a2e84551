package nn

import (
	"fmt"
	"math/bits"

	"ingot/internal/kernel/conv"
	"ingot/internal/sym"
	"ingot/ops"
)

// window are the attributes that say how a kernel slides over the spatial dimensions of images. Absent lists have the standard's defaults.
type window struct {
	autoPad                          string
	kernel, strides, pads, dilations []int
	ceil                             bool // a last window may reach beyond the padding
}

// layout says where the channels of an operator's images stand.
type layout uint8

const (
	planes layout = iota // images are planes of pixels: N, C, spatial dimensions
	rows                 // images are rows of channels: N, spatial dimensions, C
)

// channels returns the place of the channels in a shape.
func (l layout) channels(rank int) int {
	if l == planes {
		return 1
	}
	return rank - 1
}

// spatial returns the spatial dimensions of a shape of rank 2 or more.
func spatial[D any](l layout, shape []D) []D {
	if l == planes {
		return shape[2:]
	}
	return shape[1 : len(shape)-1]
}

// shape puts one together.
func (l layout) shape(images, channels ops.Dim, spatial []ops.Dim) []ops.Dim {
	out := append(make([]ops.Dim, 0, len(spatial)+2), images)
	if l == planes {
		out = append(out, channels)
	}
	out = append(out, spatial...)
	if l == rows {
		out = append(out, channels)
	}
	return out
}

// check verifies the attributes for n spatial dimensions; n < 0: not known.
func (w *window) check(n int) error {
	for _, l := range []struct {
		name  string
		v     []int
		per   int
		least int
	}{{"kernel_shape", w.kernel, 1, 1}, {"strides", w.strides, 1, 1}, {"dilations", w.dilations, 1, 1}, {"pads", w.pads, 2, 0}} {
		if l.v == nil {
			continue
		}
		if n >= 0 && len(l.v) != n*l.per {
			return fmt.Errorf("attribute %s: has %d elements for %d spatial dimensions", l.name, len(l.v), n)
		}
		for _, v := range l.v {
			if v < l.least || v > maxWindow {
				return fmt.Errorf("attribute %s: %v; each must be from %d to %d", l.name, l.v, l.least, maxWindow)
			}
		}
	}
	switch w.autoPad {
	case "", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER":
		return nil
	}
	return fmt.Errorf("attribute auto_pad: %q isn't NOTSET, VALID, SAME_UPPER or SAME_LOWER", w.autoPad)
}

// maxWindow bounds the attributes of windows, so that sums and products of two of them can't overflow.
const maxWindow = 1 << (bits.UintSize/2 - 2)

func (w *window) stride(d int) int   { return orOne(w.strides, d) }
func (w *window) dilation(d int) int { return orOne(w.dilations, d) }

func orOne(v []int, d int) int {
	if v == nil {
		return 1
	}
	return v[d]
}

// reach is the extent of a kernel of k elements along dimension d.
func (w *window) reach(d int, k ops.Dim) ops.Dim {
	return k.Sub(ops.Num(1)).Mul(ops.Num(w.dilation(d))).Add(ops.Num(1))
}

// padding returns the explicit padding along dimension d of n.
func (w *window) padding(d, n int) (begin, end int) {
	if w.pads == nil || w.autoPad != "" && w.autoPad != "NOTSET" {
		return 0, 0
	}
	return w.pads[d], w.pads[n+d]
}

func (w *window) same() bool { return w.autoPad == "SAME_UPPER" || w.autoPad == "SAME_LOWER" }

// out returns the size of the result along dimension d of n, for an image of size in and k kernel elements.
func (w *window) out(d, n int, in, k ops.Dim) (ops.Dim, error) {
	one, stride := ops.Num(1), ops.Num(w.stride(d))
	if w.same() {
		return in.CeilDiv(stride), nil
	}
	begin, end := w.padding(d, n)
	padded := in.Add(ops.Num(begin + end))
	room := padded.Sub(w.reach(d, k))
	if v, ok := room.Int(); ok && v < 0 {
		if in.Is(0) {
			return ops.Num(0), nil
		}
		return room, fmt.Errorf("the kernel of %s reaches over %s elements in spatial dimension %d, where the padded image has %s", k, w.reach(d, k), d, padded)
	}
	if !w.ceil {
		return room.FloorDiv(stride).Add(one), nil
	}
	// A last window must begin inside of the image or the padding before it; but only one is left out, as other runtimes do.
	all := room.CeilDiv(stride).Add(one)
	most := in.Add(ops.Num(begin)).Sub(one).FloorDiv(stride).Add(one)
	if reach, ok := w.reach(d, k).Int(); ok && int64(end) < reach {
		return all.Min(most), nil // no more than one can begin that late
	}
	if all.Known() && most.Known() {
		return all.Min(most.Max(all.Sub(one))), nil
	}
	return sym.Unknown(), nil
}

// outs returns the sizes of the result. Sizes that aren't known of the kernel make unknown ones.
func (w *window) outs(in, kernel []ops.Dim) ([]ops.Dim, error) {
	out := make([]ops.Dim, len(in))
	for d := range in {
		var err error
		if out[d], err = w.out(d, len(in), in[d], kernel[d]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// bind returns the window for concrete sizes.
func (w *window) bind(in, kernel, out []int) conv.Window {
	n := len(in)
	r := conv.Window{In: in, Out: out, Kernel: kernel, Stride: make([]int, n), Dilation: make([]int, n), Begin: make([]int, n)}
	for d := range n {
		r.Stride[d], r.Dilation[d] = w.stride(d), w.dilation(d)
		r.Begin[d], _ = w.padding(d, n)
		if w.same() {
			total := max((out[d]-1)*r.Stride[d]+(kernel[d]-1)*r.Dilation[d]+1-in[d], 0)
			if w.autoPad == "SAME_LOWER" {
				total++
			}
			r.Begin[d] = total / 2
		}
	}
	return r
}

// kernelDims returns kernel_shape as dimensions.
func (w *window) kernelDims() []ops.Dim { return sym.Nums(w.kernel) }
