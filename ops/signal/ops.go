// Package signal holds the operators of signal processing: Fourier transforms, windows, and the mel filter bank.
//
// Transforms are computed in float64, whatever the type of the signal, and rounded once.
package signal

import (
	"fmt"

	"ingot/ops"
	"ingot/tensor"
)

// Ops are the operators of this family.
var Ops ops.Family

// More makes the rest of the family: operators of the standard that exporters don't emit. They are made on demand, so that programs which don't
// import [ingot/ops/more] don't carry them.
func More() []*ops.Op {
	return []*ops.Op{MelWeightMatrix()}
}

// scalar reads input i, one integer.
func scalar(c *ops.Call, i int, name string) (int, error) {
	v, err := ops.Int64s(c.In(i))
	if err != nil || len(v) != 1 {
		return 0, fmt.Errorf("%s must be one integer, not %s", name, c.In(i))
	}
	return int(v[0]), nil
}

// scalarDim returns what a shape rule knows of input i, one integer.
func scalarDim(c *ops.Infer, i int, name string) (ops.Dim, bool, error) {
	v, ok := c.Vals(i)
	if !ok {
		return ops.Dim{}, false, nil
	}
	if len(v) != 1 {
		return ops.Dim{}, false, fmt.Errorf("%s has %d elements; must be one integer", name, len(v))
	}
	return v[0], true, nil
}

// positive refuses a length that is known to be less than 1.
func positive(d ops.Dim, name string) error {
	if n, ok := d.Int(); ok && n < 1 {
		return fmt.Errorf("%s is %d; must be positive", name, n)
	}
	return nil
}

// outputType checks the attribute output_datatype of windows.
func outputType(v int) (tensor.DType, error) {
	if v > 0 && v < tensor.NumDTypes && (tensor.Ints | tensor.Floats16).Has(tensor.DType(v)) {
		return tensor.DType(v), nil
	}
	return 0, fmt.Errorf("attribute output_datatype is %d; must be one of %s", v, tensor.Ints|tensor.Floats16)
}
