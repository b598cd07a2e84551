// Command test sets up what the tests need and runs all of them:
//
//	go run ./tools/test                    # everything
//	go run ./tools/test --only gofmt,vet   # some steps, and those that they need
//	go run ./tools/test --skip fuzz,race   # all but some
//	go run ./tools/test --list             # what the steps are
//
// It needs Go, Python 3.10 or newer with venv, and nothing else. What it
// installs goes into a virtual environment in the user's cache folder, named
// after the hash of convert/requirements-test.txt; a second run, or another
// clone, reuses it. A C compiler and qemu widen what is tested; without them one
// line says what was left out.
//
// The last line is the totals over all steps, `N passed, N failed, N skipped`:
// Go tests and Python tests count each, every other step counts as one. The
// exit code is 0 if nothing failed, 1 if something did, 2 for wrong usage and
// 130 after Ctrl-C.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first Ctrl-C the handler goes, so that a second one ends us at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole command as a function of its arguments and streams.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("test", flag.ContinueOnError)
	flags.SetOutput(stderr)
	only := flags.String("only", "", "run these `STEPS` (comma-separated) and those that they need")
	skip := flags.String("skip", "", "leave these `STEPS` out; they count as skipped")
	verbose := flags.Bool("v", false, "show all output of the steps as it comes, and why tests were skipped")
	list := flags.Bool("list", false, "list the steps and end")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return 2
	}
	if *list {
		for _, s := range steps {
			fmt.Fprintf(stdout, "%-12s %s\n", s.name, s.title)
		}
		return 0
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(stderr, "test: what is %q? Steps are named with --only and --skip\n", flags.Arg(0))
		return 2
	}
	plan, err := choose(steps, *only, *skip)
	if err != nil {
		fmt.Fprintln(stderr, "test:", err)
		return 2
	}
	w, err := newWorkspace(newScreen(stdout, *verbose))
	if err != nil {
		fmt.Fprintln(stderr, "test:", err)
		return 1
	}
	defer w.close()
	return w.runAll(ctx, plan, stdout, *verbose)
}

// newWorkspace finds the repository and makes a temporary folder for the run.
func newWorkspace(s *screen) (*workspace, error) {
	root, err := findRoot()
	if err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp("", "ingot-test-")
	if err != nil {
		return nil, err
	}
	return &workspace{root: root, temp: temp, screen: s}, nil
}

// findRoot walks up from the working directory to the module that holds this
// program.
func findRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if isFile(filepath.Join(dir, "go.mod")) && isFile(filepath.Join(dir, "tools", "test", "main.go")) {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("start this inside the repository: go run ./tools/test")
		}
		dir = parent
	}
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// names splits a comma-separated list and drops what is empty.
func names(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}
