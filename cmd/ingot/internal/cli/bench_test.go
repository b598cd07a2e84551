package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestBench(t *testing.T) {
	path := doubling().file(t)
	r := runCLI(t, "bench", path, "--runs", "5", "--warmup", "2", "--threads", "1,2").want(t, 0, "THREADS  LOAD ms  FIRST ms  MEDIAN ms", "open dimensions that nothing sets are taken as 1: x is float32[1,4] (batch)")
	if strings.Count(r.out, "\n") != 3 || strings.Count(r.err, "seed 0") != 1 {
		t.Errorf("%s%s", r.out, r.err)
	}
	var doc benchJSON
	r = runCLI(t, "bench", path, "--runs", "5", "--warmup", "2", "--threads", "1,2", "--json", "-d", "batch=3", "-q").want(t, 0, "", "")
	r.decode(t, &doc)
	if doc.Schema != "ingot.bench/1" || len(doc.Results) != 2 || doc.Inputs[0] != "x float32[3,4]" {
		t.Fatalf("%+v", doc)
	}
	for i, b := range doc.Results {
		if b.Threads != i+1 || b.Runs != 5 || b.Warmup != 2 || !(b.Min <= b.Median && b.Median <= b.P90 && b.P90 <= b.P99) || b.Median <= 0 || b.Load <= 0 || b.First <= 0 || b.PeakRSS <= 0 || b.Allocs <= 0 {
			t.Errorf("%+v", b)
		}
	}
	for _, key := range []string{`"median_ms"`, `"p90_ms"`, `"p99_ms"`, `"load_ms"`, `"first_ms"`, `"peak_rss_bytes"`, `"allocs_per_run"`, `"threads"`} {
		if !strings.Contains(r.out, key) {
			t.Errorf("%s is missing", key)
		}
	}
}

// TestBenchBaseline compares with results that were made up: a run takes neither a nanosecond nor an hour.
func TestBenchBaseline(t *testing.T) {
	path := doubling().file(t)
	base := func(median string) string {
		return writeTemp(t, "base.json", `{"schema":"ingot.bench/1","results":[{"threads":1,"median_ms":`+median+`}]}`)
	}
	args := []string{"bench", path, "--runs", "3", "--warmup", "1", "--threads", "1"}
	runCLI(t, append(args, "--baseline", base("1e-7"), "--fail-if", "+5%")...).want(t, ExitDiffers, "MEDIAN", "more than the +5.0% allowed")
	runCLI(t, append(args, "--baseline", base("3.6e6"), "--fail-if", "+5%")...).want(t, 0, "MEDIAN", "baseline 3.6e+06 ms: -100.0%")
	runCLI(t, append(args, "--baseline", base("1e-7"))...).want(t, 0, "", "baseline")
	runCLI(t, append(args, "--baseline", writeTemp(t, "b.json", `{"schema":"other/1"}`))...).want(t, 2, "", "isn't the result of ingot bench")
	runCLI(t, append(args, "--fail-if", "+5%")...).want(t, 2, "", "--fail-if needs a --baseline")
	runCLI(t, append(args, "--baseline", base("1"), "--fail-if", "5")...).want(t, 2, "", "write a percentage")
	runCLI(t, append(args, "--baseline", filepath.Join(t.TempDir(), "none"))...).want(t, 2, "", "no such file")
	runCLI(t, "bench", path, "--threads", "-1").want(t, 2, "", "--threads")
	runCLI(t, "bench", path, "--runs", "-1").want(t, 2, "", "--runs")
}

// TestStatistics are NumPy's: numpy.quantile and numpy.std with ddof=1.
func TestStatistics(t *testing.T) {
	var r benchResult
	r.summarise([]time.Duration{4e6, 1e6, 3e6, 2e6})
	if r.Min != 1 || r.Median != 2.5 || r.P90 != 3.7 || r.Mean != 2.5 || r.PerSecond != 400 || r.SD < 1.2909 || r.SD > 1.2910 {
		t.Errorf("%+v", r)
	}
	if now, peak := resident(os.Getpid()); now <= 0 || peak < now/2 {
		t.Errorf("this process holds %d bytes, at most %d", now, peak)
	}
}
