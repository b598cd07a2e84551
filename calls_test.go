package ingot_test

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ingot"
	"ingot/internal/calls"
	"ingot/internal/cases"
	"ingot/internal/num"
	"ingot/internal/onnxpb"
	"ingot/ops"
	"ingot/ops/standard"
	"ingot/tensor"
)

var (
	modelsFor  = flag.Duration("models-for", 0, "how long TestRandomModels draws models; 0: a few of each version of each operator")
	modelsSeed = flag.Uint64("models-seed", 1, "what TestRandomModels draws its models from")
	modelsOf   = flag.String("models-of", "", "draw only models of the operators whose name matches this regular expression")
)

// TestRandomModels makes models of random calls of every version of every operator, and loads and runs them in several ways: panics are faults,
// and so are ways that disagree. For longer, and with other models:
//
//	go test . -run TestRandomModels -models-for 20m -models-seed 7
func TestRandomModels(t *testing.T) {
	each := uint64(6)
	if testing.Short() {
		each = 1
	}
	filter, err := regexp.Compile(*modelsOf)
	if err != nil {
		t.Fatal(err)
	}
	list := slices.DeleteFunc(allVersions(t), func(v opVersion) bool { return !filter.MatchString(v.op.String()) })
	began := time.Now()
	made, ran := 0, 0
	for k := uint64(0); k < each || time.Since(began) < *modelsFor; k++ {
		for i, v := range list {
			made++
			if tryModel(t, v, calls.Bytes(*modelsSeed, k, uint64(i))) {
				ran++
			}
		}
	}
	t.Logf("%d models, of which %d ran", made, ran)
	if *modelsOf == "" && ran*5 < made {
		t.Errorf("hardly a model runs: %d of %d", ran, made)
	}
}

// FuzzModels is TestRandomModels without an end. The first two bytes choose operator and version.
func FuzzModels(f *testing.F) {
	list := allVersions(f)
	for i := range list {
		f.Add(binary.LittleEndian.AppendUint16(nil, uint16(i)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= 2 {
			tryModel(t, list[int(binary.LittleEndian.Uint16(b))%len(list)], b[2:])
		}
	})
}

type opVersion struct {
	op  *ops.Op
	ver *ops.Version
}

func allVersions(t testing.TB) []opVersion {
	set, err := standard.Set()
	if err != nil {
		t.Fatal(err)
	}
	var list []opVersion
	for _, op := range set.All() {
		for _, v := range op.Versions {
			if op.Domain != ops.Internal { // no file may name those
				list = append(list, opVersion{op, v})
			}
		}
	}
	return list
}

// ways are how a model is run. Those that differ in nothing but the threads must give equal bits.
var ways = []struct {
	told    calls.Told
	plain   bool // without passes
	threads int
}{
	{calls.Shapes, false, 1},
	{calls.Shapes, false, 2},
	{calls.Shapes, true, 1},
	{calls.Shapes, true, 2},
	{calls.Ranks, false, 2},
	{calls.Kinds, true, 1},
	{calls.Constants, false, 2},
}

// tryModel reports whether the model ran.
func tryModel(t *testing.T, v opVersion, b []byte) bool {
	t.Helper()
	c := calls.New(v.op, v.ver, b)
	seed := 0
	for _, x := range b {
		seed = seed*31 + int(x)
	}
	var first, last []tensor.Value
	var firstErr error
	for i, way := range ways {
		fail := func(format string, args ...any) bool {
			t.Helper()
			t.Errorf("%s-%d: %s\n%x, way %+v: %s", v.op, v.ver.Since, c, b, way, fmt.Sprintf(format, args...))
			return false
		}
		m := c.Model(way.told, seed)
		if m == nil {
			return false
		}
		file, err := onnxpb.Encode(m)
		if err != nil {
			return false
		}
		out, err := runModel(file, c, way.threads, way.plain)
		if err != nil && strings.Contains(err.Error(), "internal error") {
			return fail("%v", err)
		}
		sameBits := i > 0 && way.told == ways[i-1].told && way.plain == ways[i-1].plain
		switch {
		case i == 0:
			first, firstErr = out, err
		case err != nil && firstErr == nil && !expected(err) && (way.told != calls.Kinds || v.ver == v.op.Newest()):
			return fail("the first way runs, this one doesn't: %v", err)
		case err != nil || firstErr != nil || v.op.Flags&ops.Random != 0:
		default:
			for o := range out {
				if err := alike(first[o], out[o]); err != nil {
					return fail("output %d differs from the first way's: %v", o, err)
				}
				if x, ok := out[o].(*tensor.Tensor); ok && sameBits && last != nil && !x.Equal(last[o].(*tensor.Tensor)) {
					return fail("output %d has other bits with %d threads", o, way.threads)
				}
			}
		}
		last = out
	}
	return firstErr == nil
}

// expected reports whether a model that runs when its file tells all shapes may fail when it doesn't: old versions and contributed operators are
// rewritten while binding, which takes ranks.
func expected(err error) bool {
	s := err.Error()
	return errors.Is(err, context.DeadlineExceeded) || strings.Contains(s, "memory limit") || strings.Contains(s, "must be known")
}

func runModel(b []byte, c *calls.Call, threads int, plain bool) ([]tensor.Value, error) {
	opts := []ingot.Option{ingot.WithMemoryLimit(64 << 20), ingot.WithThreads(threads)}
	if plain {
		opts = append(opts, ingot.WithoutPasses("all"))
	}
	m, err := ingot.LoadBytes(b, opts...)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	in := map[string]tensor.Value{}
	for _, v := range m.Inputs() {
		var i int
		fmt.Sscanf(v.Name, "i%d", &i)
		in[v.Name] = c.In[i]
	}
	res, err := m.RunValues(ctx, in)
	if err != nil {
		return nil, err
	}
	var out []tensor.Value
	for _, v := range m.Outputs() {
		out = append(out, res[v.Name])
	}
	return out, nil
}

// alike compares two outcomes of the same arithmetic. Fused operators and packed constants may round otherwise: float32 by the bound that holds
// for passes, narrower types by two units in the last place.
func alike(a, b tensor.Value) error {
	rtol, atol := 1e-3, 0.0
	if x, ok := a.(*tensor.Tensor); ok && x.DType().IsFloat() {
		switch x.DType() {
		case tensor.Float32, tensor.Float64:
		case tensor.Float16:
			rtol = 1.0 / (1 << 9)
		case tensor.BFloat16:
			rtol = 1.0 / (1 << 6)
		default:
			rtol = 1
		}
		v := make([]float64, x.Len())
		num.Load64(v, x, 0)
		for _, f := range v {
			if f = math.Abs(f); f <= math.MaxFloat64 {
				atol = max(atol, f*1e-4)
			}
		}
	} else {
		rtol = 0
	}
	return cases.Compare(a, b, rtol, atol)
}
