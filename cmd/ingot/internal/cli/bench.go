package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ingot/cmd/ingot/internal/feed"
	"ingot/internal/sym"
)

// benchFlags are those of ingot bench.
type benchFlags struct {
	inputFlags
	exec     execFlags
	source   sourceFlags
	threads  []int
	runs     int
	warmup   int
	baseline string
	failIf   string
}

// Without --warmup and --runs each phase lasts until both its time and its runs have passed.
const (
	warmTime = 500 * time.Millisecond
	warmRuns = 3
	timeTime = 2 * time.Second
	timeRuns = 20
)

// maxTimes is how many timed runs are kept, the last ones: a tiny model makes millions, and keeping them all would be seen in its memory.
const maxTimes = 1 << 17

// countedRuns is how many runs allocations are averaged over, after the timed ones.
const countedRuns = 5

func (a *app) benchCommand() *cobra.Command {
	f := &benchFlags{}
	cmd := &cobra.Command{
		Use:   "bench MODEL [-i NAME=VALUE…]",
		Short: "Measure how fast a model runs",
		Long: `Measure how fast a model runs, with the settings that users get by default.

Each number of threads is measured by itself: loading, the first run, then warm-up until
0.5 s and 3 runs have passed, then timed runs until 2 s and 20 runs have passed. Inputs that
aren't given are random. Nothing is cached from run to run but what every program gets.

  first     the first run, which plans and packs the weights
  median    half of the timed runs were faster; p90 and p99 likewise
  peak RSS  the most memory that the process held while loading and running
  allocs    allocations on Go's heap in one run; outputs are among them`,
		Example: `  ingot bench model.onnx
  ingot bench model.onnx --threads 1,2 -d batch=8
  ingot bench model.onnx -i x=@x.npy --runs 200 --json > base.json
  ingot bench model.onnx -i x=@x.npy --baseline base.json --fail-if +5%`,
		Args:              modelArg,
		ValidArgsFunction: completeModels,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := f.exec.limit(cmd.Context())
			defer cancel()
			return a.bench(ctx, args[0], f)
		},
	}
	s := cmd.Flags()
	s.IntSliceVar(&f.threads, "threads", []int{0}, "`numbers` of threads to measure, such as 1,2; 0: as many as there are processors")
	s.IntVar(&f.runs, "runs", 0, "timed runs, a `number`; 0: until 2 s and 20 runs have passed")
	s.IntVar(&f.warmup, "warmup", -1, "runs before, a `number`; -1: until 0.5 s and 3 runs have passed")
	s.StringVar(&f.baseline, "baseline", "", "`file` with the result of an earlier ingot bench --json to compare medians with")
	s.StringVar(&f.failIf, "fail-if", "", "with --baseline: exit code 3 when a median grew by more than a `percentage` such as +5%")
	f.inputFlags.register(a, cmd)
	f.exec.register(cmd)
	f.source.register(cmd)
	return cmd
}

// benchJSON is the result of ingot bench.
type benchJSON struct {
	Schema  string        `json:"schema"`
	Model   string        `json:"model"`
	Inputs  []string      `json:"inputs"`
	Seed    uint64        `json:"seed"`
	CPU     string        `json:"cpu"`
	Go      string        `json:"go"`
	Results []benchResult `json:"results"`
}

type benchResult struct {
	Threads   int     `json:"threads"`
	Median    float64 `json:"median_ms"`
	P90       float64 `json:"p90_ms"`
	P99       float64 `json:"p99_ms"`
	Min       float64 `json:"min_ms"`
	Mean      float64 `json:"mean_ms"`
	SD        float64 `json:"sd_ms"`
	Load      float64 `json:"load_ms"`
	First     float64 `json:"first_ms"`
	PerSecond float64 `json:"runs_per_s"`
	PeakRSS   int64   `json:"peak_rss_bytes"`
	Allocs    float64 `json:"allocs_per_run"`
	Runs      int     `json:"runs"`
	Warmup    int     `json:"warmup"`
}

