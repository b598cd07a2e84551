// Package proc runs a child process so that it can be watched and ended: its
// output is handed on line by line, it gets a time limit, and when the limit or
// the context ends, everything that it started ends with it.
//
//	out, err := proc.Run(ctx, proc.Command{Args: []string{"go", "vet", "./..."}, Limit: time.Minute})
package proc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"time"
)

// grace is how long a process may take to end by itself once it was asked to;
// pip and the go command remove their temporary files in it.
const grace = 3 * time.Second

// Command is a child process to run.
type Command struct {
	Args   []string      // program and arguments
	Dir    string        // working directory; empty: this process's
	Env    []string      // NAME=VALUE, added to this process's environment
	Unset  []string      // names to leave out of the environment
	Limit  time.Duration // time limit; 0: none
	Line   func(string)  // called with each line of output as it comes; may be nil
	Stdout io.Writer     // takes standard output in place of Line and the result; may be nil
}

// Error says how a command failed.
type Error struct {
	Args    []string
	Limit   time.Duration // the limit, if it was exceeded; else 0
	Err     error         // what os/exec or the context said
	Missing bool          // the program does not exist
}

func (e *Error) Error() string {
	name := strings.Join(e.Args, " ")
	switch {
	case e.Limit > 0:
		return fmt.Sprintf("%s: ended because it took longer than %s", name, e.Limit)
	case e.Missing:
		return fmt.Sprintf("%s: not found on this machine", e.Args[0])
	default:
		return fmt.Sprintf("%s: %v", name, e.Err)
	}
}

// Unwrap gives the cause, context.Canceled among others.
func (e *Error) Unwrap() error { return e.Err }

// Run runs c and returns its output, standard output and standard error in the
// order in which they came (only standard error when c.Stdout is set). The
// output is complete also when the error, always an [*Error], is not nil.
func Run(ctx context.Context, c Command) ([]byte, error) {
	if c.Limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, c.Limit, errLimit)
		defer cancel()
	}
	var out bytes.Buffer
	var sink io.Writer = &out
	if c.Line != nil {
		lines := &LineWriter{Line: c.Line}
		defer lines.Close()
		sink = io.MultiWriter(&out, lines)
	}
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.Dir = c.Dir
	cmd.Env = environment(c.Env, c.Unset)
	cmd.Stderr = sink
	cmd.Stdout = sink
	if c.Stdout != nil {
		cmd.Stdout = c.Stdout
	}
	cmd.WaitDelay = 2 * grace
	settle := group(cmd)
	err := cmd.Run()
	settle()
	if ctx.Err() != nil {
		// A child that ignored the request, or that outlived its parent.
		kill(cmd)
	}
	if err == nil {
		return out.Bytes(), nil
	}
	failure := &Error{Args: c.Args, Err: err, Missing: errors.Is(err, exec.ErrNotFound) || c.Dir == "" && errors.Is(err, fs.ErrNotExist)}
	if ctx.Err() != nil {
		failure.Err = ctx.Err()
		if context.Cause(ctx) == errLimit {
			failure.Limit = c.Limit
		}
	}
	return out.Bytes(), failure
}

var errLimit = errors.New("time limit")

// environment is this process's environment without the names in unset and
// with the settings in add, which win.
func environment(add, unset []string) []string {
	env := make([]string, 0, len(os.Environ())+len(add))
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		drop := false
		for _, u := range unset {
			drop = drop || u == name
		}
		if !drop {
			env = append(env, kv)
		}
	}
	return append(env, add...)
}
