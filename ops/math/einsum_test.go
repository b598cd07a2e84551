package math

import (
	"math/rand/v2"
	"testing"

	"ingot/ops"
	"ingot/tensor"
)

// naiveEinsum sums over all labels at once, by the definition.
func naiveEinsum(t *testing.T, equation string, ins []*tensor.Tensor) []float64 {
	t.Helper()
	eq, err := parseEquation(equation)
	if err != nil {
		t.Fatal(err)
	}
	shapes := make([][]ops.Dim, len(ins))
	for i, x := range ins {
		for _, d := range x.Dims() {
			shapes[i] = append(shapes[i], ops.Num(d))
		}
	}
	e, err := eq.resolve(shapes)
	if err != nil {
		t.Fatal(err)
	}
	size := map[label]int{}
	var all []label
	for l, d := range e.size {
		n, _ := d.Int()
		size[l] = int(n)
		all = append(all, l)
	}
	outs, total := 1, 1
	for _, l := range e.out {
		outs *= size[l]
	}
	for _, l := range all {
		total *= size[l]
	}
	data := make([][]float64, len(ins))
	for i, x := range ins {
		data[i] = floats(x)
	}
	out := make([]float64, outs)
	for pos := range total {
		at, p := map[label]int{}, pos
		for _, l := range all {
			at[l] = p % size[l]
			p /= size[l]
		}
		index := func(ls []label, dims []int) int {
			off := 0
			for k, l := range ls {
				c := at[l]
				if dims[k] == 1 {
					c = 0
				}
				off = off*dims[k] + c
			}
			return off
		}
		v := 1.0
		for i, ls := range e.in {
			v *= data[i][index(ls, ins[i].Dims())]
		}
		outDims := make([]int, len(e.out))
		for k, l := range e.out {
			outDims[k] = size[l]
		}
		out[index(e.out, outDims)] += v
	}
	return out
}

func TestEinsum(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		eq     string
		shapes [][]int
	}{
		{"ij->ji", [][]int{{3, 4}}}, {"ij->", [][]int{{3, 4}}}, {"ij->i", [][]int{{3, 4}}}, {"ii->i", [][]int{{4, 4}}}, {"ii", [][]int{{4, 4}}},
		{"...ii->...i", [][]int{{2, 3, 4, 4}}}, {"i,i", [][]int{{5}, {5}}}, {"i,j->ij", [][]int{{5}, {3}}}, {"ij,ij->ij", [][]int{{5, 3}, {5, 3}}},
		{"ij,jk", [][]int{{7, 9}, {9, 8}}}, {"ij,jk->ki", [][]int{{7, 9}, {9, 8}}}, {"ji,kj->ik", [][]int{{9, 7}, {8, 9}}},
		{"bij,bjk->bik", [][]int{{2, 7, 9}, {2, 9, 8}}}, {"...ij,...jk->...ik", [][]int{{2, 1, 7, 9}, {3, 9, 8}}},
		{"bqhd,bkhd->bhqk", [][]int{{2, 5, 3, 8}, {2, 6, 3, 8}}}, {"bhqk,bkhd->bqhd", [][]int{{2, 3, 5, 6}, {2, 6, 3, 8}}},
		{"bchw,bkhw->bck", [][]int{{2, 3, 4, 5}, {2, 6, 4, 5}}}, {"bwhc,bkhw->bck", [][]int{{2, 5, 4, 3}, {2, 6, 4, 5}}},
		{"abc,cd,de->abe", [][]int{{2, 3, 4}, {4, 5}, {5, 6}}}, {"ab,bc,ac->", [][]int{{3, 4}, {4, 5}, {3, 5}}},
		{"aij,jk->aik", [][]int{{3, 8, 5}, {5, 9}}}, {"i,->i", [][]int{{4}, {}}}, {"ij,jk->ik", [][]int{{3, 0}, {0, 4}}}, {"ij,jk->ik", [][]int{{0, 3}, {3, 4}}},
		{"aXb, Xc -> acb", [][]int{{4, 6, 5}, {6, 7}}}, {"bij,bij->b", [][]int{{2, 9, 9}, {2, 9, 9}}}, {"ij,kj->ik", [][]int{{9, 1}, {8, 9}}},
		{"iij,jk->ik", [][]int{{4, 4, 5}, {5, 6}}}, {"abcd,dcba->", [][]int{{2, 3, 4, 5}, {5, 4, 3, 2}}}, {"...,...", [][]int{{3, 4}, {4}}},
	} {
		for _, dt := range []tensor.DType{tensor.Float32, tensor.Float64, tensor.Float16, tensor.Int8, tensor.Uint64, tensor.Int64} {
			ins := make([]*tensor.Tensor, len(c.shapes))
			for i, s := range c.shapes {
				vals := make([]float64, product(s))
				for k := range vals {
					vals[k] = float64(rng.IntN(3)) // exact in every type
				}
				ins[i] = of(t, dt, vals, s...)
			}
			want := naiveEinsum(t, c.eq, ins)
			if dt == tensor.Int8 {
				want = floats(of(t, dt, want))
			}
			check(t, c.eq+" of "+dt.String(), eval(t, "Einsum", ops.Attrs{"equation": ops.StringAttr(c.eq)}, ins...), want)
		}
	}
}

func TestEinsumErrors(t *testing.T) {
	m := of(t, tensor.Float32, []float64{1, 2, 3, 4}, 2, 2)
	for _, c := range []struct {
		eq  string
		ins []*tensor.Tensor
	}{
		{"ij,jk", []*tensor.Tensor{m}}, {"ijk->i", []*tensor.Tensor{m}}, {"i->i", []*tensor.Tensor{m}}, {"ij->ik", []*tensor.Tensor{m}}, {"ij->ii", []*tensor.Tensor{m}},
		{"i1->i", []*tensor.Tensor{m}}, {"......->", []*tensor.Tensor{m}}, {"ij,jk->ik", []*tensor.Tensor{m, of(t, tensor.Float32, []float64{1, 2, 3}, 3, 1)}}, {"ij-i", []*tensor.Tensor{m}},
	} {
		if _, err := try(t, "Einsum", ops.Attrs{"equation": ops.StringAttr(c.eq)}, 1, c.ins...); err == nil {
			t.Errorf("%q is no error", c.eq)
		}
	}
}
