package gemm

// Geometry is the sizes of a product and how its operands lie, under the names that [Matmul] has for them.
type Geometry struct {
	M, N, K       int
	LDA, LDB, LDC int
	TransA        bool
	TransB        bool
	Batch         []Offset
}

// Ints is a product of integers, which wraps around: C = Alpha·A·B + Beta·Add. int64 serves all types, as it stands those of its width and
// converted the narrower ones, since low bits depend on low bits only. It is made of plain loops: few models multiply integers that are wider
// than 8 bits.
type Ints struct {
	Geometry
	A, B, C []int64
	Alpha   int64

	// Add, if not nil, has element (i, j) at i·AddRow + j·AddCol.
	Add            []int64
	AddRow, AddCol int
	Beta           int64
}

// intsPerTile is about the number of multiplications of a tile.
const intsPerTile = 1 << 16

func (g *Ints) tileRows() int { return max(1, intsPerTile/max(1, g.N*g.K)) }

// Tiles is the number of tiles.
func (g *Ints) Tiles() int {
	n := ceil(g.M, g.tileRows())
	if g.Batch != nil {
		n *= len(g.Batch)
	}
	return n
}

// Tile computes tile i.
func (g *Ints) Tile(i int) {
	rows := g.tileRows()
	perProduct := ceil(g.M, rows)
	var o Offset
	if g.Batch != nil {
		o = g.Batch[i/perProduct]
		i %= perProduct
	}
	stepRow, stepK := g.LDA, 1
	if g.TransA {
		stepRow, stepK = 1, g.LDA
	}
	for r := i * rows; r < min(g.M, (i+1)*rows); r++ {
		out := g.C[o.C+r*g.LDC:][:g.N]
		for j := range out {
			out[j] = 0
			if g.Add != nil {
				out[j] = g.Beta * g.Add[r*g.AddRow+j*g.AddCol]
			}
		}
		for k := range g.K {
			x := g.Alpha * g.A[o.A+r*stepRow+k*stepK]
			if g.TransB {
				for j := range out {
					out[j] += x * g.B[o.B+j*g.LDB+k]
				}
				continue
			}
			for j, v := range g.B[o.B+k*g.LDB:][:g.N] {
				out[j] += x * v
			}
		}
	}
}
