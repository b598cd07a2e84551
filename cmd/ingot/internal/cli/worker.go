package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"ingot/internal/cases"
)

// caseTask is a case with how to run it: one line of JSON on a child's standard input.
type caseTask struct {
	Case       cases.Case
	RTol, ATol float64
	Threads    int
	NoOptimize bool
	Bits       bool
	Plain      bool // not as a Gorgonia graph
}

// caseAnswer is a child's answer: one line of JSON on its standard output.
type caseAnswer struct {
	Reason string // empty: passed
	Detail string
}

const (
	memoryEvery = 20 * time.Millisecond // how often a child's memory is looked at
	batchSize   = 250                   // cases that a child runs before another takes its place
	stderrTail  = 64 << 10
)

// caseWorker runs cases one after another in a child process, which is replaced when it has ended, and after a batch.
type caseWorker struct {
	timeout time.Duration
	memory  int64
	threads int

	cmd     *exec.Cmd
	in      io.WriteCloser
	answers chan []byte // lines; closed when the child has ended
	stderr  *tail
	count   int
}

// start starts a child.
func (w *caseWorker) start(ctx context.Context) error {
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, exe, casesVerb)
	// The Go heap stays below the limit as long as collecting garbage can do that.
	cmd.Env = append(os.Environ(), fmt.Sprintf("GOMEMLIMIT=%d", w.memory/4*3), "GOTRACEBACK=single", fmt.Sprintf("%s=%d", memoryVariable, w.memory))
	w.stderr = &tail{}
	cmd.Stderr = w.stderr
	if w.in, err = cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting a child process: %w", err)
	}
	w.cmd, w.count = cmd, 0
	answers := make(chan []byte, 1)
	w.answers = answers
	go func() {
		defer close(answers)
		r := bufio.NewReader(out)
		for {
			line, err := r.ReadBytes('\n')
			if err != nil {
				return
			}
			answers <- line
		}
	}()
	return nil
}

// stop ends the child, if there is one.
func (w *caseWorker) stop() {
	if w.cmd == nil {
		return
	}
	w.in.Close() // it ends by itself
	if w.cmd.Process != nil {
		_ = w.cmd.Process.Kill()
	}
	for range w.answers {
	}
	_ = w.cmd.Wait()
	w.cmd = nil
}

// run runs a case. The error, which ends the test, is about child processes, not about the case.
func (w *caseWorker) run(ctx context.Context, task *caseTask) (caseResult, error) {
	if w.count >= batchSize {
		w.stop()
	}
	if w.cmd == nil {
		if err := w.start(ctx); err != nil {
			return caseResult{Outcome: caseFailed}, err
		}
	}
	w.count++
	line, err := json.Marshal(task)
	if err != nil {
		return caseResult{Outcome: caseFailed}, err
	}
	if _, err := w.in.Write(append(line, '\n')); err != nil {
		return w.ended(caseFailure("crashed", "the process ended before the case began")), nil
	}
	return w.wait(ctx), nil
}

// wait waits for the answer, watching clock and memory.
func (w *caseWorker) wait(ctx context.Context) caseResult {
	limit := time.NewTimer(w.timeout)
	defer limit.Stop()
	watch := time.NewTicker(memoryEvery)
	defer watch.Stop()
	for {
		select {
		case line, ok := <-w.answers:
			if !ok {
				return w.ended(caseFailure("crashed", ""))
			}
			var answer caseAnswer
			if err := json.Unmarshal(line, &answer); err != nil {
				return w.ended(caseFailure("crashed", fmt.Sprintf("it wrote %q", line)))
			}
			if answer.Reason != "" {
				return caseFailure(answer.Reason, answer.Detail)
			}
			return caseResult{Outcome: casePassed}
		case <-limit.C:
			return w.ended(caseFailure("timeout", fmt.Sprintf("no result after %s", w.timeout)))
		case <-ctx.Done():
			return w.ended(caseFailure("interrupted", ""))
		case <-watch.C:
			if now, _ := resident(w.cmd.Process.Pid); now > w.memory {
				return w.ended(caseFailure("memory limit", fmt.Sprintf("the process held %s", byteSize(now))))
			}
		}
	}
}

// ended gets rid of the child and says how it ended.
func (w *caseWorker) ended(r caseResult) caseResult {
	tail := w.stderr
	w.stop()
	text := tail.String()
	if r.Reason == "crashed" {
		head := firstLine(text)
		if strings.Contains(text, "out of memory") {
			r.Reason = "memory limit"
		} else if head != "" {
			r.Reason = "crashed: " + general(head)
		}
		if r.Detail == "" {
			r.Detail = cutText(text, 4000)
		}
	}
	return r
}

func caseFailure(reason, detail string) caseResult {
	return caseResult{Outcome: caseFailed, Reason: reason, Detail: detail}
}

// firstLine returns the first line that says something.
func firstLine(text string) string {
	for _, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return ""
}

// tail keeps the first part of what is written to it: a crash begins with its reason.
type tail struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write never fails.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := stderrTail - t.b.Len(); room > 0 {
		t.b.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

// String returns what was kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

// memoryVariable tells a child its memory limit.
const memoryVariable = "INGOT_CASE_MEMORY"
