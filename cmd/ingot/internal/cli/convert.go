package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ingot/internal/proc"
	"ingot/ops"
	"ingot/runtime"
)

// convertFlags are those of ingot convert. Most of them are handed on to the Python tool as they are.
type convertFlags struct {
	pythonFlags
	out    string
	handed []*pflag.Flag // to hand on
}

func (a *app) convertCommand() *cobra.Command {
	f := &convertFlags{}
	cmd := &cobra.Command{
		Use:   "convert MODEL [-o OUT.onnx]",
		Short: "Convert a PyTorch model to ONNX, and verify the result",
		Long: `Convert a PyTorch model to ONNX: a TorchScript file, a .pt2 of torch.export, a whole pickled
module (--trust), or weights with a function that builds the network (--factory). The outputs are
compared with PyTorch's, and the largest differences shown.

This needs Python 3.10 or newer with PyTorch: that of --python, of an active virtual environment,
or python3. If none has it, ingot offers to make an environment in the user's cache folder. On
Linux PyTorch comes with gigabytes for GPUs; the smaller one for CPUs is installed where uv is, or
from the package index that --index-url or INGOT_TORCH_INDEX names.`,
		Example: `  ingot convert model.pt2 -o model.onnx
  ingot convert scripted.pt -o model.onnx -i x=float32[batch:2,3,224,224]
  ingot convert whole.pt --trust --code net.py -i x=float32[1,3,224,224]
  ingot convert weights.pth --factory net.py:build -i x=float32[batch:2,3,224,224]
  ingot convert classifier.pt -i x=float32[1,3,224,224] --labels names.txt \
      --image x:rgb,224x224,scale=1/255 --output y:logits`,
		Args: modelArg,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"pt", "pth", "pt2", "ts", "safetensors"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(cmd *cobra.Command, args []string) error { return a.convert(cmd.Context(), args[0], f) },
	}
	s := cmd.Flags()
	f.registerHanded(s)
	s.StringVarP(&f.out, "out", "o", "", "the `file` to write; default: the model's name with .onnx, in this folder")
	s.StringVar(&f.python, "python", "", "the Python `interpreter` to use")
	s.BoolVarP(&f.yes, "yes", "y", false, "make an environment with PyTorch without asking, if there is none")
	s.StringVar(&f.index, "index-url", "", "`address` of a package index with PyTorch for CPUs only, for the environment")
	return cmd
}

// registerHanded declares the flags of the Python tool.
func (f *convertFlags) registerHanded(s *pflag.FlagSet) {
	h := pflag.NewFlagSet("", pflag.ContinueOnError)
	h.StringArrayP("input", "i", nil, "an example input, `NAME=TYPE`: x=float32[batch:2,3,224,224] (a name makes a size open), ids=int64[2,16]:0..999, x=@x.npy, rate=16000")
	h.StringArray("dynamic", nil, "opens sizes of an input, `NAME:AXIS=SIZE`: x:0=batch,2=height")
	h.StringArray("output", nil, "name of an output, in order, `NAME[:KIND]`; KIND is probabilities, logits or scores")
	h.String("labels", "", "`file` with the names of the classes: one a line, or a JSON list")
	h.StringArray("image", nil, "how a picture becomes an input, `NAME:SETTINGS`: x:rgb,224x224,scale=1/255,mean=0.485/0.456/0.406,std=0.229/0.224/0.225")
	h.Bool("trust", false, "load a pickled module, which runs code that the file names")
	h.StringArray("code", nil, "source of pickled classes: a `file` or folder")
	h.String("factory", "", "builds the network for weights, `FILE:FUNCTION`: net.py:build or net.py:build({\"classes\": 10})")
	h.String("key", "", "the `entry` of a checkpoint")
	h.String("submodule", "", "convert this part of the network, a `name`")
	h.Int("opset", 20, "version of the ONNX operators, a `number`")
	h.Uint64("seed", 0, "seed of the example values, a `number`")
	h.Bool("allow-static", false, "fix open sizes where no exporter keeps them open")
	h.Bool("no-verify", false, "don't compare with PyTorch")
	h.Float64("rtol", 1e-3, "relative tolerance, a `number`")
	h.Float64("atol", 1e-4, "absolute tolerance, a `number`, times the largest |y|")
	h.VisitAll(func(g *pflag.Flag) {
		s.AddFlag(g)
		f.handed = append(f.handed, g)
	})
}

// handedArgs are the flags that the user set, in the Python tool's spelling.
func (f *convertFlags) handedArgs() []string {
	var args []string
	for _, g := range f.handed {
		if !g.Changed {
			continue
		}
		if list, ok := g.Value.(pflag.SliceValue); ok {
			for _, v := range list.GetSlice() {
				args = append(args, "--"+g.Name+"="+v)
			}
			continue
		}
		if g.Value.Type() != "bool" {
			args = append(args, "--"+g.Name+"="+g.Value.String())
		} else if on, _ := strconv.ParseBool(g.Value.String()); on {
			args = append(args, "--"+g.Name)
		}
	}
	return args
}

