package proc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// The test binary is its own child: with this variable set it plays a part.
const part = "PROC_TEST_PART"

func TestMain(m *testing.M) {
	switch os.Getenv(part) {
	case "talk":
		fmt.Println("one")
		fmt.Fprint(os.Stderr, "two\rthree")
		os.Exit(3)
	case "env":
		fmt.Printf("%q %q\n", os.Getenv("KEPT"), os.Getenv("DROPPED"))
	case "hang":
		fmt.Println("hanging")
		time.Sleep(time.Hour)
	case "nest":
		// A grandchild holds the pipes open; it has to end as well.
		_, err := Run(context.Background(), Command{Args: []string{os.Args[0]}, Env: []string{part + "=hang"},
			Line: func(s string) { fmt.Println(s) }})
		fmt.Println(err)
	default:
		os.Exit(m.Run())
	}
	os.Exit(0)
}

func self(role string) Command {
	return Command{Args: []string{os.Args[0]}, Env: []string{part + "=" + role}}
}

func TestRunOutput(t *testing.T) {
	var lines []string
	c := self("talk")
	c.Line = func(s string) { lines = append(lines, s) }
	out, err := Run(t.Context(), c)
	if string(out) != "one\ntwo\rthree" {
		t.Errorf("output %q", out)
	}
	if !slices.Equal(lines, []string{"one", "two", "three"}) {
		t.Errorf("lines %q", lines)
	}
	var failure *Error
	if !errors.As(err, &failure) || failure.Limit != 0 || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("error %v", err)
	}
}

func TestRunStdout(t *testing.T) {
	var stdout bytes.Buffer
	c := self("talk")
	c.Stdout = &stdout
	out, _ := Run(t.Context(), c)
	if stdout.String() != "one\n" || string(out) != "two\rthree" {
		t.Errorf("stdout %q, the rest %q", stdout.String(), out)
	}
}

func TestRunEnvironment(t *testing.T) {
	t.Setenv("KEPT", "a")
	t.Setenv("DROPPED", "b")
	c := self("env")
	c.Unset = []string{"DROPPED"}
	out, err := Run(t.Context(), c)
	if err != nil || strings.TrimSpace(string(out)) != `"a" ""` {
		t.Errorf("%q, %v", out, err)
	}
}

func TestRunLimit(t *testing.T) {
	c := self("hang")
	c.Limit = 200 * time.Millisecond
	_, err := Run(t.Context(), c)
	var failure *Error
	if !errors.As(err, &failure) || failure.Limit != c.Limit {
		t.Fatalf("error %v", err)
	}
}

func TestRunCancelEndsGrandchildren(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := self("nest")
	c.Line = func(s string) {
		if s == "hanging" {
			cancel()
		}
	}
	_, err := Run(ctx, c)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
}

func TestRunMissing(t *testing.T) {
	_, err := Run(t.Context(), Command{Args: []string{"no-such-program-anywhere"}})
	var failure *Error
	if !errors.As(err, &failure) || !failure.Missing {
		t.Fatalf("error %v", err)
	}
}

func TestLineWriterBoundsLines(t *testing.T) {
	var lines int
	w := LineWriter{Line: func(string) { lines++ }}
	for range 4 {
		_, _ = w.Write(bytes.Repeat([]byte{'x'}, maxLine))
	}
	_ = w.Close()
	if lines != 2 {
		t.Errorf("%d lines, want 2", lines)
	}
}
