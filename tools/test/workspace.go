package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"ingot/internal/proc"
)

// workspace is what the steps share.
type workspace struct {
	root   string // of the repository
	temp   string // removed at the end
	python string // the environment's interpreter, once the step python has run
	screen *screen
}

func (w *workspace) close() { _ = os.RemoveAll(w.temp) }

// exec runs a command in the repository with its output on the screen's live
// line. Paths in c.Dir are relative to the repository.
func (w *workspace) exec(ctx context.Context, c proc.Command) ([]byte, error) {
	c.Dir = filepath.Join(w.root, c.Dir)
	if c.Line == nil {
		c.Line = w.screen.line
	}
	return proc.Run(ctx, c)
}

// command runs a command that counts as one: its exit code decides.
func (w *workspace) command(ctx context.Context, c proc.Command) result {
	if out, err := w.exec(ctx, c); err != nil {
		return failedWith(err, out)
	}
	return passed()
}

// runAll runs the plan, shows what failed, and returns the exit code.
func (w *workspace) runAll(ctx context.Context, plan []planned, out io.Writer, verbose bool) int {
	var total counts
	results := map[string]result{}
	interrupted := ""
	for _, p := range plan {
		r := w.runStep(ctx, p, results)
		if ctx.Err() != nil {
			// What the step says of itself now is an effect of the interruption.
			interrupted = p.name
			w.screen.end(skipped("interrupted"), verbose)
			break
		}
		results[p.name] = r
		total = total.add(r.counts)
		w.screen.end(r, verbose)
	}
	for _, p := range plan {
		for _, f := range results[p.name].failures {
			fmt.Fprintf(out, "\n%s %s: %s\n", w.screen.red("FAILED"), p.name, f.title)
			if text := strings.TrimRight(f.output, "\n"); text != "" {
				fmt.Fprintln(out, text)
			}
		}
	}
	if interrupted != "" {
		fmt.Fprintf(out, "\ninterrupted in the step %s; before it:", interrupted)
	}
	fmt.Fprintf(out, "\n%v\n", total)
	switch {
	case interrupted != "":
		return 130
	case total.failed > 0:
		return 1
	}
	return 0
}

// runStep runs a step within its time limit unless it is left out or lacks what
// it needs.
func (w *workspace) runStep(ctx context.Context, p planned, done map[string]result) result {
	w.screen.begin(p.name, p.leftOut == "")
	if p.leftOut != "" {
		return skipped(p.leftOut)
	}
	for _, need := range p.needs {
		switch r := done[need]; {
		case r.failed > 0:
			return skipped("needs the step " + need + ", which failed")
		case r.passed == 0:
			return skipped("needs the step " + need + ", which was left out")
		}
	}
	ctx, cancel := context.WithTimeout(ctx, p.limit)
	defer cancel()
	r := p.run(ctx, w)
	if ctx.Err() == context.DeadlineExceeded && r.failed == 0 {
		return failed(fmt.Sprintf("took longer than %v", p.limit), "")
	}
	return r
}
