package math

import "slices"

// axis is a labelled dimension of a strided view.
type axis struct {
	label     label
	n, stride int
}

// view is where the elements of an operand are: in input number input, or, when that is negative, in scratch from element base on.
type view struct {
	axes  []axis
	input int
	base  int
}

// operandView labels a dense tensor. A label that stands twice runs along the diagonal.
func operandView(ls []label, dims []int, input int) view {
	v := view{input: input}
	stride := 1
	for i := len(ls) - 1; i >= 0; i-- {
		if k := v.index(ls[i]); k >= 0 {
			if dims[i] > 1 {
				v.axes[k].n = dims[i]
				v.axes[k].stride += stride
			}
		} else if dims[i] == 1 {
			v.axes = append(v.axes, axis{ls[i], 1, 0})
		} else {
			v.axes = append(v.axes, axis{ls[i], dims[i], stride})
		}
		stride *= dims[i]
	}
	slices.Reverse(v.axes)
	return v
}

// denseView is a view of contiguous elements in the order of ls.
func denseView(ls []label, size map[label]int, base int) view {
	v := view{input: -1, base: base, axes: make([]axis, len(ls))}
	stride := 1
	for i := len(ls) - 1; i >= 0; i-- {
		v.axes[i] = axis{ls[i], size[ls[i]], stride}
		stride *= size[ls[i]]
	}
	return v
}

func (v *view) index(l label) int {
	return slices.IndexFunc(v.axes, func(a axis) bool { return a.label == l })
}

// stride returns how far a step along l leads: nowhere, when the view lacks it or is broadcast along it.
func (v *view) stride(l label) int {
	if i := v.index(l); i >= 0 && v.axes[i].n > 1 {
		return v.axes[i].stride
	}
	return 0
}

func (v *view) labels() []label {
	ls := make([]label, len(v.axes))
	for i, a := range v.axes {
		ls[i] = a.label
	}
	return ls
}

// walk is a nest of loops over labels, outermost first, with each operand's step.
type walk struct {
	n     []int
	steps [][]int // by operand
	count int
}

func newWalk(ls []label, size map[label]int, vs ...*view) walk {
	w := walk{count: 1, steps: make([][]int, len(vs))}
	for _, l := range ls {
		w.n = append(w.n, size[l])
		w.count *= size[l]
		for i, v := range vs {
			w.steps[i] = append(w.steps[i], v.stride(l))
		}
	}
	return w
}

// at returns where an operand is in iteration i.
func (w *walk) at(operand, i int) int {
	off := 0
	for k := len(w.n) - 1; k >= 0; k-- {
		q := i / w.n[k]
		off += (i - q*w.n[k]) * w.steps[operand][k]
		i = q
	}
	return off
}

// merged tells whether a view runs through labels as through one dimension, and with which stride. A single element has any: 0.
func merged(v *view, ls []label, size map[label]int) (stride int, ok bool) {
	next := 0 // the stride that the next dimension outwards must have
	for i := len(ls) - 1; i >= 0; i-- {
		n, s := size[ls[i]], v.stride(ls[i])
		if n == 1 {
			continue
		}
		if next == 0 {
			stride = s
		} else if s != next {
			return 0, false
		}
		if s == 0 {
			return 0, false
		}
		next = s * n
	}
	return stride, true
}
