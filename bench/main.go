// Command bench compares Ingot with ONNX Runtime on reference cases, side by side in one run.
//
// The two take turns, a slice of time each, so that what else the machine does hits both alike. For each model and number of threads it
// prints the medians and their ratio, ONNX Runtime's time over Ingot's, and at the end the geometric mean of the ratios: above 1, Ingot
// is faster.
//
//	cd bench && go run . -python PYTHON -threads 1,2 DIR…
//
// Each DIR is searched for cases (folders with index.json and arrays in .npy files). PYTHON needs onnxruntime and numpy; by default the
// environment of the project's tests is taken.
package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"ingot"
	"ingot/internal/cases"
	"ingot/loader"
	_ "ingot/ops/all"
	"ingot/tensor"
)

//go:embed ort.py
var ortScript string

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

type settings struct {
	python  string
	threads []int
	rounds  int
	slice   time.Duration
	filter  *regexp.Regexp
	json    string
}

func run() error {
	python := flag.String("python", "", "Python with onnxruntime (default: the environment of the project's tests)")
	threads := flag.String("threads", "1,2", "numbers of threads, separated by commas")
	rounds := flag.Int("rounds", 5, "turns that each of the two takes")
	slice := flag.Duration("slice", 400*time.Millisecond, "length of a turn")
	filter := flag.String("filter", "", "only the cases whose name matches this regular expression")
	out := flag.String("json", "", "also write the results to this file")
	flag.Parse()
	s := settings{python: *python, rounds: *rounds, slice: *slice, json: *out}
	var err error
	if s.filter, err = regexp.Compile(*filter); err != nil {
		return err
	}
	for _, f := range strings.Split(*threads, ",") {
		n, err := strconv.Atoi(f)
		if err != nil || n < 1 {
			return fmt.Errorf("-threads: %q isn't a number of threads", f)
		}
		s.threads = append(s.threads, n)
	}
	if s.python == "" {
		if s.python, err = testPython(); err != nil {
			return err
		}
	}
	if flag.NArg() == 0 {
		return errors.New("name the folders with the cases")
	}
	list, err := cases.Find(flag.Args()...)
	if err != nil {
		return err
	}
	return s.compare(list)
}

// testPython finds the environment that the project's tests made.
func testPython() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	found, err := filepath.Glob(filepath.Join(dir, "ingot", "py-*", "bin", "python"))
	if err != nil || len(found) == 0 {
		return "", errors.New("no Python with onnxruntime: run `go run ./tools/test` once, or name one with -python")
	}
	return found[len(found)-1], nil
}

// result is one model with one number of threads. Times are medians in milliseconds.
type result struct {
	Model   string  `json:"model"`
	Threads int     `json:"threads"`
	Ingot   float64 `json:"ingot_ms"`
	ORT     float64 `json:"ort_ms"`
	Ratio   float64 `json:"ratio"`
	Load    float64 `json:"ingot_load_ms"`
	ORTLoad float64 `json:"ort_load_ms"`
}

func (s *settings) compare(list []cases.Case) error {
	var results []result
	version := ""
	for _, threads := range s.threads {
		w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
		fmt.Fprintf(w, "%d thread(s)\tIngot ms\tORT ms\tORT/Ingot\tIngot load\tORT load\t\n", threads)
		logs, n := 0.0, 0
		for _, c := range list {
			if !s.filter.MatchString(c.Name) {
				continue
			}
			r, v, err := s.one(&c, threads)
			if err != nil {
				fmt.Fprintf(os.Stderr, "bench: %s: %v\n", c.Name, err)
				continue
			}
			version = v
			results = append(results, r)
			logs += math.Log(r.Ratio)
			n++
			fmt.Fprintf(w, "%s\t%.3f\t%.3f\t%.2f\t%.1f\t%.1f\t\n", c.Name, r.Ingot, r.ORT, r.Ratio, r.Load, r.ORTLoad)
			fmt.Fprintf(os.Stderr, "%-40s %d  %.2f\n", c.Name, threads, r.Ratio)
		}
		if n > 0 {
			fmt.Fprintf(w, "geometric mean of %d\t\t\t%.3f\t\t\t\n", n, math.Exp(logs/float64(n)))
		}
		w.Flush()
	}
	fmt.Printf("ONNX Runtime %s, %d turns of %v each\n", version, s.rounds, s.slice)
	if s.json != "" {
		b, err := json.MarshalIndent(map[string]any{"schema": "ingot.compare-ort/1", "ort": version, "results": results}, "", "  ")
		if err != nil {
			return err
		}
		return os.WriteFile(s.json, append(b, '\n'), 0o644)
	}
	return nil
}

