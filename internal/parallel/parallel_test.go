package parallel

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"
)

// setProcs changes GOMAXPROCS for one test, so that more goroutines meet than the machine has cores.
func setProcs(tb testing.TB, n int) {
	old := runtime.GOMAXPROCS(n)
	tb.Cleanup(func() { runtime.GOMAXPROCS(old) })
	if got := runtime.GOMAXPROCS(0); got != n {
		tb.Skipf("this platform has %d processors for good", got)
	}
}

// counter counts how often each tile was run and by whom.
type counter struct {
	counts  []atomic.Int32
	threads int
	inUse   []atomic.Int32 // by ID: tiles that are running
	wrong   atomic.Pointer[string]
	yield   bool // let others in between, so that workers take part even on a busy machine
}

func newCounter(g *Group, tiles int) *counter {
	return &counter{counts: make([]atomic.Int32, tiles), threads: g.Threads(), inUse: make([]atomic.Int32, g.Threads())}
}

func (c *counter) Tile(w *Worker, i int) {
	if w.ID < 0 || w.ID >= c.threads {
		s := fmt.Sprintf("tile %d: ID %d, %d threads", i, w.ID, c.threads)
		c.wrong.Store(&s)
		return
	}
	if c.inUse[w.ID].Add(1) != 1 {
		s := fmt.Sprintf("tile %d: two goroutines have ID %d", i, w.ID)
		c.wrong.Store(&s)
	}
	c.counts[i].Add(1)
	b := w.Scratch(100 + 1000*(i%7))
	b[0], b[len(b)-1] = byte(i), byte(i)
	if c.yield {
		runtime.Gosched()
	}
	if b[0] != byte(i) || b[len(b)-1] != byte(i) {
		s := fmt.Sprintf("tile %d: somebody else wrote to its scratch memory", i)
		c.wrong.Store(&s)
	}
	c.inUse[w.ID].Add(-1)
}

// check verifies that each tile was run once since the last check.
func (c *counter) check(tb testing.TB) {
	tb.Helper()
	if s := c.wrong.Load(); s != nil {
		tb.Fatal(*s)
	}
	for i := range c.counts {
		if n := c.counts[i].Swap(0); n != 1 {
			tb.Fatalf("tile %d was run %d times", i, n)
		}
	}
}

func TestEveryTileOnce(t *testing.T) {
	for _, procs := range []int{1, 2, 8} {
		for _, threads := range []int{1, 2, 3, 7} {
			t.Run(fmt.Sprintf("procs=%d/threads=%d", procs, threads), func(t *testing.T) {
				setProcs(t, procs)
				g := NewGroup(threads)
				for run := range 10 {
					g.Begin(context.Background())
					for _, tiles := range []int{0, 1, 2, 3, 16, 500} {
						c := newCounter(g, tiles)
						c.yield = run%2 == 0
						for range 3 {
							if err := g.Run(tiles, c); err != nil {
								t.Fatal(err)
							}
							c.check(t)
						}
					}
					g.End()
				}
			})
		}
	}
}

func TestRunWithoutBegin(t *testing.T) {
	g := NewGroup(2)
	c := newCounter(g, 10)
	for range 2 {
		if err := g.Run(10, c); err != nil {
			t.Fatal(err)
		}
		c.check(t)
		g.Begin(context.Background())
		g.Begin(context.Background()) // ends the former
		g.End()
		g.End()
	}
	if got := workers.active.Load(); got != 0 {
		t.Errorf("active groups %b after End, want none", got)
	}
}

func TestZeroAndNegativeTiles(t *testing.T) {
	g := begin(t, 2)
	for _, n := range []int{0, -1} {
		if err := g.Run(n, nil); err != nil {
			t.Errorf("Run(%d): %v", n, err)
		}
	}
}

// A worker takes part when the caller can't finish alone: each tile waits for the other.
func TestWorkersTakePart(t *testing.T) {
	setProcs(t, 2)
	for _, spin := range []time.Duration{0, defaultSpin} {
		SetSpin(spin)
		defer SetSpin(defaultSpin)
		g := NewGroup(2)
		g.Begin(context.Background())
		ids := new(both)
		for range 50 {
			if err := g.Run(2, ids); err != nil {
				t.Fatal(err)
			}
			if seen := ids.seen.Swap(0); seen != 0b11 {
				t.Fatalf("spin %v: workers seen %b, want 11", spin, seen)
			}
			time.Sleep(200 * time.Microsecond) // some find the worker parked
		}
		g.End()
	}
}

