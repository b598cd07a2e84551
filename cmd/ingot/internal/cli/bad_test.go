package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ingot/loader"
	"ingot/npy"
	"ingot/tensor"
)

// TestBadModels: what is wrong with a model's file decides the exit code, for every verb that reads one.
func TestBadModels(t *testing.T) {
	picture := filepath.Join("..", "..", "..", "..", "testdata", "digits", "seven.png")
	good, err := os.ReadFile(doubling().file(t))
	if err != nil {
		t.Fatal(err)
	}
	wrongRank := doubling()
	wrongRank.in[0] = value("x", tensor.String, "batch", 4)
	newer := doubling()
	newer.opset = 9999
	tests := []struct {
		name, path string
		code       int
		err        string
	}{
		{"missing", "no/such/model.onnx", 2, "no such file"},
		{"folder", t.TempDir(), 2, "is a folder"},
		{"empty", writeTemp(t, "m.onnx", ""), 4, "the file is empty"},
		{"picture", picture, 4, "this is a PNG picture"},
		{"text", writeTemp(t, "m.onnx", "hello, this is a text\n"), 4, "this is text"},
		{"garbage", writeTemp(t, "m.onnx", strings.Repeat("\xff", 100)), 4, "the same byte over and over"},
		{"truncated", writeTemp(t, "m.onnx", string(good[:len(good)/2])), 4, "byte"},
		{"contradiction", wrongRank.file(t), 4, "Add"},
		{"newer", newer.file(t), 5, "opset 9999"},
		{"unsupported", unsupported().file(t), 5, "second"},
	}
	for _, tt := range tests {
		for _, verb := range []string{"run", "inspect", "bench", "compare"} {
			t.Run(tt.name+" "+verb, func(t *testing.T) {
				r := runCLI(t, verb, tt.path)
				told := r.err
				if verb == "inspect" {
					told += r.out // which lists what isn't supported
				}
				if r.code != tt.code || !strings.Contains(told, tt.err) {
					t.Errorf("exit code %d, want %d and %q\n%s%s", r.code, tt.code, tt.err, r.out, r.err)
				}
				if strings.Contains(told, "goroutine") {
					t.Errorf("a panic: %s", told)
				}
			})
		}
	}
}

