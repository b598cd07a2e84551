package contrib

import (
	"fmt"
	"math"

	"ingot/internal/kernel/vec"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

var visionOps = []*ops.Op{
	ops.Def(ops.Spec[cropResizeAttrs]{
		Name: "CropAndResize", Domain: domain, Vers: since1,
		In: "X:T1, rois:T1, batch_indices:T2, crop_size:T2", Out: "Y:T1", Types: "T1=floats; T2=int32",
		Infer: func(c *ops.Infer, a *cropResizeAttrs) error {
			if a.Mode != "bilinear" && a.Mode != "nearest" {
				return fmt.Errorf("mode is %q; it must be bilinear or nearest", a.Mode)
			}
			x, ok1 := c.Shape(0)
			rois, ok2 := c.Shape(1)
			if ok1 && len(x) != 4 || ok2 && (len(rois) != 2 || differ(rois[1], ops.Num(4))) {
				return fmt.Errorf("input X is %s and rois %s; they must be [N,C,H,W] and [rois,4]", sym.ShapeString(x), sym.ShapeString(rois))
			}
			channels, n, h, w := c.Fresh(), c.Fresh(), c.Fresh(), c.Fresh()
			if ok1 {
				channels = x[1]
			}
			if ok2 {
				n = rois[0]
			}
			if err := checkDims(c, 2, "batch_indices", n); err != nil {
				return err
			}
			if v, ok := c.Ints(3); ok {
				if len(v) != 2 || v[0] < 1 || v[1] < 1 {
					return fmt.Errorf("crop_size is %v; it must be a positive height and width", v)
				}
				h, w = ops.Num(v[0]), ops.Num(v[1])
			}
			return c.Out(0, c.In(0).DT, n, channels, h, w)
		},
		Eval: evalCropResize,
	}),
	ops.Def(ops.Spec[wordConvAttrs]{
		Name: "WordConvEmbedding", Domain: domain, Vers: since1,
		In: "Sequence:T, W:T1, B:T1, C:T1", Out: "Y:T1", Types: "T=int32; T1=float",
		Infer: inferWordConv,
		Eval:  evalWordConv,
	}),
}

type cropResizeAttrs struct {
	ExtrapolationValue float32 `onnx:",0"`
	Mode               string  `onnx:",bilinear"`
}

// evalCropResize samples a grid in each region, corners on corners; a single row or column is the region's middle.
func evalCropResize(c *ops.Call, a *cropResizeAttrs) error {
	x, size := c.In(0), tensor.View[int32](c.In(3))
	d := x.Dims()
	if len(size) != 2 || size[0] < 1 || size[1] < 1 {
		return fmt.Errorf("crop_size is %v; it must be a positive height and width", size)
	}
	rois, batches := widened(c.In(1)), tensor.View[int32](c.In(2))
	if err := checkLens("batch_indices", batches, 0, d[0]-1); err != nil {
		return err
	}
	rows, cols := int(size[0]), int(size[1])
	y, err := c.OutOrAlloc(0, x.DType(), len(batches), d[1], rows, cols)
	if err != nil {
		return err
	}
	src, dst := floatsOf(x), make([]float32, y.Len())
	h, w := d[2], d[3]
	place := func(lo, hi float32, i, n, size int) float32 {
		if n > 1 {
			return lo*float32(size-1) + float32(i)*((hi-lo)*float32(size-1)/float32(n-1))
		}
		return 0.5 * (lo + hi) * float32(size-1)
	}
	err = c.For(len(batches), 1, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			roi := rois[r*4:][:4]
			for p := range rows * cols {
				yy, xx := place(roi[0], roi[2], p/cols, rows, h), place(roi[1], roi[3], p%cols, cols, w)
				inside := yy >= 0 && yy <= float32(h-1) && xx >= 0 && xx <= float32(w-1)
				for ch := range d[1] {
					v := a.ExtrapolationValue
					if inside {
						v = sampleAt(src[(int(batches[r])*d[1]+ch)*h*w:][:h*w], w, yy, xx, a.Mode == "nearest")
					}
					dst[(r*d[1]+ch)*rows*cols+p] = v
				}
			}
		}
	})
	if err != nil {
		return err
	}
	storeFloats(y, dst)
	return nil
}

