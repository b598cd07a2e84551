package dense_test

import (
	"errors"
	"fmt"
	"log"

	gt "gorgonia.org/tensor"

	"ingot/bridge/dense"
	"ingot/tensor"
)

// A Dense becomes a model's input, and its output a Dense, without a copy.
func Example() {
	pixels := []float32{1, 2, 3, 4, 5, 6}
	d := gt.New(gt.WithShape(2, 3), gt.WithBacking(pixels))

	x, err := dense.Tensor(d)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(x)

	y, err := dense.Of(x) // as if it were an output
	if err != nil {
		log.Fatal(err)
	}
	pixels[5] = 60 // one memory
	fmt.Println(y.Shape(), y.Data())

	// Output:
	// float32[2,3]
	// (2, 3) [1 2 3 4 5 60]
}

// A transpose that gorgonia/tensor hasn't carried out is copied, and View says so.
func ExampleView() {
	d := gt.New(gt.WithShape(2, 3), gt.WithBacking([]float32{1, 2, 3, 4, 5, 6}))
	if err := d.T(); err != nil {
		log.Fatal(err)
	}
	_, err := dense.View(d)
	fmt.Println(errors.Is(err, dense.ErrCopy))
	fmt.Println(err)

	x, err := dense.Tensor(d)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(x, tensor.View[float32](x))

	// Output:
	// true
	// dense: it can't be shared without a copy: the strides [1 3] of [3,2] aren't those of C order (after T, in a slice, in column-major order)
	// float32[3,2] [1 4 2 5 3 6]
}