type both struct {
	meeting
	seen atomic.Uint32
}

func (b *both) Tile(w *Worker, i int) {
	b.seen.Or(1 << w.ID)
	b.here.Add(1)
	for b.here.Load()&1 != 0 {
		runtime.Gosched()
	}
}

func TestConcurrentGroups(t *testing.T) {
	setProcs(t, 4)
	for _, callers := range []int{2, 8, maxGroups + 10} {
		t.Run(fmt.Sprint(callers), func(t *testing.T) {
			var wg sync.WaitGroup
			for i := range callers {
				wg.Go(func() {
					g := NewGroup(2 + i%3)
					c := newCounter(g, 40)
					c.yield = i%2 == 0
					for range 20 {
						g.Begin(context.Background())
						for range 5 {
							if err := g.Run(40, c); err != nil {
								t.Error(err)
								break
							}
							c.check(t)
						}
						g.End()
					}
				})
			}
			wg.Wait()
			if workers.active.Load() != 0 || workers.runs != 0 || workers.wanted != 0 || workers.target.Load() != 0 {
				t.Errorf("after the last End: active %b, runs %d, wanted %d, target %d",
					workers.active.Load(), workers.runs, workers.wanted, workers.target.Load())
			}
		})
	}
}

// nest runs a job inside each tile, and inside each of those tiles a Run of another group.
type nest struct {
	g     *Group
	inner []*counter
	err   atomic.Pointer[error]
}

func (n *nest) Tile(w *Worker, i int) {
	mine := w.Scratch(64)
	for k := range mine {
		mine[k] = byte(i)
	}
	err := n.g.Run(20, n.inner[i])
	other := NewGroup(2)
	other.Begin(context.Background())
	c := newCounter(other, 8)
	err = errors.Join(err, other.Run(8, c))
	other.End()
	for k := range mine {
		if mine[k] != byte(i) {
			err = errors.Join(err, errors.New("the nested Run took its tile's scratch memory"))
			break
		}
	}
	for k := range c.counts {
		if c.counts[k].Load() != 1 {
			err = errors.Join(err, fmt.Errorf("tile %d of the other group was run %d times", k, c.counts[k].Load()))
		}
	}
	if err != nil {
		n.err.Store(&err)
	}
}

func TestNested(t *testing.T) {
	for _, procs := range []int{1, 4} {
		setProcs(t, procs)
		g := begin(t, 3)
		n := &nest{g: g}
		for range 30 {
			n.inner = append(n.inner, newCounter(g, 20))
		}
		for range 5 {
			if err := g.Run(len(n.inner), n); err != nil {
				t.Fatal(err)
			}
			if err := n.err.Load(); err != nil {
				t.Fatal(*err)
			}
			for _, c := range n.inner {
				c.check(t)
			}
		}
		g.End()
	}
}

// bad panics at some tiles.
type bad struct {
	at    []int
	value any
	ran   atomic.Int32
}

func (b *bad) Tile(_ *Worker, i int) {
	b.ran.Add(1)
	for _, at := range b.at {
		if i == at {
			explode(b.value)
		}
	}
	runtime.Gosched()
}

// explode is a frame to look for in the stack.
//
//go:noinline
func explode(value any) {
	if value == "index" {
		s := []int{}
		_ = s[len(s)]
	}
	if value == "exit" {
		runtime.Goexit()
	}
	panic(value)
}

