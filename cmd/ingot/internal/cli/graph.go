package cli

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"ingot"
	"ingot/bridge/exprgraph"
	"ingot/bridge/exprgraph/draw"
	"ingot/cmd/ingot/internal/feed"
	"ingot/internal/atomicfile"
	"ingot/internal/near"
	"ingot/loader"
)

// graphFlags are those of ingot graph.
type graphFlags struct {
	outputs []string
	format  string
	dims    []string
	bodies  bool
	hops    int
	draw.Options
	source sourceFlags
}

func (a *app) graphCommand() *cobra.Command {
	f := &graphFlags{}
	cmd := &cobra.Command{
		Use:   "graph MODEL [-o FILE.svg | -o FILE.dot]",
		Short: "Draw a model, as SVG or for Graphviz",
		Long: `Draw the graph that runs, as loaded and before any optimisation.

Operators show their attributes and weights, edges the types and shapes of values, and
what belongs together by name stands in a frame. A browser shows the SVG; pointing at
something tells its full name. Without -o the graph is written to standard output in DOT,
Graphviz's language.

Of a large model, --fold gives an overview, --scope a part, and --node the surroundings of
an operator or a value.`,
		Example: `  ingot graph model.onnx -o model.svg
  ingot graph model.onnx -o overview.svg --fold 1
  ingot graph model.onnx -o layer.svg --scope encoder.layer.0
  ingot graph model.onnx -o near.svg --node /encoder/layer.0/MatMul_1 --hops 3
  ingot graph model.onnx | dot -Tpdf -o model.pdf`,
		Args:              modelArg,
		ValidArgsFunction: completeModels,
		RunE:              func(cmd *cobra.Command, args []string) error { return a.graph(cmd.Context(), args[0], f) },
	}
	s := cmd.Flags()
	s.StringArrayVarP(&f.outputs, "output", "o", nil, "`file` to write; its name ends in .svg, .dot or .gv, or --format says what it is")
	s.StringVar(&f.format, "format", "", "`form` of the drawing: svg or dot")
	s.StringArrayVarP(&f.dims, "dim", "d", nil, "size of an open dimension, `NAME=N`: batch=4")
	s.IntVar(&f.Depth, "depth", 0, "at most `N` frames in one another; 0: no limit")
	s.IntVar(&f.Fold, "fold", 0, "draw what is in frames `N` deep as one node each; 0: nothing")
	s.StringVar(&f.Scope, "scope", "", "draw only what is in the scope of this `name`")
	s.StringVar(&f.Node, "node", "", "draw only the node or value of this `name`, and what is near")
	s.IntVar(&f.hops, "hops", 2, "how near, with --node: a `number` of edges")
	s.BoolVar(&f.Weights, "weights", false, "draw weights and constants as nodes")
	s.BoolVar(&f.Flat, "flat", false, "no frames")
	s.BoolVar(&f.bodies, "bodies", true, "draw the bodies of If, Loop and Scan")
	f.source.register(cmd)
	a.completeFromModel(cmd, "dim", func(m *modelNames) []string { return suffixed(m.dims, "=") })
	return cmd
}

// graphJSON is the result of ingot graph.
type graphJSON struct {
	Schema string `json:"schema"`
	Model  string `json:"model"`
	*draw.Drawing
	Files []string `json:"files,omitempty"`
}

