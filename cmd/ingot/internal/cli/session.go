package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ingot"
	"ingot/cmd/ingot/internal/feed"
)

// inputFlags are the flags that say what a model's inputs are.
type inputFlags struct {
	inputs []string
	data   string
	dims   []string
	ranges []string
	images []string
	seed   uint64
}

func (f *inputFlags) register(a *app, cmd *cobra.Command) {
	s := cmd.Flags()
	s.StringArrayVarP(&f.inputs, "input", "i", nil, "an input, `NAME=VALUE`: x=@a.npy, x=@cat.png, x=1,2,3, x=rand … (ingot help inputs)")
	s.StringVar(&f.data, "data", "", "`folder` with the inputs: test_data_set_0, or one with an index.json")
	s.StringArrayVarP(&f.dims, "dim", "d", nil, "size of an open dimension, `NAME=N`: batch=4, or x.batch=4, or x.0=4")
	s.StringArrayVar(&f.ranges, "range", nil, "range of a random input, `NAME=LOW:HIGH`: x=0:10")
	s.StringArrayVar(&f.images, "image", nil, "how a picture becomes an input, `NAME:SETTINGS`: x:rgb,224x224,scale=1/255,mean=A/B/C,std=A/B/C")
	s.Uint64Var(&f.seed, "seed", 0, "seed of random inputs, a `number`")
	a.completeFromModel(cmd, "input", func(m *modelNames) []string { return suffixed(m.inputs, "=") })
	a.completeFromModel(cmd, "dim", func(m *modelNames) []string { return suffixed(m.dims, "=") })
	a.completeFromModel(cmd, "range", func(m *modelNames) []string { return suffixed(m.inputs, "=") })
	a.completeFromModel(cmd, "image", func(m *modelNames) []string { return suffixed(m.inputs, ":") })
}

// request is what package feed is asked for. missing is what inputs that aren't given are: "rand", or "" for an error.
func (f *inputFlags) request(a *app, missing string) feed.Request {
	return feed.Request{Inputs: f.inputs, Data: f.data, Dims: f.dims, Ranges: f.ranges, Images: f.images, Seed: f.seed, Missing: missing, Stdin: a.stdin}
}

// build makes the inputs, and says what was assumed.
func (f *inputFlags) build(a *app, m *ingot.Model, missing string) (*feed.Feed, error) {
	in, err := feed.Build(feed.Model{Inputs: m.Inputs(), Metadata: m.Metadata()}, f.request(a, missing))
	if err != nil {
		return nil, err
	}
	a.tellAssumed(in, f.seed)
	return in, nil
}

func (a *app) tellAssumed(in *feed.Feed, seed uint64) {
	if len(in.Ones) > 0 {
		a.warn("open dimensions that nothing sets are taken as 1: %s; -d sets them", strings.Join(in.Ones, "; "))
	}
	if len(in.Random) > 0 {
		a.note("random inputs: %s (seed %d)", strings.Join(in.Random, ", "), seed)
	}
}

// execFlags are the flags that say how a model is run.
type execFlags struct {
	threads    int
	timeout    time.Duration
	noOptimize bool
	memory     string
	newer      bool
	via        via
}

func (f *execFlags) register(cmd *cobra.Command) {
	s := cmd.Flags()
	if s.Lookup("threads") == nil {
		s.IntVar(&f.threads, "threads", 0, "goroutines that work for one run, a `number`; 0: as many as there are processors")
	}
	s.DurationVar(&f.timeout, "timeout", 0, "time limit, such as 30s; exit code 124 when it passes")
	s.BoolVar(&f.noOptimize, "no-optimize", false, "leave out all optimiser passes")
	s.StringVar(&f.memory, "memory-limit", "", "most memory for the values of a run, an `amount` such as 500MB")
	f.via.register(s)
	s.BoolVar(&f.newer, "newer-opset", false, "try a model of a newer opset than any known")
}