func TestPanicBecomesError(t *testing.T) {
	cause := errors.New("cause")
	for _, procs := range []int{1, 2, 6} {
		for _, c := range []struct {
			name  string
			at    []int
			value any
			want  int
		}{
			{"first", []int{0}, "boom", 0},
			{"last", []int{99}, "boom", 99},
			{"the least of several", []int{70, 20, 40, 21, 22}, "boom", 20},
			{"an error", []int{5}, cause, 5},
			{"a runtime error", []int{5}, "index", 5},
			{"nil", []int{5}, nil, 5},
		} {
			t.Run(fmt.Sprintf("procs=%d/%s", procs, c.name), func(t *testing.T) {
				setProcs(t, procs)
				g := begin(t, 5)
				for range 20 {
					job := &bad{at: c.at, value: c.value}
					err := g.Run(100, job)
					var p *PanicError
					if !errors.As(err, &p) {
						t.Fatalf("got %v, want a PanicError", err)
					}
					if p.Tile != c.want || !strings.Contains(string(p.Stack), "explode") {
						t.Fatalf("tile %d, want %d; stack:\n%s", p.Tile, c.want, p.Stack)
					}
					if errors.Is(err, cause) != (c.value == cause) {
						t.Fatalf("errors.Is(%v, cause) is wrong", err)
					}
					var re runtime.Error
					if c.value == "index" && !errors.As(err, &re) {
						t.Fatalf("%v doesn't unwrap to a runtime.Error", err)
					}
					ok := newCounter(g, 50)
					if err := g.Run(50, ok); err != nil {
						t.Fatalf("the next Run: %v", err)
					}
					ok.check(t)
				}
			})
		}
	}
}

// A tile that ends its goroutine costs no worker and no Run.
func TestGoexit(t *testing.T) {
	setProcs(t, 3)
	g := NewGroup(3)
	defer g.End()
	exits := make(chan bool)
	for range 20 {
		go func() {
			returned := false
			defer func() { exits <- returned }() // without it the caller's goroutine itself has ended
			g.Begin(context.Background())
			defer g.End()
			err := g.Run(50, &bad{at: []int{7, 30}, value: "exit"})
			if !errors.Is(err, errGoexit) {
				t.Errorf("got %v, want errGoexit", err)
			}
			returned = true
		}()
		<-exits
		g.Begin(context.Background())
		c := newCounter(g, 50)
		if err := g.Run(50, c); err != nil {
			t.Fatal(err)
		}
		c.check(t)
		g.End()
	}
}

// stopper ends the context at one tile. Tiles ten and more further on wait for that.
type stopper struct {
	at      int
	stop    func()
	stopped atomic.Bool
	ran     atomic.Int32
}

func (s *stopper) Tile(_ *Worker, i int) {
	s.ran.Add(1)
	if i == s.at {
		s.stop()
		s.stopped.Store(true)
	}
	for i >= s.at+10 && !s.stopped.Load() {
		runtime.Gosched()
	}
}

func TestCancel(t *testing.T) {
	cause := errors.New("user has left")
	for _, procs := range []int{1, 2, 6} {
		t.Run(fmt.Sprint(procs), func(t *testing.T) {
			setProcs(t, procs)
			g := NewGroup(4)
			defer g.End()
			for range 20 {
				ctx, stop := context.WithCancelCause(context.Background())
				g.Begin(ctx)
				if err := g.Err(); err != nil {
					t.Fatalf("Err before: %v", err)
				}
				const tiles = 1000
				job := &stopper{at: 10, stop: func() { stop(cause) }}
				if err := g.Run(tiles, job); !errors.Is(err, cause) {
					t.Fatalf("got %v, want the cause", err)
				}
				if n := int(job.ran.Load()); n >= 20+g.Threads() {
					t.Fatalf("%d of %d tiles were run, want at most 20 and those that waited", n, tiles)
				}
				job = &stopper{at: tiles}
				if err := g.Run(tiles, job); !errors.Is(err, cause) || job.ran.Load() != 0 {
					t.Fatalf("the next Run: %v, %d tiles", err, job.ran.Load())
				}
				if err := g.Err(); !errors.Is(err, cause) {
					t.Fatalf("Err after: %v", err)
				}
				g.End()
				if err := g.Err(); err != nil {
					t.Fatalf("Err after End: %v", err)
				}
				// Ended during the last tile: all were run, so there is nothing to report.
				ctx, stop = context.WithCancelCause(context.Background())
				g.Begin(ctx)
				job = &stopper{at: 1, stop: func() { stop(cause) }}
				if err := g.Run(2, job); job.ran.Load() == 2 && err != nil {
					t.Fatalf("all tiles were run, and yet %v", err)
				}
				g.End()
			}
		})
	}
}

