package math

import (
	"fmt"

	"ingot/tensor"
)

// Tiles are ranges of output elements. Their length is a function of the element count and the cost of an element only, so that results
// don't depend on threads: work that isn't worth waking anybody for is one tile.
const (
	forkAt   = 20_000_000 // picoseconds below which work stays on the caller
	tileTime = 6_000_000  // picoseconds that a tile should take at least
	tileMin  = 1024
)

// The costs of an element in picoseconds, by order of magnitude.
const (
	costMove   = 200    // arithmetic with assembly
	costLoop   = 700    // a plain Go loop
	costVector = 500    // an exponential and the like with assembly
	costScalar = 15_000 // a function of package math
)

// tileLen returns the elements of a tile, for n elements of a cost each.
func tileLen(n, cost int) int {
	if n < forkAt/cost {
		return max(n, 1)
	}
	return max(tileMin, min(1<<14, tileTime/cost)&^63)
}

// tileCount returns the number of tiles of length per that n elements take.
func tileCount(n, per int) int {
	if n == 0 {
		return 0
	}
	return (n-1)/per + 1
}

// numel is the product of known dimensions.
func numel(dims []int) int {
	n, err := tensor.NumElements(dims)
	if err != nil {
		return 0
	}
	return n
}

func errAxis[T int | int64](what string, axis T, rank int) error {
	return fmt.Errorf("%s: %d is outside of rank %d", what, axis, rank)
}
