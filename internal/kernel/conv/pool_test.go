package conv

import (
	"math"
	"math/rand/v2"
	"testing"
)

var poolSpecs = func() (list []spec) {
	for _, c := range []int{1, 3, 5, 16, 17, 64} {
		list = append(list,
			spec{images: 1, channels: c, in: []int{1, 1}, kernel: []int{1, 1}},
			spec{images: 2, channels: c, in: []int{7, 9}, kernel: []int{3, 3}, before: []int{1, 1}},
			spec{images: 1, channels: c, in: []int{7, 19}, kernel: []int{3, 2}, stride: []int{2, 2}, before: []int{1, 0}, after: []int{0, 1}},
			spec{images: 1, channels: c, in: []int{2, 3}, kernel: []int{5, 5}, before: []int{3, 2}},
			spec{images: 1, channels: c, in: []int{9, 40}, kernel: []int{2, 3}, stride: []int{3, 4}, dilation: []int{3, 2}, before: []int{2, 1}},
			spec{images: 3, channels: c, in: []int{33}, kernel: []int{4}, stride: []int{2}, before: []int{1}},
			spec{images: 2, channels: c, in: []int{4, 3, 5}, kernel: []int{2, 3, 2}, stride: []int{2, 1, 1}, before: []int{1, 1, 1}},
			spec{images: 1, channels: c, in: []int{2, 2}, kernel: []int{2, 2}, stride: []int{3, 3}, before: []int{3, 3}, after: []int{3, 3}}, // windows in the padding alone
		)
	}
	return list
}()

// TestPool compares both forms of pooling with the definition.
func TestPool(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for _, sp := range poolSpecs {
		sp.filters = sp.channels
		s := sp.shape()
		end := sp.after
		if end == nil {
			end = s.Begin
		}
		n, out := product(s.In), product(s.Out)
		x := floats[float32](r, s.Images*n*s.Channels)
		if len(x) > 40 {
			x[20] = float32(math.NaN())
			x[30] = float32(math.Inf(-1))
		}
		for _, mode := range []struct{ mean, padded bool }{{}, {mean: true}, {mean: true, padded: true}} {
			want := naivePool(&s, end, x, mode.mean, mode.padded)
			p := Pool{Window: s.Window, End: end, Images: s.Images, Channels: s.Channels, Mean: mode.mean, IncludePad: mode.padded, X: x, Y: make([]float32, len(want))}
			if err := p.Prepare(); err != nil {
				t.Fatal(err)
			}
			for i := range p.Tiles() {
				p.Tile(i)
			}
			planes, err := NewPlanes(s.Window, end)
			if err != nil {
				t.Fatal(err)
			}
			in, got := make([]float32, n), make([]float32, out)
			index := make([]int64, out)
			for img := range s.Images {
				for c := range s.Channels {
					for i := range in {
						in[i] = x[(img*n+i)*s.Channels+c]
					}
					if mode.mean {
						MeanPlane(planes, got, in, mode.padded)
					} else {
						MaxPlane(planes, got, in, index, float32(math.Inf(-1)))
					}
					for o, v := range got {
						w := want[(img*out+o)*s.Channels+c]
						q := float64(p.Y[(img*out+o)*s.Channels+c])
						if !closeTo(float64(v), w) || !closeTo(q, w) {
							t.Fatalf("%v %+v: pixel %d of channel %d is %v as planes and %v as rows, want %v", sp, mode, o, c, v, q, w)
						}
						if !mode.mean && !math.IsInf(w, -1) {
							if at := in[index[o]]; !closeTo(float64(at), w) {
								t.Fatalf("%v: index %d holds %v, want %v", sp, index[o], at, w)
							}
						}
					}
				}
			}
		}
	}
}

func closeTo(v, want float64) bool {
	return v == want || v != v && want != want || math.Abs(v-want) <= 1e-6*max(1, math.Abs(want))
}

// naivePool is the definition, in float64.
func naivePool(s *Shape, end []int, x []float32, mean, padded bool) []float64 {
	out := product(s.Out)
	y := make([]float64, s.Images*out*s.Channels)
	split := func(i int, dims []int) []int {
		c := make([]int, len(dims))
		for d := len(dims) - 1; d >= 0; d-- {
			c[d], i = i%dims[d], i/dims[d]
		}
		return c
	}
	for i := range y {
		c, o, img := i%s.Channels, i/s.Channels%out, i/s.Channels/out
		best, total, count := math.Inf(-1), 0.0, 0
		oc := split(o, s.Out)
		for t := range s.Taps() {
			at, inside, counted := 0, true, true
			for d, k := range split(t, s.Kernel) {
				p := oc[d]*s.Stride[d] - s.Begin[d] + k*s.Dilation[d]
				inside = inside && p >= 0 && p < s.In[d]
				counted = counted && p < s.In[d]+end[d]
				at = at*s.In[d] + p
			}
			if inside {
				v := float64(x[(img*product(s.In)+at)*s.Channels+c])
				total += v
				if v > best || v != v {
					best = v
				}
				if best != best {
					best = math.NaN()
				}
			}
			if inside || padded && counted {
				count++
			}
		}
		switch {
		case !mean:
			y[i] = best
		case count > 0:
			y[i] = total / float64(count)
		}
	}
	return y
}

// TestFoldRows checks sums and maxima of columns.
func TestFoldRows(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	for _, n := range []int{1, 2, 9, 5000} {
		for _, c := range []int{1, 7, 16, 33} {
			x, y := floats[float32](r, n*c), make([]float32, c)
			for _, largest := range []bool{false, true} {
				FoldRows(y, x, n, largest)
				for j, v := range y {
					want, top := 0.0, math.Inf(-1)
					for i := range n {
						want += float64(x[i*c+j])
						top = max(top, float64(x[i*c+j]))
					}
					if largest {
						want = top
					}
					if math.Abs(float64(v)-want) > 1e-5*math.Sqrt(float64(n)) {
						t.Errorf("%d rows of %d: column %d is %v, want %v", n, c, j, v, want)
					}
				}
			}
		}
	}
}
