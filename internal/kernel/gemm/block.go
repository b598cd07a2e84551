package gemm

import (
	"unsafe"

	"ingot/internal/kernel/cpu"
)

// Number lists the element types of a [Matmul].
type Number interface {
	float32 | float64
}

// block holds the sizes that a product is cut by; a function of element type and tier.
type block struct {
	mr, nr int // register tile
	kc     int // about the longest run of k that one call multiplies: a panel of kc×nr elements stays in a near cache
	mc     int // rows of A that are packed at once: mc×kc elements stay in the L2 cache
}

func blockOf[T Number](tier cpu.Tier) block {
	var zero T
	words := int(unsafe.Sizeof(zero)) / 4
	b := block{mr: 2, nr: 4, kc: 320 / words, mc: 240}
	if hasAssembly[T](tier) {
		switch tier {
		case cpu.AVX512:
			b.mr, b.nr, b.kc = 12, 32/words, 512/words // the larger L2 caches feed panels that exceed L1; C is updated less often
		case cpu.AVX2:
			b.mr, b.nr = 6, 16/words
		}
	}
	return b
}

// length is the length of the blocks that k is cut into, the last of which may be shorter. It avoids a sliver at the end.
func (b block) length(k int) int {
	if k <= b.kc+b.kc/2 {
		return max(k, 1)
	}
	blocks := ceil(k, b.kc)
	return (ceil(k, blocks) + 7) &^ 7
}

// rowTile is the height of the next register tile when left rows remain: full tiles, and an even split of the last two,
// since a tile of one or two rows waits for the latency of its few sums.
func (b block) rowTile(left int) int {
	switch {
	case left >= 2*b.mr || left == b.mr:
		return b.mr
	case left > b.mr:
		return (left + 1) / 2
	}
	return left
}

func ceil(a, b int) int { return (a + b - 1) / b }
