package dense

import (
	"testing"

	gt "gorgonia.org/tensor"

	"ingot/tensor"
)

// BenchmarkOf and BenchmarkTensor: what a conversion costs that shares memory, whatever its size.
func BenchmarkOf(b *testing.B) {
	x := tensor.Of(make([]float32, 3*224*224), 1, 3, 224, 224)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Of(x); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTensor(b *testing.B) {
	for _, c := range []struct {
		name string
		d    *gt.Dense
	}{
		{"float32", gt.New(gt.WithShape(1, 3, 224, 224), gt.WithBacking(make([]float32, 3*224*224)))},
		{"int", gt.New(gt.WithShape(1, 512), gt.WithBacking(make([]int, 512)))},
		{"string", gt.New(gt.WithShape(1, 512), gt.WithBacking(make([]string, 512)))},
		{"bool", gt.New(gt.WithShape(1, 3, 224, 224), gt.WithBacking(make([]bool, 3*224*224)))}, // looks at each byte
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Tensor(c.d); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCopy: what it costs where it must copy, beside the package's own Materialize.
func BenchmarkCopy(b *testing.B) {
	d := gt.New(gt.WithShape(3, 224, 224), gt.WithBacking(make([]float32, 3*224*224)))
	if err := d.T(1, 2, 0); err != nil {
		b.Fatal(err)
	}
	v, err := gt.New(gt.WithShape(3, 256, 256), gt.WithBacking(make([]float32, 3*256*256))).Slice(nil, slicer{16, 240, 1}, slicer{16, 240, 1})
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		d    *gt.Dense
	}{{"transpose", d}, {"crop", v.(*gt.Dense)}} {
		b.Run(c.name+"/Tensor", func(b *testing.B) {
			b.SetBytes(3 * 224 * 224 * 4)
			for b.Loop() {
				if _, err := Tensor(c.d); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(c.name+"/Materialize", func(b *testing.B) {
			b.SetBytes(3 * 224 * 224 * 4)
			for b.Loop() {
				c.d.Materialize()
			}
		})
	}
}
