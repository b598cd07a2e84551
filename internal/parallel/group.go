package parallel

import (
	"context"
	"math"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// falseSharing is the distance at which two fields don't disturb each other: a cache line and the one that the
// prefetcher fetches along with it.
const falseSharing = 128

// A Group is one Run's handle on the pool. It belongs to one Run at a time; make it once and reuse it.
type Group struct {
	// Owner's fields: written between jobs only, so tiles may read them.
	ctx   context.Context // nil outside Begin and End
	slot  int             // where workers find the group; noSlot if they don't
	wants int             // workers that the group has asked for
	epoch uint32
	self  Worker // the caller as worker 0

	// busy is set while a job runs. A Run that finds it set is nested, and runs inline.
	busy atomic.Bool

	_ [falseSharing]byte
	// seats[i] is taken (1) by the worker that has ID i+1. It keeps its seat between jobs.
	seats []atomic.Uint32

	_ [falseSharing]byte
	// state is the job's number (high half) and how many tiles are not yet claimed (low half). Taking one off is a
	// claim, and whoever holds a claim may read the fields below: the owner doesn't touch them until all claimed tiles
	// are finished. The number makes a claim fail that was prepared during an earlier job; it would have to be
	// overtaken by exactly 2³² jobs to be fooled.
	state atomic.Uint64
	job   Job
	tiles uint32 // of this job, or of this part of one that has more than maxTiles
	base  int    // index of the part's first tile
	done  <-chan struct{}
	limit atomic.Int32 // goroutines allowed in the Run at hand, caller included

	_ [falseSharing]byte
	// left counts the tiles that are not finished; the job is over when it is 0.
	left     atomic.Int64
	sleeping atomic.Bool   // the owner waits for wake; only the owner writes it
	wake     chan struct{} // may hold a stale token, so the owner looks again

	_        [falseSharing]byte
	failed   atomic.Bool // a tile panicked, or wasn't run because the context has ended
	mu       sync.Mutex
	panicked *PanicError
	spare    []*Worker // for nested Runs
}

const (
	noSlot   = -1
	maxTiles = math.MaxInt32
)

// NewGroup returns a group in which at most threads goroutines work, the caller included. With threads below 1 only
// the number of processors limits it. A plan that never forks should have a group of 1, which leaves the pool alone.
func NewGroup(threads int) *Group {
	if threads < 1 {
		threads = max(runtime.NumCPU(), runtime.GOMAXPROCS(0))
	}
	threads = min(threads, maxWorkers+1)
	return &Group{slot: noSlot, seats: make([]atomic.Uint32, threads-1), wake: make(chan struct{}, 1)}
}

// Threads returns a bound on Worker.ID: every ID in this group is below it. It doesn't change. How work is cut into
// tiles must not depend on it.
func (g *Group) Threads() int { return len(g.seats) + 1 }

// Begin starts a Run: it notes how to learn of ctx's end and how many processors there are, and has workers woken, so
// that they are there when the first job comes. A Begin without End in between ends the former Run.
func (g *Group) Begin(ctx context.Context) {
	if g.ctx != nil {
		g.End()
	}
	if ctx == nil {
		ctx = context.Background()
	}
	g.ctx, g.done = ctx, ctx.Done()
	g.reset() // a tile that called Goexit on the caller's goroutine has left Run in the middle
	g.busy.Store(false)
	if len(g.seats) > 0 {
		workers.enter(g, runtime.GOMAXPROCS(0))
	}
}

// End ends the Run. Until the next Begin, Run works without the pool and can't be cancelled.
func (g *Group) End() {
	workers.leave(g)
	g.ctx, g.done, g.job = nil, nil, nil
	g.limit.Store(1)
}

// Err returns why the Run is to stop, context.Cause of its context, or nil. It costs about 10 ns, or nothing if the
// context can't end.
func (g *Group) Err() error {
	if g.done == nil {
		return nil
	}
	select {
	case <-g.done:
		return context.Cause(g.ctx)
	default:
		return nil
	}
}

// Run calls job.Tile for every index below tiles and returns when all have returned. If the context ends first, no
// further tile is started and its cause is returned; if a tile panics, likewise, with a *PanicError. Called from a
// tile of the same group, it runs all tiles itself, one after another.
func (g *Group) Run(tiles int, job Job) error {
	if tiles <= 0 {
		return nil
	}
	if !g.busy.CompareAndSwap(false, true) {
		return g.nested(tiles, job)
	}
	if tiles == 1 || g.slot == noSlot {
		err := g.inline(&g.self, tiles, job)
		g.busy.Store(false)
		return err
	}
	for base := 0; base < tiles; base += maxTiles {
		g.fork(job, base, min(tiles-base, maxTiles))
		if g.failed.Load() {
			break
		}
	}
	err := g.outcome()
	g.busy.Store(false)
	return err
}

// fork offers n tiles, from base on, to the pool, works on them too, and returns when all are finished.
func (g *Group) fork(job Job, base, n int) {
	g.job, g.base, g.tiles = job, base, uint32(n)
	g.left.Store(int64(n))
	g.epoch++
	g.state.Store(uint64(g.epoch)<<32 | uint64(n))
	workers.call(min(n, int(g.limit.Load())) - 1)
	g.work(&g.self)
	if g.left.Load() != 0 {
		g.wait()
	}
}

// claimable reports whether a worker would find a tile.
func (g *Group) claimable() bool { return uint32(g.state.Load()) != 0 }

// claim takes one tile and returns how many were unclaimed before; 0 if there was none.
func (g *Group) claim() uint32 {
	for {
		s := g.state.Load()
		if uint32(s) == 0 {
			return 0
		}
		if g.state.CompareAndSwap(s, s-1) {
			return uint32(s)
		}
	}
}

// work runs tiles of the present job until none is left to claim, and reports whether there was any.
func (g *Group) work(w *Worker) bool {
	unclaimed := g.claim()
	if unclaimed == 0 {
		return false
	}
	var finished int64 // reported at the end: until then the job can't be over, so its fields may be read
	tile, returned := 0, false
	defer func() {
		if !returned {
			g.fail(tile, recover())
			finished++
		}
		if g.left.Add(-finished) == 0 && g.sleeping.Load() {
			select {
			case g.wake <- struct{}{}:
			default:
			}
		}
		if !returned && w == &g.self {
			g.wait() // in case Goexit goes on to unwind the caller of Run
		}
	}()
	job, end, done := g.job, g.base+int(g.tiles), g.done
	for ; unclaimed != 0; unclaimed = g.claim() {
		if tile = end - int(unclaimed); ended(done) {
			g.cancel()
		} else {
			job.Tile(w, tile)
		}
		finished++
	}
	returned = true
	return true
}

// ended reports whether a context with this Done channel has ended.
func ended(done <-chan struct{}) bool {
	if done == nil {
		return false
	}
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// drop takes all unclaimed tiles off the job. The caller holds a claim.
func (g *Group) drop() {
	for {
		s := g.state.Load()
		n := uint32(s)
		if n == 0 {
			return
		}
		if g.state.CompareAndSwap(s, s-uint64(n)) {
			g.left.Add(-int64(n))
			return
		}
	}
}

// cancel notes that a tile wasn't run because the context has ended.
func (g *Group) cancel() {
	g.failed.Store(true)
	g.drop()
}

// fail notes that a tile panicked. Tiles are claimed in order, and claimed ones are run, so the one with the least
// index that panics always does: keeping that one makes the error independent of timing.
func (g *Group) fail(tile int, value any) {
	e := newPanicError(tile, value)
	g.mu.Lock()
	if g.panicked == nil || tile < g.panicked.Tile {
		g.panicked = e
	}
	g.mu.Unlock()
	g.failed.Store(true)
	g.drop()
}

// newPanicError wraps what recover returned, nil for a Goexit. It must be called by the deferred function, while the
// stack of the panic is still there.
func newPanicError(tile int, value any) *PanicError {
	if value == nil {
		value = errGoexit
	}
	return &PanicError{Value: value, Tile: tile, Stack: debug.Stack()}
}

// outcome returns the error of the job that has just ended and forgets it. All tiles are finished.
func (g *Group) outcome() error {
	if !g.failed.Load() {
		return nil
	}
	p := g.panicked
	g.reset()
	if p != nil {
		return p
	}
	return context.Cause(g.ctx)
}

// reset makes the group ready for another job.
func (g *Group) reset() {
	g.panicked = nil
	g.failed.Store(false)
}

// wait returns when no claimed tile is running any more. It spins first, since tiles are short, and then sleeps: the
// worker may have lost its processor to another process, perhaps to this very loop.
func (g *Group) wait() {
	var t ticker
	for g.left.Load() != 0 {
		if !t.poll() || t.idle() < workers.spin() {
			continue
		}
		for g.sleeping.Store(true); g.left.Load() != 0; {
			<-g.wake
		}
		g.sleeping.Store(false)
	}
}

// inline runs all tiles on the caller's goroutine.
func (g *Group) inline(w *Worker, tiles int, job Job) (err error) {
	tile, returned := 0, false
	defer func() {
		if !returned {
			err = newPanicError(tile, recover())
		}
	}()
	for ; tile < tiles; tile++ {
		if ended(g.done) {
			returned = true
			return context.Cause(g.ctx)
		}
		job.Tile(w, tile)
	}
	returned = true
	return nil
}

// nested is a Run inside a tile. The tile's own Worker is in use, so it takes another one.
func (g *Group) nested(tiles int, job Job) error {
	var w *Worker
	g.mu.Lock()
	if n := len(g.spare); n > 0 {
		w, g.spare = g.spare[n-1], g.spare[:n-1]
	}
	g.mu.Unlock()
	if w == nil {
		w = new(Worker)
	}
	err := g.inline(w, tiles, job)
	g.mu.Lock()
	g.spare = append(g.spare, w)
	g.mu.Unlock()
	return err
}

// A ticker paces a loop that waits for a word to change.
type ticker struct {
	polls int
	ticks int
	since time.Duration // of the first tick
	last  time.Duration
}

// poll waits for a few nanoseconds. Every microsecond or so it reports a tick, and lets other goroutines run; less often
// where many workers spin, since yielding takes the scheduler's lock.
func (t *ticker) poll() bool {
	pause()
	if t.polls++; t.polls < pollsPerTick {
		return false
	}
	t.polls = 0
	if t.ticks++; t.ticks > int(workers.target.Load())/8 {
		t.ticks = 0
		runtime.Gosched()
	}
	t.last = now()
	if t.since == 0 {
		t.since = t.last
	}
	return true
}

// idle returns how long the loop has been ticking.
func (t *ticker) idle() time.Duration { return t.last - t.since }

var start = time.Now()

// now is a monotonic clock that is never 0.
func now() time.Duration { return time.Since(start) + 1 }
