package cli

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"ingot/internal/onnxpb"
	"ingot/internal/safetensors"
	"ingot/loader"
	"ingot/npy"
	"ingot/tensor"
)

func TestRunSummary(t *testing.T) {
	r := runCLI(t, "run", doubling().file(t), "-i", "x=1,2,3,-4.5")
	want := "OUTPUT  DTYPE    SHAPE  MIN  MEAN  MAX  NAN  INF  FIRST VALUES\n" +
		"y       float32  [1,4]  -9   0.75  6    0    0    2 4 6 -9\n"
	if r.code != 0 || r.out != want || r.err != "" {
		t.Errorf("code %d\n%s%s\nwant\n%s", r.code, r.out, r.err, want)
	}
}

func TestRunJSON(t *testing.T) {
	var doc runJSON
	runCLI(t, "run", doubling().file(t), "-i", "x=rand", "-d", "batch=3", "--seed", "7", "--json").want(t, 0, "", "seed 7").decode(t, &doc)
	if doc.Schema != "ingot.run/1" || doc.Seed == nil || *doc.Seed != 7 || len(doc.Outputs) != 1 {
		t.Fatalf("%+v", doc)
	}
	if o := doc.Outputs[0]; o.Name != "y" || o.DType != "float32" || !reflect.DeepEqual(o.Shape, []int{3, 4}) || len(o.Head) != heads {
		t.Errorf("%+v", o)
	}
}

// TestRunNaN: numbers that aren't finite are counted, warned of, and don't break JSON.
func TestRunNaN(t *testing.T) {
	m := doubling()
	m.nodes = []*loader.Node{node("Log", "x", "y")}
	path := m.file(t)
	runCLI(t, "run", path, "-i", "x=-1,0,1,1").want(t, 0, "1    1", `output "y" has 1 NaN and 1 infinite values`)
	var doc struct {
		Outputs []struct {
			NaN, Inf int
			Max      float64
			Head     []any
		}
	}
	runCLI(t, "run", path, "-i", "x=-1,0,1,1", "--json").decode(t, &doc)
	if o := doc.Outputs[0]; o.NaN != 1 || o.Inf != 1 || o.Max != 0 || o.Head[0] != "NaN" || o.Head[1] != "-Infinity" {
		t.Errorf("%+v", o)
	}
}

func TestRunOutputs(t *testing.T) {
	path := mixed().file(t)
	in := []string{"run", path, "-i", "signal=1,2,3", "-i", "rate=5"}
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	run := func(targets ...string) result {
		t.Helper()
		args := in
		for _, o := range targets {
			args = append(args, "-o", o)
		}
		return runCLI(t, args...)
	}
	run("loud="+at("l.npy"), "twice="+at("t.npy")).want(t, 0, "", "wrote "+at("l.npy"))
	checkNpy(t, at("l.npy"), []float32{-1, -2, -3})
	checkNpy(t, at("t.npy"), []int64{10})
	run(at("all.npz")).want(t, 0, "", "")
	list, err := npy.ReadNpz(at("all.npz"))
	if err != nil || len(list) != 2 || list[0].Name != "loud" || list[1].Name != "twice" {
		t.Errorf("%v %v", list, err)
	}
	run(at("all.safetensors")).want(t, 0, "", "")
	f, err := safetensors.Open(at("all.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if len(f.Names()) != 2 {
		t.Errorf("%v", f.Names())
	}
	run(at("new/folder")).want(t, 0, "", "")
	checkNpy(t, at("new/folder/loud.npy"), []float32{-1, -2, -3})
	if r := run(at("again.npz")); r.out != "" {
		t.Errorf("the files are the result, but standard output has %q", r.out)
	}

	run("lout="+at("l.npy")).want(t, 2, "", `did you mean "loud"?`)
	run(at("both.npy")).want(t, 2, "", "holds one output")
	run(at("no/such/dir/y.npz")).want(t, 2, "", "there is no folder")
	run(at("x.xyz")).want(t, 2, "", `what kind of file is ".xyz"?`)
	run("-").want(t, 2, "", "/dev/stdout")
	run("loud=").want(t, 2, "", "name is missing")
}

func checkNpy[T tensor.Element](t *testing.T, path string, want []T) {
	t.Helper()
	x, err := npy.ReadFile(path)
	if err != nil {
		t.Error(err)
		return
	}
	if got, err := tensor.Data[T](x); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s holds %v (%v), want %v", path, got, err, want)
	}
}

