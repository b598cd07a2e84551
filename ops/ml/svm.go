package ml

import (
	"errors"
	"fmt"
	"math"

	"ingot/internal/num"
	"ingot/ops"
	"ingot/tensor"
)

// kernel is the product that a support vector machine puts in the place of the scalar one.
type kernel struct {
	kind                string
	gamma, coef, degree float64
}

func newKernel(kind string, params []float32) (kernel, error) {
	k := kernel{kind: kind}
	switch kind {
	case "LINEAR", "POLY", "RBF", "SIGMOID":
	default:
		return k, fmt.Errorf("attribute kernel_type: %q, must be LINEAR, POLY, RBF or SIGMOID", kind)
	}
	if len(params) == 3 {
		k.gamma, k.coef, k.degree = float64(params[0]), float64(params[1]), float64(params[2])
	} else if len(params) != 0 {
		return k, fmt.Errorf("attribute kernel_params has %d elements; must be gamma, coef0 and degree", len(params))
	}
	return k, nil
}

func (k *kernel) of(x []float64, v []float32) float64 {
	if k.kind == "RBF" {
		sum := 0.0
		for i, a := range x {
			d := a - float64(v[i])
			sum += d * d
		}
		return math.Exp(-k.gamma * sum)
	}
	sum := 0.0
	for i, a := range x {
		sum += a * float64(v[i])
	}
	switch k.kind {
	case "POLY":
		return math.Pow(k.gamma*sum+k.coef, k.degree)
	case "SIGMOID":
		return math.Tanh(k.gamma*sum + k.coef)
	}
	return sum
}

type svmRegressorAttrs struct {
	Coefficients   []float32
	KernelParams   []float32 `onnx:"kernel_params"`
	KernelType     string    `onnx:",LINEAR"`
	NSupports      int       `onnx:"n_supports,0"`
	OneClass       bool      `onnx:",0"`
	PostTransform  string    `onnx:",NONE"`
	Rho            []float32
	SupportVectors []float32
}

// SVMRegressor is Σ coefficient·kernel(x, support vector) + rho, or without support vectors x·coefficients + rho. As a one-class machine, 1
// where that is positive, else -1.
var SVMRegressor = Ops.Add(ops.Def(ops.Spec[svmRegressorAttrs]{
	Name: "SVMRegressor", Domain: Domain, In: "X:T", Out: "Y:float", Types: "T=" + inputTypes, Vers: []ops.Ver{{Since: 1}},
	Infer: func(c *ops.Infer, a *svmRegressorAttrs) error {
		if _, err := parsePost(a.PostTransform); err != nil {
			return err
		}
		if _, err := newKernel(a.KernelType, a.KernelParams); err != nil {
			return err
		}
		_, cols, _, err := rowsOf(c)
		if err != nil {
			return err
		}
		if n, ok := cols.Int(); ok && c.In(0).Ranked {
			if err := a.check(int(n)); err != nil {
				return err
			}
		}
		return outRows(c, 0, tensor.Float32, 1)
	},
	Bind: func(b *ops.Bind, a *svmRegressorAttrs) (ops.Kernel, error) {
		p, err := parsePost(a.PostTransform)
		if err != nil {
			return nil, err
		}
		k, err := newKernel(a.KernelType, a.KernelParams)
		if err != nil {
			return nil, err
		}
		rows, cols := matrixDims(b.Dims(0))
		if err := a.check(cols); err != nil {
			return nil, err
		}
		if a.NSupports == 0 {
			k = kernel{kind: "LINEAR"}
		}
		out := &writer{}
		return &rowKernel{rows: rows, cols: cols, w: out, work: 0, each: func(_ []float64, row int, x []float64) {
			sum := float64(a.Rho[0])
			if a.NSupports == 0 {
				sum += k.of(x, a.Coefficients)
			}
			for i, c := range a.Coefficients[:a.NSupports] {
				sum += float64(c) * k.of(x, a.SupportVectors[i*cols:])
			}
			s := [1]float64{sum}
			if a.OneClass {
				s[0] = -1
				if sum > 0 {
					s[0] = 1
				}
			}
			p.apply(s[:])
			out.score(row, s[:])
		}}, nil
	},
}))

// check verifies the attributes for a number of features.
func (a *svmRegressorAttrs) check(cols int) error {
	switch {
	case len(a.Rho) == 0:
		return errors.New("attribute rho is missing")
	case a.NSupports < 0:
		return fmt.Errorf("attribute n_supports is %d; must not be negative", a.NSupports)
	case a.NSupports == 0 && len(a.Coefficients) != cols:
		return fmt.Errorf("attribute coefficients has %d elements for %d features", len(a.Coefficients), cols)
	case a.NSupports > 0 && (len(a.Coefficients) < a.NSupports || len(a.SupportVectors) != a.NSupports*cols):
		return fmt.Errorf("%d support vectors of %d features don't fit %d coefficients and %d numbers", a.NSupports, cols, len(a.Coefficients), len(a.SupportVectors))
	}
	return nil
}

