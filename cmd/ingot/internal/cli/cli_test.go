package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestUsage(t *testing.T) {
	tests := []struct {
		args string
		code int
		out  string
		err  string
	}{
		{"", 0, "Run a model once", ""},
		{"--help", 0, "ingot run model.onnx", ""},
		{"help run", 0, "Examples:", ""},
		{"help exit-codes", 0, "130  interrupted", ""},
		{"help environment", 0, "INGOT_CPU", ""},
		{"help inputs", 0, "-i x=@cat.png", ""},
		{"rnu", 2, "", `did you mean "run"?`},
		{"frobnicate", 2, "", `no command "frobnicate"`},
		{"run", 2, "", "which model?"},
		{"run a.onnx b.onnx", 2, "", `"b.onnx" is one too many`},
		{"run a.onnx --frob", 2, "", "unknown flag: --frob"},
		{"run a.onnx --threads many", 2, "", "--threads"},
		{"run a.onnx --log-format yaml", 2, "", "--log-format is text or json"},
		{"version extra", 2, "", "takes no arguments"},
		{"test", 2, "", "which folders?"},
		{"version", 0, "go1.", ""},
		{"completion bash", 0, "__start_ingot", ""},
		{"completion zsh", 0, "#compdef ingot", ""},
		{"completion fish", 0, "complete -c ingot", ""},
		{"completion powershell", 0, "Register-ArgumentCompleter", ""},
	}
	for _, tt := range tests {
		t.Run(tt.args, func(t *testing.T) {
			r := runCLI(t, strings.Fields(tt.args)...).want(t, tt.code, tt.out, tt.err)
			if tt.code != 0 && r.out != "" {
				t.Errorf("an error, but standard output has %q", r.out)
			}
			if tt.code != 0 && !strings.HasPrefix(r.err, "error: ") {
				t.Errorf("standard error is %q", r.err)
			}
		})
	}
}

// TestHelpHasExamples: every verb shows how it is used.
func TestHelpHasExamples(t *testing.T) {
	for _, verb := range []string{"convert", "run", "inspect", "compare", "test", "bench", "graph", "version"} {
		runCLI(t, verb, "--help").want(t, 0, "Examples:\n  ingot "+verb, "")
	}
}

func TestVersionJSON(t *testing.T) {
	var v versionJSON
	runCLI(t, "version", "--json").want(t, 0, "", "").decode(t, &v)
	if v.Schema != "ingot.version/1" || v.CPU == "" || v.Arch == "" || v.Go == "" {
		t.Errorf("%+v", v)
	}
}

// TestErrorForms: an error is a block of text, or a JSON record, and with --json also the result.
func TestErrorForms(t *testing.T) {
	r := runCLI(t, "run", "nothing.onnx")
	if want := "error: no such file\n  file: nothing.onnx\n"; r.code != 2 || r.err != want || r.out != "" {
		t.Errorf("%+v", r)
	}
	r = runCLI(t, "run", "nothing.onnx", "--log-format", "json", "-q")
	r.want(t, 2, "", `"level":"ERROR","msg":"no such file","exit":2,"file":"nothing.onnx"`)
	var doc struct {
		Schema string
		Exit   int
		Error  struct{ What, File string }
	}
	runCLI(t, "inspect", "nothing.onnx", "--json").want(t, 2, "", "error: no such file").decode(t, &doc)
	if doc.Schema != "ingot.inspect/1" || doc.Exit != 2 || doc.Error.What != "no such file" || doc.Error.File != "nothing.onnx" {
		t.Errorf("%+v", doc)
	}
}

