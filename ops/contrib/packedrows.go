package contrib

import (
	"encoding/binary"
	"fmt"
	"math"

	"ingot/internal/num"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/ops/contrib/internal/ggml"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

// packedOps have weights in blocks of bytes that hold their scales too.
var packedOps = []*ops.Op{
	ops.Def(ops.Spec[gatherPackedAttrs]{
		Name: "GatherPacked", Domain: domain, Vers: since1, In: "data:T1, indices:Tind", Out: "output:T2",
		Types: "T1=uint8; T2=bfloat16|float16|float; Tind=int32|int64",
		Infer: inferGatherPacked, Eval: evalGatherPacked,
	}),
	ops.Def(ops.Spec[fpQ4Attrs]{
		Name: "MatMulFpQ4", Domain: domain, Vers: since1, In: "A:T1, B:T2, B_shape:T3", Out: "Y:T1", Types: "T1=float; T2=uint8; T3=int64",
		Infer: inferFpQ4, Bind: bindFpQ4,
	}),
}

type gatherPackedAttrs struct {
	K           int `onnx:"K,required"`
	OutputDtype int `onnx:",16"`
	PackedType  int `onnx:",required"`
}

// format returns the format and how many bytes a row has.
func (a *gatherPackedAttrs) format() (ggml.Format, int, error) {
	f, ok := ggml.Formats[a.PackedType]
	if !ok {
		return f, 0, fmt.Errorf("packed_type is %d, a format that isn't read", a.PackedType)
	}
	if a.K < 1 || a.K > 1<<30 || a.K%f.Block != 0 {
		return f, 0, fmt.Errorf("attribute K is %d; it must be a positive multiple of %d", a.K, f.Block)
	}
	return f, a.K / f.Block * f.Bytes, nil
}

func inferGatherPacked(c *ops.Infer, a *gatherPackedAttrs) error {
	_, row, err := a.format()
	if err != nil {
		return err
	}
	dt := tensor.DType(a.OutputDtype)
	if a.OutputDtype < 0 || a.OutputDtype > 255 || dt != tensor.Float32 && dt != tensor.Float16 && dt != tensor.BFloat16 {
		return fmt.Errorf("output_dtype is %d; it must be 1 (float), 10 (float16) or 16 (bfloat16)", a.OutputDtype)
	}
	if s, ok := c.Shape(0); ok && (len(s) != 2 || differ(s[1], ops.Num(row))) {
		return fmt.Errorf("data is %s; it must be rows of %d bytes", sym.ShapeString(s), row)
	}
	s, ok := c.Shape(1)
	if !ok {
		return c.OutUnranked(0, dt)
	}
	return c.Out(0, dt, append(append([]ops.Dim{}, s...), ops.Num(a.K))...)
}

// evalGatherPacked unpacks rows. An index that is none takes the first row.
func evalGatherPacked(c *ops.Call, a *gatherPackedAttrs) error {
	f, bytes, err := a.format()
	if err != nil {
		return err
	}
	data, y := tensor.View[uint8](c.In(0)), c.Out(0)
	ids, err := ops.Int64s(c.In(1))
	if err != nil {
		return err
	}
	rows := c.In(0).Dims()[0]
	if rows == 0 && len(ids) > 0 {
		return fmt.Errorf("data has no rows")
	}
	return c.For(len(ids), max(1, 1<<14/a.K), func(lo, hi int) {
		buf := make([]float32, a.K)
		for i := lo; i < hi; i++ {
			at := 0
			if ids[i] >= 0 && ids[i] < int64(rows) {
				at = int(ids[i])
			}
			f.Row(buf, data[at*bytes:][:bytes])
			num.Store32(y, i*a.K, buf)
		}
	})
}

type fpQ4Attrs struct {
	BlkQuantType int `onnx:",1"`
}

// fpQ4Block is the number of elements of a block, of a column.
const fpQ4Block = 32

// bytes is the size of a block: a scale, perhaps a zero point, and 4 bits for each element.
func (a *fpQ4Attrs) bytes() int { return 4 + a.BlkQuantType + fpQ4Block/2 }

func inferFpQ4(c *ops.Infer, a *fpQ4Attrs) error {
	if a.BlkQuantType != 0 && a.BlkQuantType != 1 {
		return fmt.Errorf("blk_quant_type is %d; only 0 and 1, blocks of 32 without and with zero points, are computed", a.BlkQuantType)
	}
	x, ok := c.Shape(0)
	shape, known := c.Ints(2)
	if known && (len(shape) != 2 || shape[0] < 1 || shape[1] < 1 || shape[0] > 1<<30 || shape[1] > 1<<30) {
		return fmt.Errorf("input B_shape is %v; it must be two positive numbers, K and N", shape)
	}
	if !ok || !known {
		if ok {
			return c.OutRank(0, tensor.Float32, len(x))
		}
		return c.OutUnranked(0, tensor.Float32)
	}
	blocks := (shape[0] + fpQ4Block - 1) / fpQ4Block
	if err := checkDims(c, 1, "B", ops.Num(shape[1]*blocks*int64(a.bytes()))); err != nil {
		return err
	}
	return inferRows(c, int(shape[0]), int(shape[1]))
}

type fpQ4Kernel struct {
	rowsOfBits
	attrs  *fpQ4Attrs
	packed []byte
}

func bindFpQ4(b *ops.Bind, a *fpQ4Attrs) (ops.Kernel, error) {
	x, y := b.Dims(0), b.OutDims(0)
	if len(x) == 0 || len(y) == 0 {
		return nil, fmt.Errorf("input B_shape isn't known")
	}
	k := &fpQ4Kernel{attrs: a}
	var room wide.Room[float32]
	k.lay(b, &room, x[len(x)-1], y[len(y)-1], 0)
	k.unpack = k.row
	room.Claim(b)
	return k, nil
}

// Run multiplies.
func (k *fpQ4Kernel) Run(c *ops.Call) error {
	k.packed = tensor.View[uint8](c.In(1))
	return k.run(c, wide.Open[float32](c))
}

// row unpacks column n. A byte has an element of a block's first half below and one of the second above.
func (k *fpQ4Kernel) row(dst []float32, n int) {
	bytes := k.attrs.bytes()
	blocks := (k.k + fpQ4Block - 1) / fpQ4Block
	for i := range blocks {
		b := k.packed[(n*blocks+i)*bytes:][:bytes]
		scale, zero := math.Float32frombits(binary.LittleEndian.Uint32(b)), 8
		if k.attrs.BlkQuantType == 1 {
			zero = int(b[4])
		}
		out, data := dst[i*fpQ4Block:], b[bytes-fpQ4Block/2:]
		for j := range min(fpQ4Block, len(out)) {
			out[j] = scale * float32(int(data[j%16]>>(4*(j/16))&15)-zero)
		}
	}
}
