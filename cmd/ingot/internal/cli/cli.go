// Package cli is the ingot command as a function of its arguments and streams, so that tests can call it.
//
// Each verb is in a file of its own: a function that makes its cobra command, and what the command does. All verbs share the input syntax
// (package feed), the way errors look (failure.go) and the rule that results go to standard output and everything else to standard error.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"
)

// Commands are listed in the order of use, not of the alphabet.
func init() { cobra.EnableCommandSorting = false }

// app is one invocation of the command.
type app struct {
	stdin  io.Reader
	out    *stream // results
	err    *stream // everything else
	getenv func(string) string
	log    *slog.Logger
	live   *liveLine

	quiet     bool
	verbose   bool
	json      bool
	logFormat string

	verb    string // of the command that runs, for the schema
	printed bool   // the JSON document has been printed
}

// Main runs the command with the given arguments, without the program's name, and returns its exit code. env looks up an environment
// variable. When ctx ends, the command stops soon, leaves no half-written file, and the code is [ExitInterrupted].
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env func(string) string) int {
	a := &app{stdin: stdin, getenv: env, out: newStream(stdout, env), err: newStream(stderr, env)}
	a.live = newLiveLine(a.err)
	a.setLog()
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(a.out)
	root.SetErr(a.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		err = ctxError(ctx)
	}
	a.live.wipe()
	if werr := a.out.writeErr; werr != nil && (err == nil || errors.Is(err, werr)) {
		err = &failure{code: ExitFailed, what: "the results can't be written", err: werr}
	}
	if err == nil {
		return ExitOK
	}
	f := explain(err)
	a.tell(f)
	return f.code
}

// ctxError returns why ctx has ended; nil when it hasn't.
func ctxError(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return context.Cause(ctx)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "ingot",
		Short: "Run ONNX models in pure Go",
		Long: `Ingot runs neural networks from ONNX files, and makes ONNX files of PyTorch's.
Nothing but this program is needed to run a model; converting needs Python.`,
		Example: `  ingot convert model.pt -o model.onnx
  ingot run model.onnx -i image=@cat.png
  ingot inspect model.onnx
  ingot bench model.onnx --threads 1,2`,
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownCommand(cmd, args[0])
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			a.verb = cmd.Name()
			if a.logFormat != "text" && a.logFormat != "json" {
				return usage("--log-format is text or json, not %q", a.logFormat)
			}
			a.setLog()
			return nil
		},
	}
	f := root.PersistentFlags()
	f.BoolVarP(&a.quiet, "quiet", "q", false, "no progress and no warnings")
	f.BoolVarP(&a.verbose, "verbose", "v", false, "say more on standard error")
	f.BoolVar(&a.json, "json", false, "the result as JSON on standard output")
	f.StringVar(&a.logFormat, "log-format", "text", "`form` of messages on standard error: text or json")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &failure{code: ExitUsage, what: err.Error(), hint: fmt.Sprintf("%s --help lists the flags", cmd.CommandPath())}
	})
	root.AddCommand(a.convertCommand(), a.runCommand(), a.inspectCommand(), a.compareCommand(), a.testCommand(), a.benchCommand(), a.graphCommand(), a.versionCommand(), a.casesCommand())
	root.AddCommand(helpTopics()...)
	return root
}

func unknownCommand(cmd *cobra.Command, name string) error {
	f := &failure{code: ExitUsage, what: fmt.Sprintf("there is no command %q", name), hint: "ingot help lists the commands"}
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(name); len(near) > 0 {
		f.hint = fmt.Sprintf("did you mean %q?", near[0])
	}
	return f
}

// modelArg accepts one model, and says so in words.
func modelArg(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0:
		return &failure{code: ExitUsage, what: "which model?", hint: "ingot " + cmd.Use}
	case len(args) > 1:
		return &failure{code: ExitUsage, what: fmt.Sprintf("one model at a time; %q is one too many", args[1]), hint: "ingot " + cmd.Use}
	}
	return nil
}

// printJSON prints the result of the verb.
func (a *app) printJSON(v any) error {
	a.printed = true
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	return enc.Encode(v)
}

// schema names the form of the verb's JSON.
func (a *app) schema() string { return "ingot." + a.verb + "/1" }

// note says something on standard error that helps but isn't the result.
func (a *app) note(format string, args ...any) {
	if !a.quiet {
		a.log.Info(fmt.Sprintf(format, args...))
	}
}

func (a *app) warn(format string, args ...any) { a.log.Warn(fmt.Sprintf(format, args...)) }

// detail is a note for those who asked for more.
func (a *app) detail(format string, args ...any) {
	if a.verbose {
		a.log.Info(fmt.Sprintf(format, args...))
	}
}

// verdict is an error without words: the result told it already.
func verdict(code int) error { return &failure{code: code, silent: true} }

var errTimeout = errors.New("the time limit has passed")
