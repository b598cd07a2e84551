package reduce

// Geom is the geometry of a reduction: kept loops around reduced loops around one contiguous run.
type Geom struct {
	kept, red    []loop // outermost first
	Rows         int    // product of the kept loops
	Steps        int    // product of the reduced loops
	Inner        int    // length of the innermost run
	InnerReduced bool   // the run is folded to one element; otherwise it is a row of outputs
	Count        int    // elements that are folded into one
}

type loop struct{ n, step int }

// NewGeom merges dims, of which those marked are reduced.
func NewGeom(dims []int, reduced []bool) Geom {
	g := Geom{Rows: 1, Steps: 1, Inner: 1, Count: 1}
	type run struct {
		loop
		red bool
	}
	var runs []run // innermost first
	step := 1
	for i := len(dims) - 1; i >= 0; i-- {
		if n := dims[i]; n != 1 {
			if k := len(runs) - 1; k >= 0 && runs[k].red == reduced[i] {
				runs[k].n *= n
			} else {
				runs = append(runs, run{loop{n, step}, reduced[i]})
			}
		}
		if reduced[i] {
			g.Count *= dims[i]
		}
		step *= dims[i]
	}
	if len(runs) > 0 {
		g.Inner, g.InnerReduced = runs[0].n, runs[0].red
		runs = runs[1:]
	}
	for i := len(runs) - 1; i >= 0; i-- {
		if runs[i].red {
			g.red = append(g.red, runs[i].loop)
			g.Steps *= runs[i].n
		} else {
			g.kept = append(g.kept, runs[i].loop)
			g.Rows *= runs[i].n
		}
	}
	return g
}

// offset returns where iteration i of the loops begins.
func offset(ls []loop, i int) int {
	off := 0
	for k := len(ls) - 1; k > 0; k-- {
		q := i / ls[k].n
		off += (i - q*ls[k].n) * ls[k].step
		i = q
	}
	if len(ls) > 0 {
		off += i * ls[0].step
	}
	return off
}

// Outputs is the number of elements of the result.
func (g *Geom) Outputs() int {
	if g.InnerReduced {
		return g.Rows
	}
	return g.Rows * g.Inner
}

// Split says how a reduction is cut into pieces: tiles of outputs, and parts of what each of them folds.
type Split struct {
	Rows  int // rows in a tile
	Tile  int // columns of them, where the run is kept
	Tiles int
	Step  int // steps in a part; or elements of the run, when there is one step
	Parts int
}

// The sizes of pieces, in elements read: about 5 and 20 µs of work.
const (
	pieceLen = 1 << 15
	forkLen  = 1 << 16
)

// Whole is Split without parts: each tile folds its outputs to the end.
func (g *Geom) Whole() Split {
	s := g.Split()
	s.Step, s.Parts = max(g.Steps, g.Inner), 1
	return s
}

// Split cuts the geometry.
func (g *Geom) Split() Split {
	s := Split{Rows: max(1, g.Rows), Tile: 1, Step: g.Steps, Parts: 1}
	total := g.Outputs() * g.Count
	if g.Outputs() == 0 {
		return s
	}
	width, steps := 1, g.Steps
	if g.InnerReduced {
		if g.Steps == 1 {
			steps = g.Inner
		}
	} else {
		// Wide enough for vectors, and such that the accumulators stay in the first-level cache.
		s.Tile = min(g.Inner, Chunk)
		width = g.Inner
	}
	if total > forkLen {
		s.Rows = min(g.Rows, max(1, pieceLen/max(1, g.Count*width)))
	}
	s.Tiles = ((g.Rows-1)/s.Rows + 1) * ((width-1)/s.Tile + 1)
	s.Step = steps
	if perTile := total / s.Tiles; s.Tiles < 8 && perTile > 2*pieceLen {
		parts := min(steps, perTile/pieceLen, 64)
		s.Step = (steps-1)/parts + 1
		if g.InnerReduced && g.Steps == 1 {
			s.Step = (s.Step + 63) &^ 63
		}
		s.Parts = (steps-1)/s.Step + 1
	}
	return s
}
