// Package mem is memory outside the Go heap: packed weights and arenas, which would otherwise raise the garbage
// collector's target to twice their size, and model files mapped into memory.
//
//	b, err := mem.Alloc(n)
//	...
//	use(b.Bytes()) // as long as b is reachable and not freed
//
// The collector sees neither the mappings nor the slices that point into them, only the [Block]. Whoever keeps a slice
// of one must keep the Block too; reading a slice of a freed one is a fault that Go can't recover from. A Block that
// becomes unreachable is freed by the collector, in its own time.
package mem

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
)

const (
	// align is what vector loads and cache lines like; mappings are aligned to pages.
	align = 64
	// minMapping is the size from which Alloc maps pages. Below it the Go heap wastes less, and the number of mappings
	// that a process may have is limited.
	minMapping = 64 << 10
)

// A Block is memory that Free gives back. Its methods may be called from several goroutines, but Free only when nobody
// uses the memory any more.
type Block struct {
	data    []byte
	freed   atomic.Bool
	release func([]byte) // nil: the Go heap
	cleanup runtime.Cleanup
}

// Bytes returns the memory, nil after Free. It is valid as long as the Block is reachable and not freed.
func (b *Block) Bytes() []byte {
	if b == nil || b.freed.Load() {
		return nil
	}
	return b.data
}

// Free gives the memory back. Calls after the first do nothing.
func (b *Block) Free() {
	if b == nil || b.freed.Swap(true) {
		return
	}
	if b.release != nil {
		b.cleanup.Stop()
		b.release(b.data)
	}
	runtime.KeepAlive(b) // or the cleanup could run in between
}

// newBlock makes a block of a mapping; release is called once, with data.
func newBlock(data []byte, release func([]byte)) *Block {
	mapped.Add(int64(len(data)))
	b := &Block{data: data, release: func(data []byte) {
		mapped.Add(-int64(len(data)))
		release(data)
	}}
	b.cleanup = runtime.AddCleanup(b, b.release, data)
	return b
}

// mapped is the number of bytes in mappings.
var mapped atomic.Int64

// Alloc returns n zero bytes, aligned to 64 at least. From 64 KiB on they are a mapping of their own, where the platform
// has such a thing, and page-aligned; on Linux, from 4 MiB on, with huge pages if they are to be had. Nothing that holds
// Go pointers may be put there.
func Alloc(n int) (*Block, error) {
	if n < 0 || n > math.MaxInt-align {
		return nil, fmt.Errorf("mem: can't allocate %d bytes", n)
	}
	if n >= minMapping && canMap {
		data, err := mapMemory(n)
		if err != nil {
			return nil, fmt.Errorf("mem: allocating %d bytes: %w", n, err)
		}
		wantHugePages(data)
		return newBlock(data, unmapMemory), nil
	}
	b := make([]byte, n+align)
	off := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (align - 1))
	return &Block{data: b[off : off+n : off+n]}, nil
}

// MapFile maps the first size bytes of a regular file. A write to them is a fault, or, when private is set, changes this
// mapping alone and never the file. The file may be closed afterwards, but not truncated as long as the Block is in use, for that too is a fault that can't be recovered
// from. The error is errors.ErrUnsupported where files can't be mapped, and others are possible (pipes, some network
// file systems); read the file instead.
func MapFile(f *os.File, size int64, private bool) (*Block, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	fail := func(err error) (*Block, error) {
		return nil, &os.PathError{Op: "map", Path: f.Name(), Err: err}
	}
	switch {
	case !canMap:
		return fail(errors.ErrUnsupported)
	case !info.Mode().IsRegular():
		return fail(errors.New("not a regular file"))
	case size < 0 || size > info.Size():
		return fail(fmt.Errorf("can't map %d bytes of a file of %d", size, info.Size()))
	case size > math.MaxInt:
		return fail(fmt.Errorf("%d bytes don't fit the address space", size))
	case size == 0:
		return &Block{data: []byte{}}, nil // an empty mapping is an error
	}
	data, err := mapFile(f, int(size), private)
	if err != nil {
		return fail(err)
	}
	if private {
		return newBlock(data, unmapFile), nil // what is written there can't be read from the file again: Discard must not touch it
	}
	files.add(data)
	return newBlock(data, func(data []byte) {
		files.remove(data)
		unmapFile(data)
	}), nil
}

// Discard tells the operating system that the pages that lie wholly in p, part of a mapped file, won't be needed soon.
// They no longer count as the process's memory, and are read from the file again when they are. It has an effect on
// Linux only, and none on memory that isn't a mapped file.
func Discard(p []byte) {
	page := os.Getpagesize()
	off := int(-uintptr(unsafe.Pointer(unsafe.SliceData(p))) & uintptr(page-1))
	if len(p) < off+page || !files.holds(p) {
		return
	}
	p = p[off:]
	discard(p[:len(p)&^(page-1)])
}

// registry knows the mapped files, because what Discard does to a mapped file would lose the contents of other memory.
type registry struct {
	mu     sync.Mutex
	ranges []span
}

// span is a range of addresses.
type span struct{ from, to uintptr }

var files registry

func spanOf(p []byte) span {
	from := uintptr(unsafe.Pointer(unsafe.SliceData(p)))
	return span{from, from + uintptr(len(p))}
}

func (r *registry) add(p []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ranges = append(r.ranges, spanOf(p))
}

func (r *registry) remove(p []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.ranges, spanOf(p)); i >= 0 {
		r.ranges = slices.Delete(r.ranges, i, i+1)
	}
}

func (r *registry) holds(p []byte) bool {
	s := spanOf(p)
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.ranges, func(f span) bool { return f.from <= s.from && s.to <= f.to })
}
