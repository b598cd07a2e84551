package runtime

import (
	"time"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// Event is one execution of a node, for profiles.
type Event struct {
	Node  string // as the file has it
	Name  string
	Op    *ops.Op
	Start time.Time
	Time  time.Duration
	Ins   []string // types
	Outs  []string
	Bytes int64 // read and written, weights included
}

func newEvent(bs *boundStep, began time.Time) Event {
	e := Event{Time: time.Since(began), Start: began, Node: bs.step.node.Origin.Node, Name: bs.step.node.Origin.Name, Op: bs.step.node.Op}
	describe := func(vs []tensor.Value) []string {
		out := make([]string, len(vs))
		for i, v := range vs {
			if v == nil {
				continue
			}
			t := sym.TypeOf(v, false)
			out[i] = t.String()
			if x, ok := v.(*tensor.Tensor); ok {
				e.Bytes += int64(len(x.Bytes()))
			}
		}
		return out
	}
	e.Ins, e.Outs = describe(bs.call.Ins), describe(bs.call.Outs)
	return e
}
