package ingot_test

import (
	"context"
	"runtime"
	"testing"

	"ingot"
	"ingot/tensor"
)

// digitsBuffers loads the digit classifier, a static-shape CNN, with buffers for RunInto.
func digitsBuffers(t *testing.T, threads int) (*ingot.State, ingot.Inputs, ingot.Outputs) {
	t.Helper()
	m, err := ingot.Load(digits, ingot.WithThreads(threads))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	in := ingot.Inputs{"image": tensor.Of(make([]float32, 16*16), 1, 1, 16, 16)}
	out := ingot.Outputs{"probabilities": tensor.Of(make([]float32, 10), 1, 10)}
	s := m.NewState()
	for range 5 {
		if err := s.RunInto(context.Background(), in, out); err != nil {
			t.Fatal(err)
		}
	}
	return s, in, out
}

// In steady state a run allocates nothing. AllocsPerRun measures with one processor only.
func TestRunIntoAllocatesNothing(t *testing.T) {
	s, in, out := digitsBuffers(t, 1)
	ctx := context.Background()
	if n := testing.AllocsPerRun(200, func() {
		if err := s.RunInto(ctx, in, out); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a run", n)
	}
}

// The same with two threads, by the runtime's own count. Now and then the Go runtime allocates for itself: a few objects in thousands of runs.
func TestRunIntoAllocatesNothingOnTwoThreads(t *testing.T) {
	s, in, out := digitsBuffers(t, 2)
	ctx := context.Background()
	const runs = 2000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		if err := s.RunInto(ctx, in, out); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.Mallocs - before.Mallocs; n > runs/20 {
		t.Errorf("%d allocations in %d runs", n, runs)
	}
}
