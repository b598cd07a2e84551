package feed

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"ingot"
	"ingot/internal/num"
	"ingot/tensor"
)

// most is the size in bytes from which on an array of random numbers is taken for a mistake.
const most = 8 << 30

// generate makes rand, zeros, rand[1,3,224,224].
func (b *builder) generate(g given) (*tensor.Tensor, error) {
	v := g.info
	if v.Kind != ingot.KindTensor {
		return nil, wrong("input %q is %s; only tensors can be generated", v.Name, v)
	}
	name, rest, sized := strings.Cut(g.text, "[")
	var shape []int
	var err error
	if sized {
		shape, err = parseShape(g.text, rest)
	} else {
		shape, err = b.shape(v)
	}
	if err != nil {
		return nil, err
	}
	dt := v.DType
	if dt == tensor.Invalid {
		dt = tensor.Float32
	}
	if n, err := tensor.NumBytes(dt, shape); err != nil || int64(n) > most {
		return nil, wrong("input %q would be %s%s, which is too large", v.Name, dt, tensor.ShapeString(shape))
	}
	t, err := tensor.New(dt, shape...)
	if err != nil {
		return nil, wrong("input %q: %v", v.Name, err)
	}
	if name == "rand" {
		if err := b.random(v, t); err != nil {
			return nil, err
		}
		b.out.Random = append(b.out.Random, v.Name)
	}
	return t, nil
}

func parseShape(text, rest string) ([]int, error) {
	inner, ok := strings.CutSuffix(rest, "]")
	if !ok {
		return nil, wrong("%q has no closing bracket", text)
	}
	shape := []int{}
	if strings.TrimSpace(inner) == "" {
		return shape, nil
	}
	for _, f := range strings.Split(inner, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(f))
		if err != nil || n < 0 {
			return nil, wrong("%q: %q isn't a size", text, f)
		}
		shape = append(shape, n)
	}
	return shape, nil
}

// shape is an input's shape with every open dimension settled; those that nothing is known of become 1.
func (b *builder) shape(v *ingot.ValueInfo) ([]int, error) {
	if v.Dims == nil {
		return nil, wrong("the model doesn't say which shape input %q has", v.Name).hint("write it: -i '%s=rand[1,3,224,224]'", v.Name)
	}
	shape := make([]int, len(v.Dims))
	var ones []string
	for k := range v.Dims {
		n, ok := b.dims.size(v, k)
		if !ok {
			n = 1
			ones = append(ones, openName(v.Dims[k], k))
		}
		if n > math.MaxInt {
			return nil, wrong("dimension %d of input %q is too large", k, v.Name)
		}
		shape[k] = int(n)
	}
	if len(ones) > 0 {
		b.out.Ones = append(b.out.Ones, fmt.Sprintf("%s is %s%s (%s)", v.Name, v.DType, tensor.ShapeString(shape), strings.Join(ones, ", ")))
	}
	return shape, nil
}

// openName is how -d calls a dimension.
func openName(d ingot.Dim, axis int) string {
	if named(d) {
		return d.Sym
	}
	return "axis " + strconv.Itoa(axis)
}

// random fills t: floats in [0,1), integers 0 and 1 (which are indices of whatever there is), bytes over all of their range, unless
// --range says otherwise. The numbers depend on the seed and the input's name alone.
func (b *builder) random(v *ingot.ValueInfo, t *tensor.Tensor) error {
	h := fnv.New64a()
	h.Write([]byte(v.Name))
	r := rand.New(rand.NewPCG(b.req.Seed, h.Sum64()))
	lo, hi := defaultRange(t.DType())
	if rg, ok := b.ranges[v.Name]; ok {
		lo, hi = rg[0], rg[1]
		b.used["range "+v.Name] = true
	}
	var block [num.Block]float64
	for off := 0; off < t.Len(); off += len(block) {
		part := block[:min(len(block), t.Len()-off)]
		for i := range part {
			part[i] = lo + (hi-lo)*r.Float64()
			if !t.DType().IsFloat() {
				part[i] = math.Floor(part[i])
			}
		}
		if !num.Store64(t, off, part) {
			return wrong("there are no random numbers of type %s, which input %q takes", t.DType(), v.Name).hint("give a value, or zeros")
		}
	}
	return nil
}

func defaultRange(dt tensor.DType) (lo, hi float64) {
	switch dt {
	case tensor.Uint8:
		return 0, 256
	case tensor.Int8:
		return -128, 128
	}
	if dt.IsFloat() {
		return 0, 1
	}
	return 0, 2
}

// rangeOptions reads INPUT=LOW:HIGH.
func (b *builder) rangeOptions() (map[string][2]float64, error) {
	out := map[string][2]float64{}
	for _, text := range b.req.Ranges {
		i := strings.LastIndexByte(text, '=')
		if i <= 0 {
			return nil, wrong("--range %s: write INPUT=LOW:HIGH, such as x=0:10", text)
		}
		v, err := b.input(text[:i])
		if err != nil {
			return nil, err
		}
		from, to, ok := strings.Cut(text[i+1:], ":")
		lo, err1 := strconv.ParseFloat(from, 64)
		hi, err2 := strconv.ParseFloat(to, 64)
		if !ok || err1 != nil || err2 != nil || !(lo <= hi) || math.IsInf(hi-lo, 0) {
			return nil, wrong("--range %s: %q isn't LOW:HIGH", text, text[i+1:])
		}
		out[v.Name] = [2]float64{lo, hi}
	}
	return out, nil
}
