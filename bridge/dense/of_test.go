package dense

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	gt "gorgonia.org/tensor"

	"ingot/tensor"
)

// block stands for a mapping: memory that its owner gives back.
type block struct{ id int }

// mapped returns a tensor whose memory is a block's, and a function that tells whether the block is still reachable.
func mapped(t *testing.T) (x *tensor.Tensor, held func() bool) {
	t.Helper()
	owner := &block{id: 1}
	memory := tensor.AlignedBytes(4 * 6)
	for i := range memory {
		memory[i] = byte(i)
	}
	x, err := tensor.FromBytes(tensor.Float32, []int{2, 3}, memory, owner)
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan struct{})
	runtime.AddCleanup(owner, func(gone chan struct{}) { close(gone) }, gone)
	return x, func() bool {
		for range 10 {
			runtime.GC()
			select {
			case <-gone:
				return false
			case <-time.After(time.Millisecond):
			}
		}
		return true
	}
}

// TestOfCopiesForeignMemory: what a mapping holds isn't for gorgonia/tensor's Data, which would outlive it.
func TestOfCopiesForeignMemory(t *testing.T) {
	x, held := mapped(t)
	d, err := Of(x)
	if err != nil || start(d) == address(x) {
		t.Fatalf("%v; shared: %v", err, err == nil && start(d) == address(x))
	}
	if y, err := View(d); err != nil || !y.Equal(x) || y.Owner() != nil {
		t.Errorf("%v, %v", y, err)
	}
	if x = nil; held() {
		t.Error("the Dense keeps the owner of memory that it doesn't use")
	}
	runtime.KeepAlive(d)
}

// TestViewOfKeepsOwner: slices and clones of the Dense know its memory by address only, and still must keep it.
func TestViewOfKeepsOwner(t *testing.T) {
	x, held := mapped(t)
	d, err := ViewOf(x)
	if err != nil || start(d) != address(x) {
		t.Fatalf("%v; shared: %v", err, err == nil && start(d) == address(x))
	}
	y, err := View(d)
	if err != nil || !y.Equal(x) || y.Owner() != x.Owner() || y.Owner() == nil {
		t.Fatalf("%v, %v", y, err)
	}
	x, y = nil, nil
	row := cut(t, d, slicer{1, 2, 1})
	d = nil
	if !held() {
		t.Fatal("a slice lost the owner of its memory")
	}
	shallow := row.ShallowClone()
	row = nil
	if !held() {
		t.Fatal("a shallow clone lost the owner of its memory")
	}
	if y, err = View(shallow); err != nil || y.Len() != 3 {
		t.Fatalf("%v, %v", y, err)
	}
	shallow = nil
	if !held() {
		t.Fatal("a tensor lost the owner of its memory")
	}
	runtime.KeepAlive(y)
	if y = nil; held() {
		t.Error("nothing uses the memory, and it is still held")
	}
}

// TestViewOfComputes: the engine that keeps an owner computes as the standard one.
func TestViewOfComputes(t *testing.T) {
	memory := tensor.AlignedBytes(16)
	x, err := tensor.FromBytes(tensor.Float32, []int{2, 2}, memory, &block{id: 2})
	if err != nil {
		t.Fatal(err)
	}
	copy(tensor.View[float32](x), []float32{1, 2, 3, 4})
	d, err := ViewOf(x)
	if err != nil {
		t.Fatal(err)
	}
	sum, err := gt.Add(d, d)
	if err != nil || !sum.Eq(gt.New(gt.WithShape(2, 2), gt.WithBacking([]float32{2, 4, 6, 8}))) {
		t.Errorf("%v, %v", sum, err)
	}
	product, err := gt.MatMul(d, d)
	if err != nil || !product.Eq(gt.New(gt.WithShape(2, 2), gt.WithBacking([]float32{7, 10, 15, 22}))) {
		t.Errorf("%v, %v", product, err)
	}
	if c := d.Clone().(*gt.Dense); !c.Eq(d) || start(c) == start(d) {
		t.Errorf("clone: %v", c)
	}
}

// TestEmptyData: a Dense with no elements has Data, where the package allows it.
func TestEmptyData(t *testing.T) {
	for _, dt := range tensor.AllTypes.List() {
		d, err := Of(sample(t, dt, 0, 3))
		if err != nil {
			t.Fatal(err)
		}
		if size := d.Dtype().Size(); size > 1 {
			if !d.Eq(d.ShallowClone()) || d.DataSize() != 0 || d.Uintptr() == 0 {
				t.Errorf("%v: size %d", dt, d.DataSize())
			}
			if got := d.Data(); got == nil {
				t.Errorf("%v: Data is nil", dt)
			}
		}
	}
}

// TestHalves: gorgonia/tensor moves the types that it doesn't know, and refuses to calculate with them.
func TestHalves(t *testing.T) {
	for _, dt := range []tensor.DType{tensor.Float16, tensor.BFloat16, tensor.Float8E4M3FN, tensor.Int4} {
		x := sample(t, dt, 2, 3)
		d, err := Of(x)
		if err != nil {
			t.Fatal(err)
		}
		for name, f := range map[string]func() (gt.Tensor, error){
			"Add":    func() (gt.Tensor, error) { return gt.Add(d, d) },
			"Exp":    func() (gt.Tensor, error) { return gt.Exp(d) },
			"Sum":    func() (gt.Tensor, error) { return gt.Sum(d) },
			"MatMul": func() (gt.Tensor, error) { return gt.MatMul(d, d) },
			"Lt":     func() (gt.Tensor, error) { return gt.Lt(d, d) },
		} {
			if r, err := f(); err == nil {
				t.Errorf("%s of %v gave %v", name, dt, r)
			}
		}
		before := x.Clone()
		if err := d.T(); err != nil {
			t.Fatal(err)
		}
		if err := d.Transpose(); err != nil {
			t.Fatal(err)
		}
		y, err := Tensor(d)
		if err != nil || y.DType() != dt || y.Dims()[0] != 3 || y.Bytes()[dt.Size()] != before.Bytes()[3*dt.Size()] {
			t.Errorf("transposed: %v, %v", y, err)
		}
	}
}

func TestOfRefuses(t *testing.T) {
	for name, x := range map[string]*tensor.Tensor{"nil": nil, "zero": {}, "error": tensor.Of([]float32{1}, 2)} {
		for _, f := range []func(*tensor.Tensor) (*gt.Dense, error){Of, ViewOf} {
			d, err := f(x)
			if !errors.Is(err, tensor.ErrShape) && !errors.Is(err, tensor.ErrDType) || !strings.HasPrefix(err.Error(), "dense: ") {
				t.Errorf("%s: %v, %v", name, d, err)
			}
		}
	}
	if dt, err := Dtype(tensor.Invalid); !errors.Is(err, tensor.ErrDType) {
		t.Errorf("%v, %v", dt, err)
	}
	if dt, err := Dtype(tensor.NumDTypes); !errors.Is(err, tensor.ErrDType) {
		t.Errorf("%v, %v", dt, err)
	}
}

// TestConcurrent: conversions share nothing; the race detector looks on.
func TestConcurrent(t *testing.T) {
	x := sample(t, tensor.Float16, 8, 8)
	y := gt.New(gt.WithShape(4, 4), gt.WithBacking(seq(16, func(i int) bool { return i%3 == 0 })))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				d, err := Of(x)
				if err != nil || d.Size() != 64 {
					t.Error(err)
				}
				if z, err := Tensor(y); err != nil || z.Len() != 16 {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
