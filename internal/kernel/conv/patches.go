package conv

import (
	"ingot/internal/kernel/cpu"
	"ingot/internal/kernel/gemm"
)

// Patches yields the matrix whose rows are the patches of channels-last images under a window: row i belongs to output pixel i, counted
// through all images, and column t·n+c to channel c, of n, under kernel element t. It is the left operand of a convolution as a product.
type Patches[T gemm.Number | uint8] struct {
	X    []T // the first channel of the first pixel
	Fill T   // what lies outside of an image

	*patchPlan
}

// patchPlan is what the patches of all groups have in common.
type patchPlan struct {
	Window
	tier     cpu.Tier
	channels int   // that a patch takes of a pixel
	pitch    int   // distance of pixels
	run      int   // elements that lie together in the image and in the patch: some kernel elements of the last dimension
	runTaps  int   // how many kernel elements those are
	strides  []int // distance of neighbours in each dimension of the image
	image    int   // distance of images
	lo, hi   int   // outputs of the last dimension whose patches lie inside of it
}

func newPatchPlan(w *Window, channels, pitch int) *patchPlan {
	last := len(w.In) - 1
	p := &patchPlan{Window: *w, tier: cpu.Current(), channels: channels, pitch: pitch, run: channels, runTaps: 1, strides: make([]int, last+1)}
	if channels == pitch && w.Dilation[last] == 1 {
		p.runTaps = w.Kernel[last]
		p.run = channels * p.runTaps
	}
	p.image = pitch
	for d := last; d >= 0; d-- {
		p.strides[d] = p.image
		p.image *= w.In[d]
	}
	p.lo, p.hi = w.inner(last)
	return p
}

// PackA implements gemm.ASource.
func (p *Patches[T]) PackA(dst []T, ld, i0, rows, k0, cols int) {
	last := len(p.Out) - 1
	width := p.Out[last]
	for rows > 0 {
		line, x := i0/width, i0%width
		n := min(rows, width-x)
		p.packLine(dst, ld, line, x, n, k0, cols)
		dst = dst[min(n*ld, len(dst)):]
		i0 += n
		rows -= n
	}
}

// packLine packs n patches that differ in the last dimension only.
func (p *Patches[T]) packLine(dst []T, ld, line, x, n, k0, cols int) {
	// Where the line lies: its image, and its start in each dimension but the last.
	last := len(p.Out) - 1
	var room [4]int
	start := room[:]
	if last > len(room) {
		start = make([]int, last)
	}
	at := 0
	for d := last - 1; d >= 0; d-- {
		start[d] = line%p.Out[d]*p.Stride[d] - p.Begin[d]
		line /= p.Out[d]
	}
	at = line * p.image

	unit := k0 / p.run
	for done := 0; done < cols; unit++ {
		from := k0 + done - unit*p.run // within the unit
		size := min(p.run-from, cols-done)
		// The kernel element that the unit begins with, dimension by dimension.
		t := unit * p.runTaps
		kx := t % p.Kernel[last]
		t /= p.Kernel[last]
		off, inside := at, true
		for d := last - 1; d >= 0; d-- {
			y := start[d] + t%p.Kernel[d]*p.Dilation[d]
			t /= p.Kernel[d]
			inside = inside && y >= 0 && y < p.In[d]
			off += y * p.strides[d]
		}
		if inside {
			p.packRun(dst[done:], ld, off, x, n, kx, from, size)
		} else {
			fill(dst[done:], ld, n, size, p.Fill)
		}
		done += size
	}
}

// packRun packs elements [from, from+size) of a run for n patches of a line. off is where the line's pixels start.
func (p *Patches[T]) packRun(dst []T, ld, off, x, n, kx, from, size int) {
	last := len(p.Out) - 1
	step := p.Stride[last] * p.pitch
	shift := (kx*p.Dilation[last]-p.Begin[last])*p.pitch + from
	i := 0
	for i < n {
		o := x + i
		row := dst[i*ld:]
		if o >= p.lo && o < p.hi {
			m := min(n-i, p.hi-o)
			copyRows(p.tier, row, ld, p.X[off+o*step+shift:], step, size, m)
			i += m
			continue
		}
		// At a border: the elements of the run that lie inside of the image.
		lo, hi := p.span(last, o)
		a := min(max((lo-kx)*p.channels-from, 0), size)
		b := min(max((hi-kx)*p.channels-from, a), size)
		for j := range row[:a] {
			row[j] = p.Fill
		}
		if a < b {
			copy(row[a:b], p.X[off+o*step+shift+a:])
		}
		for j := range row[b:size] {
			row[b+j] = p.Fill
		}
		i++
	}
}

// fill sets n rows of size elements that lie ld apart.
func fill[T any](dst []T, ld, n, size int, v T) {
	for i := range n {
		row := dst[i*ld:][:size]
		for j := range row {
			row[j] = v
		}
	}
}

// copyRows copies n rows of size elements, which lie ldd and lds apart.
func copyRows[T any](tier cpu.Tier, dst []T, ldd int, src []T, lds, size, n int) {
	if d, ok := any(dst).([]float32); ok {
		s, _ := any(src).([]float32)
		if copyRows32(tier, d, ldd, s, lds, size, n) {
			return
		}
	}
	for i := range n {
		copy(dst[i*ldd:][:size], src[i*lds:])
	}
}
