// Package parallel is the worker pool that all Runs of a process share.
//
// A Run holds a [Group]. Between [Group.Begin] and [Group.End] it hands over one [Job] after another; each is cut
// into tiles that the caller and whatever workers are free claim from a counter:
//
//	g := parallel.NewGroup(threads) // once; as long-lived as the prepared state of a Run
//	g.Begin(ctx)
//	defer g.End()
//	err := g.Run(tiles, job) // job.Tile(w, i) has returned for every i, or err says why not
//
// What callers may rely on:
//
//   - The caller works too. It waits only for tiles that somebody has claimed, never for a worker to become free, so
//     any number of Runs may share the pool: when all cores have a Run of their own, each runs alone.
//   - Run never panics. A tile's panic stops the job and comes back as a [*PanicError].
//   - Who runs a tile, and how many work, depends on timing. Results must not: a tile writes its own output and takes
//     nothing from other tiles of the same job.
//   - A warm Run allocates nothing and takes about 0.2 µs more than its tiles.
//   - A Run inside a tile is executed by the goroutine that asks for it.
//
// # Workers
//
// There are at most GOMAXPROCS-1 workers, created when first wanted. GOMAXPROCS is read when a Run begins, since the
// Go runtime changes it with the container's quota; workers above the new number leave. A process with one processor,
// which WebAssembly always has, and groups of one thread never create any.
//
// A worker without work spins for a short while, yielding to the scheduler every microsecond or so, because
// waking a parked goroutine takes 5 to 50 µs, many operators' whole time. It parks 20 µs after the last job, or
// 100 µs if it was woken soon after it last parked; [SetSpin] changes that. Workers are numbered, and those
// numbered at or above GOMAXPROCS minus the Runs in flight park at once, so that workers don't take processors from
// callers. Parked workers keep their scratch memory, and cost nothing else. When all Groups have ended, what is left are
// GOMAXPROCS-1 parked workers at most, and one more parked goroutine that makes waking them faster.
package parallel