type svmClassifierAttrs struct {
	ClasslabelsInts    []int64 `onnx:"classlabels_ints"`
	ClasslabelsStrings []string
	Coefficients       []float32
	KernelParams       []float32 `onnx:"kernel_params"`
	KernelType         string    `onnx:",LINEAR"`
	PostTransform      string    `onnx:",NONE"`
	ProbA              []float32 `onnx:"prob_a"`
	ProbB              []float32 `onnx:"prob_b"`
	Rho                []float32
	SupportVectors     []float32
	VectorsPerClass    []int
}

// SVMClassifier decides between each two classes by a machine of its own and counts votes. Its scores are those of the pairs, or probabilities
// where prob_a and prob_b are given, by the method of Wu, Lin and Weng as in LIBSVM. Two classes share one score: the opposite for the first.
//
// Without support vectors it is linear: one row of coefficients for each class, which all share the first rho.
var SVMClassifier = Ops.Add(ops.Def(ops.Spec[svmClassifierAttrs]{
	Name: "SVMClassifier", Domain: Domain, In: "X:T1", Out: "Y:T2, Z:float", Types: "T1=" + inputTypes + "; T2=int64|string", Vers: []ops.Ver{{Since: 1}},
	Infer: func(c *ops.Infer, a *svmClassifierAttrs) error {
		m, err := newMachines(a)
		if err != nil {
			return err
		}
		_, cols, _, err := rowsOf(c)
		if err != nil {
			return err
		}
		if n, ok := cols.Int(); ok && c.In(0).Ranked {
			if err := m.checkFeatures(int(n)); err != nil {
				return err
			}
		}
		return m.infer(c, m.columns())
	},
	Bind: func(b *ops.Bind, a *svmClassifierAttrs) (ops.Kernel, error) {
		m, err := newMachines(a)
		if err != nil {
			return nil, err
		}
		rows, cols := matrixDims(b.Dims(0))
		if err := m.checkFeatures(cols); err != nil {
			return nil, err
		}
		m.cols = cols
		m.out.classes = &m.classes
		each := m.votes
		if m.vectors == 0 {
			each = m.linear
		}
		return &rowKernel{rows: rows, cols: cols, w: &m.out, work: m.scratch(), each: each}, nil
	},
}))

// machines are the machines of a classifier.
type machines struct {
	*svmClassifierAttrs
	classes
	kernel  kernel
	post    post
	starts  []int // of the classes' support vectors
	vectors int   // support vectors; 0: linear
	cols    int
	out     writer
}

func newMachines(a *svmClassifierAttrs) (*machines, error) {
	m := &machines{svmClassifierAttrs: a}
	var err error
	if m.classes, err = newClasses(a.ClasslabelsInts, a.ClasslabelsStrings); err != nil {
		return nil, err
	}
	if m.kernel, err = newKernel(a.KernelType, a.KernelParams); err != nil {
		return nil, err
	}
	if m.post, err = parsePost(a.PostTransform); err != nil {
		return nil, err
	}
	for _, n := range a.VectorsPerClass {
		if n < 0 || n > len(a.Coefficients) {
			return nil, fmt.Errorf("attribute vectors_per_class has the element %d", n)
		}
		m.starts = append(m.starts, m.vectors)
		m.vectors += n
	}
	c := m.classes.len()
	pairs := c * (c - 1) / 2
	switch {
	case len(a.Rho) == 0:
		return nil, errors.New("attribute rho is missing")
	case len(a.ProbA) != len(a.ProbB):
		return nil, fmt.Errorf("attributes prob_a and prob_b have %d and %d elements; must be as many", len(a.ProbA), len(a.ProbB))
	case m.vectors == 0:
		return m, nil
	case len(a.VectorsPerClass) != c || c < 2:
		return nil, fmt.Errorf("attribute vectors_per_class has %d elements for %d classes", len(a.VectorsPerClass), c)
	case len(a.Coefficients) != (c-1)*m.vectors:
		return nil, fmt.Errorf("attribute coefficients has %d elements; %d classes and %d support vectors need %d", len(a.Coefficients), c, m.vectors, (c-1)*m.vectors)
	case len(a.Rho) != pairs || len(a.ProbA) != 0 && len(a.ProbA) != pairs:
		return nil, fmt.Errorf("attributes rho and prob_a have %d and %d elements; %d classes need %d", len(a.Rho), len(a.ProbA), c, pairs)
	}
	return m, nil
}

func (m *machines) checkFeatures(cols int) error {
	switch c := m.classes.len(); {
	case m.vectors == 0 && len(m.Coefficients) != c*cols:
		return fmt.Errorf("attribute coefficients has %d elements for %d classes and %d features", len(m.Coefficients), c, cols)
	case m.vectors > 0 && len(m.SupportVectors) != m.vectors*cols:
		return fmt.Errorf("attribute support_vectors has %d elements for %d vectors and %d features", len(m.SupportVectors), m.vectors, cols)
	}
	return nil
}

