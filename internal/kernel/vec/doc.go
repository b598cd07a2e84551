// Package vec is float32 vector maths: element-wise functions, row kernels such as Softmax, reductions, conversions to and from narrow
// types, and transposes. The functions work on slices, never allocate and never fork; callers split work into tiles.
//
//	vec.MulAdd(y, x, scale, bias)
//	vec.Sigmoid(y, y) // in place
//
// # Rules
//
// The destination comes first and may be the very same slice as an input, but must not overlap one in part. It must be at least
// as long as the inputs; as in any Go loop, a slice that is too short panics with an index error.
//
// The result of an element-wise function at an element depends on that element's inputs only: not on its place, the length of the
// slice or its address. Reductions fold element i of a chunk of 4096 into lane i%32, join the lanes in a fixed tree, and the chunks in
// another. So results are bit-equal however the work was split, within a tier of package cpu; tiers may differ by the stated bounds.
//
// Bounds are given in ulps of the float32 result against the exact value, with NaN, ±Inf, denormals and zeros treated as package
// math treats them, unless a function says otherwise. They hold for all tiers.
//
// # Inside
//
// The assembly is written by internal/kernel/gen/vec, for AVX2 and AVX-512 from one description; choice_amd64.go, from the same
// list, picks the tier. Each public function holds the portable loop, and scalar.go the approximations, in the same steps as
// the assembly. One table in the tests (functions_test.go) drives tests and benchmarks.
package vec

import "ingot/internal/kernel/cpu"

//go:generate go run -C ../gen ./vec -what avx2 -pkg vec -out ../vec/vec_avx2_amd64.s -stubs ../vec/vec_avx2_amd64.go
//go:generate go run -C ../gen ./vec -what avx512 -pkg vec -out ../vec/vec_avx512_amd64.s -stubs ../vec/vec_avx512_amd64.go
//go:generate go run -C ../gen ./vec -what choice -out ../vec/choice_amd64.go
//go:generate go run -C ../gen ./vec -what nochoice -out ../vec/choice_other.go

// tier is the tier in force; tests change it.
var tier = cpu.Current()

// longest is the number of elements that one call into element-wise assembly may take: some 20 µs, as assembly can't be preempted.
const longest = 1 << 14
