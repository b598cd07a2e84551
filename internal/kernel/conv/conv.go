package conv

import (
	"errors"
	"fmt"
	"unsafe"

	"ingot/internal/kernel/cpu"
	"ingot/internal/kernel/gemm"
)

// Number lists the element types of a convolution.
type Number interface{ float32 | float64 }

// Conv is a convolution Y = act(X ∗ W + residual + bias) of channels-last images. Fill in the exported fields, call Prepare, then Tile for
// each of Tiles. Operands may be replaced by others of the same shape between runs; call Prepare again then.
type Conv[T Number] struct {
	Shape
	Weights *Weights[T]

	X []T // pixels of Channels elements
	Y []T // pixels of Filters elements; may be the residual, but must not overlap X otherwise

	// The epilogue's Residual has Y's shape and strides; LDR, Alpha and Beta are not used.
	gemm.Epilogue[T]

	patches *patchPlan
	sources []Patches[T]
	groups  []gemm.Matmul[T]
	depth   depthPlan
	wino    winoPlan
}

// Format is a way to compute a convolution, and the form of weights that it takes.
type Format uint8

// The formats.
const (
	Product   Format = iota // a matrix product over patches
	Depthwise               // a filter a channel
	Winograd                // F(4×4, 3×3)
	Merged                  // Product, with several narrow groups as one whose weights are zero between them
)

// Options of a choice.
type Options struct {
	Strict bool // no arithmetic that loses accuracy, or lets a NaN spread: neither Winograd nor Merged
}

// Choose returns the fastest format for a shape. It depends on the shape, the element type, the tier and the options only.
func Choose[T Number](s *Shape, o Options) Format {
	switch {
	case s.Groups == s.Channels && s.Groups == s.Filters && s.Groups > 1:
		return Depthwise
	case !o.Strict && winogradPays[T](s):
		return Winograd
	case !o.Strict && mergeFactor[T](s, Merged) > 1:
		return Merged
	}
	return Product
}

// mergeFactor is how many groups make one product: as many as fill a vector with their filters. Zeros cost nothing there, as the lanes
// would be idle, and patches are gathered in longer runs. Measured on 32 groups of 4 channels, 3×3 on 56²: 2974 → 1744 µs with AVX2, 1991 → 951
// with AVX-512; on 64 groups of 1 channel and 2 filters, 28²: 1862 → 333, 1745 → 194. A NaN or an infinity spreads over the merged groups.
func mergeFactor[T Number](s *Shape, f Format) int {
	if f != Merged || s.Filters == 0 {
		return 1
	}
	lanes := 4
	switch cpu.Current() {
	case cpu.AVX512:
		lanes = 64 / sizeOf[T]()
	case cpu.AVX2:
		lanes = 32 / sizeOf[T]()
	}
	best := 1
	for m := 2; m*s.Filters/s.Groups <= lanes; m++ {
		if s.Groups%m == 0 {
			best = m
		}
	}
	return best
}

// products returns the number of products, and the channels and filters of each.
func products[T Number](s *Shape, f Format) (groups, channels, filters int) {
	m := mergeFactor[T](s, f)
	return s.Groups / m, s.Channels / s.Groups * m, s.Filters / s.Groups * m
}

// Weights are a convolution's filters in the form that one format reads.
type Weights[T Number] struct {
	format Format
	panels []gemm.PackedB[T] // Product: of each group; Winograd: of each of the 36 points
	depth  []T               // Depthwise: rows of channels, one a kernel element
	bytes  int
}

// Bytes is the size of the packed elements.
func (w *Weights[T]) Bytes() int { return w.bytes }

// PackedLen returns the elements of storage that PackInto needs, and of temporary room.
func PackedLen[T Number](s *Shape, f Format) (storage, temp int) {
	groups, n, og := products[T](s, f)
	taps := s.Taps()
	switch f {
	case Depthwise:
		return taps * depthPitch(s.Channels), 0
	case Winograd:
		return winoPoints * gemm.PackedLen[T](n, og), winoPoints * n * og
	}
	if taps > 1 || f == Merged {
		temp = taps * n * og
	}
	return groups * gemm.PackedLen[T](taps*n, og), temp
}

// Pack packs filters that are stored as [Filters, Channels/Groups, kernel…].
func Pack[T Number](s *Shape, f Format, w []T) (*Weights[T], error) {
	out := new(Weights[T])
	storage, temp := PackedLen[T](s, f)
	return out, PackInto(out, s, f, w, make([]T, storage), make([]T, temp))
}

// PackInto is Pack over memory of the caller, for filters that change each run: as many elements as PackedLen tells. It allocates only
// the first time that it is called with the same out.
func PackInto[T Number](out *Weights[T], s *Shape, f Format, w, storage, temp []T) error {
	if err := s.check(); err != nil {
		return err
	}
	if n := s.Filters * s.Channels / s.Groups * s.Taps(); len(w) < n {
		return fmt.Errorf("conv: %d weights, the shape has %d", len(w), n)
	}
	if n, t := PackedLen[T](s, f); len(storage) < n || len(temp) < t {
		return fmt.Errorf("conv: room for %d and %d packed weights, not %d and %d", len(storage), len(temp), n, t)
	}
	out.format, out.bytes = f, len(storage)*sizeOf[T]()
	switch f {
	case Depthwise:
		out.depth = packDepth(s, w, storage)
		return nil
	case Winograd:
		return packWinograd(out, s, w, storage, temp)
	}
	return packProduct(out, s, w, storage, temp)
}