// one measures a case.
func (s *settings) one(c *cases.Case, threads int) (result, string, error) {
	r := result{Model: c.Name, Threads: threads}
	info, err := loader.Open(c.Model)
	if err != nil {
		return r, "", err
	}
	defer info.Close()
	in, files := ingot.Inputs{}, map[string]string{}
	for _, f := range c.Sets[0].Inputs {
		decl, err := f.Input(info.Graph)
		if err != nil {
			return r, "", err
		}
		v, err := f.Load(decl.Type)
		if err != nil {
			return r, "", err
		}
		t, ok := v.(*tensor.Tensor)
		if !ok {
			return r, "", fmt.Errorf("input %q isn't a tensor", decl.Name)
		}
		in[decl.Name], files[decl.Name] = t, f.Path
	}
	began := time.Now()
	m, err := ingot.Load(c.Model, ingot.WithThreads(threads))
	if err != nil {
		return r, "", err
	}
	defer m.Close()
	r.Load = ms(time.Since(began))
	peer, err := startORT(s.python)
	if err != nil {
		return r, "", err
	}
	defer peer.stop()
	loaded, err := peer.ask(map[string]any{"load": c.Model, "threads": threads, "inputs": files})
	if err != nil {
		return r, "", err
	}
	r.ORTLoad = loaded.LoadMS
	var ours, theirs []float64
	for round := range s.rounds + 1 {
		times, err := turn(m, in, s.slice)
		if err != nil {
			return r, "", err
		}
		a, err := peer.ask(map[string]any{"run": s.slice.Seconds(), "least": 3})
		if err != nil {
			return r, "", err
		}
		if round > 0 { // the first turn warms both up
			ours, theirs = append(ours, times...), append(theirs, a.MS...)
		}
	}
	r.Ingot, r.ORT = median(ours), median(theirs)
	r.Ratio = r.ORT / r.Ingot
	return r, loaded.Version, nil
}

// turn runs the model for a slice of time, three times at least.
func turn(m *ingot.Model, in ingot.Inputs, slice time.Duration) ([]float64, error) {
	var times []float64
	for end := time.Now().Add(slice); time.Now().Before(end) || len(times) < 3; {
		began := time.Now()
		if _, err := m.Run(context.Background(), in); err != nil {
			return nil, err
		}
		times = append(times, ms(time.Since(began)))
	}
	return times, nil
}

func ms(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// ort is a process that runs ONNX Runtime.
type ort struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

type answer struct {
	LoadMS  float64   `json:"load_ms"`
	Version string    `json:"version"`
	MS      []float64 `json:"ms"`
}

func startORT(python string) (*ort, error) {
	cmd := exec.Command(python, "-c", ortScript)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	sc := bufio.NewScanner(out)
	sc.Buffer(nil, 1<<26)
	return &ort{cmd, in, sc}, cmd.Start()
}

func (o *ort) ask(request any) (answer, error) {
	var a answer
	b, err := json.Marshal(request)
	if err != nil {
		return a, err
	}
	if _, err := o.in.Write(append(b, '\n')); err != nil {
		return a, err
	}
	if !o.out.Scan() {
		return a, errors.New("ONNX Runtime's process ended")
	}
	return a, json.Unmarshal(o.out.Bytes(), &a)
}

func (o *ort) stop() {
	o.in.Close()
	_ = o.cmd.Wait()
}