// TestUnwritableFolder: nothing is left, and what was there stays.
func TestUnwritableFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	// A file where a folder should be can't be written below, whoever one is.
	r := runCLI(t, "run", doubling().file(t), "-i", "x=1,2,3,4", "-o", filepath.Join(dir, "file", "sub")+"/")
	r.want(t, ExitFailed, "", "error: the output can't be written")
	if b, err := os.ReadFile(filepath.Join(dir, "file")); err != nil || string(b) != "old" {
		t.Errorf("%q %v", b, err)
	}
	if os.Getuid() == 0 || os.Getuid() == -1 {
		return // who may write anywhere
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	runCLI(t, "run", doubling().file(t), "-i", "x=1,2,3,4", "-o", filepath.Join(dir, "y.npy")).want(t, ExitFailed, "", "permission denied")
}

// classes is a model whose output is its input, described as a classifier's.
func classes(kind string) model {
	return model{
		in:    []*loader.ValueInfo{value("x", tensor.Float32, "batch", 3)},
		out:   []*loader.ValueInfo{value("p", tensor.Float32, "batch", 3)},
		nodes: []*loader.Node{node("Identity", "x", "p")},
		metadata: loader.Props{
			{Key: "ingot.labels", Value: `["cat","dog","owl"]`},
			{Key: "ingot.output.p", Value: `{"kind":"` + kind + `"}`},
		},
	}
}

func TestRunClasses(t *testing.T) {
	want := "dog  0.7000  |#####################\ncat  0.2000  |######\nowl  0.1000  |###\n"
	if r := runCLI(t, "run", classes("probabilities").file(t), "-i", "x=0.2,0.7,0.1"); r.code != 0 || r.out != want {
		t.Errorf("%+v\nwant %q", r, want)
	}
	if r := runCLI(t, "run", classes("probabilities").file(t), "-i", "x=0.2,0.7,0.1", "--top", "1"); r.out != "dog  0.7000  |#####################\n" {
		t.Errorf("--top 1: %q", r.out)
	}
	r := runCLI(t, "run", classes("logits").file(t), "-i", "x=0,1,2") // e^0 : e^1 : e^2
	if !strings.HasPrefix(r.out, "owl  0.6652") || !strings.Contains(r.out, "dog  0.2447") {
		t.Errorf("softmax: %q", r.out)
	}
	r = runCLI(t, "run", classes("scores").file(t), "-i", "x=0.9,0.8,-3")
	if !strings.HasPrefix(r.out, "cat  0.9000") || !strings.Contains(r.out, "owl  -3.0000  |\n") {
		t.Errorf("scores: %q", r.out)
	}
	r = runCLI(t, "run", classes("probabilities").file(t), "-i", "x=[[1,0,0],[0,0,1]]", "--top", "1")
	if !strings.Contains(r.out, "p, row 0\ncat  1.0000") || !strings.Contains(r.out, "p, row 1\nowl  1.0000") {
		t.Errorf("two rows: %q", r.out)
	}
	labels := writeTemp(t, "labels.txt", "ein\nzwei\r\n\ndrei\n")
	runCLI(t, "run", classes("probabilities").file(t), "-i", "x=0,0,1", "--labels", labels).want(t, 0, "drei  1.0000", "")

	plain := doubling() // has no metadata: what isn't probabilities is taken for logits
	runCLI(t, "run", plain.file(t), "-i", "x=1,2,3,4", "--top", "2").want(t, 0, "3  0.8650", "its softmax")
	runCLI(t, "run", plain.file(t), "-i", "x=1,2,3,4", "--labels", labels).want(t, 2, "", "there are 3 labels")
	runCLI(t, "run", plain.file(t), "-i", "x=1,2,3,4", "--labels", "none.txt").want(t, 2, "", "no such file")
	runCLI(t, "run", plain.file(t), "-i", "x=1,2,3,4", "--labels", writeTemp(t, "l", "[1]")).want(t, 2, "", "list of strings")
	runCLI(t, "run", plain.file(t), "-i", "x=1,2,3,4", "--top", "-1").want(t, 2, "", "--top -1")
}

func TestBar(t *testing.T) {
	s := &stream{utf8: true}
	for p, want := range map[float64]string{0: "", 1: strings.Repeat("█", 30), 0.5: strings.Repeat("█", 15), 1.0 / 240: "▏", 7.0 / 240: "▉", 2: strings.Repeat("█", 30), math.NaN(): ""} {
		if got := s.bar(p); got != "│"+want {
			t.Errorf("bar(%v) = %q, want %q", p, got, want)
		}
	}
}

