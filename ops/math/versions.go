package math

import (
	"errors"
	"fmt"

	"ingot/ops"
	"ingot/tensor"
)

// consumed is version 1 of most operators: an optimiser's hint that never had a meaning.
var consumed = ops.Ver{Since: 1, Attrs: "+consumed_inputs:ints", Up: ops.DropAttrs("consumed_inputs")}

// The histories that many operators share.
var (
	since13and6  = []ops.Ver{{Since: 13}, {Since: 6, Types: "T=floats"}, consumed}
	since22and7  = []ops.Ver{{Since: 22}, {Since: 7, Types: "T=floats"}}
	since22and9  = []ops.Ver{{Since: 22}, {Since: 9, Types: "T=floats"}}
	since22and11 = []ops.Ver{{Since: 22}, {Since: 11, Types: "T=floats"}}
	since22and6  = []ops.Ver{{Since: 22}, {Since: 6, Types: "T=floats"}, consumed}
	since22and1  = []ops.Ver{{Since: 22}, {Since: 1, Types: "T=floats"}}
	sinceArith   = []ops.Ver{{Since: 14}, {Since: 13, Types: "T=math4"}, {Since: 7, Types: "T=math"}, legacyBroadcast(6, ""), legacyConsumed}
	sinceLogical = []ops.Ver{{Since: 7}, legacyBroadcast(1, "")}

	sinceAbs  = []ops.Ver{{Since: 13}, {Since: 6, Types: "T=num"}, legacyConsumed}
	sinceNeg  = []ops.Ver{{Since: 13}, {Since: 6, Types: "T=floats|sints"}, legacyConsumed}
	sinceSign = []ops.Ver{{Since: 13}, {Since: 9, Types: "T=num"}}
	sinceErf  = []ops.Ver{{Since: 13}, {Since: 9, Types: "T=num"}}

	legacyConsumed = ops.Ver{Since: 1, Types: "T=floats", Attrs: "+consumed_inputs:ints", Up: ops.DropAttrs("consumed_inputs")}
)

// legacyBroadcast is a version of a binary operator in which only B was broadcast, when the attribute broadcast said so, and stood beside
// A's dimensions from axis on.
func legacyBroadcast(since int, types string) ops.Ver {
	return ops.Ver{Since: since, Types: types, Attrs: "+axis:int +broadcast:int=0", Up: alignB}
}

// alignB puts ones behind B's dimensions, so that today's alignment of the last dimensions says what axis said.
func alignB(r *ops.Rewrite) error {
	axis, broadcast := r.Take("axis"), r.Take("broadcast")
	a, b := r.Type(0), r.Type(1)
	if broadcast == nil || broadcast.I == 0 {
		if a.Ranked && b.Ranked && a.Rank() != b.Rank() {
			return fmt.Errorf("shapes of rank %d and %d need the attribute broadcast in this version", a.Rank(), b.Rank())
		}
		return nil
	}
	if axis == nil {
		return nil
	}
	if !a.Ranked || !b.Ranked {
		return errors.New("attribute axis: the ranks of both inputs must be known to honour it")
	}
	rank := int64(a.Rank())
	k := axis.I
	if k < 0 {
		k += rank
	}
	pad := 0
	if k >= 0 && k <= rank {
		pad = int(rank-k) - b.Rank()
	}
	if k < 0 || k > rank || pad < 0 {
		return fmt.Errorf("attribute axis: %d leaves no room for %d dimensions in rank %d", axis.I, b.Rank(), a.Rank())
	}
	return appendOnes(r, 1, b.Rank(), pad)
}

// appendOnes unsqueezes an input of the given rank so that n dimensions of 1 follow.
func appendOnes(r *ops.Rewrite, input, rank, n int) error {
	if n == 0 {
		return nil
	}
	axes := make([]int64, n)
	for i := range axes {
		axes[i] = int64(rank + i)
	}
	out, err := r.Graph.Emit("Unsqueeze", nil, 1, r.Input(input), r.Graph.Const(tensor.Of(axes)))
	if err != nil {
		return err
	}
	r.SetInput(input, out[0])
	return nil
}
