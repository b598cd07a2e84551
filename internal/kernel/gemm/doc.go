// Package gemm holds the matrix products that operators stand on: C = act(alpha·A·B + beta·residual + bias).
//
// The main type is [Matmul]. It cuts a product into tiles that may run in any order, on any goroutine, each with a scratch
// buffer of its own; the package itself never starts a goroutine and never allocates after Prepare:
//
//	g := gemm.Matmul[float32]{M: m, N: n, K: k, A: a, LDA: k, Packed: weights, C: c, LDC: n}
//	if err := g.Prepare(); err != nil { … }
//	scratch := make([]float32, g.ScratchLen())
//	for i := range g.Tiles() { // or in parallel, with one scratch a worker
//		g.Tile(i, scratch)
//	}
//
// What multiplies is a register tile: MR rows of A times a panel of NR columns of B, in assembly where the processor has it
// (AVX2: 6×16, AVX-512: 12×32, half as wide for float64) and in portable Go elsewhere. B is read from panels that were
// packed before ([PackedB], for weights), from panels packed by each tile into its scratch, or as it lies when A has few rows.
//
// The bits of a result depend on shapes, element type and tier only: each element of C is summed in the order of k, in blocks whose
// length is a function of K, whichever tile, worker or edge kernel computes it. One row (M = 1) has kernels of its own,
// which sum in another order.
//
// [Matmul8] is the exact product of 8-bit integers, [Ints] the one of all others.
package gemm

//go:generate go run -C ../gen ./gemm -kernels f32 -pkg gemm -out ../gemm/sgemm_amd64.s -stubs ../gemm/sgemm_amd64.go
//go:generate go run -C ../gen ./gemm -kernels f64 -pkg gemm -out ../gemm/dgemm_amd64.s -stubs ../gemm/dgemm_amd64.go
//go:generate go run -C ../gen ./gemm -kernels int8 -pkg gemm -out ../gemm/int8_amd64.s -stubs ../gemm/int8_amd64.go