func packProduct[T Number](out *Weights[T], s *Shape, w, storage, temp []T) error {
	groups, n, og := products[T](s, out.format)
	taps, own, per := s.Taps(), s.Channels/s.Groups, s.Filters/s.Groups // own channels and filters of a group
	k := taps * n
	if len(out.panels) != groups {
		out.panels = make([]gemm.PackedB[T], groups)
	}
	size := gemm.PackedLen[T](k, og)
	for g := range out.panels {
		src := w[g*og*own*taps:][:og*own*taps]
		switch {
		case n > own:
			clear(temp[:k*og])
			for o := range og {
				for t := range taps {
					row := temp[o*k+t*n+o/per*own:][:own]
					for c := range row {
						row[c] = src[(o*own+c)*taps+t]
					}
				}
			}
			src = temp
		case taps > 1:
			for o := range og {
				tapsFirst(temp[o*k:][:k], src[o*k:], n, taps)
			}
			src = temp
		}
		if err := packOver(&out.panels[g], k, og, storage[g*size:][:size], src, k, true); err != nil {
			return err
		}
	}
	return nil
}

// packOver packs a matrix of k×n into storage.
func packOver[T Number](b *gemm.PackedB[T], k, n int, storage, src []T, ld int, trans bool) error {
	b.Over(k, n, storage)
	if err := b.Check(src, ld, trans); err != nil {
		return err
	}
	for i := range b.Tiles() {
		b.PackTile(i, src, ld, trans)
	}
	return nil
}

// tapsFirst turns [n, taps] into [taps, n].
func tapsFirst[T any](dst, src []T, n, taps int) {
	for t := range taps {
		row := dst[t*n:][:n]
		for c := range row {
			row[c] = src[c*taps+t]
		}
	}
}

// Prepare checks the operands and divides the convolution into tiles. It allocates only the first time.
func (c *Conv[T]) Prepare() error {
	if err := c.Shape.check(); err != nil {
		return err
	}
	if c.Weights == nil {
		return errors.New("conv: no weights")
	}
	in, out := c.Images*product(c.In)*c.Channels, c.pixels()*c.Filters
	switch {
	case len(c.X) < in:
		return fmt.Errorf("conv: input has %d elements, the shape %d", len(c.X), in)
	case len(c.Y) < out:
		return fmt.Errorf("conv: output has %d elements, the shape %d", len(c.Y), out)
	case c.Residual != nil && len(c.Residual) < out:
		return fmt.Errorf("conv: residual has %d elements, the shape %d", len(c.Residual), out)
	case c.Bias != nil && len(c.Bias) < c.Filters:
		return fmt.Errorf("conv: bias has %d elements for %d filters", len(c.Bias), c.Filters)
	}
	switch c.Weights.format {
	case Depthwise:
		c.prepareDepth()
		return nil
	case Winograd:
		return c.prepareWinograd()
	}
	return c.prepareProduct()
}

func (c *Conv[T]) prepareProduct() error {
	groups, n, og := products[T](&c.Shape, c.Weights.format)
	if len(c.Weights.panels) != groups {
		return fmt.Errorf("conv: weights of %d groups, the shape has %d", len(c.Weights.panels), groups)
	}
	if c.groups == nil {
		c.groups = make([]gemm.Matmul[T], groups)
		if !c.pointwise() {
			c.patches = newPatchPlan(&c.Window, n, c.Channels)
			c.sources = make([]Patches[T], groups)
		}
	}
	for i := range c.groups {
		g := &c.groups[i]
		g.M, g.N, g.K = c.pixels(), og, c.Taps()*n
		g.Epilogue = c.Epilogue
		g.Alpha, g.Beta = 1, 1
		if g.M == 0 || og == 0 {
			continue
		}
		if c.patches != nil {
			c.sources[i] = Patches[T]{X: c.X[min(i*n, len(c.X)):], patchPlan: c.patches}
			g.Source = &c.sources[i]
		} else {
			g.A, g.LDA = c.X[min(i*n, len(c.X)):], c.Channels
		}
		g.Packed = &c.Weights.panels[i]
		g.C, g.LDC = c.Y[i*og:], c.Filters
		if c.Residual != nil {
			g.Residual, g.LDR = c.Residual[i*og:], c.Filters
		}
		if c.Bias != nil {
			g.Bias = c.Bias[i*og:]
		}
		if err := g.Prepare(); err != nil {
			return err
		}
	}
	return nil
}

// Tiles is the number of tiles. Prepare must have succeeded.
func (c *Conv[T]) Tiles() int {
	if c.pixels() == 0 || c.Filters == 0 {
		return 0
	}
	switch c.Weights.format {
	case Depthwise:
		return c.depth.tiles
	case Winograd:
		return c.wino.tiles
	}
	return len(c.groups) * c.groups[0].Tiles()
}

// ScratchLen is the number of elements of scratch that a call of Tile needs.
func (c *Conv[T]) ScratchLen() int {
	switch c.Weights.format {
	case Depthwise:
		return 0
	case Winograd:
		return c.wino.scratch
	}
	return c.groups[0].ScratchLen()
}

// Tile computes tile i. Calls at the same time need a scratch of their own each; its contents don't matter before or after.
func (c *Conv[T]) Tile(i int, scratch []T) {
	switch c.Weights.format {
	case Depthwise:
		c.tileDepth(i)
	case Winograd:
		c.tileWinograd(i, scratch)
	default:
		per := c.groups[0].Tiles()
		c.groups[i/per].Tile(i%per, scratch)
	}
}

func sizeOf[T any]() int { return int(unsafe.Sizeof(*new(T))) }

// TapsFirst turns filters of n channels and some kernel elements, [filter, n, taps], into [filter, taps, n].
func TapsFirst[T any](dst, src []T, n, taps int) {
	for at := 0; at < len(src) && n*taps > 0; at += n * taps {
		tapsFirst(dst[at:][:n*taps], src[at:], n, taps)
	}
}