func (a *app) bench(ctx context.Context, path string, f *benchFlags) error {
	if len(f.threads) == 0 || slices.Min(f.threads) < 0 {
		return usage("--threads: numbers that aren't negative, such as 1,2")
	}
	if f.runs < 0 || f.warmup < -1 {
		return usage("--runs and --warmup can't be negative")
	}
	limit, err := percent(f.failIf, f.baseline)
	if err != nil {
		return err
	}
	old, err := readBaseline(f.baseline)
	if err != nil {
		return err
	}
	if path, err = f.source.model(ctx, a, path, &f.inputFlags); err != nil {
		return err
	}
	v := buildVersion()
	res := &benchJSON{Schema: a.schema(), Model: path, Seed: f.seed, CPU: v.CPU, Go: v.Go}
	told := false
	for _, n := range f.threads {
		r, in, err := a.measure(ctx, path, n, f, !told)
		if err != nil {
			return err
		}
		told = true
		res.Inputs = describeInputs(in)
		res.Results = append(res.Results, *r)
	}
	a.live.wipe()
	if a.json {
		err = a.printJSON(res)
	} else {
		a.printBench(res)
	}
	if err == nil && old != nil {
		err = a.compareBaseline(old, res, limit)
	}
	return err
}

// percent reads "+5%"; +Inf when there is no limit.
func percent(text, baseline string) (float64, error) {
	if text == "" {
		return math.Inf(1), nil
	}
	if baseline == "" {
		return 0, usage("--fail-if needs a --baseline")
	}
	p, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimPrefix(text, "+"), "%"), 64)
	if err != nil || p < 0 || !strings.HasSuffix(text, "%") {
		return 0, usage("--fail-if %s: write a percentage, such as +5%%", text)
	}
	return p / 100, nil
}

func readBaseline(path string) (*benchJSON, error) {
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var old benchJSON
	if err := json.Unmarshal(b, &old); err != nil || old.Schema != "ingot.bench/1" {
		return nil, &failure{code: ExitUsage, what: "isn't the result of ingot bench --json", file: path}
	}
	return &old, nil
}

// measure measures one number of threads.
func (a *app) measure(ctx context.Context, path string, threads int, f *benchFlags, tell bool) (*benchResult, *feed.Feed, error) {
	debug.FreeOSMemory() // what the one before left
	resetPeak()
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	exec := f.exec
	exec.threads = threads
	began := time.Now()
	m, err := exec.load(a, path)
	if err != nil {
		return nil, nil, err
	}
	defer m.Close()
	r := &benchResult{Threads: threads, Load: ms(time.Since(began))}
	in, err := feed.Build(feed.Model{Inputs: m.Inputs(), Metadata: m.Metadata()}, f.request(a, "rand"))
	if err != nil {
		return nil, nil, err
	}
	if tell {
		a.tellAssumed(in, f.seed)
	}
	once := func() (time.Duration, error) {
		began := time.Now()
		_, err := m.RunValues(ctx, in.Values)
		took := time.Since(began)
		if cause := ctxError(ctx); cause != nil {
			err = cause
		}
		return took, err
	}
	first, err := once()
	if err != nil {
		return nil, nil, err
	}
	r.First = ms(first)
	times, err := a.phases(threads, f, r, once)
	if err != nil {
		return nil, nil, err
	}
	r.summarise(times)
	if r.Allocs, err = allocations(once); err != nil {
		return nil, nil, err
	}
	_, r.PeakRSS = resident(os.Getpid())
	return r, in, nil
}

