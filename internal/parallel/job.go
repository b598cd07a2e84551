package parallel

import (
	"errors"
	"fmt"
	"unsafe"
)

// A Job is work cut into tiles. Make it a struct that lives as long as the prepared Run: handing over a pointer
// allocates nothing, where a closure would.
type Job interface {
	// Tile does tile i. Each index is run exactly once, unless the Run fails, by one of several goroutines;
	// different tiles run at the same time.
	Tile(w *Worker, i int)
}

// A Worker is what the goroutine that runs a tile owns: memory that survives from tile to tile and from job to job.
// It may be used only within the call of Tile that it was given to.
type Worker struct {
	// ID tells the workers of one job apart: 0 is the caller, others are below Group.Threads.
	ID int

	scratch []byte
}

// cacheLine is the alignment of scratch memory, and the least common one that vector loads and stores like.
const cacheLine = 64

// Scratch returns n bytes aligned to 64 bytes. The contents are undefined, and the next call returns the same memory:
// a tile calls it once and divides what it gets. A negative n counts as none.
func (w *Worker) Scratch(n int) []byte {
	if n > len(w.scratch) {
		w.scratch = alignedBytes(n)
	}
	n = max(n, 0)
	return w.scratch[:n:n]
}

// alignedBytes allocates at least n bytes at a multiple of cacheLine. Sizes are rounded up, so that kernels whose
// needs differ slightly don't each grow the buffer.
func alignedBytes(n int) []byte {
	const granule = 4096
	n = (n + granule - 1) &^ (granule - 1)
	b := make([]byte, n+cacheLine)
	off := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (cacheLine - 1))
	return b[off : off+n]
}

// A PanicError is a panic of a tile, carried to the caller of Run.
type PanicError struct {
	Value any    // what was passed to panic
	Tile  int    // the tile; the least index, if several panicked
	Stack []byte // the stack of the goroutine that ran the tile, as of debug.Stack
}

// Error describes the panic without its stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic in tile %d: %v", e.Tile, e.Value) }

// Unwrap returns the value of the panic if it is an error, such as a runtime.Error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// errGoexit is the value of the PanicError for a tile that ended its goroutine.
var errGoexit = errors.New("the tile called runtime.Goexit")
