package move

// Work is cut into ranges of elements. Their length is a function of the element count and of what an element costs, so that who runs them
// makes no difference.
const (
	forkAt   = 20_000_000 // picoseconds below which work is one tile
	tileTime = 8_000_000  // picoseconds that a tile should take
)

// Costs of an element in picoseconds, by order of magnitude.
const (
	costByte = 60   // of a long run
	costLoop = 700  // one by one
	costTurn = 400  // in a transpose
	costRow  = 4000 // of a row, beside its elements
)

// TileLen returns the elements of a tile, for n elements of a cost in picoseconds each: n itself where the work isn't worth sharing.
func TileLen(n, cost int) int {
	if n < forkAt/cost {
		return max(n, 1)
	}
	return max(64, tileTime/cost&^63)
}

// TileCount returns the number of tiles of length per that n elements take.
func TileCount(n, per int) int {
	if n <= 0 {
		return 0
	}
	return (n-1)/per + 1
}

// runCost is the cost of an element that is moved in runs of n.
func runCost(n, width int) int {
	if n < shortRun {
		return costLoop
	}
	return costByte*width + costRow/n
}
