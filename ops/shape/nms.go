package shape

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type nmsAttrs struct {
	CenterPointBox bool `onnx:",0"`
}

var _ = Ops.Add(ops.Def(ops.Spec[nmsAttrs]{
	Name: "NonMaxSuppression",
	In:   "boxes:float, scores:float, max_output_boxes_per_class:int64?, iou_threshold:float?, score_threshold:float?", Out: "selected_indices:int64",
	Vers: []ops.Ver{{Since: 11}, {Since: 10}},
	Infer: func(c *ops.Infer, _ *nmsAttrs) error {
		for i, last := range []int64{4, -1} {
			s, ok := c.Shape(i)
			if ok && (len(s) != 3 || last > 0 && s[2].Known() && !s[2].Is(last)) {
				return fmt.Errorf("%s has shape %s, must be %s", []string{"boxes", "scores"}[i], sym.ShapeString(s),
					[]string{"[batches,boxes,4]", "[batches,classes,boxes]"}[i])
			}
		}
		return c.Out(0, tensor.Int64, c.Fresh(), ops.Num(3))
	},
	Eval: evalNMS,
}))

// box is two corners, the lesser one first, and the area between.
type box struct{ y0, x0, y1, x1, area float32 }

func boxOf(v []float32, center bool) box {
	b := box{v[0], v[1], v[2], v[3], 0}
	if center { // x, y, width, height
		b = box{v[1] - v[3]/2, v[0] - v[2]/2, v[1] + v[3]/2, v[0] + v[2]/2, 0}
	}
	b.y0, b.y1 = min(b.y0, b.y1), max(b.y0, b.y1)
	b.x0, b.x1 = min(b.x0, b.x1), max(b.x0, b.x1)
	b.area = (b.y1 - b.y0) * (b.x1 - b.x0)
	return b
}

// overlaps reports whether the intersection over the union is greater than a threshold.
func (b *box) overlaps(o *box, threshold float32) bool {
	h := min(b.y1, o.y1) - max(b.y0, o.y0)
	w := min(b.x1, o.x1) - max(b.x0, o.x0)
	if !(h > 0 && w > 0) || !(b.area > 0 && o.area > 0) {
		return false
	}
	both := h * w
	return both/(b.area+o.area-both) > threshold
}

// suppressor finds the boxes of one class that no better one overlaps.
type suppressor struct {
	boxes, scores  []float32
	spatial        int
	classes        int
	most           int
	iou, threshold float32
	center         bool
	out            [][]int32 // by batch and class
}

func evalNMS(c *ops.Call, a *nmsAttrs) error {
	boxes, scores := c.In(0).Dims(), c.In(1).Dims()
	if boxes[0] != scores[0] || boxes[1] != scores[2] {
		return fmt.Errorf("boxes are %s, but scores are %s", c.In(0), c.In(1))
	}
	s := &suppressor{boxes: tensor.View[float32](c.In(0)), scores: tensor.View[float32](c.In(1)), spatial: boxes[1], classes: scores[1],
		center: a.CenterPointBox, threshold: float32(math.Inf(-1)), out: make([][]int32, scores[0]*scores[1])}
	if c.Has(2) {
		v, err := tensor64(c.In(2), 1, "max_output_boxes_per_class")
		if err != nil {
			return err
		}
		s.most = int(max(0, min(v[0], int64(s.spatial))))
	}
	for i, p := range []*float32{3: &s.iou, 4: &s.threshold} {
		if p == nil || !c.Has(i) {
			continue
		}
		v, err := scalar64(c.In(i), []string{3: "iou_threshold", 4: "score_threshold"}[i])
		if err != nil {
			return err
		}
		*p = float32(v)
	}
	if !(s.iou >= 0 && s.iou <= 1) {
		return fmt.Errorf("iou_threshold %g is outside of [0,1]", s.iou)
	}
	if s.most > 0 {
		if err := c.For(len(s.out), max(1, 1<<12/s.spatial), s.run); err != nil {
			return err
		}
	}
	n := 0
	for _, list := range s.out {
		n += len(list)
	}
	y, err := c.OutOrAlloc(0, tensor.Int64, n, 3)
	if err != nil {
		return err
	}
	v := tensor.View[int64](y)
	for k, list := range s.out {
		for _, i := range list {
			v[0], v[1], v[2] = int64(k/s.classes), int64(k%s.classes), int64(i)
			v = v[3:]
		}
	}
	return nil
}

func (s *suppressor) run(lo, hi int) {
	var list []int // candidates
	var kept []box
	for k := lo; k < hi; k++ {
		list, kept = list[:0], kept[:0]
		scores := s.scores[k*s.spatial : (k+1)*s.spatial]
		for i, v := range scores {
			if v > s.threshold {
				list = append(list, i)
			}
		}
		slices.SortFunc(list, func(a, b int) int {
			return cmp.Or(cmp.Compare(scores[b], scores[a]), cmp.Compare(a, b))
		})
		boxes := s.boxes[k/s.classes*s.spatial*4:]
	next:
		for _, c := range list {
			if len(kept) == s.most {
				break
			}
			b := boxOf(boxes[c*4:][:4], s.center)
			for j := range kept {
				if b.overlaps(&kept[j], s.iou) {
					continue next
				}
			}
			kept = append(kept, b)
			s.out[k] = append(s.out[k], int32(c))
		}
	}
}
