package passes

import (
	"math"
	"reflect"
	"testing"

	"ingot/tensor"
)

func TestSame(t *testing.T) {
	type inner struct{ A []string }
	type attrs struct {
		B   bool
		I   int
		U   uint8
		F   float32
		S   string
		P   *int
		L   []float32
		In  inner
		T   *tensor.Tensor
		Any any
		Fn  func()
	}
	one, other := 1, 1
	full := func() *attrs {
		return &attrs{true, -1, 2, 0.5, "s", &one, []float32{1, 2}, inner{[]string{"a"}}, tensor.Of([]int64{3}), 4, nil}
	}
	equal := full()
	equal.P = &other
	if !same(reflect.ValueOf(full()), reflect.ValueOf(equal)) {
		t.Error("equal attributes differ")
	}
	for name, change := range map[string]func(a *attrs){
		"bool": func(a *attrs) { a.B = false }, "int": func(a *attrs) { a.I = 1 }, "uint": func(a *attrs) { a.U = 3 },
		"float": func(a *attrs) { a.F = float32(math.NaN()) }, "string": func(a *attrs) { a.S = "" }, "pointer": func(a *attrs) { a.P = nil },
		"pointed": func(a *attrs) { two := 2; a.P = &two }, "length": func(a *attrs) { a.L = a.L[:1] }, "element": func(a *attrs) { a.L[1] = 0 },
		"nil": func(a *attrs) { a.L = nil }, "nested": func(a *attrs) { a.In.A[0] = "b" }, "tensor": func(a *attrs) { a.T = tensor.Of([]int64{4}) },
		"shape": func(a *attrs) { a.T = tensor.Of([]int64{3}, 1, 1) }, "any": func(a *attrs) { a.Any = "4" }, "none": func(a *attrs) { a.Any = nil },
		"func": func(a *attrs) { a.Fn = func() {} },
	} {
		a := full()
		change(a)
		if same(reflect.ValueOf(full()), reflect.ValueOf(a)) || same(reflect.ValueOf(a), reflect.ValueOf(full())) {
			t.Errorf("%s: different attributes are the same", name)
		}
	}
	if same(reflect.ValueOf(full()), reflect.ValueOf(&inner{})) || !same(reflect.ValueOf(nil), reflect.ValueOf(nil)) {
		t.Error("types and nothing")
	}
}
