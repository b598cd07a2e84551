package feed

import (
	"slices"
	"strconv"
	"strings"

	"ingot"
	"ingot/internal/near"
)

// dims knows how large the open dimensions of the inputs are.
type dims struct {
	inputs []ingot.ValueInfo
	set    map[string]int64 // by -d: of a symbol
	axis   map[axisOf]int64 // by -d: of one input's axis
	used   map[string]bool  // the -d that mattered
	texts  []dimText
	bound  map[string]int64 // symbols as they turned out
}

type axisOf struct {
	input string
	axis  int
}

type dimText struct{ text, symbol string }

// open reports whether a dimension is a symbol with a name that users may set.
func named(d ingot.Dim) bool { return d.Sym != "" && !strings.HasPrefix(d.Sym, "?") }

// parseDims reads the -d options.
func parseDims(inputs []ingot.ValueInfo, texts []string) (*dims, error) {
	d := &dims{inputs: inputs, set: map[string]int64{}, axis: map[axisOf]int64{}, used: map[string]bool{}, bound: map[string]int64{}}
	for _, text := range texts {
		i := strings.LastIndexByte(text, '=')
		if i <= 0 {
			return nil, wrong("-d %s: write NAME=NUMBER, such as -d batch=4", text)
		}
		name := text[:i]
		n, err := strconv.ParseInt(text[i+1:], 10, 64)
		if err != nil || n < 0 {
			return nil, wrong("-d %s: %q isn't a size", text, text[i+1:])
		}
		if slices.Contains(d.symbols(), name) {
			d.set[name], d.bound[name] = n, n
			d.texts = append(d.texts, dimText{text, name})
			continue
		}
		if err := d.ofInput(name, n, text); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// ofInput sets a dimension of one input: "x.batch" or "x.0".
func (d *dims) ofInput(name string, n int64, text string) error {
	unknown := wrong("-d %s: no input has a dimension %q", text, name).hint("%s", near.DidYouMean(name, d.symbols()))
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return unknown
	}
	for _, v := range d.inputs {
		if v.Name != name[:i] {
			continue
		}
		for k, dim := range v.Dims {
			if dim.Sym == name[i+1:] || dim.Sym != "" && strconv.Itoa(k) == name[i+1:] {
				d.axis[axisOf{v.Name, k}] = n
				return nil
			}
		}
		return wrong("-d %s: no dimension %q of input %q is open", text, name[i+1:], v.Name)
	}
	return unknown
}

// symbols lists the names of the inputs' open dimensions.
func (d *dims) symbols() []string {
	var out []string
	for _, v := range d.inputs {
		for _, dim := range v.Dims {
			if named(dim) && !slices.Contains(out, dim.Sym) {
				out = append(out, dim.Sym)
			}
		}
	}
	return out
}

// size returns dimension k of an input, and whether it is known.
func (d *dims) size(v *ingot.ValueInfo, k int) (int64, bool) {
	dim := v.Dims[k]
	if dim.Sym == "" {
		return dim.Size, true
	}
	if n, ok := d.axis[axisOf{v.Name, k}]; ok {
		return n, true
	}
	n, ok := d.bound[dim.Sym]
	return n, ok
}

// learn notes what an array of this shape says about symbols. A symbol that -d set to something else is an error; what two inputs
// disagree about is for the model to judge.
func (d *dims) learn(v *ingot.ValueInfo, shape []int) error {
	if len(shape) != len(v.Dims) {
		return nil
	}
	for k, dim := range v.Dims {
		n := int64(shape[k])
		want, fixed := d.axis[axisOf{v.Name, k}]
		if !fixed && named(dim) {
			want, fixed = d.set[dim.Sym]
			d.used[dim.Sym] = true
		}
		if fixed && want != n {
			return wrong("-d says that %s is %d, but dimension %d of input %q is %d", dim.Sym, want, k, v.Name, n)
		}
		if named(dim) {
			if _, ok := d.bound[dim.Sym]; !ok {
				d.bound[dim.Sym] = n
			}
		}
	}
	return nil
}

// unused finds a -d of a symbol that none of the inputs turned out to have. All symbols come from the inputs, so there is none; it
// guards against an input of unknown rank.
func (d *dims) unused() error {
	for _, t := range d.texts {
		if !d.used[t.symbol] {
			return wrong("-d %s: no input has that dimension", t.text)
		}
	}
	return nil
}

// Sizes reads -d options for those who make no inputs. What it returns tells the size of an input's axis, where an option sets it.
func Sizes(inputs []ingot.ValueInfo, texts []string) (func(input string, axis int) (int64, bool), error) {
	d, err := parseDims(inputs, texts)
	if err != nil {
		return nil, err
	}
	return func(input string, axis int) (int64, bool) {
		for i := range inputs {
			if v := &inputs[i]; v.Name == input && axis < len(v.Dims) {
				return d.size(v, axis)
			}
		}
		return 0, false
	}, nil
}