// sampleAt is the value of a plane at a place inside of it.
func sampleAt(plane []float32, w int, y, x float32, nearest bool) float32 {
	if nearest {
		return plane[int(math.Round(float64(y)))*w+int(math.Round(float64(x)))]
	}
	top, left := int(math.Floor(float64(y))), int(math.Floor(float64(x)))
	bottom, right := int(math.Ceil(float64(y))), int(math.Ceil(float64(x)))
	fy, fx := y-float32(top), x-float32(left)
	upper := plane[top*w+left] + (plane[top*w+right]-plane[top*w+left])*fx
	lower := plane[bottom*w+left] + (plane[bottom*w+right]-plane[bottom*w+left])*fx
	return upper + (lower-upper)*fy
}

type wordConvAttrs struct {
	CharEmbeddingSize *int
	ConvWindowSize    *int
	EmbeddingSize     *int
}

func inferWordConv(c *ops.Infer, a *wordConvAttrs) error {
	seq, ok1 := c.Shape(0)
	w, ok2 := c.Shape(1)
	table, ok3 := c.Shape(3)
	if ok1 && len(seq) != 2 || ok2 && len(w) != 4 || ok3 && len(table) != 2 {
		return fmt.Errorf("input Sequence is %s, W %s and C %s; they must be [words,characters], [filters,1,window,size] and [characters,size]",
			sym.ShapeString(seq), sym.ShapeString(w), sym.ShapeString(table))
	}
	if ok2 {
		for _, p := range []struct {
			name string
			v    *int
			d    ops.Dim
		}{{"embedding_size", a.EmbeddingSize, w[0]}, {"conv_window_size", a.ConvWindowSize, w[2]}, {"char_embedding_size", a.CharEmbeddingSize, w[3]}} {
			if p.v != nil && differ(p.d, ops.Num(*p.v)) {
				return fmt.Errorf("%s is %d, but W is %s", p.name, *p.v, sym.ShapeString(w))
			}
		}
		if differ(w[1], ops.Num(1)) || ok3 && differ(w[3], table[1]) {
			return fmt.Errorf("input W is %s, which doesn't fit C, %s", sym.ShapeString(w), sym.ShapeString(table))
		}
		if err := checkDims(c, 2, "B", w[0]); err != nil {
			return err
		}
	}
	n, filters := c.Fresh(), c.Fresh()
	if ok1 {
		n = seq[0]
	}
	if ok2 {
		filters = w[0]
	}
	return c.Out(0, tensor.Float32, n, filters)
}

// evalWordConv looks the characters of each word up, convolves them, and takes the largest hyperbolic tangent. A word ends at its first 0, but is at
// least as long as the window; an empty word gives zeros.
func evalWordConv(c *ops.Call, _ *wordConvAttrs) error {
	seq, weights, bias, table := tensor.View[int32](c.In(0)), tensor.View[float32](c.In(1)), tensor.View[float32](c.In(2)), tensor.View[float32](c.In(3))
	d, w := c.In(0).Dims(), c.In(1).Dims()
	filters, window, size := w[0], w[2], w[3]
	if window < 1 || window > d[1] {
		return fmt.Errorf("the window of W is %d characters, but words have %d", window, d[1])
	}
	if err := checkLens("Sequence", seq, 0, c.In(3).Dims()[0]-1); err != nil {
		return err
	}
	y, err := c.OutOrAlloc(0, tensor.Float32, d[0], filters)
	if err != nil {
		return err
	}
	out := tensor.View[float32](y)
	return c.For(d[0], 8, func(lo, hi int) {
		chars := make([]float32, d[1]*size)
		for i := lo; i < hi; i++ {
			word, row := seq[i*d[1]:][:d[1]], out[i*filters:][:filters]
			n := 0
			for n < len(word) && word[n] > 0 {
				n++
			}
			if n == 0 {
				clear(row)
				continue
			}
			n = max(n, window)
			for j, ch := range word[:n] {
				copy(chars[j*size:][:size], table[int(ch)*size:])
			}
			for f := range row {
				best := float32(math.Inf(-1))
				for at := 0; at+window <= n; at++ {
					best = max(best, vec.Dot(weights[f*window*size:][:window*size], chars[at*size:][:window*size])+bias[f])
				}
				row[f] = best
			}
			vec.Tanh(row, row)
		}
	})
}