// phases warms up, then times.
func (a *app) phases(threads int, f *benchFlags, r *benchResult, once func() (time.Duration, error)) ([]time.Duration, error) {
	a.live.set("%s: warming up", plural(threads, "thread"))
	began := time.Now()
	for ; f.warmup < 0 && (time.Since(began) < warmTime || r.Warmup < warmRuns) || r.Warmup < f.warmup; r.Warmup++ {
		if _, err := once(); err != nil {
			return nil, err
		}
	}
	runtime.GC()
	a.live.set("%s: timing", plural(threads, "thread"))
	times := make([]time.Duration, maxTimes)
	began = time.Now()
	for ; f.runs == 0 && (time.Since(began) < timeTime || r.Runs < timeRuns) || r.Runs < f.runs; r.Runs++ {
		d, err := once()
		if err != nil {
			return nil, err
		}
		times[r.Runs%maxTimes] = d
	}
	return times[:min(r.Runs, maxTimes)], nil
}

// summarise computes the statistics of the timed runs.
func (r *benchResult) summarise(times []time.Duration) {
	sum := 0.0
	for _, d := range times {
		sum += ms(d)
	}
	r.Mean = sum / float64(len(times))
	for _, d := range times {
		r.SD += (ms(d) - r.Mean) * (ms(d) - r.Mean)
	}
	r.SD = math.Sqrt(r.SD / float64(max(1, len(times)-1)))
	slices.Sort(times)
	r.Min, r.Median, r.P90, r.P99 = ms(times[0]), quantile(times, 0.5), quantile(times, 0.9), quantile(times, 0.99)
	if r.Mean > 0 {
		r.PerSecond = 1000 / r.Mean
	}
}

// quantile interpolates between the sorted times, in milliseconds, as numpy.quantile does.
func quantile(times []time.Duration, q float64) float64 {
	at := q * float64(len(times)-1)
	i := int(at)
	if i+1 >= len(times) {
		return ms(times[len(times)-1])
	}
	return ms(times[i]) + (at-float64(i))*(ms(times[i+1])-ms(times[i]))
}

// allocations counts the allocations of a run.
func allocations(once func() (time.Duration, error)) (float64, error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range countedRuns {
		if _, err := once(); err != nil {
			return 0, err
		}
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / countedRuns, nil
}

func describeInputs(in *feed.Feed) []string {
	var list []string
	for name, v := range in.Values {
		ty := sym.TypeOf(v, false)
		list = append(list, name+" "+ty.String())
	}
	slices.Sort(list)
	return list
}

func (a *app) printBench(res *benchJSON) {
	t := newTable(a.out)
	t.row("THREADS", "LOAD ms", "FIRST ms", "MEDIAN ms", "P90 ms", "P99 ms", "MIN ms", "MEAN ms", "RUNS/s", "PEAK RSS", "ALLOCS/RUN")
	digits := func(v float64) string { return millis(time.Duration(v * float64(time.Millisecond))) }
	for _, r := range res.Results {
		t.row(r.Threads, digits(r.Load), digits(r.First), digits(r.Median), digits(r.P90), digits(r.P99), digits(r.Min),
			digits(r.Mean)+" ± "+digits(r.SD), strconv.FormatFloat(r.PerSecond, 'f', 1, 64), byteSize(r.PeakRSS), short(r.Allocs))
	}
	t.flush()
}

// compareBaseline compares the medians with those of an earlier result.
func (a *app) compareBaseline(old, res *benchJSON, limit float64) error {
	slower, compared := 0, 0
	for _, r := range res.Results {
		i := slices.IndexFunc(old.Results, func(o benchResult) bool { return o.Threads == r.Threads })
		if i < 0 || old.Results[i].Median <= 0 {
			continue
		}
		compared++
		change := r.Median/old.Results[i].Median - 1
		text := fmt.Sprintf("%s: median %.4g ms, baseline %.4g ms: %+.1f%%", plural(r.Threads, "thread"), r.Median, old.Results[i].Median, 100*change)
		if change > limit {
			slower++
			a.warn("%s, more than the %+.1f%% allowed", text, 100*limit)
		} else {
			a.note("%s", text)
		}
	}
	switch {
	case compared == 0:
		return usage("the baseline has none of these numbers of threads")
	case slower > 0:
		return verdict(ExitDiffers)
	}
	return nil
}
