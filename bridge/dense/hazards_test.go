package dense

import (
	"bytes"
	"math/bits"
	"reflect"
	"slices"
	"strings"
	"testing"

	gt "gorgonia.org/tensor"

	"ingot/npy"
	"ingot/tensor"
)

// panics reports whether f does.
func panics(f func()) (yes bool) {
	defer func() { yes = recover() != nil }()
	f()
	return false
}

// TestHazards pins what the package comment says of gorgonia/tensor: where this fails after an upgrade, the comment and perhaps our way
// round have become unnecessary.
func TestHazards(t *testing.T) {
	empty := gt.New(gt.WithShape(0, 3), gt.WithBacking([]float32{}))
	for name, f := range map[string]func(){
		"Data":     func() { empty.Data() },
		"Eq":       func() { empty.Eq(empty.ShallowClone()) },
		"Uintptr":  func() { empty.Uintptr() },
		"WriteNpy": func() { _ = empty.WriteNpy(&bytes.Buffer{}) },
		"Add":      func() { _, _ = gt.Add(empty, empty) },
	} {
		if !panics(f) {
			t.Errorf("%s of an empty Dense doesn't panic", name)
		}
	}
	ours, err := Of(tensor.Of([]float32{}, 0, 3))
	if err != nil || !reflect.DeepEqual(ours.Data(), []float32{}) || !panics(func() { _, _ = gt.Add(ours, ours) }) {
		t.Errorf("%v, Data %v", err, ours.Data())
	}

	turned := gt.New(gt.WithShape(2, 2), gt.WithBacking([]float32{1, 2, 3, 4}))
	if err := turned.T(); err != nil {
		t.Fatal(err)
	}
	if got := turned.Data().([]float32); !slices.Equal(got, []float32{1, 2, 3, 4}) {
		t.Errorf("Data of a transpose is %v", got)
	}
	var buf bytes.Buffer
	if err := turned.WriteNpy(&buf); err != nil {
		t.Fatal(err)
	}
	if x, err := npy.Read(&buf); err != nil || !slices.Equal(tensor.View[float32](x), []float32{1, 2, 3, 4}) {
		t.Errorf("WriteNpy of a transpose wrote %v, %v", x, err)
	}

	if one := gt.New(gt.WithBacking([]float32{1})); !one.IsScalar() {
		t.Errorf("one element has the shape %v", one.Shape())
	}

	five := gt.New(gt.WithBacking([]float32{0, 1, 2, 3, 4}))
	if x, err := Tensor(cut(t, five, slicer{0, 5, 2})); err != nil || !x.Equal(tensor.Of([]float32{0, 2})) {
		t.Errorf("0:5:2 is %v, %v", x, err)
	}

	row := gt.New(gt.WithShape(1, 3), gt.WithBacking([]float32{1, 2, 3}, []bool{false, true, false}))
	if _, err := row.FilledInplace(float32(0)); err != nil || row.Data().([]float32)[1] != 2 {
		t.Errorf("FilledInplace of a row vector: %v, %v", row.Data(), err)
	}

	ints, uints := tensor.Of([]int64{1, 2}), tensor.Of([]uint64{1, 2})
	if bits.UintSize == 32 {
		ints, uints = tensor.Of([]int32{1, 2}), tensor.Of([]uint32{1, 2})
	}
	turnedAround := strings.Replace(npyFile(t, tensor.Of([]int16{1})), "<i2", ">i2", 1)
	read := func(_ *gt.Dense, err error) bool { return err == nil }
	for name, c := range map[string]struct {
		file string
		good func(d *gt.Dense, err error) bool
	}{
		"int's":      {npyFile(t, ints), read},
		"uint's":     {npyFile(t, uints), read},
		"bool":       {npyFile(t, tensor.Of([]bool{true})), func(d *gt.Dense, err error) bool { return err == nil && d.Data().([]bool)[0] }},
		"big-endian": {turnedAround, func(d *gt.Dense, err error) bool { return err != nil || d.Data().([]int16)[0] == 256 }},
		"Fortran":    {strings.Replace(npyFile(t, tensor.Of([]int16{1})), "False", "True ", 1), read},
	} {
		d := new(gt.Dense)
		if err := d.ReadNpy(strings.NewReader(c.file)); c.good(d, err) {
			t.Errorf("ReadNpy reads %s now", name)
		}
	}
}

func npyFile(t *testing.T, x *tensor.Tensor) string {
	t.Helper()
	var buf bytes.Buffer
	if err := npy.Write(&buf, x); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}
