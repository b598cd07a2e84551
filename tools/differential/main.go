// Command differential writes random calls of operators and what Ingot makes of them, for another implementation to be asked the same. Each line
// of its output is a JSON object: the operator and its version, the call in words, a model of a single node, its inputs and the outputs, all in
// ONNX's own form, or the error that Ingot refused it with. reference.py, beside it, reads them.
//
//	go run ./tools/differential -seed 7 -rounds 10             # ten calls of each version of each operator of the standard
//	go run ./tools/differential -for 20m -op '^(Conv|MaxPool)$'
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"time"

	"ingot"
	"ingot/internal/calls"
	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/ops"
	_ "ingot/ops/all"
	"ingot/ops/standard"
	"ingot/tensor"
)

func main() {
	seed := flag.Uint64("seed", 1, "what the calls are drawn from")
	rounds := flag.Uint64("rounds", 1, "how many `CALLS` of each version of each operator")
	long := flag.Duration("for", 0, "draw calls for this long instead")
	op := flag.String("op", "", "only operators whose name matches this `REGEXP`")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *seed, *rounds, *long, *op); err != nil {
		fmt.Fprintln(os.Stderr, "differential:", err)
		os.Exit(1)
	}
}

// line is what one call is written as.
type line struct {
	Op      string
	Version int
	Seed    string   // of the call
	Call    string   // in words
	Model   []byte   // ModelProto
	Inputs  [][]byte // TensorProto, SequenceProto, OptionalProto or MapProto, in the order of the model's inputs
	Kinds   []string // of the outputs: "tensor", "sequence", "optional", "map"
	Outputs [][]byte
	Error   string // nothing was computed, and why
}

func run(ctx context.Context, w io.Writer, seed, rounds uint64, long time.Duration, filter string) error {
	match, err := regexp.Compile(filter)
	if err != nil {
		return err
	}
	set, err := standard.Set()
	if err != nil {
		return err
	}
	buf := bufio.NewWriter(w)
	enc := json.NewEncoder(buf)
	began := time.Now()
	for k := uint64(0); ctx.Err() == nil && (long > 0 && time.Since(began) < long || long == 0 && k < rounds); k++ {
		for i, o := range set.All() {
			if !comparable(o) || !match.MatchString(o.String()) {
				continue
			}
			for j, v := range o.Versions {
				if l := ask(ctx, o, v, calls.Bytes(seed, k, uint64(i), uint64(j))); l != nil {
					if err := enc.Encode(l); err != nil {
						return err
					}
				}
			}
		}
		if err := buf.Flush(); err != nil {
			return err
		}
	}
	return buf.Flush()
}

// comparable reports whether an operator is the standard's, and gives the same result each time.
func comparable(o *ops.Op) bool {
	return (o.Domain == "" || strings.HasPrefix(o.Domain, "ai.onnx")) && o.Flags&ops.Random == 0
}

// ask draws a call and computes it; nil when no file can express it.
func ask(ctx context.Context, o *ops.Op, v *ops.Version, b []byte) *line {
	c := calls.Tame(o, v, b)
	told := calls.Shapes
	if b[3]&1 == 1 {
		told = calls.Constants
	}
	m := c.Model(told, int(b[1])|int(b[3])<<8)
	if m == nil {
		return nil
	}
	l := &line{Op: o.String(), Version: v.Since, Seed: fmt.Sprintf("%x", b), Call: c.String()}
	file, err := onnxpb.Encode(m)
	if err != nil {
		return nil
	}
	l.Model = file
	in := map[string]tensor.Value{}
	for _, g := range m.Graph.Inputs {
		var i int
		fmt.Sscanf(g.Name, "i%d", &i)
		in[g.Name] = c.In[i]
		p, err := onnxpb.EncodeValue(c.In[i], g.Name)
		if err != nil {
			return nil
		}
		l.Inputs = append(l.Inputs, p)
	}
	out, err := compute(ctx, file, in)
	if err != nil {
		l.Error = err.Error()
		return l
	}
	for _, g := range m.Graph.Outputs {
		v := out[g.Name]
		p, err := onnxpb.EncodeValue(v, g.Name)
		if err != nil {
			return nil
		}
		l.Outputs, l.Kinds = append(l.Outputs, p), append(l.Kinds, kind(v))
		g.Type = calls.FileType(v, calls.Kinds, g.Name)
	}
	// With the types of the outputs, which the reference has no use for but other readers do.
	if l.Model, err = onnxpb.Encode(&loader.Model{IRVersion: m.IRVersion, Opsets: m.Opsets, Graph: m.Graph}); err != nil {
		return nil
	}
	return l
}

func kind(v tensor.Value) string {
	switch v.(type) {
	case *tensor.Sequence:
		return "sequence"
	case *tensor.Optional:
		return "optional"
	case *tensor.Map:
		return "map"
	}
	return "tensor"
}

func compute(ctx context.Context, file []byte, in map[string]tensor.Value) (map[string]tensor.Value, error) {
	m, err := ingot.LoadBytes(file, ingot.WithMemoryLimit(64<<20), ingot.WithThreads(1))
	if err != nil {
		return nil, err
	}
	defer m.Close()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return m.RunValues(ctx, in)
}
