package gemm

import "ingot/internal/kernel/cpu"

// plan is how a product is divided; a function of shape, element type and tier.
type plan struct {
	tier  cpu.Tier
	block // mc: at most the rows of a tile
	kc    int

	rows, panels       int // of a tile
	rowTiles, colTiles int

	packA   bool // rows of A are copied to scratch before they are multiplied
	directB bool // whole panels of an unpacked B are read where they lie

	rowB bool // the one row is multiplied with an unpacked B as it lies

	alen, blen, scratch int
}

// shape is what a plan depends on.
type shape struct {
	m, n, k, lda, line int
	gatherA            bool // A must be packed
	packedB, transB    bool
}

// What one tile should take at least, so that handing it out costs little: ten microseconds of arithmetic or of reading.
const (
	tileWork  = 1 << 20 // multiply-adds and adds
	tileBytes = 1 << 17
	maxTiles  = 32 // enough to share out; more of them would pack more often than is useful
)

func makePlan(b block, tier cpu.Tier, s shape) plan {
	p := plan{tier: tier, block: b, kc: b.length(s.k)}
	if s.m == 0 || s.n == 0 {
		return p
	}
	panels := ceil(s.n, b.nr)
	p.rowB = s.m == 1 && !s.packedB && !s.gatherA && s.k > 0
	p.directB = !s.packedB && (!s.transB && s.m <= 2*b.mr || p.rowB)
	p.divide(s, panels)
	// Rows that lie whole pages apart compete for the same cache sets, so they are copied when enough panels are going to read them.
	p.packA = s.gatherA || s.m >= 2*b.mr && p.panels*b.nr >= 128 && (s.k > p.kc || s.lda*64/s.line >= 4096)
	p.mc = min(b.mc, p.rows)
	if p.rowB {
		p.alen = p.panels * b.nr
		p.scratch = p.alen + s.line
		return p
	}
	if p.packA {
		p.alen = p.mc * p.strideA(min(p.kc, s.k), s.line)
	}
	switch {
	case s.packedB:
	case p.directB:
		p.blen = p.kc * b.nr
	default:
		p.blen = p.kc * b.nr * p.panels
	}
	if p.alen+p.blen > 0 {
		p.scratch = p.alen + p.blen + s.line // to align it
	}
	return p
}

// divide chooses the tiles. Rows are divided first: a tile packs the rows of A that it needs, so a division by columns packs them again.
// When B is packed by the tiles too, it's the other way round.
func (p *plan) divide(s shape, panels int) {
	work := 2 * float64(s.m) * float64(s.n) * float64(s.k)
	bytes := (float64(s.m) + float64(s.n)) * float64(s.k) * 64 / float64(s.line)
	want := int(min(max(work/tileWork, bytes/tileBytes, 1), maxTiles))

	minRows, maxRows := 48, p.block.mc
	minPanels, maxPanels := max(1, 128/p.nr), max(1, 512/p.nr)
	if s.m <= p.mr {
		minPanels = max(1, 64/p.nr)
	}
	if !s.packedB && !p.directB {
		minRows, maxRows = 240, 960
		maxPanels = max(1, 256/p.nr)
	}
	p.rowTiles, p.colTiles = ceil(s.m, maxRows), ceil(panels, maxPanels)
	if s.packedB || p.directB {
		p.rowTiles = max(p.rowTiles, min(ceil(want, p.colTiles), s.m/minRows))
		p.colTiles = max(p.colTiles, min(ceil(want, p.rowTiles), panels/minPanels))
	} else {
		p.colTiles = max(p.colTiles, min(ceil(want, p.rowTiles), panels/minPanels))
		p.rowTiles = max(p.rowTiles, min(ceil(want, p.colTiles), s.m/minRows))
	}
	// Even parts, whole register tiles.
	p.rows = ceil(ceil(s.m, p.rowTiles), p.mr) * p.mr
	p.panels = ceil(panels, p.colTiles)
	p.rowTiles, p.colTiles = ceil(s.m, p.rows), ceil(panels, p.panels)
}

func (p *plan) perProduct() int { return p.rowTiles * p.colTiles }

// strideA is the distance of packed rows of kc elements: an odd number of cache lines, which spreads the rows over the cache.
func (p *plan) strideA(kc, line int) int { return (ceil(kc, line) | 1) * line }
