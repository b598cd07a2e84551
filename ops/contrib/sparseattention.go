package contrib

import (
	"fmt"
	"math"

	"ingot/ops"
	"ingot/tensor"
)

type sparseAttentionAttrs struct {
	DoRotary          bool `onnx:",0"`
	KvNumHeads        int  `onnx:",required"`
	NumHeads          int  `onnx:",required"`
	RotaryInterleaved bool `onnx:",0"`
	Scale             *float32
	SparseBlockSize   int `onnx:",required"`
}

// The inputs of SparseAttention behind the caches.
const sparseRows, sparseCols, sparseTotal, sparseLens, sparseCos, sparseSin = 5, 6, 7, 8, 9, 10

// sparseAttention is attention with a cache where a query sees some blocks of the keys only: GroupQueryAttention with what isn't seen hidden by a
// bias. Blocks are listed row by row, for each of several layouts, which the heads take in turn.
var sparseAttention = expand("SparseAttention",
	"query:T, key:T?, value:T?, past_key:T, past_value:T, block_row_indices:M, block_col_indices:M, total_sequence_length:M, key_total_sequence_lengths:M, cos_cache:T?, sin_cache:T?",
	"output:T, present_key:T, present_value:T", "T="+floatT+"; M=int32", func(g graph, a *sparseAttentionAttrs) error {
		if a.NumHeads < 1 || a.KvNumHeads < 1 || a.NumHeads%a.KvNumHeads != 0 {
			return fmt.Errorf("num_heads is %d and kv_num_heads %d; the first must be a multiple of the second", a.NumHeads, a.KvNumHeads)
		}
		if a.SparseBlockSize < 1 {
			return fmt.Errorf("sparse_block_size is %d; it must be positive", a.SparseBlockSize)
		}
		one := g.Const(tensor.Scalar(int32(1)))
		lens := g.Op("Sub", nil, g.In(sparseLens), one)
		at := attrs("num_heads", a.NumHeads, "kv_num_heads", a.KvNumHeads, "do_rotary", a.DoRotary, "rotary_interleaved", a.RotaryInterleaved)
		if a.Scale != nil {
			at["scale"] = ops.FloatAttr(*a.Scale)
		}
		total := g.Op("Reshape", nil, g.In(sparseTotal), g.ints(1))
		out := g.Ops(domain+".GroupQueryAttention", at, 3, g.In(0), g.In(1), g.In(2), g.In(3), g.In(4), lens, total,
			g.In(sparseCos), g.In(sparseSin), nil, g.hiddenBlocks(a, total))
		for o, v := range out {
			if g.Wants(o) {
				if err := g.SetOut(o, v); err != nil {
					return err
				}
			}
		}
		return nil
	})

// hiddenBlocks is a bias for each head, query and key: 0 where the key's block is among those of the query's, else a number that leaves nothing of a
// score.
func (g graph) hiddenBlocks(a *sparseAttentionAttrs, total ops.Ref) ops.Ref {
	number := func(v int32) ops.Ref { return g.Const(tensor.Scalar(v)) }
	count := func(n ops.Ref) ops.Ref { // 0, 1, … as int32
		return g.Op("Range", nil, number(0), g.Op("Squeeze", nil, g.cast(n, tensor.Int32)), number(1))
	}
	size := func(v ops.Ref, axis int) ops.Ref { return g.Op("Shape", attrs("start", axis, "end", axis+1), v) }
	after := func(v ops.Ref, axes ...int64) ops.Ref { return g.Op("Unsqueeze", nil, v, g.ints(axes...)) }
	block := number(int32(a.SparseBlockSize))

	// Whether row r of a layout lists column c: the product of whether place j of the list is the row's, and holds the column.
	rows, cols := g.In(sparseRows), g.In(sparseCols)
	from := g.Op("Slice", nil, rows, g.ints(0), g.ints(-1), g.ints(1))
	to := g.Op("Slice", nil, rows, g.ints(1), g.ints(math.MaxInt64), g.ints(1))
	places := count(size(cols, 1))
	mine := g.Op("And", nil, g.Op("GreaterOrEqual", nil, places, after(from, 2)), g.Op("Less", nil, places, after(to, 2)))
	holds := g.Op("Equal", nil, after(cols, 2), count(size(from, 1)))
	seen := g.Op("MatMul", nil, g.cast(mine, tensor.Float32), g.cast(holds, tensor.Float32)) // [layouts, rows, columns]

	// Rows by the queries' places: the first prompt begins at 0, later queries are a sequence's last.
	queries := g.cast(size(g.In(0), 1), tensor.Int32)
	first := g.Op("Where", nil, g.Op("Equal", nil, queries, total), number(0), g.Op("Sub", nil, g.In(sparseLens), queries))
	at := g.add(after(first, 1), count(queries)) // [batch, queries]
	keys := count(total)
	seen = g.Op("Gather", attrs("axis", 1), seen, g.Op("Div", nil, at, block))
	seen = g.Op("Gather", attrs("axis", 3), seen, g.Op("Div", nil, keys, block)) // [layouts, batch, queries, keys]
	heads := g.Op("Mod", nil, count(g.ints(int64(a.NumHeads))), g.cast(size(rows, 0), tensor.Int32))
	seen = g.Op("Transpose", attrs("perm", []int{1, 0, 2, 3}), g.Op("Gather", nil, seen, heads))
	like := g.In(0)
	return g.Op("Where", nil, g.Op("Greater", nil, seen, g.scalar(0.5, seen)), g.scalar(0, like), g.scalar(-60000, like))
}
