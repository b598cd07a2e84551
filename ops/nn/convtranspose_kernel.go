package nn

import (
	"fmt"
	"slices"

	"ingot/internal/kernel/conv"
	"ingot/internal/kernel/gemm"
	"ingot/internal/kernel/move"
	"ingot/ops"
	"ingot/ops/internal/wide"
	"ingot/tensor"
)

// transposedKernel runs a transposed convolution, which is as many ordinary ones as the product of its strides: results whose places leave the same remainder see
// the same part of the kernel, turned round, at stride 1.
type transposedKernel[T conv.Number] struct {
	phases             []phase[T]
	x, w, bias         wide.Operand[T]
	y                  wide.Result[T]
	in                 turn[T]
	part               wide.Buffer // results of all phases, one after another, unless there is only one and it needs no move
	filters, storage   wide.Buffer // of weights that change from run to run
	temporary          wide.Buffer
	constant           bool
	group, wc, wo, wts int // of W: channels, filters of a group, taps
	moves              []turnJob
	joined             bool // all taps are one phase, whose filters are taps × filters
	repeated           wide.Buffer
}

type phase[T conv.Number] struct {
	c      conv.Conv[T]
	format conv.Format
	own    conv.Weights[T]
	taps   []int // of W, one for each tap of the phase; -1 for none
	first  int   // tile
	at     int   // in part
}

func newTransposed[T conv.Number](b *ops.Bind, f *transposed) (ops.Kernel, error) {
	xd, wd, yd := b.Dims(0), b.Dims(1), b.OutDims(0)
	if err := f.checkAll(len(xd) - 2); err != nil {
		return nil, err
	}
	in, out, kernel := spatial(f.layout, xd), spatial(f.layout, yd), wd[2:]
	k := &transposedKernel[T]{constant: b.Constant(1) != nil, group: f.group, wc: wd[0], wo: wd[1], wts: elements(kernel)}
	filters := wd[1] * f.group
	var room wide.Room[T]
	k.x, k.bias, k.y = room.In(b, 0), room.In(b, 2), room.Out(b, 0)
	if f.layout == planes {
		k.in = toRows(&room, xd[0], wd[0], elements(in))
	}
	begin := make([]int, len(in))
	for d := range begin {
		_, v, err := f.size(d, ops.Num(in[d]), ops.Num(kernel[d]))
		if err != nil {
			return nil, err
		}
		begin[d] = num64(v)
	}
	if f.tiles(begin, in, kernel, out) {
		k.join(f, b, &room, in, out)
		return k, k.prepare(b, f)
	}
	total, storage, temp, most := 0, 0, 0, 0
	for r := range f.remainders(out) {
		w, taps := f.phase(r, begin, in, kernel, out)
		s := conv.Shape{Window: w, Images: xd[0], Channels: wd[0], Filters: filters, Groups: f.group}
		p := phase[T]{c: conv.Conv[T]{Shape: s}, format: conv.Choose[T](&s, conv.Options{Strict: b.Strict}), taps: taps, at: total}
		k.moves = append(k.moves, turnJob{c: f.place(r, &s, out, tensorSize[T]())})
		total += s.Images * elements(w.Out) * filters
		n, t := conv.PackedLen[T](&s, p.format)
		storage, temp, most = storage+n, max(temp, t), max(most, wd[0]*wd[1]*len(taps))
		k.phases = append(k.phases, p)
	}
	if len(k.phases) == 1 && k.moves[0].c.Contiguous() {
		k.moves = nil
	} else {
		k.part = room.Buffer(total)
	}
	if !k.constant {
		k.w, k.filters, k.storage, k.temporary = room.In(b, 1), room.Buffer(most), room.Buffer(storage), room.Buffer(temp)
	}
	room.Claim(b)
	return k, k.prepare(b, f)
}

// tiles reports whether each input pixel makes a tile of results of its own: then all taps are filters of one pointwise convolution.
func (f *transposed) tiles(begin, in, kernel, out []int) bool {
	for d, n := range in {
		if kernel[d] != f.stride(d) || begin[d] != 0 || f.dilation(d) != 1 || out[d] != n*kernel[d] {
			return false
		}
	}
	return f.group == 1 && elements(kernel) > 1
}

