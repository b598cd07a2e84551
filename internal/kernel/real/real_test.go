package real

import (
	"math"
	"reflect"
	"testing"
)

// TestBothWidths compares the loops of both widths with each other.
func TestBothWidths(t *testing.T) {
	x64 := []float64{-3, -1, -0.5, 0, 0.25, 1, 2.5, 4}
	y64 := []float64{1, 2, -0.5, 0.25, 3, -1, 0.5, 2}
	narrow := func(v []float64) []float32 {
		out := make([]float32, len(v))
		for i := range v {
			out[i] = float32(v[i])
		}
		return out
	}
	a, b := reflect.ValueOf(*For[float32]()), reflect.ValueOf(*For[float64]())
	for i := range a.NumField() {
		name, f, g := a.Type().Field(i).Name, a.Field(i), b.Field(i)
		if f.IsNil() || g.IsNil() {
			t.Errorf("%s is missing", name)
			continue
		}
		// Slices get x, then y; the first of a function that returns nothing, or of one with two slices, is the destination.
		var in32, in64 []reflect.Value
		d32, d64 := make([]float32, len(x64)), make([]float64, len(x64))
		copy(d64, y64)
		copy(d32, narrow(y64))
		slices, scalars := 0, []float64{0.5, 0.75}
		reads := f.Type().NumIn() == 1 && f.Type().NumOut() == 1
		for k := range f.Type().NumIn() {
			if f.Type().In(k).Kind() != reflect.Slice {
				v := scalars[0]
				if name == "ExpSum" {
					v = 4 // no less than any element
				}
				in32, in64 = append(in32, reflect.ValueOf(float32(v))), append(in64, reflect.ValueOf(v))
				scalars = scalars[1:]
				continue
			}
			switch {
			case slices == 0 && !reads:
				in32, in64 = append(in32, reflect.ValueOf(d32)), append(in64, reflect.ValueOf(d64))
			case slices <= 1:
				in32, in64 = append(in32, reflect.ValueOf(narrow(x64))), append(in64, reflect.ValueOf(x64))
			default:
				in32, in64 = append(in32, reflect.ValueOf(narrow(y64))), append(in64, reflect.ValueOf(y64))
			}
			slices++
		}
		r32, r64 := f.Call(in32), g.Call(in64)
		near := func(what string, p, q float64) {
			if !(math.Abs(p-q) <= 1e-5*(1+math.Abs(q))) {
				t.Errorf("%s: %s is %v in float32, %v in float64", name, what, p, q)
			}
		}
		for k := range r32 {
			near("the result", r32[k].Float(), r64[k].Float())
		}
		for k := range d32 {
			near("an element", float64(d32[k]), d64[k])
		}
	}
}
