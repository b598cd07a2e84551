package contrib

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// smallOps are kernels that stand alone.
var smallOps = []*ops.Op{
	ops.Def(ops.Spec[murmurAttrs]{
		Name: "MurmurHash3", Domain: domain, Vers: since1, In: "X:T1", Out: "Y:T2", Types: "T1=uint32|int32|uint64|int64|float|double|string; T2=uint32|int32",
		Infer: func(c *ops.Infer, a *murmurAttrs) error {
			dt := tensor.Int32
			if a.Positive != 0 {
				dt = tensor.Uint32
			}
			if s, ok := c.Shape(0); ok {
				return c.Out(0, dt, s...)
			}
			return c.OutUnranked(0, dt)
		},
		Eval: evalMurmur,
	}),
	ops.Def(ops.Spec[noAttrs]{
		Name: "DynamicTimeWarping", Domain: domain, Vers: since1, In: "input:F", Out: "output:I", Types: "F=float; I=int32",
		Infer: func(c *ops.Infer, _ *noAttrs) error {
			if s, ok := c.Shape(0); ok && len(s) != 2 && (len(s) != 3 || differ(s[0], ops.Num(1))) {
				return fmt.Errorf("input is %s; it must be [M,N] or [1,M,N]", sym.ShapeString(s))
			}
			return c.Out(0, tensor.Int32, ops.Num(2), c.Fresh())
		},
		Eval: evalWarping,
	}),
	ops.Def(ops.Spec[maskPoolAttrs]{
		Name: "MaxpoolWithMask", Domain: domain, Vers: since1, In: "X:T, M:int32", Out: "Y:T", Types: "T=float",
		Infer: inferMaskPool, Eval: evalMaskPool,
	}),
}

type murmurAttrs struct {
	Positive int `onnx:",1"`
	Seed     int `onnx:",0"`
}

// evalMurmur hashes each element's bytes, lowest first.
func evalMurmur(c *ops.Call, a *murmurAttrs) error {
	x := c.In(0)
	var y []uint32
	if a.Positive != 0 {
		y = tensor.View[uint32](c.Out(0))
	} else {
		signed := tensor.View[int32](c.Out(0))
		y = make([]uint32, len(signed))
		defer func() {
			for i, h := range y {
				signed[i] = int32(h)
			}
		}()
	}
	if x.DType() == tensor.String {
		for i, s := range tensor.View[string](x) {
			y[i] = murmur3([]byte(s), uint32(a.Seed))
		}
		return nil
	}
	var buf [8]byte
	for i := range y {
		n := 8
		switch x.DType() {
		case tensor.Uint32:
			n = putUint32(&buf, tensor.View[uint32](x)[i])
		case tensor.Int32:
			n = putUint32(&buf, uint32(tensor.View[int32](x)[i]))
		case tensor.Float32:
			n = putUint32(&buf, math.Float32bits(tensor.View[float32](x)[i]))
		case tensor.Uint64:
			binary.LittleEndian.PutUint64(buf[:], tensor.View[uint64](x)[i])
		case tensor.Int64:
			binary.LittleEndian.PutUint64(buf[:], uint64(tensor.View[int64](x)[i]))
		case tensor.Float64:
			binary.LittleEndian.PutUint64(buf[:], math.Float64bits(tensor.View[float64](x)[i]))
		}
		y[i] = murmur3(buf[:n], uint32(a.Seed))
	}
	return nil
}

func putUint32(buf *[8]byte, v uint32) int {
	binary.LittleEndian.PutUint32(buf[:], v)
	return 4
}

// murmur3 is MurmurHash3_x86_32: blocks of four bytes, the rest, and a last mixing that spreads every bit (Austin Appleby, public domain).
func murmur3(data []byte, seed uint32) uint32 {
	h, n := seed, uint32(len(data))
	mix := func(k uint32) uint32 { return bits.RotateLeft32(k*0xcc9e2d51, 15) * 0x1b873593 }
	for ; len(data) >= 4; data = data[4:] {
		h = bits.RotateLeft32(h^mix(binary.LittleEndian.Uint32(data)), 13)*5 + 0xe6546b64
	}
	if len(data) > 0 {
		rest := uint32(0)
		for i, b := range data {
			rest |= uint32(b) << (8 * i)
		}
		h ^= mix(rest)
	}
	h ^= n
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}

