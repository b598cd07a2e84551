package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"ingot/internal/cases"
)

// testFlags are those of ingot test.
type testFlags struct {
	rtol, atol float64
	threads    int
	noOptimize bool
	via        via
	bits       bool
	jobs       int
	filter     string
	skipFile   string
	timeout    time.Duration
	memory     string
	rtolSet    bool
	atolSet    bool
}

func (a *app) testCommand() *cobra.Command {
	f := &testFlags{}
	cmd := &cobra.Command{
		Use:   "test DIR…",
		Short: "Run folders of reference cases and compare",
		Long: `Run folders of reference cases, and compare the outputs with those that are expected.

Cases are found recursively, in two layouts:

  model.onnx, test_data_set_N/{input,output}_M.pb   the ONNX backend suite's; tolerances in an
                                                    optional data.json
  index.json with inputs and outputs (name, file)   ours; optionally model (a path that may lead
                                                    out of the folder), rtol and atol

An element passes when |got-want| ≤ atol + rtol·|want|; element type and shape must be equal.
A case's own tolerances beat the defaults, and the flags beat both.

Cases run in child processes: one that crashes, hangs or takes too much memory fails alone.
A skip file lists cases that aren't run, one a line: the name, a space, the reason.`,
		Example: `  ingot test suite/node
  ingot test suite --filter 'conv|pool' -v
  ingot test models --rtol 1e-3 --atol 1e-4 --bits
  ingot test suite --skip-file skips.txt --json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("which folders?").withHint("ingot test DIR…")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			f.rtolSet, f.atolSet = cmd.Flags().Changed("rtol"), cmd.Flags().Changed("atol")
			return a.test(cmd.Context(), args, f)
		},
	}
	s := cmd.Flags()
	s.Float64Var(&f.rtol, "rtol", 1e-3, "relative tolerance, a `number`")
	s.Float64Var(&f.atol, "atol", 1e-7, "absolute tolerance, a `number`")
	s.IntVar(&f.threads, "threads", 1, "threads of each run, a `number`; 0: as many as there are processors")
	s.BoolVar(&f.noOptimize, "no-optimize", false, "leave out all optimiser passes")
	f.via.register(s)
	s.BoolVar(&f.bits, "bits", false, "run each case with 1 and 2 threads; a byte that differs fails it")
	s.IntVar(&f.jobs, "jobs", runtime.GOMAXPROCS(0), "child processes at a time, a `number`")
	s.StringVar(&f.filter, "filter", "", "run only the cases whose names match this regular `expression`")
	s.StringVar(&f.skipFile, "skip-file", "", "`file` with cases to skip and why")
	s.DurationVar(&f.timeout, "timeout", time.Minute, "time limit of a case")
	s.StringVar(&f.memory, "memory-limit", "4GiB", "most memory of a child process, an `amount`")
	return cmd
}

// Outcomes of a case.
const (
	casePassed  = "passed"
	caseFailed  = "failed"
	caseSkipped = "skipped"
)

// caseResult is what became of a case.
type caseResult struct {
	Name    string  `json:"name"`
	Outcome string  `json:"outcome"`
	Reason  string  `json:"reason,omitempty"` // that others may share
	Detail  string  `json:"detail,omitempty"`
	Seconds float64 `json:"seconds"`
}

// testJSON is the result of ingot test.
type testJSON struct {
	Schema   string         `json:"schema"`
	Passed   int            `json:"passed"`
	Failed   int            `json:"failed"`
	Skipped  int            `json:"skipped"`
	Seconds  float64        `json:"seconds"`
	Failures []failureGroup `json:"failures"`
	Cases    []caseResult   `json:"cases"`
}

type failureGroup struct {
	Reason string   `json:"reason"`
	Count  int      `json:"count"`
	Cases  []string `json:"cases"`
}

func (a *app) test(ctx context.Context, dirs []string, f *testFlags) error {
	if f.jobs < 1 || f.threads < 0 || f.timeout <= 0 {
		return usage("--jobs and --timeout must be positive, --threads not negative")
	}
	memory, err := parseBytes(f.memory)
	if err != nil {
		return err
	}
	filter, err := regexp.Compile(f.filter)
	if err != nil {
		return usage("--filter: %v", err)
	}
	skips, err := readSkips(f.skipFile)
	if err != nil {
		return err
	}
	list, err := cases.FindAll(dirs...)
	if err != nil {
		return err
	}
	began := time.Now()
	res := &testJSON{Schema: a.schema(), Failures: []failureGroup{}, Cases: []caseResult{}}
	var todo []cases.Case
	for _, c := range list {
		switch reason, skip := skips[c.Name]; {
		case !filter.MatchString(c.Name):
		case skip:
			res.Cases = append(res.Cases, caseResult{Name: c.Name, Outcome: caseSkipped, Reason: reason})
		case c.Err != nil:
			res.Cases = append(res.Cases, caseResult{Name: c.Name, Outcome: caseFailed, Reason: "the case can't be read", Detail: c.Err.Error()})
		default:
			todo = append(todo, c)
		}
	}
	if len(todo)+len(res.Cases) == 0 && len(list) > 0 {
		return usage("none of the %s has a name that %q matches", plural(len(list), "case"), f.filter)
	}
	if len(list) == 0 {
		return usage("no cases in %s", strings.Join(dirs, ", ")).withHint("ingot test --help says what a case looks like")
	}
	a.unusedSkips(skips, list)
	tasks := make([]caseTask, len(todo))
	for i, c := range todo {
		tasks[i] = f.task(c)
	}
	results, err := a.runTasks(ctx, tasks, f, memory)
	if err != nil {
		return err
	}
	res.Cases = append(res.Cases, results...)
	res.Seconds = time.Since(began).Seconds()
	res.count()
	return a.tellTest(res)
}

// task is what a child is told about a case.
func (f *testFlags) task(c cases.Case) caseTask {
	tol := c.Tolerances(cases.Tolerance{RTol: f.rtol, ATol: f.atol})
	if f.rtolSet {
		tol.RTol = f.rtol
	}
	if f.atolSet {
		tol.ATol = f.atol
	}
	return caseTask{Case: c, RTol: tol.RTol, ATol: tol.ATol, Threads: f.threads, NoOptimize: f.noOptimize, Bits: f.bits, Plain: f.via.plain}
}

// readSkips reads a skip file.
func readSkips(path string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for i, line := range strings.Split(string(b), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		end := strings.IndexFunc(line, unicode.IsSpace)
		if end < 0 {
			return nil, &failure{code: ExitUsage, what: fmt.Sprintf("line %d: the case %q is skipped without a reason", i+1, line), file: path}
		}
		out[strings.TrimSuffix(line[:end], ":")] = strings.TrimSpace(line[end:])
	}
	return out, nil
}

// unusedSkips warns of skips that fit no case: they hide a case that was renamed.
func (a *app) unusedSkips(skips map[string]string, list []cases.Case) {
	for _, name := range slices.Sorted(maps.Keys(skips)) {
		if !slices.ContainsFunc(list, func(c cases.Case) bool { return c.Name == name }) {
			a.warn("the skip file names the case %q, which isn't there", name)
		}
	}
}

// runTasks runs the tasks in child processes, and returns their results in the tasks' order.
func (a *app) runTasks(ctx context.Context, tasks []caseTask, f *testFlags, memory int64) ([]caseResult, error) {
	results := make([]caseResult, len(tasks))
	next := make(chan int)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var broken error
	done, failed := 0, 0
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for range min(f.jobs, len(tasks)) {
		wg.Go(func() {
			w := &caseWorker{timeout: f.timeout, memory: memory, threads: f.threads}
			defer w.stop()
			for i := range next {
				began := time.Now()
				r, err := w.run(ctx, &tasks[i])
				r.Name, r.Seconds = tasks[i].Case.Name, time.Since(began).Seconds()
				mu.Lock()
				results[i] = r
				done++
				if r.Outcome == caseFailed {
					failed++
				}
				if err != nil && broken == nil {
					broken = err
					cancel(err)
				}
				a.live.set("%d/%d  %d failed  %s", done, len(tasks), failed, r.Name)
				mu.Unlock()
			}
		})
	}
feeding:
	for i := range tasks {
		select {
		case next <- i:
		case <-ctx.Done():
			break feeding
		}
	}
	close(next)
	wg.Wait()
	a.live.wipe()
	if broken == nil {
		broken = ctxError(ctx)
	}
	return results, broken
}

// count fills in the totals and groups the failures, the most frequent first.
func (r *testJSON) count() {
	slices.SortStableFunc(r.Cases, func(x, y caseResult) int { return strings.Compare(x.Name, y.Name) })
	groups := map[string][]string{}
	for _, c := range r.Cases {
		switch c.Outcome {
		case casePassed:
			r.Passed++
		case caseSkipped:
			r.Skipped++
		default:
			r.Failed++
			groups[c.Reason] = append(groups[c.Reason], c.Name)
		}
	}
	for reason, names := range groups {
		r.Failures = append(r.Failures, failureGroup{reason, len(names), names})
	}
	slices.SortFunc(r.Failures, func(x, y failureGroup) int {
		return cmp.Or(cmp.Compare(y.Count, x.Count), strings.Compare(x.Reason, y.Reason))
	})
}

// examples is how many cases of a group are named.
const examples = 3

func (a *app) tellTest(r *testJSON) error {
	if a.json {
		if err := a.printJSON(r); err != nil {
			return err
		}
	} else {
		a.printTest(r)
	}
	if r.Failed > 0 {
		return verdict(ExitDiffers)
	}
	return nil
}

func (a *app) printTest(r *testJSON) {
	for _, g := range r.Failures {
		fmt.Fprintf(a.out, "%s %5d  %s\n", a.out.paint(red, "FAIL"), g.Count, g.Reason)
		names := g.Cases
		if !a.verbose && len(names) > examples {
			names = append(slices.Clone(names[:examples]), fmt.Sprintf("… and %d more", len(names)-examples))
		}
		if !a.verbose {
			fmt.Fprintf(a.out, "            %s\n", strings.Join(names, ", "))
			continue
		}
		for _, c := range r.Cases {
			if c.Outcome == caseFailed && c.Reason == g.Reason {
				fmt.Fprintf(a.out, "            %s: %s\n", c.Name, strings.ReplaceAll(c.Detail, "\n", "\n              "))
			}
		}
	}
	for _, c := range r.Cases {
		if c.Outcome == caseSkipped && a.verbose {
			fmt.Fprintf(a.out, "skip        %s: %s\n", c.Name, c.Reason)
		}
	}
	fmt.Fprintf(a.out, "%d passed, %d failed, %d skipped\n", r.Passed, r.Failed, r.Skipped)
}