// TestRunSequence: what isn't a tensor is described, and written as .pb.
func TestRunSequence(t *testing.T) {
	m := doubling()
	m.nodes = []*loader.Node{node("SequenceConstruct", "x x", "s")}
	m.out = []*loader.ValueInfo{{Name: "s", Type: loader.TypeInfo{Kind: loader.KindSequence, Elem: &loader.TypeInfo{Kind: loader.KindTensor, DType: tensor.Float32}}}}
	path := m.file(t)
	runCLI(t, "run", path, "-i", "x=1,2,3,4").want(t, 0, "of 2", "")
	dir := t.TempDir()
	runCLI(t, "run", path, "-i", "x=1,2,3,4", "-o", dir).want(t, 0, "", "s.pb")
	b, err := os.ReadFile(filepath.Join(dir, "s.pb"))
	if err != nil {
		t.Fatal(err)
	}
	if _, s, err := loader.DecodeSequence(b); err != nil || len(s.Items) != 2 {
		t.Errorf("%v %v", s, err)
	}
	runCLI(t, "run", path, "-i", "x=1,2,3,4", "-o", dir+"/s.npz").want(t, 2, "", "is no tensor")
}

func TestRunStrings(t *testing.T) {
	m := model{
		in:    []*loader.ValueInfo{value("s", tensor.String, "n")},
		out:   []*loader.ValueInfo{value("t", tensor.String, "n")},
		nodes: []*loader.Node{node("Identity", "s", "t")},
	}
	runCLI(t, "run", m.file(t), "-i", `s="a, b","c"`).want(t, 0, `"a, b" "c"`, "")
	runCLI(t, "run", m.file(t), "-i", `s=plain text`).want(t, 0, `"plain text"`, "")
	runCLI(t, "run", m.file(t), "-i", `s=rand`).want(t, 2, "", "no random numbers of type string")
}

func TestTimeout(t *testing.T) {
	m := doubling()
	// A loop without an end, almost: 2^62 trips.
	body := &loader.Graph{Name: "b",
		Inputs:  []*loader.ValueInfo{value("i", tensor.Int64), value("c", tensor.Bool), value("v", tensor.Float32, "batch", 4)},
		Outputs: []*loader.ValueInfo{value("c2", tensor.Bool), value("v2", tensor.Float32, "batch", 4)},
		Nodes:   []*loader.Node{node("Identity", "c", "c2"), node("Neg", "v", "v2")}}
	loop := onnxpb.Node("Loop", []string{"trips", "", "x"}, []string{"y"}, onnxpb.Attr("body", body))
	m.nodes = []*loader.Node{loop}
	m.weights = []*loader.Initializer{loader.NewInitializer("trips", tensor.Scalar(int64(1)<<62))}
	path := m.file(t)
	runCLI(t, "run", path, "-i", "x=1,2,3,4", "--timeout", "50ms").want(t, ExitTimeout, "", "time limit")
	runCLI(t, "bench", path, "--timeout", "50ms").want(t, ExitTimeout, "", "time limit")
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() { cancel(ErrInterrupted) }()
	runIn(t, ctx, nil, "", "run", path, "-i", "x=1,2,3,4").want(t, ExitInterrupted, "", "interrupted")
}

func TestRunVerbose(t *testing.T) {
	runCLI(t, "run", doubling().file(t), "-i", "x=1,2,3,4", "-v").want(t, 0, "", "1 nodes in the file, 1 when compiled")
	r := runCLI(t, "run", doubling().file(t), "-i", "x=rand", "-q")
	if r.err != "" {
		t.Errorf("-q, but standard error has %q", r.err)
	}
}

// TestRunDigits is the first of a newcomer's commands: the ten pictures come out as what they show.
func TestRunDigits(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "..", "testdata", "digits")
	right := 0
	for i, name := range []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"} {
		r := runCLI(t, "run", filepath.Join(dir, "digits.onnx"), "-i", "image=@"+filepath.Join(dir, name+".png"))
		if r.code != 0 {
			t.Fatalf("%+v", r)
		}
		lines := strings.Split(strings.TrimSuffix(r.out, "\n"), "\n")
		if len(lines) != 10 {
			t.Errorf("%s: %d lines", name, len(lines))
		}
		if strings.HasPrefix(lines[0], string(rune('0'+i))+"  0.") || strings.HasPrefix(lines[0], string(rune('0'+i))+"  1.") {
			right++
		}
	}
	if right < 9 {
		t.Errorf("%d of 10 pictures are right", right)
	}
	r := runCLI(t, "run", filepath.Join(dir, "digits.onnx"), "-i", "image=@"+filepath.Join(dir, "seven.png"), "--top", "1")
	if strings.Count(r.out, "\n") != 1 || !strings.HasPrefix(r.out, "7  ") {
		t.Errorf("--top 1: %q", r.out)
	}
}
