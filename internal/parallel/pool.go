package parallel

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

const (
	maxWorkers = 255
	maxGroups  = 64 // Runs that workers can see; further ones run alone

	shortSpin   = 20 * time.Microsecond
	defaultSpin = 100 * time.Microsecond
)

// The states of a worker's number.
const (
	absent uint32 = iota // no such goroutine
	awake
	parked // blocked on its channel, or about to be: whoever sets it to awake sends one token
)

// pool is the workers and the groups that they look for work in.
type pool struct {
	mu      sync.Mutex
	runs    int // groups between enter and leave, seen or not
	wanted  int // the sum of their wants
	workers [maxWorkers]*worker
	nudge   chan struct{} // received by the goroutine that runs nudged; nil until there are workers

	_ [falseSharing]byte
	// What workers and callers read all the time and Begin and End write.
	groups [maxGroups]atomic.Pointer[Group]
	active atomic.Uint64 // bit i: groups[i] is set
	procs  atomic.Int32  // GOMAXPROCS as the last Run saw it
	quota  atomic.Int32  // workers below this number may work: procs less the Runs in flight
	target atomic.Int32  // workers below this number are worth waking
	long   atomic.Int64  // the longest time to spin, in nanoseconds
	status [maxWorkers]atomic.Uint32
}

var workers = newPool()

func newPool() *pool {
	p := new(pool)
	p.long.Store(int64(defaultSpin))
	return p
}

// SetSpin sets how long a worker without work spins before it parks, at most; the default is 100 µs. Longer makes
// forks cheaper after pauses and burns processor time in them; 0 parks at once, and each fork then has to wake its
// workers. It is for the whole process and may be called at any time.
func SetSpin(d time.Duration) { workers.long.Store(int64(max(d, 0))) }

func (p *pool) spin() time.Duration { return time.Duration(p.long.Load()) }

// enter lets the workers see a group whose Run begins. With one processor there is nobody to see it.
func (p *pool) enter(g *Group, procs int) {
	g.limit.Store(int32(min(procs, len(g.seats)+1)))
	if procs == 1 && p.procs.Load() <= 1 {
		return
	}
	p.mu.Lock()
	p.resize(procs)
	if procs > 1 {
		g.wants = min(procs-1, len(g.seats))
		if free := ^p.active.Load(); free != 0 {
			g.slot = bits.TrailingZeros64(free)
			p.groups[g.slot].Store(g)
			p.active.Store(p.active.Load() | 1<<g.slot)
		}
		p.runs++
		p.wanted += g.wants
		p.aim()
	}
	target := int(p.target.Load())
	for i := range target {
		p.spawn(i)
	}
	p.mu.Unlock()
	if p.spin() > 0 {
		p.wakeOne(0, target)
	}
}

// leave hides the group again.
func (p *pool) leave(g *Group) {
	if g.wants == 0 {
		return
	}
	p.mu.Lock()
	if g.slot != noSlot {
		p.active.Store(p.active.Load() &^ (1 << g.slot))
		p.groups[g.slot].Store(nil)
		g.slot = noSlot
	}
	p.runs--
	p.wanted -= g.wants
	g.wants = 0
	p.aim()
	p.mu.Unlock()
}

// aim computes how many workers may and how many should be awake. It needs the lock.
func (p *pool) aim() {
	quota := max(int(p.procs.Load())-p.runs, 0)
	p.quota.Store(int32(quota))
	p.target.Store(int32(min(quota, p.wanted, maxWorkers)))
}

// resize notes the number of processors and has surplus workers leave: those that are parked are woken for it, others
// find out when they park. It needs the lock.
func (p *pool) resize(procs int) {
	before := int(p.procs.Swap(int32(procs)))
	for i := max(procs-1, 0); i < min(before, maxWorkers); i++ {
		p.wake(i, 0)
	}
	p.aim()
}

// spawn makes sure that worker i exists. It needs the lock.
func (p *pool) spawn(i int) {
	if p.nudge == nil {
		p.nudge = make(chan struct{})
		go nudged(p.nudge)
	}
	if p.status[i].CompareAndSwap(absent, awake) {
		p.workers[i] = &worker{pool: p, index: i, wake: make(chan struct{}, 1)}
		go p.workers[i].loop()
	}
}

