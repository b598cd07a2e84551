package quant

import (
	"fmt"

	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

// inferProduct is numpy.matmul's rule for inputs a and b: vectors gain a dimension and lose it again, what stands before the matrices is broadcast.
func inferProduct(c *ops.Infer, a, b int, dt tensor.DType) error {
	da, okA := c.Shape(a)
	db, okB := c.Shape(b)
	if !okA || !okB {
		return c.OutUnranked(0, dt)
	}
	if len(da) == 0 || len(db) == 0 {
		return fmt.Errorf("the operands have shapes %s and %s; neither may be a scalar", sym.ShapeString(da), sym.ShapeString(db))
	}
	inner, rows := db[max(len(db)-2, 0)], len(da)-1
	if k := da[rows]; k.Known() && inner.Known() && !k.Equal(inner) {
		return fmt.Errorf("the operands have shapes %s and %s: the inner dimensions %s and %s differ", sym.ShapeString(da), sym.ShapeString(db), k, inner)
	}
	shape, err := ops.Broadcast(da[:max(rows-1, 0)], db[:max(len(db)-2, 0)])
	if err != nil {
		return err
	}
	if rows > 0 {
		shape = append(shape, da[rows-1])
	}
	if len(db) > 1 {
		shape = append(shape, db[len(db)-1])
	}
	return c.Out(0, dt, shape...)
}

// operand is the geometry of a stack of matrices, one side of a product.
type operand struct {
	rows, cols int
	batch      []int // dimensions of the stack
	count      int   // number of matrices
	right      bool
}

func newOperand(dims []int, right bool) operand {
	switch {
	case len(dims) == 1 && right:
		dims = []int{dims[0], 1}
	case len(dims) == 1:
		dims = []int{1, dims[0]}
	}
	n := len(dims) - 2
	return operand{rows: dims[n], cols: dims[n+1], batch: dims[:n], count: elements(dims[:n]), right: right}
}

// vectors returns how many rows (on the left) or columns (on the right) a matrix has: each may have its own scale and zero point.
func (o *operand) vectors() int {
	if o.right {
		return o.cols
	}
	return o.rows
}

// index returns for each row or column of all matrices the place of its element in a parameter of the given shape; nil when one element
// counts for all. A parameter is a scalar, a vector, or in the operand's shape with 1 in the place of the inner dimension.
func (o *operand) index(what string, shape []int) ([]int32, error) {
	if elements(shape) == 1 {
		return nil, nil
	}
	n := o.vectors()
	want := append(append([]int{}, o.batch...), n, 1)
	if o.right {
		want[len(want)-2], want[len(want)-1] = 1, n
	}
	if len(shape) == 1 {
		full := make([]int, len(want))
		for i := range full {
			full[i] = 1
		}
		if o.right {
			full[len(full)-1] = shape[0]
		} else {
			full[len(full)-2] = shape[0]
		}
		shape = full
	}
	bad := len(shape) != len(want)
	for i := range shape {
		bad = bad || shape[i] != want[i] && shape[i] != 1
	}
	if bad {
		return nil, fmt.Errorf("%s has shape %s; must be a scalar, [%d] or %s", what, tensor.ShapeString(shape), n, tensor.ShapeString(want))
	}
	out := make([]int32, o.count*n)
	at := make([]int, len(want))
	for i := range out {
		p := 0
		for d, x := range at {
			p = p * shape[d]
			if shape[d] > 1 {
				p += x
			}
		}
		out[i] = int32(p)
		for d := len(at) - 1; d >= 0; d-- {
			if at[d]++; at[d] < want[d] {
				break
			}
			at[d] = 0
		}
	}
	return out, nil
}

// pick returns the elements of src that index names; src itself when one counts for all.
func pick[T uint8 | float32](dst, src []T, index []int32) []T {
	if index == nil {
		return src[:1]
	}
	dst = dst[:len(index)]
	for i, p := range index {
		dst[i] = src[p]
	}
	return dst
}

// part returns the elements of matrix m from a parameter that pick made.
func part[T uint8 | float32](p []T, m, n int) []T {
	if len(p) <= 1 {
		return p
	}
	return p[m*n:][:n]
}

// pair is one product of a batch: the matrices on the left and the right, and the place of the result.
type pair struct{ a, b, i int }

// pairs lists the products of two stacks by NumPy's broadcasting, in the order of the result.
func pairs(a, b []int) []pair {
	rank := max(len(a), len(b))
	dim := func(s []int, d int) int {
		if d -= rank - len(s); d >= 0 {
			return s[d]
		}
		return 1
	}
	at, out := make([]int, rank), make([]int, rank)
	for d := range out {
		if out[d] = dim(a, d); out[d] == 1 {
			out[d] = dim(b, d)
		}
	}
	list := make([]pair, elements(out))
	for i := range list {
		p := &list[i]
		p.i = i
		for d, x := range at {
			p.a *= dim(a, d)
			p.b *= dim(b, d)
			if dim(a, d) > 1 {
				p.a += x
			}
			if dim(b, d) > 1 {
				p.b += x
			}
		}
		for d := rank - 1; d >= 0; d-- {
			if at[d]++; at[d] < out[d] {
				break
			}
			at[d] = 0
		}
	}
	return list
}