// join makes one phase of all taps.
func (k *transposedKernel[T]) join(f *transposed, b *ops.Bind, room *wide.Room[T], in, out []int) {
	n, size := len(in), k.wo*k.wts
	one := func(v int) []int { return slices.Repeat([]int{v}, n) }
	s := conv.Shape{Window: conv.Window{In: in, Out: in, Kernel: one(1), Stride: one(1), Dilation: one(1), Begin: one(0)},
		Images: b.Dims(0)[0], Channels: k.wc, Filters: size, Groups: 1}
	k.joined = true
	k.phases = []phase[T]{{c: conv.Conv[T]{Shape: s}, format: conv.Product, taps: make([]int, k.wts)}}
	for t := range k.phases[0].taps {
		k.phases[0].taps[t] = t
	}

	// Results stand by pixel, tap, filter; they belong to line, line of the tile, pixel, pixel of the tile, filter.
	pixel, channel := k.wo, 1
	if f.layout == planes {
		pixel, channel = 1, elements(out)
	}
	dims := make([]move.Dim, 2*n+2)
	dims[0] = move.Dim{N: s.Images, Dst: elements(out) * k.wo, Src: elements(in) * size}
	dims[2*n+1] = move.Dim{N: k.wo, Dst: channel, Src: 1}
	dst, src, tap := pixel, size, k.wo
	for d := n - 1; d >= 0; d-- {
		side := f.stride(d)
		dims[2*d+1] = move.Dim{N: in[d], Dst: dst * side, Src: src}
		dims[2*d+2] = move.Dim{N: side, Dst: dst, Src: tap}
		dst, src, tap = dst*out[d], src*in[d], tap*side
	}
	k.moves = []turnJob{{c: move.NewCopy(tensorSize[T](), 0, 0, dims...)}}
	k.part, k.repeated = room.Buffer(s.Images*elements(in)*size), room.Buffer(size)
	if !k.constant {
		storage, temp := conv.PackedLen[T](&s, conv.Product)
		k.w, k.filters, k.storage, k.temporary = room.In(b, 1), room.Buffer(k.wc*size), room.Buffer(storage), room.Buffer(temp)
	}
	room.Claim(b)
}

// repeat gives each tap of a joined phase the bias.
func (k *transposedKernel[T]) repeat(dst, bias []T) []T {
	if !k.joined || bias == nil {
		return bias
	}
	for i := 0; i < len(dst); i += k.wo {
		copy(dst[i:], bias[:k.wo])
	}
	return dst
}

// prepare sets weights and epilogues of the phases.
func (k *transposedKernel[T]) prepare(b *ops.Bind, f *transposed) error {
	for i := range k.phases {
		p := &k.phases[i]
		p.c.Weights = &p.own
		if k.constant {
			key := fmt.Sprintf("conv transposed %d of %d groups, taps %v of %v, joined %t", p.format, f.group, p.taps, p.c.Kernel, k.joined)
			form, err := b.Packed(1, key, func(t *tensor.Tensor) (any, int, error) {
				w := make([]T, k.wc*k.wo*len(p.taps))
				k.pick(w, wide.Values[T](t), p.taps)
				packed, err := conv.Pack(&p.c.Shape, p.format, w)
				if err != nil {
					return nil, 0, err
				}
				return packed, packed.Bytes(), nil
			})
			if err != nil {
				return err
			}
			p.c.Weights, _ = form.(*conv.Weights[T])
		}
		if e, ok := any(&p.c.Epilogue).(*gemm.Epilogue[float32]); ok {
			if err := f.act.set(e); err != nil {
				return err
			}
		} else if f.act.Act != "" {
			return fmt.Errorf("no fused transposed convolution of %s has an activation", b.In(0).DT)
		}
	}
	return nil
}

func tensorSize[T conv.Number]() int { return wide.DType[T]().Size() }

// remainders yields the remainders of places by the strides, dimension by dimension, that occur in the result.
func (f *transposed) remainders(out []int) func(yield func([]int) bool) {
	return func(yield func([]int) bool) {
		r := make([]int, len(out))
		for {
			if !yield(slices.Clone(r)) {
				return
			}
			d := len(r) - 1
			for ; d >= 0; d-- {
				if r[d]++; r[d] < min(f.stride(d), out[d]) {
					break
				}
				r[d] = 0
			}
			if d < 0 {
				return
			}
		}
	}
}