func (a *app) graph(ctx context.Context, path string, f *graphFlags) error {
	formats, err := f.formats(a)
	if err != nil {
		return err
	}
	if path, err = f.source.model(ctx, a, path, nil); err != nil {
		return err
	}
	opts, err := f.load(a, path)
	if err != nil {
		return err
	}
	a.live.set("loading %s", path)
	g, err := exprgraph.Load(path, opts...)
	if err != nil {
		return loading(err)
	}
	f.Title, f.Closed, f.Hops = filepath.Base(path), !f.bodies, f.hops
	a.live.set("drawing")
	d, err := draw.New(g, f.Options)
	var missing *draw.NameError
	switch {
	case errors.As(err, &missing):
		return usage("the model has no %s %q", missing.What, missing.Name).withHint("%s", near.DidYouMean(missing.Name, missing.Known))
	case err != nil:
		return loading(err)
	}
	a.detail("%s, %s and %s", plural(len(d.Nodes), "node"), plural(len(d.Edges), "edge"), plural(len(d.Scopes), "scope"))
	for i, name := range f.outputs {
		if err := ctxError(ctx); err != nil {
			return err
		}
		if err := atomicfile.Write(name, func(w io.Writer) error { return formats[i](d, w) }); err != nil {
			return writing(err)
		}
		a.live.wipe()
		a.note("wrote %s", name)
	}
	a.live.wipe()
	switch {
	case a.json:
		return a.printJSON(&graphJSON{Schema: a.schema(), Model: path, Drawing: d, Files: f.outputs})
	case len(f.outputs) == 0:
		return formats[0](d, a.out)
	}
	return nil
}

// writer is a form of drawings.
type writer func(*draw.Drawing, io.Writer) error

// formats are what is written to each output, or to standard output. Mistakes in the flags are found here, before the model is read.
func (f *graphFlags) formats(a *app) ([]writer, error) {
	known := map[string]writer{"svg": (*draw.Drawing).SVG, "dot": (*draw.Drawing).DOT, "gv": (*draw.Drawing).DOT}
	for _, n := range []struct {
		name  string
		value int
	}{{"depth", f.Depth}, {"fold", f.Fold}, {"hops", f.hops}} {
		if n.value < 0 {
			return nil, usage("--%s %d is negative", n.name, n.value)
		}
	}
	switch {
	case f.format != "" && known[f.format] == nil:
		return nil, usage("--format is svg or dot, not %q", f.format)
	case f.format != "" && a.json && len(f.outputs) == 0:
		return nil, usage("--json and --format %s: standard output takes one of them", f.format).withHint("-o writes the drawing to a file")
	case len(f.outputs) == 0 && f.format == "":
		return []writer{known["dot"]}, nil
	case len(f.outputs) == 0:
		return []writer{known[f.format]}, nil
	}
	var list []writer
	for _, name := range f.outputs {
		form := f.format
		if form == "" {
			form = strings.ToLower(strings.TrimPrefix(filepath.Ext(name), "."))
		}
		if known[form] == nil {
			return nil, usage("-o %s: what kind of file is that?", name).withHint("drawings go to .svg, .dot or .gv, or --format says what it is")
		}
		if dir := filepath.Dir(name); !exists(dir) {
			return nil, usage("-o %s: there is no folder %s", name, dir)
		}
		list = append(list, known[form])
	}
	return list, nil
}

// load are the options for loading the graph.
func (f *graphFlags) load(a *app, path string) ([]ingot.Option, error) {
	opts := []ingot.Option{ingot.WithLogger(a.log)}
	if len(f.dims) == 0 {
		return opts, nil
	}
	m, err := openModel(path)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	dims, err := fixedDims(m, f.dims)
	return append(opts, ingot.WithDims(dims)), err
}

// fixedDims are the sizes that -d options give to dimensions by their names.
func fixedDims(m *loader.Model, texts []string) (map[string]int64, error) {
	inputs := inputInfos(m)
	size, err := feed.Sizes(inputs, texts)
	if err != nil {
		return nil, err
	}
	dims := map[string]int64{}
	for _, v := range inputs {
		for k, d := range v.Dims {
			if d.Sym == "" {
				continue
			}
			n, ok := size(v.Name, k)
			if !ok {
				continue
			}
			if old, ok := dims[d.Sym]; d.Sym == "?" || ok && old != n {
				return nil, usage("-d: dimension %d of input %q can't be set alone", k, v.Name).withHint("dimensions are set by their names here, NAME=N")
			}
			dims[d.Sym] = n
		}
	}
	return dims, nil
}