func (a *app) convert(ctx context.Context, path string, f *convertFlags) error {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	out := f.out
	if out == "" {
		out = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)) + ".onnx"
	}
	if dir := filepath.Dir(out); !isFolder(dir) {
		return usage("-o %s: there is no folder %s", out, dir)
	}
	c, err := f.findConverter(ctx, a)
	if err != nil {
		return err
	}
	args := append([]string{path, "-o", out}, f.handedArgs()...)
	if a.json {
		args = append(args, "--json")
	}
	a.printed = a.json // whatever comes of it, the tool prints the document
	if err := a.runConverter(ctx, c, args, a.out); err != nil {
		return err
	}
	a.note("wrote %s", out)
	a.tellSupport(out)
	if c.env != "" {
		a.note("converted with PyTorch from %s; to get rid of it, delete that folder", c.env)
	}
	return nil
}

// toolEvent is a line of the Python tool's progress.
type toolEvent struct {
	Event    string  `json:"event"`
	Name     string  `json:"name"`
	Text     string  `json:"text"`
	Strategy string  `json:"strategy"`
	OK       bool    `json:"ok"`
	Seconds  float64 `json:"seconds"`
	Exit     int     `json:"exit"`
	What     string  `json:"what"`
	Why      string  `json:"why"`
	Next     string  `json:"next"`
}

// runConverter runs the Python tool. Its standard output goes to out; its exit codes are ours.
func (a *app) runConverter(ctx context.Context, c *converter, args []string, out io.Writer) error {
	var told *failure
	var noise []string // what is no event: warnings of PyTorch, or the traceback of a tool that couldn't start
	line := func(text string) {
		var e toolEvent
		if json.Unmarshal([]byte(text), &e) != nil || e.Event == "" {
			noise = append(noise, text)
			a.detail("%s", text)
			return
		}
		switch e.Event {
		case "stage":
			a.live.set("%s", e.Text)
			a.detail("%s", e.Text)
		case "attempt":
			a.detail("%s: %s (%.1f s)", e.Strategy, e.Text, e.Seconds)
		case "warning":
			a.warn("%s", e.Text)
		case "error":
			told = toolFailure(&e)
		}
	}
	path := c.tool
	if old := a.getenv("PYTHONPATH"); old != "" {
		path += string(os.PathListSeparator) + old
	}
	if a.verbose {
		args = append(args, "--verbose")
	}
	a.live.set("starting Python")
	_, err := proc.Run(ctx, proc.Command{
		Args:   append(append([]string{c.python, "-m", "ingot_convert"}, args...), "--progress=json"),
		Env:    []string{"PYTHONPATH=" + path, "PYTHONUTF8=1", "PYTHONUNBUFFERED=1"},
		Stdout: out,
		Line:   line,
	})
	a.live.wipe()
	if err == nil {
		return nil
	}
	if cause := ctxError(ctx); cause != nil {
		return cause
	}
	if told != nil {
		return told
	}
	f := &failure{code: ExitFailed, what: "the converter failed", err: err}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		f.code = exit.ExitCode()
		f.err = fmt.Errorf("exit code %d", f.code)
	}
	if len(noise) > 0 {
		f.what += "\n    " + strings.Join(noise[max(0, len(noise)-10):], "\n    ")
	}
	return f
}

// toolFailure makes an error of the Python tool ours; its advice speaks of our command.
func toolFailure(e *toolEvent) *failure {
	ours := strings.NewReplacer("python -m ingot_convert", "ingot convert")
	f := &failure{code: e.Exit, what: ours.Replace(e.What), hint: ours.Replace(e.Next), fromTool: true}
	if e.Why != "" {
		f.what += "\n  " + strings.ReplaceAll(ours.Replace(e.Why), "\n", "\n  ")
	}
	if f.code == 0 {
		f.code = ExitFailed
	}
	return f
}

// tellSupport warns when the model that was just made can't be run yet.
func (a *app) tellSupport(path string) {
	m, err := openModel(path)
	if err != nil {
		a.warn("the result can't be read: %v", err)
		return
	}
	defer m.Close()
	_, err = compile(m, runtime.Options{})
	var missing *ops.UnsupportedError
	switch {
	case errors.As(err, &missing):
		a.warn("ingot can't run %d of its nodes yet; ingot inspect %s lists them", len(missing.Nodes), path)
	case err != nil:
		a.warn("ingot can't run it: %v", err)
	}
}
