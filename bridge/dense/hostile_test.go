package dense

import (
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"
	"unsafe"

	gt "gorgonia.org/tensor"

	"ingot/tensor"
)

// inaccessible is an engine of memory on some device.
type inaccessible struct{ gt.StdEng }

func (inaccessible) AllocAccessible() bool { return false }

type celsius float32

// odd returns a Dense whose shape and strides say what they like about four floats.
func odd(shape gt.Shape, strides ...int) *gt.Dense {
	d := gt.New(gt.WithBacking([]float32{1, 2, 3, 4}))
	d.Init(shape, strides)
	return d
}

// TestRefused: a Dense that makes no sense is an error that says why.
func TestRefused(t *testing.T) {
	const huge = math.MaxInt
	short := gt.New(gt.WithShape(2, 2), gt.WithBacking([]float64{1, 2, 3, 4}))
	short.Raw = short.Raw[:31]
	lost := gt.New(gt.WithBacking([]float64{1, 2}))
	lost.Raw = nil
	nowhere := gt.New(gt.WithBacking([]int32{1}))
	nowhere.Raw = unsafe.Slice((*byte)(nil), 0)
	strs := gt.New(gt.WithBacking([]string{"a", "b", "c"}))
	strs.Raw = strs.Raw[1:]
	strs.Init(gt.Shape{2}, []int{1})
	for name, c := range map[string]struct {
		d    *gt.Dense
		want string
	}{
		"nil":                  {nil, "nil"},
		"zero":                 {new(gt.Dense), "no element type"},
		"short memory":         {short, "[2,2] has 4 elements, the memory of the Dense 3"},
		"no memory":            {lost, "[2] has 2 elements, the memory of the Dense 0"},
		"nil memory":           {nowhere, "[] has 1 elements, the memory of the Dense 0"},
		"device":               {gt.New(gt.WithBacking([]float32{1}), gt.WithEngine(inaccessible{})), "can't be reached"},
		"uintptr":              {gt.New(gt.WithBacking([]uintptr{1})), "uintptr"},
		"pointer":              {gt.New(gt.WithBacking([]unsafe.Pointer{nil})), "unsafe.Pointer"},
		"pointers":             {gt.New(gt.WithBacking([]*int{nil})), "*int"},
		"named":                {gt.New(gt.WithBacking([]celsius{1})), "dense.celsius"},
		"struct":               {gt.New(gt.WithBacking([]struct{ X, Y int }{{}})), "struct"},
		"odd string":           {strs, "can't be at address"},
		"negative dimension":   {odd(gt.Shape{-2, -2}, 2, 1), "negative"},
		"too many elements":    {odd(gt.Shape{5}, 1), "has 5 elements"},
		"product wraps around": {odd(gt.Shape{huge, 4, huge}, 4, 1, 1), "too many"},
		"broadcast":            {odd(gt.Shape{1 << 20, 4}, 0, 1), "4194304 elements"},
		"few strides":          {odd(gt.Shape{2, 2}, 2), "1 strides"},
		"many strides":         {odd(gt.Shape{2, 2}, 4, 2, 1), "3 strides"},
		"no strides":           {odd(gt.Shape{2, 2}), "0 strides"},
		"negative stride":      {odd(gt.Shape{2, 2}, -2, 1), "lead"},
		"far stride":           {odd(gt.Shape{2, 2}, 3, 1), "lead"},
		"stride wraps around":  {odd(gt.Shape{3, 1}, huge, 1), "lead"},
		"sum wraps around":     {odd(gt.Shape{2, 2}, huge, huge), "lead"},
	} {
		for _, f := range []func(*gt.Dense) (*tensor.Tensor, error){Tensor, View} {
			x, err := f(c.d)
			if x != nil || err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "dense: ") || errors.Is(err, ErrCopy) {
				t.Errorf("%s: %v, %v, want an error about %q", name, x, err, c.want)
			}
		}
	}
}

// TestReturned: a Dense that was given to the package's pool is nobody's.
func TestReturned(t *testing.T) {
	d := gt.New(gt.WithBacking([]float32{1}))
	gt.ReturnTensor(d)
	if x, err := Tensor(d); err == nil || !strings.Contains(err.Error(), "no element type") {
		t.Errorf("%v, %v", x, err)
	}
}