// evalWarping finds the path through a matrix of costs, from corner to corner, that costs least. Of steps that cost the same, the one along a row is
// preferred over the one along a column, and that over the diagonal unless this is less than both.
func evalWarping(c *ops.Call, _ *noAttrs) error {
	x := tensor.View[float32](c.In(0))
	d := c.In(0).Dims()
	rows, cols := d[len(d)-2], d[len(d)-1]
	if rows == 0 || cols == 0 {
		return fmt.Errorf("input is %s; a matrix without elements has no path", c.In(0))
	}
	inf := float32(math.Inf(1))
	above := make([]float32, cols+1) // the least costs of the row above, behind a column that no path comes from
	for j := range above[1:] {
		above[j+1] = inf
	}
	row := make([]float32, cols+1)
	from := make([]uint8, rows*cols)
	for i := range rows {
		row[0] = inf
		for j := range cols {
			diagonal, up, left := above[j], above[j+1], row[j]
			best, way := left, uint8(2)
			if diagonal < up && diagonal < left {
				best, way = diagonal, 0
			} else if up < diagonal && up < left {
				best, way = up, 1
			}
			row[j+1], from[i*cols+j] = best+x[i*cols+j], way
		}
		above, row = row, above
	}
	var path [][2]int32
	for i, j := rows-1, cols-1; i >= 0 && j >= 0; {
		path = append(path, [2]int32{int32(i), int32(j)})
		way := from[i*cols+j]
		switch {
		case i == 0 && j == 0:
			i = -1
		case i == 0:
			j--
		case j == 0:
			i--
		default:
			if way != 2 {
				i--
			}
			if way != 1 {
				j--
			}
		}
	}
	y, err := c.OutOrAlloc(0, tensor.Int32, 2, len(path))
	if err != nil {
		return err
	}
	out := tensor.View[int32](y)
	for k, p := range path {
		out[len(path)-1-k], out[2*len(path)-1-k] = p[0], p[1]
	}
	return nil
}

type maskPoolAttrs struct {
	AutoPad      string `onnx:",NOTSET"`
	KernelShape  []int
	Pads         []int
	StorageOrder int `onnx:",0"`
	Strides      []int
}

// window is the geometry of one dimension of a pool.
type window struct{ size, stride, before, out int }

func (a *maskPoolAttrs) windows(x []ops.Dim) ([]window, []ops.Dim, error) {
	n := len(x) - 2
	if n < 1 || n > 3 || len(a.KernelShape) != n {
		return nil, nil, fmt.Errorf("input X is %s and kernel_shape %v; there must be 1 to 3 dimensions, each with a size of the kernel", sym.ShapeString(x), a.KernelShape)
	}
	if len(a.Strides) != 0 && len(a.Strides) != n || len(a.Pads) != 0 && len(a.Pads) != 2*n {
		return nil, nil, fmt.Errorf("strides is %v and pads %v; they must have %d and %d elements", a.Strides, a.Pads, n, 2*n)
	}
	out := append([]ops.Dim{}, x...)
	list := make([]window, n)
	for i := range list {
		w := window{size: a.KernelShape[i], stride: 1}
		after := 0
		if len(a.Strides) > 0 {
			w.stride = a.Strides[i]
		}
		if len(a.Pads) > 0 {
			w.before, after = a.Pads[i], a.Pads[n+i]
		}
		if w.size < 1 || w.stride < 1 || w.before < 0 || after < 0 || w.before >= w.size || after >= w.size {
			return nil, nil, fmt.Errorf("kernel_shape is %v, strides %v and pads %v; sizes and strides must be positive, and the padding smaller than the kernel", a.KernelShape, a.Strides, a.Pads)
		}
		size := x[2+i]
		switch a.AutoPad {
		case "NOTSET", "VALID":
			if a.AutoPad == "VALID" {
				w.before, after = 0, 0
			}
			out[2+i] = size.Add(ops.Num(w.before + after - w.size)).FloorDiv(ops.Num(w.stride)).Add(ops.Num(1))
		case "SAME_UPPER", "SAME_LOWER":
			out[2+i] = size.Add(ops.Num(w.stride - 1)).FloorDiv(ops.Num(w.stride))
			if s, ok := size.Int(); ok {
				o, _ := out[2+i].Int()
				pad := max(0, (int(o)-1)*w.stride+w.size-int(s))
				if w.before = pad / 2; a.AutoPad == "SAME_LOWER" {
					w.before = pad - pad/2
				}
			}
		default:
			return nil, nil, fmt.Errorf("auto_pad is %q; it must be NOTSET, VALID, SAME_UPPER or SAME_LOWER", a.AutoPad)
		}
		if o, ok := out[2+i].Int(); ok {
			w.out = int(o)
		}
		list[i] = w
	}
	return list, out, nil
}

