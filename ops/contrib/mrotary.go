package contrib

import (
	"fmt"

	"ingot/ops"
	"ingot/tensor"
)

type mRotaryAttrs struct {
	Interleaved        bool    `onnx:",0"`
	IsPackedBatching   int     `onnx:",0"`
	MropeLayout        int     `onnx:",0"`
	MropeSection       []int   `onnx:",required"`
	NumHeads           int     `onnx:",0"`
	RotaryEmbeddingDim int     `onnx:",0"`
	Scale              float32 `onnx:",1"`
}

// mRotary turns pairs of elements by angles that come from three positions: of time, height and width. Which of them an angle is taken from depends
// on its place; with all angles together the operator is the standard's.
var mRotary = expand("MRotaryEmbedding", "input:T, position_ids:M, cos_cache:T, sin_cache:T", "output:T", "T="+floatT+"; M=int64", func(g graph, a *mRotaryAttrs) error {
	from, err := a.sources()
	if err != nil {
		return err
	}
	rank, err := g.rank(0, "input")
	if err != nil {
		return err
	}
	switch {
	case rank != 3 && rank != 4:
		return fmt.Errorf("input has %d dimensions; it must have 3 or 4", rank)
	case rank == 3 && a.NumHeads < 1:
		return fmt.Errorf("num_heads is %d; for an input of 3 dimensions it must be positive", a.NumHeads)
	case a.RotaryEmbeddingDim != 0 && a.RotaryEmbeddingDim != 2*len(from):
		return fmt.Errorf("mrope_section is %v; its sum must be half of rotary_embedding_dim, %d", a.MropeSection, a.RotaryEmbeddingDim)
	case a.Scale != 1:
		return fmt.Errorf("attribute scale is %v; only 1 is computed: what another scale would do isn't specified", a.Scale)
	}
	positions := g.Ops("Split", attrs("num_outputs", 3, "axis", 0), 3, g.In(1))
	angles := func(cache ops.Ref) ops.Ref {
		var parts [3]ops.Ref // [batch, tokens, angles] by each position
		for i := range parts {
			parts[i] = g.Op("Gather", nil, cache, g.Op("Squeeze", nil, positions[i], g.ints(0)))
		}
		out := parts[0]
		for i := 1; i < 3; i++ {
			mask := make([]bool, len(from))
			any := false
			for k, f := range from {
				mask[k] = f == i
				any = any || mask[k]
			}
			if any {
				out = g.Op("Where", nil, g.Const(tensor.Of(mask, len(mask))), parts[i], out)
			}
		}
		return out
	}
	at := attrs("interleaved", a.Interleaved, "rotary_embedding_dim", a.RotaryEmbeddingDim)
	if rank == 3 {
		at["num_heads"] = ops.IntAttr(a.NumHeads)
	}
	return g.SetOut(0, g.Op("RotaryEmbedding", at, g.In(0), angles(g.In(2)), angles(g.In(3))))
})

// sources tells for each angle which of the three positions it belongs to.
func (a *mRotaryAttrs) sources() ([]int, error) {
	s := a.MropeSection
	if len(s) != 3 || min(s[0], s[1], s[2]) < 0 || max(s[0], s[1], s[2]) > 1<<16 || s[0]+s[1]+s[2] == 0 {
		return nil, fmt.Errorf("mrope_section is %v; it must be three numbers of angles, none negative", s)
	}
	from := make([]int, s[0]+s[1]+s[2])
	for k := range from {
		switch {
		case a.MropeLayout == 0 && k >= s[0]+s[1]:
			from[k] = 2
		case a.MropeLayout == 0 && k >= s[0]:
			from[k] = 1
		case a.MropeLayout == 1 && k%3 > 0 && k < 3*s[k%3]:
			from[k] = k % 3
		case a.MropeLayout != 0 && a.MropeLayout != 1:
			return nil, fmt.Errorf("mrope_layout is %d; it must be 0 (sections) or 1 (interleaved)", a.MropeLayout)
		}
	}
	return from, nil
}