func TestGOMAXPROCSChanges(t *testing.T) {
	setProcs(t, 2)
	g := NewGroup(8)
	for _, procs := range []int{2, 8, 1, 3, 1, 6, 2} {
		runtime.GOMAXPROCS(procs)
		g.Begin(context.Background())
		c := newCounter(g, 300)
		c.yield = true
		for range 20 {
			if err := g.Run(300, c); err != nil {
				t.Fatal(err)
			}
			c.check(t)
		}
		if got := int(g.limit.Load()); got != procs {
			t.Errorf("limit %d with %d processors", got, procs)
		}
		g.End()
		waitForWorkers(t, procs-1)
	}
}

// waitForWorkers waits until all workers have parked and fails if more than n are left. It returns how many there are.
func waitForWorkers(t *testing.T, n int) {
	t.Helper()
	var left, restless int
	for range 2000 {
		left, restless = 0, 0
		for i := range workers.status {
			switch workers.status[i].Load() {
			case awake:
				restless++
				fallthrough
			case parked:
				left++
			}
		}
		if restless == 0 && left <= n {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("%d workers are left, %d of them awake; want at most %d, parked", left, restless, n)
}

func TestNoGoroutineIsLeft(t *testing.T) {
	setProcs(t, 4)
	begin(t, 2).End() // so that the goroutine that helps to wake workers exists
	before := runtime.NumGoroutine()
	for i := range workers.status {
		if workers.status[i].Load() != absent {
			before--
		}
	}
	for range 100 {
		g := NewGroup(4)
		g.Begin(context.Background())
		if err := g.Run(100, newCounter(g, 100)); err != nil {
			t.Fatal(err)
		}
		g.End()
	}
	waitForWorkers(t, 3)
	if n := runtime.NumGoroutine(); n > before+3 {
		t.Errorf("%d goroutines, before it were %d", n, before)
	}
}

func TestScratch(t *testing.T) {
	var w Worker
	var first *byte
	for _, n := range []int{-1, 0, 1, 63, 4096, 100, 4097, 1 << 20, 5} {
		b := w.Scratch(n)
		if len(b) != max(n, 0) || cap(b) != len(b) {
			t.Errorf("Scratch(%d): len %d, cap %d", n, len(b), cap(b))
		}
		p := unsafe.SliceData(b)
		if n > 0 && uintptr(unsafe.Pointer(p))%64 != 0 {
			t.Errorf("Scratch(%d) isn't aligned: %p", n, p)
		}
		if n == 1 {
			first = p
		} else if n == 4096 && p != first {
			t.Error("small buffers aren't reused")
		}
	}
}

// Steady state allocates nothing, with one processor and with two.
func TestAllocations(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	g := NewGroup(2)
	job := new(nothing)
	run := func() {
		g.Begin(ctx)
		for range 4 {
			if err := g.Run(8, job); err != nil {
				t.Error(err)
			}
		}
		g.End()
	}
	if n := testing.AllocsPerRun(100, run); n != 0 { // sets GOMAXPROCS to 1
		t.Errorf("%v allocations a Run with one processor", n)
	}
	setProcs(t, 2)
	for range 100 {
		run()
	}
	const runs = 2000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		run()
	}
	runtime.ReadMemStats(&after)
	// The Go runtime itself may allocate a few objects meanwhile; a single allocation a Run would be 2000.
	if n := after.Mallocs - before.Mallocs; n > runs/50 {
		t.Errorf("%d allocations in %d Runs with two processors", n, runs)
	}
}

// The collector stops the world again and again: neither side may wait for the other for ever.
func TestBesideGC(t *testing.T) {
	setProcs(t, 3)
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for !stop.Load() {
			runtime.GC()
		}
	})
	g := NewGroup(3)
	c := newCounter(g, 64)
	for range 200 {
		g.Begin(context.Background())
		for range 5 {
			if err := g.Run(64, c); err != nil {
				t.Fatal(err)
			}
			c.check(t)
		}
		g.End()
	}
	stop.Store(true)
	wg.Wait()
}

// A job that is larger than the counter of unclaimed tiles goes out in parts.
func TestParts(t *testing.T) {
	setProcs(t, 2)
	g := begin(t, 2)
	c := newCounter(g, 100)
	for base := 0; base < 100; base += 40 {
		g.fork(c, base, min(40, 100-base))
	}
	c.check(t)
}
