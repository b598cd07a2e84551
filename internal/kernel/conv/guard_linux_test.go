package conv

import (
	"syscall"
	"testing"
	"unsafe"

	"ingot/internal/kernel/cpu"
)

// fence is memory between pages that can't be touched.
type fence struct {
	body []float32
	high bool // slices end at the page behind, instead of beginning at the one before
}

func newFence(t *testing.T) *fence {
	page := syscall.Getpagesize()
	const pages = 40
	m, err := syscall.Mmap(-1, 0, (pages+2)*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(m); err != nil {
			t.Error(err)
		}
	})
	for _, guard := range [][]byte{m[:page], m[(pages+1)*page:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return &fence{body: unsafe.Slice((*float32)(unsafe.Pointer(&m[page])), pages*page/4)}
}

func (f *fence) take(n int) []float32 {
	if f.high {
		return f.body[len(f.body)-n:]
	}
	return f.body[:n:n]
}

// TestGuardPages runs the kernels on operands that lie against pages that can't be touched. An access beside them kills the test.
func TestGuardPages(t *testing.T) {
	fences := make([]*fence, 8)
	for i := range fences {
		fences[i] = newFence(t)
	}
	onTiers(t, func(t *testing.T, tier cpu.Tier) {
		for _, high := range []bool{false, true} {
			next := 0
			get := func(n int) []float32 {
				f := fences[next%len(fences)]
				next++
				f.high = high
				return f.take(n)
			}
			lineCases(func(op operation, c lineCase) {
				next = 0
				c.make(op, get).run(tier)
			})
			for size := 1; size < 140; size++ {
				copyRows(tier, get(2*size+size), 2*size, get(size+3+size), size+3, size, 2)
			}
			for _, channels := range []int{8, 16, 24, 32} {
				lanes := 8
				if tier == cpu.AVX512 && channels%16 == 0 {
					lanes = 16
				}
				transformInput(tier, lanes, get(36*channels), channels, get(36*channels), 6*channels, channels, channels)
				e := finish{bias: get(channels), res: get(16 * channels)}
				transformOutput(tier, lanes, get(16*channels), 4*channels, channels, get(36*channels), channels, channels, &e)
			}
		}
	})
}