func TestColour(t *testing.T) {
	tests := []struct {
		env  map[string]string
		want bool
	}{
		{nil, false}, // not a terminal
		{map[string]string{"CLICOLOR_FORCE": "1"}, true},
		{map[string]string{"CLICOLOR_FORCE": "0"}, false},
		{map[string]string{"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, false},
	}
	for _, tt := range tests {
		r := runIn(t, context.Background(), tt.env, "", "run", "nothing.onnx")
		if got := strings.Contains(r.err, "\x1b["); got != tt.want {
			t.Errorf("%v: colours %v, want %v", tt.env, got, tt.want)
		}
	}
}

// TestCompletion completes names from the model's file.
func TestCompletion(t *testing.T) {
	path := mixed().file(t)
	tests := []struct{ flag, typed, want string }{
		{"-i", "", "signal="},
		{"-i", "", "rate="},
		{"-d", "", "batch="},
		{"-d", "", "time="},
		{"-o", "", "loud="},
		{"--image", "", "signal:"},
	}
	for _, tt := range tests {
		r := runCLI(t, "__complete", "run", path, tt.flag, tt.typed)
		if !strings.Contains(r.out, tt.want) {
			t.Errorf("%s completes to\n%s\nwant %q", tt.flag, r.out, tt.want)
		}
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) {
	return 0, &fs.PathError{Op: "write", Path: "/dev/stdout", Err: errors.New("no space left on device")}
}

// TestResultsThatCantBeWritten: an output that fails is no success.
func TestResultsThatCantBeWritten(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"version", "--json"}} {
		var err strings.Builder
		code := Main(context.Background(), args, strings.NewReader(""), fullDisk{}, &err, func(string) string { return "" })
		if code != ExitFailed || !strings.Contains(err.String(), "the results can't be written") || !strings.Contains(err.String(), "no space left") {
			t.Errorf("%v: exit code %d, %s", args, code, err.String())
		}
	}
}

func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(ErrInterrupted)
	dir := t.TempDir()
	r := runIn(t, ctx, nil, "", "run", doubling().file(t), "-i", "x=1,2,3,4", "-o", dir+"/y.npy")
	r.want(t, ExitInterrupted, "", "error: interrupted")
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("files are left: %v, %v", entries, err)
	}
}

// TestLiveLine: without a terminal there is none; with one it is drawn at most ten times a second and wiped.
func TestLiveLine(t *testing.T) {
	var b strings.Builder
	l := newLiveLine(newStream(&b, func(string) string { return "" }))
	l.start = l.start.Add(-2 * liveAfter)
	l.set("one")
	if b.String() != "" {
		t.Errorf("drawn on what is no terminal: %q", b.String())
	}
	l.s.terminal = true
	l.set("one")
	l.set("two")
	l.wipe()
	l.wipe()
	if got, want := b.String(), "\r\x1b[Kone\r\x1b[K"; got != want {
		t.Errorf("drawn %q, want %q", got, want)
	}
}

// TestPrintable: names of a damaged or hostile file reach no terminal as they are.
func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"Conv": "Conv", "größe 猫\n": "größe 猫\n", "a\xffb": `a\xffb`, "\x1b[31mred": `\x1b[31mred`, "tab\t": `tab\t`, "\u202ertl": `\u202ertl`, "\ufffd": "\ufffd",
	} {
		if got := printable(text); got != want {
			t.Errorf("printable(%q) = %q, want %q", text, got, want)
		}
	}
	m := doubling()
	m.nodes[0].Domain, m.nodes[0].OpType, m.nodes[0].Name = "strange", "\x1b[2J\xff", "\x1b]0;title\a"
	for _, verb := range []string{"run", "inspect"} {
		r := runCLI(t, verb, m.file(t)).want(t, ExitUnsupported, "", "")
		if all := r.out + r.err; strings.ContainsAny(all, "\x1b\a") || !utf8.ValidString(all) || !strings.Contains(all, `\x1b[2J\xff`) {
			t.Errorf("%s: %q", verb, all)
		}
	}
}

// TestUnknownPass: a mistyped pass is the user's mistake, not the model's.
func TestUnknownPass(t *testing.T) {
	t.Setenv("INGOT_DISABLE_PASSES", "fuse-gellu")
	for _, verb := range []string{"run", "bench"} {
		runCLI(t, verb, doubling().file(t), "-i", "rand").want(t, ExitUsage, "", "no optimiser pass \"fuse-gellu\"\n  hint: did you mean \"fuse-gelu\"?")
	}
}