// TestTruncated cuts a model at every byte: none of the parts crashes anything, and none is taken for a model that lacks its output.
func TestTruncated(t *testing.T) {
	good, err := os.ReadFile(doubling().file(t))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.onnx")
	for n := range good {
		if err := os.WriteFile(path, good[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		r := runCLI(t, "run", path, "-i", "x=1,2,3,4")
		if r.code == 1 || strings.Contains(r.err, "goroutine") {
			t.Errorf("cut at byte %d: exit code %d, %s", n, r.code, r.err)
		}
	}
}

func TestBadInputs(t *testing.T) {
	path := mixed().file(t)
	double := filepath.Join(t.TempDir(), "double.npy")
	if err := npy.WriteFile(double, tensor.Of([]float64{1, 2}, 1, 2)); err != nil {
		t.Fatal(err)
	}
	cube := filepath.Join(t.TempDir(), "cube.npy")
	if err := npy.WriteFile(cube, tensor.Of([]float32{1, 2}, 1, 2, 1)); err != nil {
		t.Fatal(err)
	}
	full, err := os.ReadFile(double)
	if err != nil {
		t.Fatal(err)
	}
	picture := filepath.Join("..", "..", "..", "..", "testdata", "digits", "seven.png")
	tests := []struct {
		name string
		args string
		err  string
	}{
		{"nothing given", "", "missing: signal float32[batch,time], rate int64[]"},
		{"one missing", "-i signal=1", "missing: rate int64[]"},
		{"unknown name", "-i signals=1 -i rate=1", `did you mean "signal"?`},
		{"superfluous", "-i signal=1 -i rate=1 -i other=3", `no input "other"`},
		{"twice", "-i rate=1 -i rate=2", "given twice"},
		{"no value", "-i rate", "a name and a value are needed"},
		{"empty value", "-i signal=1 -i rate=", "has no value"},
		{"not a number", "-i signal=1 -i rate=fast", `takes int64, and "fast" isn't one`},
		{"a fraction for an integer", "-i signal=1 -i rate=1.5", `"1.5" isn't one`},
		{"too large", "-i signal=1 -i rate=99999999999999999999", "isn't one"},
		{"too many", "-i signal=1 -i rate=1,2", "2 values don't fill it"},
		{"wrong dtype", "-i rate=1 -i signal=@" + double, `astype("float32")`},
		{"wrong rank", "-i rate=1 -i signal=@" + cube, "float32[1,2,1]"},
		{"no such array", "-i rate=1 -i signal=@none.npy", "no such file"},
		{"truncated array", "-i rate=1 -i signal=@" + writeTemp(t, "t.npy", string(full[:len(full)-3])), "t.npy"},
		{"empty array", "-i rate=1 -i signal=@" + writeTemp(t, "e.npy", ""), "the file is empty"},
		{"a picture that nobody describes", "-i rate=1 -i signal=@" + picture, "--image 'signal:rgb"},
		{"a file of no kind", "-i rate=1 -i signal=@" + writeTemp(t, "x.csv", "1;2;3;4;5"), "neither an array"},
		{"unknown dimension", "-i rand -d bach=3", `did you mean "batch"?`},
		{"no dimension", "-i rand -d batch", "write NAME=NUMBER"},
		{"negative dimension", "-i rand -d batch=-1", "isn't a size"},
		{"contradicting dimension", "-i rate=1 -i signal=[[1,2]] -d time=3", "-d says that time is 3"},
		{"range of what isn't random", "-i signal=1 -i rate=1 --range rate=0:3", "isn't random"},
		{"no range", "-i rand --range rate=0", "isn't LOW:HIGH"},
		{"unknown range", "-i rand --range rat=0:3", `did you mean "rate"?`},
		{"no seed", "-i rand --seed x", "--seed"},
		{"enormous", "-i rand -d batch=1000000000 -d time=1000000000", "too large"},
		{"ragged", "-i rate=1 -i signal=[[1,2],[3]]", "same length"},
		{"a data folder that isn't there", "--data nowhere", "no such file"},
		{"image for what is no picture", "-i rand --image signal:rgb", "isn't given as a picture"},
		{"bad image", "-i rand --image signal:purple", `"purple" isn't a setting`},
		{"memory limit", "-i rand --memory-limit lots", "isn't an amount of memory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := runCLI(t, append([]string{"run", path}, strings.Fields(tt.args)...)...)
			r.want(t, ExitUsage, "", tt.err)
			if !strings.HasPrefix(r.err, "error: ") && !strings.Contains(r.err, "\nerror: ") {
				t.Errorf("standard error is %q", r.err)
			}
		})
	}
}

// TestFailureInARun: a node that fails names itself, with exit code 1.
func TestFailureInARun(t *testing.T) {
	m := model{
		in:    []*loader.ValueInfo{value("x", tensor.Float32, "n"), value("i", tensor.Int64, "k")},
		out:   []*loader.ValueInfo{value("y", tensor.Float32, "k")},
		nodes: []*loader.Node{node("Gather", "x i", "y")},
	}
	m.nodes[0].Name = "pick"
	runCLI(t, "run", m.file(t), "-i", "x=1,2,3", "-i", "i=7").want(t, ExitFailed, "", `pick`)
	runCLI(t, "run", doubling().file(t), "-i", "x=rand[1000,4]", "--memory-limit", "1KB").want(t, ExitFailed, "", "memory limit")
}

// TestNewerOpset: a model of tomorrow is refused, unless the user asks to try.
func TestNewerOpset(t *testing.T) {
	m := doubling()
	m.opset = 9999
	path := m.file(t)
	runCLI(t, "run", path, "-i", "x=1,2,3,4").want(t, ExitUnsupported, "", "--newer-opset")
	runCLI(t, "run", path, "-i", "x=1,2,3,4", "--newer-opset").want(t, 0, "2 4 6 8", "warning: the model's opset is newer")
}

// TestUnsupportedListsAll: all nodes at once, with their names.
func TestUnsupportedListsAll(t *testing.T) {
	r := runCLI(t, "run", unsupported().file(t), "-i", "x=1,2,3,4")
	r.want(t, ExitUnsupported, "", "2 of its nodes")
	for _, name := range []string{"first", "second"} {
		if !strings.Contains(r.err, fmt.Sprintf("%s (strange.Frobnicate, opset 1)", name)) {
			t.Errorf("%s isn't listed:\n%s", name, r.err)
		}
	}
}
