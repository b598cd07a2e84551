package ml

import (
	"fmt"

	"ingot/internal/kernel/gemm"
	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

type linearRegressorAttrs struct {
	Coefficients  []float32
	Intercepts    []float32
	PostTransform string `onnx:",NONE"`
	Targets       int    `onnx:",1"`
}

// LinearRegressor is X·coefficientsᵀ + intercepts, transformed.
var LinearRegressor = Ops.Add(ops.Def(ops.Spec[linearRegressorAttrs]{
	Name: "LinearRegressor", Domain: Domain, In: "X:T", Out: "Y:float", Types: "T=" + inputTypes, Vers: []ops.Ver{{Since: 1}},
	Infer: func(c *ops.Infer, a *linearRegressorAttrs) error {
		if _, err := parsePost(a.PostTransform); err != nil {
			return err
		}
		if a.Targets < 1 {
			return fmt.Errorf("attribute targets is %d; must be positive", a.Targets)
		}
		if err := checkLinear(c, a.Coefficients, a.Intercepts, a.Targets); err != nil {
			return err
		}
		return outRows(c, 0, tensor.Float32, a.Targets)
	},
	Bind: func(b *ops.Bind, a *linearRegressorAttrs) (ops.Kernel, error) {
		p, err := parsePost(a.PostTransform)
		if err != nil {
			return nil, err
		}
		return bindLinear(b, a.Coefficients, a.Intercepts, a.Targets, func(w *writer, row int, s []float64) {
			p.apply(s)
			store(w.scores[row*len(s):], s)
		}, 0)
	},
}))

type linearClassifierAttrs struct {
	ClasslabelsInts    []int64 `onnx:"classlabels_ints"`
	ClasslabelsStrings []string
	Coefficients       []float32 `onnx:",required"`
	Intercepts         []float32
	MultiClass         int    `onnx:",0"`
	PostTransform      string `onnx:",NONE"`
}

// LinearClassifier scores classes by X·coefficientsᵀ + intercepts. One row of coefficients for two classes scores the second; the first gets the
// opposite. A single class holds if its score isn't negative, or its probability at least a half. The attribute multi_class says how the
// coefficients were trained, which makes no difference here.
var LinearClassifier = Ops.Add(ops.Def(ops.Spec[linearClassifierAttrs]{
	Name: "LinearClassifier", Domain: Domain, In: "X:T1", Out: "Y:T2, Z:float", Types: "T1=" + inputTypes + "; T2=int64|string", Vers: []ops.Ver{{Since: 1}},
	Infer: func(c *ops.Infer, a *linearClassifierAttrs) error {
		if _, err := parsePost(a.PostTransform); err != nil {
			return err
		}
		l, err := newClasses(a.ClasslabelsInts, a.ClasslabelsStrings)
		if err != nil {
			return err
		}
		_, cols, _, err := rowsOf(c)
		if err != nil {
			return err
		}
		if n, ok := cols.Int(); ok && c.In(0).Ranked {
			if err := checkLinear(c, a.Coefficients, a.Intercepts, a.rows(l.len(), int(n))); err != nil {
				return err
			}
		}
		return l.infer(c, l.len())
	},
	Bind: func(b *ops.Bind, a *linearClassifierAttrs) (ops.Kernel, error) {
		p, err := parsePost(a.PostTransform)
		if err != nil {
			return nil, err
		}
		l := &classes{a.ClasslabelsInts, a.ClasslabelsStrings}
		_, cols := matrixDims(b.Dims(0))
		k, err := bindLinear(b, a.Coefficients, a.Intercepts, a.rows(l.len(), cols), func(w *writer, row int, s []float64) {
			switch {
			case l.len() == 1:
				held := s[0] >= 0
				if p.apply(s); p != postNone {
					held = s[0] >= 0.5
				}
				w.label(row, holds(held))
				w.score(row, s)
			case len(s) == 1:
				var two [2]float64
				w.label(row, 1+holds(s[0] > 0))
				p.pair(two[:], s[0], false)
				w.score(row, two[:])
			default:
				p.apply(s)
				w.label(row, top(s))
				w.score(row, s)
			}
		}, 1)
		if err != nil {
			return nil, err
		}
		k.setClasses(l)
		return k, nil
	},
}))

// holds is 0, the only class, or -1 for none.
func holds(yes bool) int {
	if yes {
		return 0
	}
	return -1
}

// rows is the number of rows of coefficients.
func (a *linearClassifierAttrs) rows(classes, cols int) int {
	if classes == 2 && len(a.Coefficients) == cols {
		return 1
	}
	return classes
}

func checkLinear(c *ops.Infer, coefficients, intercepts []float32, rows int) error {
	_, cols, _, err := rowsOf(c)
	if err != nil {
		return err
	}
	if n, ok := cols.Int(); ok && c.In(0).Ranked && (n != int64(len(coefficients)/rows) || len(coefficients)%rows != 0) {
		return fmt.Errorf("attribute coefficients has %d elements; %d features and %d results need %d", len(coefficients), n, rows, int(n)*rows)
	}
	if n := len(intercepts); n != 0 && n != rows && n != 1 {
		return fmt.Errorf("attribute intercepts has %d elements; must be %d", n, rows)
	}
	return nil
}

// finisher turns a row of scores into results.
type finisher func(w *writer, row int, s []float64)

type linearKernel interface {
	ops.Kernel
	setClasses(l *classes)
}

// bindLinear prepares a product with rows of coefficients; scores names the output that gets them. Inputs that float32 doesn't hold are
// multiplied in float64.
func bindLinear(b *ops.Bind, coefficients, intercepts []float32, rows int, finish finisher, scores int) (linearKernel, error) {
	if b.In(0).DT == tensor.Float32 {
		return newLinear[float32](b, coefficients, intercepts, rows, finish, scores)
	}
	return newLinear[float64](b, coefficients, intercepts, rows, finish, scores)
}

type linear[T float32 | float64] struct {
	g         gemm.Matmul[T]
	w         writer
	finish    finisher
	scores    int
	lenX      int // elements of x that are converted first
	computing bool
}

func newLinear[T float32 | float64](b *ops.Bind, coefficients, intercepts []float32, rows int, finish finisher, scores int) (linearKernel, error) {
	n, cols := matrixDims(b.Dims(0))
	if len(coefficients) != rows*cols {
		return nil, fmt.Errorf("attribute coefficients has %d elements; %d features and %d results need %d", len(coefficients), cols, rows, rows*cols)
	}
	k := &linear[T]{finish: finish, scores: scores}
	g := &k.g
	g.M, g.K, g.N = n, cols, rows
	g.LDA, g.LDB, g.LDC = cols, cols, rows
	w, bias := make([]T, len(coefficients)), make([]T, rows)
	for i, v := range coefficients {
		w[i] = T(v)
	}
	for i := range bias {
		if len(intercepts) > 0 {
			bias[i] = T(intercepts[i%len(intercepts)])
		}
	}
	g.TransB, g.Bias = true, bias
	packed, err := gemm.Pack(cols, rows, w, cols, true)
	if err != nil {
		return nil, err
	}
	g.Packed = packed
	if b.In(0).DT != tensor.DTypeOf[T]() {
		k.lenX = n * cols
	}
	b.NeedScratch(8 * (n*rows + k.lenX))
	return k, nil
}

func (k *linear[T]) setClasses(l *classes) { k.w.classes = l }

func (k *linear[T]) Run(c *ops.Call) error {
	k.w.open(c)
	if k.scores == 0 {
		k.w.scores = tensor.View[float32](c.Out(0))
	}
	g := &k.g
	if g.M == 0 {
		return nil
	}
	f := ops.Elements[T](c.Scratch)
	g.A = tensor.View[T](c.In(0))
	if k.lenX > 0 {
		g.A, f = f[:k.lenX], f[k.lenX:]
		if wide, ok := any(g.A).([]float64); ok {
			num.Load64(wide, c.In(0), 0)
		}
	}
	g.C = f[:g.M*g.N]
	if err := g.Prepare(); err != nil {
		return err
	}
	k.computing = true
	if err := c.Parallel(g.Tiles(), k); err != nil {
		return err
	}
	k.computing = false
	return c.Parallel((g.M+rowsPerTile-1)/rowsPerTile, k)
}

const rowsPerTile = 64

// Tile computes a tile of the product, and then rows of the results.
func (k *linear[T]) Tile(w ops.Worker, i int) {
	g := &k.g
	if k.computing {
		g.Tile(i, ops.Scratch[T](w, g.ScratchLen()))
		return
	}
	s := ops.Scratch[float64](w, g.N)
	for row := i * rowsPerTile; row < min(g.M, (i+1)*rowsPerTile); row++ {
		for j, v := range g.C[row*g.N:][:g.N] {
			s[j] = float64(v)
		}
		k.finish(&k.w, row, s)
	}
}