// TestOddButGood: what is unusual and has a meaning.
func TestOddButGood(t *testing.T) {
	misaligned := gt.New(gt.WithBacking([]float64{1, 2, 3, 4}))
	b := tensor.AlignedBytes(33)
	copy(b[1:], misaligned.Raw)
	misaligned.Raw = b[1:]
	slanted := gt.New(gt.WithShape(2, 2), gt.WithBacking([]float64{1, 2, 3, 4}))
	slanted.Raw = misaligned.Raw
	if err := slanted.T(); err != nil {
		t.Fatal(err)
	}
	bools := gt.New(gt.WithBacking(make([]bool, 20)))
	for i := range bools.Raw {
		bools.Raw[i] = byte(i)
	}
	trues := make([]bool, 20)
	for i := range trues {
		trues[i] = i > 0
	}
	nibbles := gt.New(gt.WithBacking([]tensor.I4{0x0f, 7, 0x38}))
	uints := gt.New(gt.WithBacking([]tensor.U2{7, 3}))
	for name, c := range map[string]struct {
		d    *gt.Dense
		want *tensor.Tensor
		why  string // of a copy
	}{
		"longer memory": {odd(gt.Shape{3}, 1), tensor.Of([]float32{1, 2, 3}), ""},
		"a diagonal":    {odd(gt.Shape{2}, 3), tensor.Of([]float32{1, 4}), "strides [3] of [2]"},
		"windows":       {odd(gt.Shape{2, 2}, 1, 1), tensor.Of([]float32{1, 2, 2, 3}, 2, 2), "strides"},
		"the same":      {odd(gt.Shape{4}, 0), tensor.Of([]float32{1, 1, 1, 1}), "strides"},
		"unused stride": {odd(gt.Shape{1, 4}, -7, 1), tensor.Of([]float32{1, 2, 3, 4}, 1, 4), ""},
		"scalar":        {odd(nil), tensor.Scalar(float32(1)), ""},
		"one":           {odd(gt.Shape{1, 1}), tensor.Of([]float32{1}, 1, 1), ""},
		"empty":         {odd(gt.Shape{5, 0, 3}, -1, 5, 6), tensor.Of([]float32{}, 5, 0, 3), ""},
		"misaligned":    {misaligned, tensor.Of([]float64{1, 2, 3, 4}), "address"},
		"slanted":       {slanted, tensor.Of([]float64{1, 3, 2, 4}, 2, 2), "strides"},
		"bools":         {bools, tensor.Of(trues), "aren't values of bool"},
		"nibbles":       {nibbles, tensor.Of([]tensor.I4{-1, 7, -8}), "aren't values of int4"},
		"two bits":      {uints, tensor.Of([]tensor.U2{3, 3}), "aren't values of uint2"},
	} {
		x, err := Tensor(c.d)
		if err != nil || !x.Equal(c.want) {
			t.Errorf("%s: %v, %v, want %v", name, x, err, c.want)
			continue
		}
		_, err = View(c.d)
		if c.why == "" && err != nil || c.why != "" && (!errors.Is(err, ErrCopy) || !strings.Contains(err.Error(), c.why)) {
			t.Errorf("%s: View says %v, want %q", name, err, c.why)
		}
		if shared := x.Len() > 0 && address(x) == start(c.d); shared && c.why != "" {
			t.Errorf("%s is shared", name)
		}
	}
}

// TestManuallyManaged: memory that isn't Go's may be freed by a finalizer of its Dense.
func TestManuallyManaged(t *testing.T) {
	memory := tensor.AlignedBytes(16)
	p := uintptr(unsafe.Pointer(&memory[0]))
	defer runtime.KeepAlive(&memory)
	d := gt.New(gt.WithShape(2, 2), gt.Of(gt.Float32), gt.FromMemory(p, 16))
	x, err := View(d)
	if err != nil || address(x) != unsafe.Pointer(&memory[0]) || x.Owner() != d {
		t.Fatalf("%v, %v", x, err)
	}
	back, err := Of(x)
	if err != nil || start(back) == address(x) {
		t.Errorf("%v, %v", back, err)
	}
	nowhere := struct {
		data     unsafe.Pointer
		len, cap int
	}{nil, 16, 16}
	d.Raw = *(*[]byte)(unsafe.Pointer(&nowhere))
	if x, err := Tensor(d); err == nil || !strings.Contains(err.Error(), "address 0x0") {
		t.Errorf("%v, %v", x, err)
	}
}
