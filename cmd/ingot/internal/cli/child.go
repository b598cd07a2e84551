package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"ingot"
	"ingot/internal/cases"
	"ingot/tensor"
)

// casesVerb is the hidden command that ingot test runs in its child processes.
const casesVerb = "__cases"

// beforeCase is called before each case, with its name; tests of the parent put their crashes here.
var beforeCase = func(name string) {}

// casesCommand reads tasks from standard input, a line each, and answers each with a line on standard output.
func (a *app) casesCommand() *cobra.Command {
	return &cobra.Command{
		Use: casesVerb, Hidden: true, Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			memory, _ := strconv.ParseInt(a.getenv(memoryVariable), 10, 64)
			in := bufio.NewReader(a.stdin)
			enc := json.NewEncoder(a.out)
			for {
				line, err := in.ReadBytes('\n')
				if err == io.EOF {
					return nil
				}
				if err != nil {
					return err
				}
				var task caseTask
				if err := json.Unmarshal(line, &task); err != nil {
					return err
				}
				beforeCase(task.Case.Name)
				if err := enc.Encode(runTask(cmd.Context(), &task, memory)); err != nil {
					return err
				}
			}
		},
	}
}

// runTask runs a case. A panic is its answer as well: only what kills the process is left to the parent.
func runTask(ctx context.Context, task *caseTask, memory int64) (answer caseAnswer) {
	defer func() {
		if r := recover(); r != nil {
			answer = caseAnswer{"panic: " + general(fmt.Sprint(r)), fmt.Sprintf("%v\n%s", r, debug.Stack())}
		}
	}()
	err := runCase(ctx, task, memory)
	if err == nil {
		return caseAnswer{}
	}
	detail := err.Error()
	var f *failure
	if errors.As(err, &f) && f.file != "" && !strings.Contains(detail, f.file) {
		detail = f.file + ": " + detail
	}
	return caseAnswer{reason(err), detail}
}

func runCase(ctx context.Context, task *caseTask, memory int64) error {
	info, err := openModel(task.Case.Model)
	if err != nil {
		return err
	}
	defer info.Close()
	supplied, err := task.Case.Overridable(info)
	if err != nil {
		return err
	}
	load := func(threads int) (*ingot.Model, error) {
		opts := []ingot.Option{ingot.WithThreads(threads), ingot.WithOverridable(supplied...)}
		if memory > 0 {
			opts = append(opts, ingot.WithMemoryLimit(memory))
		}
		if task.NoOptimize {
			opts = append(opts, ingot.WithoutPasses("all"))
		}
		m, _, err := via{plain: task.Plain}.load(task.Case.Model, opts...)
		return m, err
	}
	threads := task.Threads
	if task.Bits {
		threads = 1
	}
	m, err := load(threads)
	if err != nil {
		return err
	}
	defer m.Close()
	var second *ingot.Model
	if task.Bits {
		if second, err = load(2); err != nil {
			return err
		}
		defer second.Close()
	}
	tol := cases.Tolerance{RTol: task.RTol, ATol: task.ATol}
	for i := range task.Case.Sets {
		set := &task.Case.Sets[i]
		var first map[string]tensor.Value
		keep := func(out map[string]tensor.Value) error { first = out; return nil }
		if err := set.Run(ctx, info, m, tol, keep); err != nil {
			return inSet(i, len(task.Case.Sets), err)
		}
		if second == nil {
			continue
		}
		same := func(out map[string]tensor.Value) error { return sameBits(first, out) }
		if err := set.Run(ctx, info, second, tol, same); err != nil {
			return inSet(i, len(task.Case.Sets), err)
		}
	}
	return nil
}

// inSet names the set of a case that has several.
func inSet(i, n int, err error) error {
	if n == 1 {
		return err
	}
	return fmt.Errorf("set %d: %w", i, err)
}

var errBits = errors.New("bits: the outputs with 1 and 2 threads differ")

// sameBits compares outputs byte by byte.
func sameBits(a, b map[string]tensor.Value) error {
	for name, v := range a {
		if !cases.Equal(v, b[name]) {
			return fmt.Errorf("output %q: %w", name, errBits)
		}
	}
	return nil
}

// reason puts an error into one of the groups in which failures are told.
func reason(err error) string {
	var unsupported *ingot.UnsupportedError
	var node *ingot.NodeError
	var format *ingot.FormatError
	switch {
	case errors.As(err, &unsupported):
		n := unsupported.Nodes[0]
		return fmt.Sprintf("unsupported operator %s: %s", opName(n.Domain, n.Op), n.Reason)
	case errors.Is(err, errBits):
		return errBits.Error()
	case errors.As(err, &node):
		return fmt.Sprintf("%s: %s", opName(node.Origin.Domain, node.Origin.Op), general(node.Err.Error()))
	case errors.As(err, &format):
		return "model file: " + general(format.Msg)
	}
	text := err.Error()
	for kind, verb := range map[string]string{"dtype": "differs", "shape": "differs", "values": "differ", "kind": "differs"} {
		if strings.Contains(text, "\": "+kind+": ") {
			return kind + " " + verb + " from what is expected"
		}
	}
	return general(text)
}

var (
	quoted  = regexp.MustCompile(`"[^"]*"`)
	numbers = regexp.MustCompile(`[-+]?\b\d[\d.]*(e[-+]?\d+)?\b`)
)

// general makes messages equal that differ in names and numbers alone.
func general(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	text = quoted.ReplaceAllString(text, `"…"`)
	return cutText(numbers.ReplaceAllString(text, "N"), 120)
}
