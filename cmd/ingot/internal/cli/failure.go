package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"ingot"
	"ingot/cmd/ingot/internal/feed"
	"ingot/internal/near"
	"ingot/internal/passes"
	"ingot/loader"
)

// Exit codes; `ingot help exit-codes` explains them.
const (
	ExitOK          = 0
	ExitFailed      = 1
	ExitUsage       = 2
	ExitDiffers     = 3
	ExitInvalid     = 4
	ExitUnsupported = 5
	ExitTimeout     = 124
	ExitInterrupted = 130
)

// ErrInterrupted is the cause of a context that ends because the user pressed Ctrl-C.
var ErrInterrupted = errors.New("interrupted")

// failure is an error with all that a user is told: what is wrong, where, and what to do.
type failure struct {
	code     int
	what     string
	file     string
	node     string
	hint     string
	err      error
	silent   bool // the result has told it
	fromTool bool // the conversion tool told it
}

func (f *failure) Error() string {
	if f.err != nil && f.what != "" {
		return f.what + ": " + f.err.Error()
	}
	if f.err != nil {
		return f.err.Error()
	}
	return f.what
}

func (f *failure) Unwrap() error { return f.err }

// usage is a mistake in what the user typed.
func usage(format string, args ...any) *failure {
	return &failure{code: ExitUsage, what: fmt.Sprintf(format, args...)}
}

func (f *failure) withHint(format string, args ...any) *failure {
	f.hint = fmt.Sprintf(format, args...)
	return f
}

// loading marks an error as one about a model that was being loaded: what is wrong with a node is wrong with the file then.
func loading(err error) error {
	if err == nil {
		return nil
	}
	f := explain(err)
	if f.code == ExitFailed && !internal(err) {
		f.code = ExitInvalid
	}
	return f
}

func internal(err error) bool { return strings.Contains(err.Error(), "internal error:") }

// explain finds the exit code of an error, and sorts its parts.
func explain(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	f = &failure{code: ExitFailed, what: err.Error()}
	var (
		unsupported *ingot.UnsupportedError
		format      *ingot.FormatError
		model       *ingot.ModelError
		node        *ingot.NodeError
		input       *ingot.InputError
		path        *fs.PathError
		given       *feed.Error
		pass        *passes.UnknownError
	)
	switch {
	case errors.Is(err, ErrInterrupted), errors.Is(err, context.Canceled):
		return &failure{code: ExitInterrupted, what: "interrupted"}
	case errors.Is(err, errTimeout), errors.Is(err, context.DeadlineExceeded):
		return &failure{code: ExitTimeout, what: "the time limit has passed"}
	case errors.As(err, &given):
		return &failure{code: ExitUsage, what: given.What, file: given.File, hint: given.Hint}
	case errors.As(err, &pass):
		return &failure{code: ExitUsage, what: pass.Error(), hint: near.DidYouMean(pass.Name, pass.Known)}
	case errors.As(err, &unsupported):
		return explainUnsupported(unsupported)
	case errors.As(err, &format):
		f.code, f.file, f.node = ExitInvalid, format.File, format.Where
		short := *format
		short.File, short.Where = "", ""
		f.what = short.Error()
		return f
	case errors.As(err, &input):
		f.code, f.what = ExitUsage, input.Error()
		f.hint = dtypeHint(input)
		return f
	case errors.As(err, &model):
		f.code, f.file, f.what = ExitInvalid, model.File, model.Err.Error()
		var opset *ingot.OpsetError
		if errors.As(err, &opset) {
			f.code, f.hint = ExitUnsupported, "ingot run --newer-opset tries it as the newest one known"
		}
		if internal(err) {
			f.code, f.hint = ExitFailed, "this is a fault of ingot's, not of the model's; please report it"
		}
	}
	if errors.As(err, &node) {
		f.node, f.what = node.Origin.Node, node.Err.Error()
		return f
	}
	if model == nil && errors.As(err, &path) {
		f.code, f.file = ExitUsage, path.Path
		f.what = path.Err.Error()
		if errors.Is(path.Err, fs.ErrNotExist) {
			f.what = "no such file"
		}
	}
	return f
}

// dtypeHint helps with the commonest mistake: an array of NumPy's default type.
func dtypeHint(e *ingot.InputError) string {
	want, _, _ := strings.Cut(e.Want, "[")
	got, _, _ := strings.Cut(e.Got, "[")
	if want != "" && got != "" && want != got {
		return fmt.Sprintf("in Python, x.astype(%q) converts an array", want)
	}
	return ""
}

func explainUnsupported(e *ingot.UnsupportedError) *failure {
	var sb strings.Builder
	if len(e.Nodes) == 1 {
		sb.WriteString("the model is valid, but one of its nodes can't be run")
	} else {
		fmt.Fprintf(&sb, "the model is valid, but %d of its nodes can't be run", len(e.Nodes))
	}
	const most = 20
	for i, n := range e.Nodes {
		if i == most {
			fmt.Fprintf(&sb, "\n    … and %d more", len(e.Nodes)-most)
			break
		}
		fmt.Fprintf(&sb, "\n    %s (%s, opset %d): %s", n.Node, opName(n.Domain, n.Op), n.Opset, n.Reason)
	}
	f := &failure{code: ExitUnsupported, what: sb.String(), file: e.File, err: e}
	if len(e.Nodes) > most {
		f.hint = "ingot inspect " + e.File + " lists all of them"
	}
	return f
}

func opName(domain, op string) string {
	if domain == "" {
		return op
	}
	return domain + "." + op
}

// tell prints a failure as one block on standard error, or as a log record; with --json also as the result.
func (a *app) tell(f *failure) {
	if f.silent {
		return
	}
	what := f.what
	if f.err != nil && f.code != ExitUnsupported {
		what = strings.TrimSpace(f.Error())
	}
	if a.json && !a.printed && a.verb != "" {
		type told struct {
			What string `json:"what"`
			File string `json:"file,omitempty"`
			Node string `json:"node,omitempty"`
			Hint string `json:"hint,omitempty"`
		}
		_ = a.printJSON(struct {
			Schema string `json:"schema"`
			Exit   int    `json:"exit"`
			Error  told   `json:"error"`
		}{a.schema(), f.code, told{what, f.file, f.node, f.hint}})
	}
	if a.logFormat == "json" {
		args := []any{"exit", f.code}
		for _, kv := range [][2]string{{"file", f.file}, {"node", f.node}, {"hint", f.hint}} {
			if kv[1] != "" {
				args = append(args, kv[0], kv[1])
			}
		}
		a.log.Error(what, args...)
		return
	}
	var sb strings.Builder
	sb.WriteString(a.err.paint(red, "error:") + " " + printable(what) + "\n")
	for _, kv := range [][2]string{{"file", f.file}, {"node", f.node}, {"hint", f.hint}} {
		if kv[1] != "" {
			fmt.Fprintf(&sb, "  %s: %s\n", kv[0], strings.ReplaceAll(printable(kv[1]), "\n", "\n        "))
		}
	}
	fmt.Fprint(a.err, sb.String())
}

// writing is an error about a result that couldn't be written.
func writing(err error) error {
	if err == nil {
		return nil
	}
	f := &failure{code: ExitFailed, what: "the output can't be written", err: err}
	var path *fs.PathError
	if errors.As(err, &path) {
		f.file, f.err = path.Path, path.Err
	}
	return f
}

// openModel reads the file as it says itself, without its weights.
func openModel(path string) (*loader.Model, error) {
	m, err := loader.Open(path, loader.WithLazyExternal())
	return m, loading(err)
}
