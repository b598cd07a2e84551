package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"ingot"
)

// runFlags are those of ingot run.
type runFlags struct {
	inputFlags
	execFlags
	source  sourceFlags
	outputs []string
	top     int
	labels  string
}

func (a *app) runCommand() *cobra.Command {
	f := &runFlags{}
	cmd := &cobra.Command{
		Use:   "run MODEL -i NAME=VALUE… [-o NAME=FILE | -o DIR | -o out.npz]",
		Short: "Run a model once",
		Long: `Run a model once and show its outputs, or write them to files.

Without -o the outputs are summed up: type, shape, range, and the first values. Where the
model says what its classes are, or --top or --labels does, the most probable classes are
shown, one a line: LABEL PROBABILITY BAR.

MODEL may be a PyTorch file (.pt, .pth, .pt2, .safetensors): it is converted first, and the
result kept in the user's cache folder.`,
		Example: `  ingot run digits.onnx -i image=@seven.png
  ingot run model.onnx -i x=@x.npy -o y.npy
  ingot run model.onnx -i ids=1,2,3 -i mask=1,1,1 -o out.npz
  ingot run model.onnx -i x=rand -d batch=4
  ingot run resnet50.onnx -i x=@cat.jpg --top 5 --labels imagenet.txt`,
		Args:              modelArg,
		ValidArgsFunction: completeModels,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := f.limit(cmd.Context())
			defer cancel()
			return a.run(ctx, args[0], f)
		},
	}
	f.inputFlags.register(a, cmd)
	f.execFlags.register(cmd)
	f.source.register(cmd)
	s := cmd.Flags()
	s.StringArrayVarP(&f.outputs, "output", "o", nil, "where outputs go: `NAME=FILE`.npy, a folder, out.npz or out.safetensors")
	s.IntVar(&f.top, "top", 0, "show the `N` most probable classes")
	s.StringVar(&f.labels, "labels", "", "`file` with the classes' names, one a line")
	a.completeFromModel(cmd, "output", func(m *modelNames) []string { return suffixed(m.outputs, "=") })
	return cmd
}

// runJSON is the result of ingot run.
type runJSON struct {
	Schema  string    `json:"schema"`
	Model   string    `json:"model"`
	Seed    *uint64   `json:"seed,omitempty"` // when an input was random
	Load    float64   `json:"load_ms"`
	Run     float64   `json:"run_ms"`
	Outputs []summary `json:"outputs"`
	Classes []class   `json:"classes,omitempty"`
	Files   []string  `json:"files,omitempty"`
}

func (a *app) run(ctx context.Context, path string, f *runFlags) error {
	if f.top < 0 {
		return usage("--top %d: a number of classes is at least 1", f.top)
	}
	c := &classifier{top: f.top, note: a.note}
	if f.labels != "" {
		var err error
		if c.labels, err = readLabels(f.labels); err != nil {
			return err
		}
	}
	path, err := f.source.model(ctx, a, path, &f.inputFlags)
	if err != nil {
		return err
	}
	a.live.set("loading %s", path)
	began := time.Now()
	m, err := f.load(a, path)
	if err != nil {
		return err
	}
	defer m.Close()
	loaded := time.Since(began)
	c.metadata = m.Metadata()
	targets, err := parseTargets(f.outputs, outputNames(m))
	if err != nil {
		return err
	}
	in, err := f.build(a, m, "")
	if err != nil {
		return err
	}
	if a.verbose {
		a.tellPlan(path, f, in)
	}
	a.live.set("running")
	began = time.Now()
	outs, err := runModel(ctx, m, in)
	if err != nil {
		return err
	}
	took := time.Since(began)
	a.live.wipe()
	a.detail("loaded in %s, ran in %s", seconds(loaded), seconds(took))
	res := &runJSON{Schema: a.schema(), Model: path, Load: ms(loaded), Run: ms(took)}
	if len(in.Random) > 0 {
		res.Seed = &f.seed
	}
	return a.finishRun(outs, targets, c, res)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func outputNames(m *ingot.Model) []string {
	var list []string
	for _, v := range m.Outputs() {
		list = append(list, v.Name)
	}
	return list
}

// finishRun writes and shows the outputs.
func (a *app) finishRun(outs feedOutputs, targets []target, c *classifier, res *runJSON) error {
	for _, v := range outs {
		s := summarise(v)
		if s.NaN > 0 || s.Inf > 0 {
			a.warn("output %q has %d NaN and %d infinite values", v.name, s.NaN, s.Inf)
		}
		res.Outputs = append(res.Outputs, s)
	}
	for i := range targets {
		files, err := targets[i].write(outs)
		if err != nil {
			return err
		}
		res.Files = append(res.Files, files...)
		for _, name := range files {
			a.note("wrote %s", name)
		}
	}
	type shown struct {
		name string
		rows [][]class
	}
	var classes []shown
	var rest []summary
	for i, v := range outs {
		m, err := c.meaningOf(v, len(outs) == 1)
		if err != nil {
			return err
		}
		if m == nil {
			rest = append(rest, res.Outputs[i])
			continue
		}
		rows, err := c.classify(v, m)
		if err != nil {
			return err
		}
		classes = append(classes, shown{v.name, rows})
		for _, r := range rows {
			res.Classes = append(res.Classes, r...)
		}
	}
	if (c.top > 0 || len(c.labels) > 0) && len(classes) == 0 {
		a.warn("no output looks like classes, so there is nothing to rank")
	}
	if a.json {
		return a.printJSON(res)
	}
	if len(targets) > 0 && c.top == 0 && len(c.labels) == 0 {
		return nil // the files are the result
	}
	for _, s := range classes {
		a.printClasses(s.name, s.rows, len(outs) > 1)
	}
	if len(rest) > 0 && len(targets) == 0 {
		a.printSummaries(rest)
	}
	return nil
}
