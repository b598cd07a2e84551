package dense

import (
	"errors"
	"fmt"

	gt "gorgonia.org/tensor"

	"ingot/tensor"
)

// Of returns t as a Dense that shares t's memory, row-major, with the element type that [Dtype] tells.
//
// Memory that isn't on the Go heap, weights in a mapped file say, is copied: such memory may be read-only, and the slice that
// Dense.Data returns doesn't keep it. [ViewOf] shares it nevertheless.
//
// A scalar becomes a Dense with the shape (), an empty tensor one with Size() == 0, on which several methods of gorgonia/tensor panic (see
// the package comment). Of fails for a nil tensor and for one that carries an error.
func Of(t *tensor.Tensor) (*gt.Dense, error) {
	if t.Err() == nil && t.Owner() != nil {
		c := t.Clone()
		return of(c, nil)
	}
	return of(t, nil)
}

// ViewOf is [Of] that never copies. The Dense, its slices and its clones keep the owner of t's memory reachable, but what Dense.Data returns
// doesn't; and a write to memory that is mapped read-only ends the process. It is for a caller who knows the life of a model's weights.
func ViewOf(t *tensor.Tensor) (*gt.Dense, error) {
	if t.Err() == nil && t.Owner() != nil {
		return of(t, &keeper{owner: t.Owner()})
	}
	return of(t, nil)
}

func of(t *tensor.Tensor, e *keeper) (d *gt.Dense, err error) {
	defer func() {
		if p := recover(); p != nil {
			d, err = nil, fmt.Errorf("dense: gorgonia/tensor panicked: %v", p)
		}
	}()
	if err := t.Err(); err != nil {
		return nil, fmt.Errorf("dense: %w", err)
	}
	dt := t.DType()
	if !dt.Valid() {
		return nil, errors.New("dense: the tensor has no element type")
	}
	backing := kinds[dt].backing(t)
	opts := []gt.ConsOpt{gt.WithShape(t.Dims()...), gt.WithBacking(backing)}
	if e != nil {
		opts = append(opts, gt.WithEngine(e))
	}
	d = gt.New(opts...)
	if t.Len() == 0 && d.Dtype().Size() > 1 {
		// The package takes the address of the first byte, and panics in Data, Eq, Uintptr and elsewhere if there is none. Less than an
		// element is none, but has an address.
		d.Raw = make([]byte, 16)[:1]
	}
	return d, nil
}

// A keeper is gorgonia/tensor's standard engine with something to keep reachable. A Dense hands its engine on to its slices and clones, but
// knows its memory only by address: the engine is the one field that can hold an owner.
type keeper struct {
	gt.StdEng
	owner any
}

// ownerOf is what must live as long as the memory of d; nil for memory of the Go heap, which lives by itself.
func ownerOf(d *gt.Dense) any {
	if k, ok := d.Engine().(*keeper); ok {
		return k.owner
	}
	if d.IsManuallyManaged() {
		return d
	}
	return nil
}
