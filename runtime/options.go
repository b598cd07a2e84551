package runtime

import (
	"ingot/internal/ir"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// Logger takes warnings: a message, then keys and values. A *slog.Logger is one.
type Logger interface {
	Warn(msg string, args ...any)
}

// Options say how a model is compiled. The zero value needs only Ops.
type Options struct {
	Ops           *ops.Set         // the operators there are
	Threads       int              // goroutines that work for one Run, the caller included; 0: GOMAXPROCS
	Dims          map[string]int64 // fixes symbolic dimensions of the inputs
	Outputs       []string         // the outputs to compute; empty: all
	Overridable   []string         // initializers that stay inputs, with their value as default
	DisablePasses []string         // optimiser passes to leave out, by name; "all" leaves out all
	MemoryLimit   int64            // bytes that a Run's arena and outputs may take; 0: no limit
	NewerOpset    bool             // try opsets newer than any known
	Strict        bool             // no arithmetic that trades accuracy for speed
	Heap          bool             // every value on the Go heap, none shared or in place: for tests
	Poison        bool             // overwrite each value after its last use: for tests
	Logger        Logger           // nil: no log
	Profile       func(Event)      // nil: no profile

	// Observe is called behind each node of each run with what the shape rule said when the run was planned, and what the kernel gave: for tests.
	Observe func(n *ir.Node, said []sym.Type, gave []tensor.Value)
}

func (o *Options) warn(msg string, args ...any) {
	if o.Logger != nil {
		o.Logger.Warn(msg, args...)
	}
}
