package parallel

import (
	"context"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// nothing is a job whose tiles do next to nothing: what remains is the pool.
type nothing struct{ _ int }

func (*nothing) Tile(*Worker, int) {}

// meeting is a job of two tiles, each of which waits for the other to start: its time is what it takes until another
// goroutine works.
type meeting struct{ here atomic.Int32 }

func (m *meeting) Tile(*Worker, int) {
	for n := m.here.Add(1); n&1 != 0; n = m.here.Load() {
		pause()
	}
}

func begin(tb testing.TB, threads int) *Group {
	g := NewGroup(threads)
	g.Begin(context.Background())
	tb.Cleanup(g.End)
	return g
}

func BenchmarkForkJoin(b *testing.B) {
	for _, c := range []struct {
		name    string
		threads int
		tiles   int
	}{{"alone", 1, 2}, {"tiles=2", 2, 2}, {"tiles=16", 2, 16}} {
		b.Run(c.name, func(b *testing.B) {
			g := begin(b, c.threads)
			job := new(nothing)
			b.ReportAllocs()
			for b.Loop() {
				if err := g.Run(c.tiles, job); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkMeet is the time until a second goroutine has started and both have finished.
func BenchmarkMeet(b *testing.B) {
	if runtime.GOMAXPROCS(0) < 2 {
		b.Skip("needs two processors")
	}
	for _, gap := range []time.Duration{0, 10 * time.Microsecond, 50 * time.Microsecond, 2 * time.Millisecond} {
		for _, how := range []string{"busy", "asleep"} {
			if gap == 0 && how == "asleep" {
				continue
			}
			b.Run("after="+gap.String()+"/"+how, func(b *testing.B) {
				g := begin(b, 2)
				var job meeting
				times := make([]time.Duration, b.N)
				for i := range b.N {
					if t := now(); how == "asleep" {
						time.Sleep(gap)
					} else {
						for now()-t < gap {
						}
					}
					t := now()
					if err := g.Run(2, &job); err != nil {
						b.Fatal(err)
					}
					times[i] = now() - t
				}
				report(b, times)
			})
		}
	}
}

// BenchmarkWake is what the caller pays for waking a worker, when it does all the work itself.
func BenchmarkWake(b *testing.B) {
	if runtime.GOMAXPROCS(0) < 2 {
		b.Skip("needs two processors")
	}
	g := begin(b, 2)
	job := new(nothing)
	times := make([]time.Duration, b.N)
	for i := range b.N {
		time.Sleep(2 * time.Millisecond)
		t := now()
		if err := g.Run(2, job); err != nil {
			b.Fatal(err)
		}
		times[i] = now() - t
	}
	report(b, times)
}

// report gives the tenth percentile and the median of the times.
func report(b *testing.B, times []time.Duration) {
	slices.Sort(times)
	b.ReportMetric(float64(times[b.N/10]), "p10-ns")
	b.ReportMetric(float64(times[b.N/2]), "median-ns")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkBeginEnd is the price of a Run without jobs.
func BenchmarkBeginEnd(b *testing.B) {
	g := NewGroup(2)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	b.ReportAllocs()
	for b.Loop() {
		g.Begin(ctx)
		g.End()
	}
}