// columns is the number of scores that are put out.
func (m *machines) columns() int {
	c := m.classes.len()
	if m.vectors == 0 || len(m.ProbA) > 0 || c == 2 {
		return c
	}
	return c * (c - 1) / 2
}

// scratch is the number of float64 that a row takes.
func (m *machines) scratch() int {
	c := m.classes.len()
	return m.vectors + c*(c-1)/2 + 3*c + 2*c*c
}

// linear scores one row.
func (m *machines) linear(s []float64, row int, x []float64) {
	s = s[:m.classes.len()]
	k := kernel{kind: "LINEAR"}
	for j := range s {
		s[j] = float64(m.Rho[0]) + k.of(x, m.Coefficients[j*m.cols:])
	}
	m.out.label(row, top(s))
	if len(s) > 1 || m.post == postProbit {
		m.post.apply(s)
	}
	m.out.score(row, s)
}

// votes scores one row by pairs.
func (m *machines) votes(work []float64, row int, x []float64) {
	c := m.classes.len()
	take := func(n int) []float64 {
		s := work[:n:n]
		work = work[n:]
		clear(s)
		return s
	}
	values, scores, votes := take(m.vectors), take(c*(c-1)/2), take(c)
	for v := range values {
		values[v] = m.kernel.of(x, m.SupportVectors[v*m.cols:])
	}
	p := 0
	for i := range c {
		for j := i + 1; j < c; j++ {
			s := float64(m.Rho[p]) + m.sum(values, j-1, i) + m.sum(values, i, j)
			if scores[p] = s; s > 0 {
				votes[i]++
			} else {
				votes[j]++
			}
			p++
		}
	}
	m.out.label(row, top(votes))
	switch {
	case len(m.ProbA) > 0:
		scores = m.probabilities(scores, take)
		m.post.apply(scores)
	case c == 2:
		m.post.pair(votes, scores[0], false)
		scores = votes
	default:
		m.post.apply(scores)
	}
	m.out.score(row, scores)
}

// sum adds up a class's support vectors with a row of coefficients.
func (m *machines) sum(values []float64, row, class int) float64 {
	sum := 0.0
	start, n := m.starts[class], m.VectorsPerClass[class]
	for i, c := range m.Coefficients[row*m.vectors+start:][:n] {
		sum += float64(c) * values[start+i]
	}
	return sum
}

// probabilities couples the probabilities of pairs into those of classes: the second algorithm of "Probability Estimates for Multi-class
// Classification by Pairwise Coupling", with the limits that LIBSVM has.
func (m *machines) probabilities(scores []float64, take func(int) []float64) []float64 {
	c := m.classes.len()
	r, q, qp, p := take(c*c), take(c*c), take(c), take(c)
	n := 0
	for i := range c {
		for j := i + 1; j < c; j++ {
			v := 1 - logistic(scores[n]*float64(m.ProbA[n])+float64(m.ProbB[n]))
			v = min(max(v, 1e-7), 1-1e-7)
			r[i*c+j], r[j*c+i] = v, 1-v
			n++
		}
	}
	for t := range c {
		p[t] = 1 / float64(c)
		for j := range c {
			if j != t {
				q[t*c+t] += r[j*c+t] * r[j*c+t]
				q[t*c+j] = -r[j*c+t] * r[t*c+j]
			}
		}
	}
	limit := 0.005 / float64(c)
	for range max(100, c) {
		pqp := 0.0
		for t := range c {
			qp[t] = 0
			for j := range c {
				qp[t] += q[t*c+j] * p[j]
			}
			pqp += p[t] * qp[t]
		}
		worst := 0.0
		for _, v := range qp {
			worst = max(worst, math.Abs(v-pqp))
		}
		if !(worst >= limit) {
			break
		}
		for t := range c {
			d := (pqp - qp[t]) / q[t*c+t]
			p[t] += d
			pqp = (pqp + d*(d*q[t*c+t]+2*qp[t])) / (1 + d) / (1 + d)
			for j := range c {
				qp[j] = (qp[j] + d*q[t*c+j]) / (1 + d)
				p[j] /= 1 + d
			}
		}
	}
	return p
}

// rowKernel computes rows one by one, in float64.
type rowKernel struct {
	rows, cols int
	work       int // float64 of scratch beside the row
	w          *writer
	each       func(work []float64, row int, x []float64)
	in         *tensor.Tensor
}

// perRows is the number of rows that a worker takes at a time.
const perRows = 16

func (k *rowKernel) Run(c *ops.Call) error {
	k.in = c.In(0)
	if k.w.open(c); k.w.classes == nil {
		k.w.scores = tensor.View[float32](c.Out(0))
	}
	return c.Parallel((k.rows+perRows-1)/perRows, k)
}

func (k *rowKernel) Tile(w ops.Worker, i int) {
	f := ops.Scratch[float64](w, k.cols+k.work)
	x, work := f[:k.cols], f[k.cols:]
	for row := i * perRows; row < min(k.rows, (i+1)*perRows); row++ {
		num.Load64(x, k.in, row*k.cols)
		k.each(work, row, x)
	}
}
