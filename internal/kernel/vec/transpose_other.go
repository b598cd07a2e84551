//go:build !amd64

package vec

func transpose8Fast(_ []uint8, _ int, _ []uint8, _, _, _ int) (r, c int) { return 0, 0 }

func transpose16Fast(_ []uint16, _ int, _ []uint16, _, _, _ int) (r, c int) { return 0, 0 }

func transpose32Fast(_ []uint32, _ int, _ []uint32, _, _, _ int) (r, c int) { return 0, 0 }

func transpose64Fast(_ []uint64, _ int, _ []uint64, _, _, _ int) (r, c int) { return 0, 0 }
