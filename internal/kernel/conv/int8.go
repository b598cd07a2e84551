package conv

import (
	"errors"
	"fmt"

	"ingot/internal/kernel/gemm"
)

// Conv8 is the exact convolution of 8-bit integers in int32: the sums of (x − ZeroX)·(w − ZeroW), with padding that counts as zero. Use it
// like [Conv]; each tile's scratch is of int32.
type Conv8 struct {
	Shape
	Weights *Weights8

	X     []byte // of unsigned or, with SignedX, signed integers
	ZeroX byte
	ZeroW []byte // none (zero), one, or one a filter
	Y     []int32

	SignedX bool

	// Done, if not nil, is called for runs of the results of pixel i from filter j on, while they are in the cache, from many goroutines.
	Done func(i, j int, run []int32)

	groups  []gemm.Matmul8
	sources []Patches[uint8]
	patches *patchPlan
	zero    [1]byte
}

// Weights8 are 8-bit filters in the form that the product reads.
type Weights8 struct{ panels []*gemm.PackedB8 }

// Bytes is the size of the packed elements.
func (w *Weights8) Bytes() (n int) {
	for _, p := range w.panels {
		n += p.Bytes()
	}
	return n
}

// Pack8 packs filters that are stored as [Filters, Channels/Groups, kernel…].
func Pack8(s *Shape, signed bool, w []byte) (*Weights8, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	n, og, taps := s.Channels/s.Groups, s.Filters/s.Groups, s.Taps()
	k := n * taps
	if len(w) < k*s.Filters {
		return nil, fmt.Errorf("conv: %d weights, the shape has %d", len(w), k*s.Filters)
	}
	out := &Weights8{panels: make([]*gemm.PackedB8, s.Groups)}
	rows := make([]byte, k*og)
	for g := range out.panels {
		for o := range og {
			tapsFirst(rows[o*k:][:k], w[(g*og+o)*k:], n, taps)
		}
		var err error
		if out.panels[g], err = gemm.PackB8(k, og, signed, rows, k, true); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Prepare checks the operands and divides the work into tiles. It allocates only the first time.
func (c *Conv8) Prepare() error {
	if err := c.Shape.check(); err != nil {
		return err
	}
	n, og := c.Channels/c.Groups, c.Filters/c.Groups
	switch in, out := c.Images*product(c.In)*c.Channels, c.pixels()*c.Filters; {
	case c.Weights == nil || len(c.Weights.panels) != c.Groups:
		return errors.New("conv: no weights, or of other groups")
	case len(c.X) < in:
		return fmt.Errorf("conv: input has %d elements, the shape %d", len(c.X), in)
	case len(c.Y) < out:
		return fmt.Errorf("conv: output has %d elements, the shape %d", len(c.Y), out)
	case len(c.ZeroW) > 1 && len(c.ZeroW) != c.Filters:
		return fmt.Errorf("conv: %d zero points for %d filters", len(c.ZeroW), c.Filters)
	}
	if c.groups == nil {
		c.groups = make([]gemm.Matmul8, c.Groups)
		c.sources = make([]Patches[uint8], c.Groups)
		if !c.pointwise() {
			c.patches = newPatchPlan(&c.Window, n, c.Channels)
		}
		for i := range c.groups {
			c.groups[i].Done = func(row, col int, run []int32) {
				if c.Done != nil {
					c.Done(row, i*og+col, run)
				}
			}
		}
	}
	c.zero[0] = c.ZeroX
	for i := range c.groups {
		g := &c.groups[i]
		g.M, g.N, g.K, g.B = c.pixels(), og, c.Taps()*n, c.Weights.panels[i]
		g.SignedA, g.ZeroA, g.ZeroB = c.SignedX, c.zero[:], c.ZeroW
		if len(c.ZeroW) > 1 {
			g.ZeroB = c.ZeroW[i*og:][:og]
		}
		x := c.X[min(i*n, len(c.X)):]
		if c.patches != nil {
			c.sources[i] = Patches[uint8]{X: x, Fill: c.ZeroX, patchPlan: c.patches}
			g.Source = &c.sources[i]
		} else {
			g.A, g.LDA = x, c.Channels
		}
		g.C, g.LDC = c.Y[min(i*og, len(c.Y)):], c.Filters
		if err := g.Prepare(); err != nil {
			return err
		}
	}
	return nil
}

// Tiles is the number of tiles. Prepare must have succeeded.
func (c *Conv8) Tiles() int {
	if c.pixels() == 0 || c.Filters == 0 {
		return 0
	}
	return c.Groups * c.groups[0].Tiles()
}

// ScratchLen is the number of elements of scratch that a call of Tile needs.
func (c *Conv8) ScratchLen() int { return c.groups[0].ScratchLen() }

// Tile computes tile i.
func (c *Conv8) Tile(i int, scratch []int32) {
	per := c.groups[0].Tiles()
	c.groups[i/per].Tile(i%per, scratch)
}