// phase returns the window of the results that leave the remainders r, and the taps of the kernel that it has.
//
// Tap k adds input i to result o = i·stride + k·dilation − begin. For o = j·stride + r that is input i = j + (r + begin − k·dilation)/stride,
// for the taps that leave no remainder there: every (stride/gcd)-th, whose inputs lie dilation/gcd apart.
func (f *transposed) phase(r, begin, in, kernel, out []int) (conv.Window, []int) {
	n := len(in)
	w := conv.Window{In: in, Out: make([]int, n), Kernel: make([]int, n), Stride: make([]int, n), Dilation: make([]int, n), Begin: make([]int, n)}
	taps := []int{0}
	for d := range n {
		stride, dil := f.stride(d), f.dilation(d)
		w.Stride[d], w.Dilation[d] = 1, dil/gcd(stride, dil)
		w.Out[d] = max(0, (out[d]-r[d]+stride-1)/stride)
		var own []int
		for k := kernel[d] - 1; k >= 0; k-- {
			if at := r[d] + begin[d] - k*dil; at%stride == 0 {
				if len(own) == 0 {
					w.Begin[d] = -at / stride
				}
				own = append(own, k)
			}
		}
		if len(own) == 0 {
			own, w.Begin[d] = []int{-1}, -in[d] // one tap that lies behind the image
		}
		w.Kernel[d] = len(own)
		var next []int
		for _, t := range taps {
			for _, k := range own {
				if t < 0 || k < 0 {
					next = append(next, -1)
				} else {
					next = append(next, t*kernel[d]+k)
				}
			}
		}
		taps = next
	}
	return w, taps
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// place is the copy of a phase's results to where they belong.
func (f *transposed) place(r []int, s *conv.Shape, out []int, width int) move.Copy {
	n := len(out)
	pixel, channel := s.Filters, 1
	if f.layout == planes {
		pixel, channel = 1, elements(out)
	}
	dims := make([]move.Dim, n+2)
	dims[0] = move.Dim{N: s.Images, Dst: elements(out) * s.Filters, Src: elements(s.Out) * s.Filters}
	dims[n+1] = move.Dim{N: s.Filters, Dst: channel, Src: 1}
	dst, src, at := pixel, s.Filters, 0
	for d := n - 1; d >= 0; d-- {
		dims[d+1] = move.Dim{N: s.Out[d], Dst: dst * f.stride(d), Src: src}
		at += r[d] * dst
		dst *= out[d]
		src *= s.Out[d]
	}
	return move.NewCopy(width, at, 0, dims...)
}

// pick makes the filters of a phase, [filters, channels of a group, taps], of W, [channels, filters of a group, taps].
// Of a joined phase they are [taps, filters, channels].
func (k *transposedKernel[T]) pick(dst, w []T, taps []int) {
	if k.joined {
		for c := range k.wc {
			for o := range k.wo {
				for t := range taps {
					dst[(t*k.wo+o)*k.wc+c] = w[(c*k.wo+o)*k.wts+t]
				}
			}
		}
		return
	}
	perGroup := k.wc / k.group
	i := 0
	for g := range k.group {
		for o := range k.wo {
			for c := range perGroup {
				row := w[((g*perGroup+c)*k.wo+o)*k.wts:][:k.wts]
				for _, t := range taps {
					dst[i] = 0
					if t >= 0 {
						dst[i] = row[t]
					}
					i++
				}
			}
		}
	}
}

// Run computes the convolution.
func (k *transposedKernel[T]) Run(c *ops.Call) error {
	s := wide.Open[T](c)
	y := k.y.Elements(c, s)
	if len(y) == 0 {
		return nil
	}
	x, err := k.in.before(c, s, k.x.Load(c, s))
	if err != nil {
		return err
	}
	bias := k.repeat(s.Part(k.repeated), k.bias.Load(c, s))
	tiles := 0
	part := y
	if k.moves != nil {
		part = s.Part(k.part)
	}
	storage := s.Part(k.storage)
	for i := range k.phases {
		p := &k.phases[i]
		if !k.constant {
			w := s.Part(k.filters)
			k.pick(w, k.w.Load(c, s), p.taps)
			n, _ := conv.PackedLen[T](&p.c.Shape, p.format)
			if err := conv.PackInto(&p.own, &p.c.Shape, p.format, w, storage[:n], s.Part(k.temporary)); err != nil {
				return err
			}
			storage = storage[n:]
		}
		p.c.X, p.c.Bias, p.c.Y = x, bias, part[p.at:]
		if err := p.c.Prepare(); err != nil {
			return err
		}
		p.first = tiles
		tiles += p.c.Tiles()
	}
	if err := c.Parallel(tiles, k); err != nil {
		return err
	}
	for i := range k.moves {
		m := &k.moves[i]
		m.dst, m.src = slice(y), slice(part[k.phases[i].at:])
		if err := c.Parallel(m.c.Tiles(), m); err != nil {
			return err
		}
	}
	k.y.Store(c, s)
	return nil
}

// Tile computes a tile of one of the phases.
func (k *transposedKernel[T]) Tile(w ops.Worker, i int) {
	n, ok := slices.BinarySearchFunc(k.phases, i, func(p phase[T], i int) int { return p.first - i })
	if !ok {
		n--
	}
	for k.phases[n].c.Tiles() == 0 || i-k.phases[n].first >= k.phases[n].c.Tiles() {
		n++ // phases without tiles share their first with the next
	}
	p := &k.phases[n]
	p.c.Tile(i-p.first, wide.Scratchpad[T](w, p.c.ScratchLen()))
}