// call wakes a worker if the job that has just been published could use it, up to n of them in all.
func (p *pool) call(n int) { p.wakeOne(0, min(n, int(p.target.Load()))) }

// wakeOne wakes the first parked worker of those numbered from, from+1 … to-1. That worker wakes the next, so that
// the caller pays for one only.
func (p *pool) wakeOne(from, to int) {
	for i := from; i < to; i++ {
		if p.wake(i, to) {
			return
		}
	}
}

// wake wakes worker i if it is parked. It is then to see to those below chain.
func (p *pool) wake(i, chain int) bool {
	if p.status[i].Load() != parked || !p.status[i].CompareAndSwap(parked, awake) {
		return false
	}
	w := p.workers[i]
	w.chain = chain
	w.wake <- struct{}{}
	// The scheduler keeps the last goroutine that was made runnable for this processor, which has other things to do, and
	// others take it only after a sleep of some 20 µs. Making another one runnable puts the worker into the open queue.
	select {
	case p.nudge <- struct{}{}:
	default: // has just been made runnable by somebody else
	}
	return true
}

// nudged is made runnable to no other purpose.
func nudged(c <-chan struct{}) {
	for range c {
	}
}

// worker is one goroutine of the pool.
type worker struct {
	Worker
	pool  *pool
	index int
	group *Group // in which it has a seat; nil if none
	wake  chan struct{}
	chain int  // workers below this number are to be woken after it
	long  bool // the last parking was regretted
	_     [falseSharing]byte
}

// loop is the life of a worker.
func (w *worker) loop() {
	ok := false
	defer func() {
		if !ok {
			go w.loop() // a tile called Goexit
		}
	}()
	var t ticker
	for {
		if w.help() {
			t = ticker{}
			continue
		}
		if expired := t.poll() && t.idle() >= w.patience(); !expired && !w.crowded() {
			continue
		}
		if !w.park() {
			ok = true
			return
		}
		t = ticker{}
	}
}

// crowded reports whether callers need the processor.
func (w *worker) crowded() bool { return w.index >= int(w.pool.quota.Load()) }

// patience is how long to spin before parking.
func (w *worker) patience() time.Duration {
	d := w.pool.spin()
	if !w.long {
		d = min(d, shortSpin)
	}
	return d
}

// help runs tiles of a group that has any, and reports whether it did.
func (w *worker) help() bool { return w.find() && w.group.work(&w.Worker) }

// find takes a seat in a group that has unclaimed tiles, at best in the one where it sits already.
func (w *worker) find() bool {
	if w.crowded() {
		return false
	}
	if g := w.group; g != nil && g.claimable() && w.ID < int(g.limit.Load()) {
		return true
	}
	// Workers begin at different groups, so that they spread over them.
	shift := w.index % maxGroups
	for m := bits.RotateLeft64(w.pool.active.Load(), -shift); m != 0; m &= m - 1 {
		g := w.pool.groups[(bits.TrailingZeros64(m)+shift)%maxGroups].Load()
		if g != nil && g != w.group && g.claimable() && w.sit(g) {
			return true
		}
	}
	return false
}

// sit takes a free seat in the group and gives up the one that it had.
func (w *worker) sit(g *Group) bool {
	for i := range min(int(g.limit.Load())-1, len(g.seats)) {
		if g.seats[i].Load() == 0 && g.seats[i].CompareAndSwap(0, 1) {
			w.stand()
			w.group, w.ID = g, i+1
			return true
		}
	}
	return false
}

// stand gives up the seat.
func (w *worker) stand() {
	if w.group != nil {
		w.group.seats[w.ID-1].Store(0)
		w.group = nil
	}
}

// park blocks until somebody wakes the worker. It returns false if the worker is one too many and must end.
func (w *worker) park() bool {
	p := w.pool
	w.stand()
	since := now()
	status := &p.status[w.index]
	status.Store(parked)
	// Whoever publishes a job or another number of processors does so before looking at status, and here it is the
	// other way round: one of the two notices.
	switch {
	case w.index >= int(p.procs.Load())-1:
		if status.CompareAndSwap(parked, absent) {
			return false
		}
	case w.find():
		if status.CompareAndSwap(parked, awake) {
			return true
		}
	}
	<-w.wake
	w.long = now()-since < 2*p.spin()
	p.wakeOne(w.index+1, w.chain)
	return true
}