// options are those for loading a model.
func (f *execFlags) options(a *app) ([]ingot.Option, error) {
	if f.threads < 0 {
		return nil, usage("--threads %d: there are no negative threads", f.threads)
	}
	opts := []ingot.Option{ingot.WithThreads(f.threads), ingot.WithLogger(a.log)}
	if f.noOptimize {
		opts = append(opts, ingot.WithoutPasses("all"))
	}
	if f.newer {
		opts = append(opts, ingot.WithNewerOpset())
	}
	if f.memory != "" {
		n, err := parseBytes(f.memory)
		if err != nil {
			return nil, err
		}
		opts = append(opts, ingot.WithMemoryLimit(n))
	}
	return opts, nil
}

// limit applies --timeout.
func (f *execFlags) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if f.timeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, f.timeout, errTimeout)
}

// load loads a model.
func (f *execFlags) load(a *app, path string) (*ingot.Model, error) {
	opts, err := f.options(a)
	if err != nil {
		return nil, err
	}
	m, nodes, err := f.via.load(path, opts...)
	if err != nil {
		return nil, loading(err)
	}
	if nodes > 0 {
		a.detail("a Gorgonia graph of %s, weights and inputs included", plural(nodes, "node"))
	}
	return m, nil
}

var byteUnits = []struct {
	name string
	size float64
}{{"KIB", 1 << 10}, {"MIB", 1 << 20}, {"GIB", 1 << 30}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}, {"", 1}}

// parseBytes reads "500MB", "2GiB", "1000000".
func parseBytes(text string) (int64, error) {
	upper := strings.ToUpper(strings.TrimSpace(text))
	for _, u := range byteUnits {
		digits, ok := strings.CutSuffix(upper, u.name)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
		if err != nil || !(v*u.size >= 1) || v*u.size > 1<<62 {
			break
		}
		return int64(v * u.size), nil
	}
	return 0, usage("%q isn't an amount of memory", text).withHint("for example 500MB or 2GiB")
}

// runModel runs a model once. Errors about nodes are told as what they are: failures at run time.
func runModel(ctx context.Context, m *ingot.Model, in *feed.Feed) (feedOutputs, error) {
	out, err := m.RunValues(ctx, in.Values)
	if err != nil {
		if cause := ctxError(ctx); cause != nil {
			return nil, cause
		}
		return nil, err
	}
	list := make(feedOutputs, 0, len(out))
	for _, v := range m.Outputs() {
		list = append(list, namedValue{v.Name, out[v.Name]})
	}
	return list, nil
}

func suffixed(list []string, suffix string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = s + suffix
	}
	return out
}

// modelNames are what completion offers.
type modelNames struct{ inputs, dims, outputs []string }

// completeFromModel completes a flag's value with names from the model that stands on the command line.
func (a *app) completeFromModel(cmd *cobra.Command, flag string, pick func(*modelNames) []string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, func(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if strings.Contains(typed, "=") || len(args) == 0 {
			return nil, cobra.ShellCompDirectiveDefault // a file's name
		}
		m, err := openModel(args[0])
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		defer m.Close()
		var n modelNames
		for _, v := range m.Graph.Inputs {
			if m.Graph.Initializer(v.Name) != nil {
				continue
			}
			n.inputs = append(n.inputs, v.Name)
			for _, d := range v.Type.Dims {
				if d.Sym != "" && !slices.Contains(n.dims, d.Sym) {
					n.dims = append(n.dims, d.Sym)
				}
			}
		}
		for _, v := range m.Graph.Outputs {
			n.outputs = append(n.outputs, v.Name)
		}
		return pick(&n), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	})
}

// completeModels completes the name of a model's file.
func completeModels(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return []string{"onnx", "pt", "pth", "pt2", "safetensors"}, cobra.ShellCompDirectiveFilterFileExt
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3g s", d.Seconds()) }
