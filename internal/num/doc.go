// Package num moves blocks of elements between a tensor of any numeric type and slices of four computing types: float32, float64,
// int64 and uint64.
//
// It is how one loop over float32 serves float16, bfloat16 and the 8- and 4-bit kinds, how a shape or an axis of either integer type is
// read, and how Cast gets by with four hubs instead of 26×26 pairs:
//
//	var block [num.Block]float32
//	num.Load32(block[:n], x, off) // elements off … off+n of x
//	f(block[:n])
//	num.Store32(y, off, block[:n])
//
// The rules of conversion, the same on every machine:
//
//   - float → float rounds to nearest, ties to even, once. The 8-bit kinds saturate unless [Rules] say otherwise; float4 always does.
//   - float → int truncates toward zero. NaN becomes 0. int32, int64 and uint64 clamp at their ends, except that a negative float
//     becomes the uint64 of the same two's complement. Narrower types and uint32 take the low bits of the truncated int64, which is
//     what C compilers make of it on today's machines.
//   - int → int keeps the low bits. int → float rounds to nearest (bfloat16 and narrower by way of float32).
//   - anything → bool is "not zero"; bool → number is 0 or 1.
//
// Elements of 2 and 4 bits take a byte each. Strings and complex numbers aren't handled here: [Numeric] tells.
package num

import "ingot/tensor"

// Block is the number of elements that callers usually convert at a time: 2 KB of float32, which stays in the first-level cache.
const Block = 512

// Numeric is the set of types that this package loads and stores.
const Numeric = tensor.AllTypes &^ (1<<tensor.String | 1<<tensor.Complex64 | 1<<tensor.Complex128)

// Narrow is the set of floating-point types that have no Go type: they are computed in float32 blocks.
const Narrow tensor.Types = tensor.Floats8&^(1<<tensor.Float32|1<<tensor.Float64) | 1<<tensor.Float4E2M1