func inferMaskPool(c *ops.Infer, a *maskPoolAttrs) error {
	if a.StorageOrder != 0 {
		return fmt.Errorf("storage_order is %d; it must be 0", a.StorageOrder)
	}
	x, ok := c.Shape(0)
	if !ok {
		return c.OutUnranked(0, tensor.Float32)
	}
	_, out, err := a.windows(x)
	if err != nil {
		return err
	}
	if m, ok := c.Shape(1); ok {
		bad := len(m) != len(x)
		for i := 0; i < len(m) && !bad; i++ {
			bad = differ(m[i], x[i]) && !(i < 2 && m[i].Is(1))
		}
		if bad {
			return fmt.Errorf("mask M is %s; it must be as X, %s, of which the first two dimensions may be 1", sym.ShapeString(m), sym.ShapeString(x))
		}
	}
	return c.Out(0, tensor.Float32, out...)
}

// evalMaskPool takes the largest element of each window; a row of the window ends in front of its first masked element, but for the very first of a
// plane of two or three dimensions, which is never masked.
func evalMaskPool(c *ops.Call, a *maskPoolAttrs) error {
	x, m, y := tensor.View[float32](c.In(0)), tensor.View[int32](c.In(1)), tensor.View[float32](c.Out(0))
	dims, md := c.In(0).Dims(), c.In(1).Dims()
	list, _, err := a.windows(sym.Nums(dims))
	if err != nil {
		return err
	}
	size, out := [3]int{1, 1, 1}, [3]int{1, 1, 1}
	w := [3]window{{size: 1, stride: 1}, {size: 1, stride: 1}, {size: 1, stride: 1}}
	for i, v := range list { // the last dimensions, so that rows are rows
		k := 3 - len(list) + i
		size[k], out[k], w[k] = dims[2+i], v.out, v
	}
	plane, outPlane := size[0]*size[1]*size[2], out[0]*out[1]*out[2]
	free := 0 // the first element of which the mask counts
	if len(list) > 1 {
		free = 1
	}
	return c.For(dims[0]*dims[1], 1, func(lo, hi int) {
		for p := lo; p < hi; p++ {
			src, dst := x[p*plane:][:plane], y[p*outPlane:][:outPlane]
			mask := m[(min(p/dims[1], md[0]-1)*md[1]+min(p%dims[1], md[1]-1))*plane:][:plane]
			for o := range dst {
				at := [3]int{o / (out[1] * out[2]), o / out[2] % out[1], o % out[2]}
				var from, to [3]int
				for k := range 3 {
					start := at[k]*w[k].stride - w[k].before
					from[k], to[k] = max(start, 0), min(start+w[k].size, size[k])
				}
				best := float32(-math.MaxFloat32)
				for i := from[0]; i < to[0]; i++ {
					for j := from[1]; j < to[1]; j++ {
						for l := from[2]; l < to[2]; l++ {
							e := (i*size[1]+j)*size[2] + l
							if e >= free && mask[e] == 0 {
								break
							}
							if src[e] > best {
								best = src[e]
							}
						}
					}
				}
				dst[o] = best
			}
		}
	})
}
