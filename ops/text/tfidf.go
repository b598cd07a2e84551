package text

import (
	"errors"
	"fmt"

	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

type tfidfAttrs struct {
	MaxGramLength int       `onnx:",required"`
	MaxSkipCount  int       `onnx:",required"`
	MinGramLength int       `onnx:",required"`
	Mode          string    `onnx:",required"`
	NgramCounts   []int     `onnx:",required"`
	NgramIndexes  []int     `onnx:",required"`
	PoolInt64s    []int64   `onnx:"pool_int64s"`
	PoolStrings   []string  `onnx:"pool_strings"`
	Weights       []float32 `onnx:"weights"`
}

// TfIdfVectorizer counts the n-grams of a pool in sequences, [C] or [N,C]: their elements may lie up to max_skip_count places apart, all at one
// distance.
//
// Mode "TF" gives the counts, "IDF" the weights of those that occur, "TFIDF" counts times weights. The weight of a column of the output is that of
// the same number, which is what other runtimes take; the standard's text speaks of the n-gram's place in the pool instead.
var TfIdfVectorizer = Ops.Add(ops.Def(ops.Spec[tfidfAttrs]{
	Name: "TfIdfVectorizer", In: "X:T", Out: "Y:T1", Types: "T=int32|int64|string; T1=float", Vers: []ops.Ver{{Since: 9}},
	Infer: func(c *ops.Infer, a *tfidfAttrs) error {
		if err := a.check(c.In(0).DT); err != nil {
			return err
		}
		x, ranked := c.Shape(0)
		if !ranked {
			return c.OutUnranked(0, tensor.Float32)
		}
		if len(x) > 2 {
			return fmt.Errorf("input is of rank %d; must be of shape [C] or [N,C]", len(x))
		}
		return c.Out(0, tensor.Float32, append(append([]ops.Dim{}, x[:max(0, len(x)-1)]...), ops.Num(a.width()))...)
	},
	Bind: func(b *ops.Bind, a *tfidfAttrs) (ops.Kernel, error) {
		rows, cols := 1, 1
		if d := b.Dims(0); len(d) > 0 {
			cols = d[len(d)-1]
			if len(d) == 2 {
				rows = d[0]
			}
		}
		k := counter{tfidfAttrs: a, rows: rows, cols: cols, width: a.width()}
		if b.In(0).DT == tensor.String {
			return &tfidf[string]{counter: k, root: newGrams(a, a.PoolStrings)}, nil
		}
		return &tfidf[int64]{counter: k, root: newGrams(a, a.PoolInt64s)}, nil
	},
}))

// width is the number of columns of the output.
func (a *tfidfAttrs) width() int {
	w := 0
	for _, i := range a.NgramIndexes {
		w = max(w, i+1)
	}
	return w
}

// check verifies that the attributes agree with each other, so that the pool can be read without a look at limits.
func (a *tfidfAttrs) check(dt tensor.DType) error {
	pool := len(a.PoolInt64s)
	switch {
	case len(a.PoolInt64s) > 0 && len(a.PoolStrings) > 0:
		return errors.New("has both attributes pool_int64s and pool_strings")
	case len(a.PoolStrings) > 0:
		pool = len(a.PoolStrings)
		if dt != tensor.Invalid && dt != tensor.String {
			return fmt.Errorf("input is %s but the pool is of strings", dt)
		}
	case dt == tensor.String && pool > 0:
		return errors.New("input is string but the pool is of integers")
	}
	switch a.Mode {
	case "TF", "IDF", "TFIDF":
	default:
		return fmt.Errorf(`attribute mode: %q, must be "TF", "IDF" or "TFIDF"`, a.Mode)
	}
	if a.MinGramLength < 1 || a.MaxGramLength < a.MinGramLength {
		return fmt.Errorf("attributes min_gram_length and max_gram_length are %d and %d; must be positive and in order", a.MinGramLength, a.MaxGramLength)
	}
	if a.MaxSkipCount < 0 {
		return fmt.Errorf("attribute max_skip_count is %d; must not be negative", a.MaxSkipCount)
	}
	grams := 0
	for i, start := range a.NgramCounts {
		end := pool
		if i+1 < len(a.NgramCounts) {
			end = a.NgramCounts[i+1]
		}
		if start < 0 || end < start || end > pool || (end-start)%(i+1) != 0 {
			return fmt.Errorf("attribute ngram_counts: the pool's elements %d to %d of %d are no list of %d-grams", start, end, pool, i+1)
		}
		grams += (end - start) / (i + 1)
	}
	if grams > len(a.NgramIndexes) {
		return fmt.Errorf("attribute ngram_indexes has %d elements; the pool has %d n-grams", len(a.NgramIndexes), grams)
	}
	for _, i := range a.NgramIndexes {
		if i < 0 {
			return fmt.Errorf("attribute ngram_indexes has the negative index %d", i)
		}
	}
	if n := len(a.Weights); n > 0 && n < a.width() {
		return fmt.Errorf("attribute weights has %d elements; the output has %d columns", n, a.width())
	}
	return nil
}

// gram is a node in the tree of n-grams: what may follow, and the column that counts the n-gram that ends here, -1 for none.
type gram[K comparable] struct {
	column int
	next   map[K]*gram[K]
}

// newGrams makes the tree of the n-grams of the lengths that are wanted.
func newGrams[K comparable](a *tfidfAttrs, pool []K) *gram[K] {
	root := &gram[K]{column: -1}
	id := 0
	for i, at := range a.NgramCounts {
		size, end := i+1, len(pool)
		if size < len(a.NgramCounts) {
			end = a.NgramCounts[size]
		}
		for ; at < end; at, id = at+size, id+1 {
			if size < a.MinGramLength || size > a.MaxGramLength {
				continue
			}
			g := root
			for _, w := range pool[at : at+size] {
				if g.next == nil {
					g.next = map[K]*gram[K]{}
				}
				if g.next[w] == nil {
					g.next[w] = &gram[K]{column: -1}
				}
				g = g.next[w]
			}
			g.column = a.NgramIndexes[id]
		}
	}
	return root
}

// counter is what doesn't depend on the elements' type.
type counter struct {
	*tfidfAttrs
	rows, cols, width int
	y                 []float32
}

type tfidf[K comparable] struct {
	counter
	root *gram[K]
	x    []K
	wide []int64 // the sequences, if they are int32
}

func (k *tfidf[K]) Run(c *ops.Call) error {
	x := c.In(0)
	k.y = tensor.View[float32](c.Out(0))
	if x.DType() == tensor.Int32 {
		if k.wide == nil {
			k.wide = make([]int64, x.Len())
		}
		num.LoadInt(k.wide, x, 0)
		k.x, _ = any(k.wide).([]K)
	} else {
		k.x = tensor.View[K](x)
	}
	return c.Parallel(k.rows, k)
}

// Tile counts in one row.
func (k *tfidf[K]) Tile(_ ops.Worker, row int) {
	x, y := k.x[row*k.cols:][:k.cols], k.y[row*k.width:][:k.width]
	clear(y)
	for step := 1; step <= k.MaxSkipCount+1 && (step == 1 || step < k.cols); step++ {
		for start := range x {
			g := k.root
			for at, n := start, 1; at < k.cols && n <= k.MaxGramLength; at, n = at+step, n+1 {
				if g = g.next[x[at]]; g == nil {
					break
				}
				if g.column >= 0 && (n > 1 || step == 1) { // single words are the same at any distance
					y[g.column]++
				}
			}
		}
	}
	k.weigh(y)
}

// weigh turns counts into what the mode wants.
func (k *counter) weigh(y []float32) {
	if k.Mode == "TF" {
		return
	}
	for i, n := range y {
		w := float32(1)
		if len(k.Weights) > 0 {
			w = k.Weights[i]
		}
		switch {
		case k.Mode == "TFIDF":
			y[i] = n * w
		case n > 0:
			y[i] = w
		}
	}
}
