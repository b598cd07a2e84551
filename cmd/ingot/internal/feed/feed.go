// Package feed makes a model's inputs from what users type. It is the one input syntax of all verbs:
//
//	x=@a.npy            an array
//	x=@b.npz[:name]     the array of that name, by default the input's, or the only one there is
//	x=@t.safetensors[:name]
//	x=@cat.png          a picture, made numbers as the model's metadata or an --image option says
//	x=@input_0.pb       a TensorProto, as the standard's test data has them
//	x=1,2,3             numbers, in the input's element type and shape
//	x=[[1,2],[3,4]]     the same with a shape
//	x="text"            a string
//	x=rand, x=zeros     random numbers, zeros; rand[1,3,224,224] where the shape is open
//	@all.npz            every input by its name
//	rand, zeros         every input that isn't given otherwise
//
// Files and numbers decide what the model's symbolic dimensions are; what is still open then comes from -d, or is 1.
package feed

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"ingot"
	"ingot/internal/near"
	"ingot/internal/picture"
	"ingot/tensor"
)

// Request is what the user typed.
type Request struct {
	Inputs  []string  // NAME=VALUE, @FILE, rand or zeros
	Data    string    // a folder with input_N.pb, or with an index.json
	Dims    []string  // SYMBOL=N, INPUT.SYMBOL=N or INPUT.AXIS=N
	Ranges  []string  // INPUT=LOW:HIGH, of random numbers
	Images  []string  // INPUT:SETTINGS
	Seed    uint64    // of random numbers
	Missing string    // "rand": inputs that aren't given are random
	Stdin   io.Reader // what @- reads
}

// Model is what must be known of a model.
type Model struct {
	Inputs   []ingot.ValueInfo
	Metadata map[string]string
}

// Feed is a complete set of inputs.
type Feed struct {
	Values map[string]tensor.Value
	Random []string // the inputs that are random
	Ones   []string // "x float32[1,3,224,224] (batch)": inputs of whose dimensions some were set to 1 for want of anything better
	Dims   map[string]int64
}

// Error is a mistake in a request.
type Error struct {
	What string
	File string
	Hint string
}

func (e *Error) Error() string {
	s := e.What
	if e.File != "" {
		s = e.File + ": " + s
	}
	if e.Hint != "" {
		s += " (" + e.Hint + ")"
	}
	return s
}

func wrong(format string, args ...any) *Error { return &Error{What: fmt.Sprintf(format, args...)} }

func (e *Error) hint(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// builder gathers the values.
type builder struct {
	model  Model
	req    Request
	dims   *dims
	images map[string]*picture.Spec
	ranges map[string][2]float64
	used   map[string]bool // --image and --range options, as "image x"
	out    Feed
}

// given is one -i.
type given struct {
	info *ingot.ValueInfo
	text string
}

// Build makes the inputs. Its errors are *Error: all of them are mistakes in what was typed, or in the files that it names.
func Build(m Model, req Request) (*Feed, error) {
	b := &builder{model: m, req: req, used: map[string]bool{}, out: Feed{Values: map[string]tensor.Value{}}}
	if err := b.options(); err != nil {
		return nil, err
	}
	if req.Data != "" {
		if err := b.data(req.Data); err != nil {
			return nil, err
		}
	}
	literals, made, fill, err := b.files()
	if err != nil {
		return nil, err
	}
	for _, g := range literals { // after the files, whose sizes settle symbols
		t, err := b.literal(g)
		if err != nil {
			return nil, err
		}
		if err := b.set(g.info, t); err != nil {
			return nil, err
		}
	}
	for i := range m.Inputs {
		v := &m.Inputs[i]
		if fill != "" && b.out.Values[v.Name] == nil && !slices.ContainsFunc(made, func(g given) bool { return g.info == v }) {
			made = append(made, given{v, fill})
		}
	}
	for _, g := range made {
		t, err := b.generate(g)
		if err != nil {
			return nil, err
		}
		if err := b.set(g.info, t); err != nil {
			return nil, err
		}
	}
	b.out.Dims = b.dims.bound
	return &b.out, b.leftovers()
}

// options reads everything that isn't a value.
func (b *builder) options() (err error) {
	if b.dims, err = parseDims(b.model.Inputs, b.req.Dims); err != nil {
		return err
	}
	if b.images, err = b.imageOptions(); err != nil {
		return err
	}
	b.ranges, err = b.rangeOptions()
	return err
}

// files sets what comes from files, and sorts the rest: numbers and text, what is to be generated, and what fills the inputs that nobody named.
func (b *builder) files() (literals, made []given, fill string, err error) {
	fill = b.req.Missing
	seen := map[string]bool{}
	for _, text := range b.req.Inputs {
		switch {
		case text == "rand" || text == "zeros":
			fill = text
			continue
		case strings.HasPrefix(text, "@"):
			if err := b.whole(text[1:]); err != nil {
				return nil, nil, "", err
			}
			continue
		}
		g, err := b.split(text)
		if err != nil {
			return nil, nil, "", err
		}
		if seen[g.info.Name] {
			return nil, nil, "", wrong("input %q is given twice", g.info.Name)
		}
		seen[g.info.Name] = true
		switch {
		case strings.HasPrefix(g.text, "@"):
			v, err := b.file(g.info, g.text[1:])
			if err != nil {
				return nil, nil, "", err
			}
			if err := b.set(g.info, v); err != nil {
				return nil, nil, "", err
			}
		case isGenerated(g.text):
			made = append(made, g)
		default:
			literals = append(literals, g)
		}
	}
	return literals, made, fill, nil
}

func isGenerated(text string) bool {
	name, _, _ := strings.Cut(text, "[")
	return name == "rand" || name == "zeros"
}

// split separates name and value. Names may hold equals signs, so the model's inputs are tried first.
func (b *builder) split(text string) (given, error) {
	for i := range b.model.Inputs {
		v := &b.model.Inputs[i]
		if rest, ok := strings.CutPrefix(text, v.Name+"="); ok {
			return given{v, rest}, nil
		}
	}
	name, _, ok := strings.Cut(text, "=")
	if !ok {
		return given{}, wrong("-i %s: a name and a value are needed", text).hint("%s", b.example())
	}
	return given{}, b.unknown(name)
}

// example shows what an -i of this model may look like.
func (b *builder) example() string {
	if len(b.model.Inputs) == 0 {
		return "the model takes no inputs"
	}
	return fmt.Sprintf("for example -i %s=@x.npy; ingot help inputs lists the forms", b.model.Inputs[0].Name)
}

func (b *builder) unknown(name string) *Error {
	return wrong("the model has no input %q", name).hint("%s", near.DidYouMean(name, names(b.model.Inputs)))
}

func names(list []ingot.ValueInfo) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = v.Name
	}
	return out
}

func (b *builder) input(name string) (*ingot.ValueInfo, error) {
	for i := range b.model.Inputs {
		if b.model.Inputs[i].Name == name {
			return &b.model.Inputs[i], nil
		}
	}
	return nil, b.unknown(name)
}

// set keeps a value, and learns from its shape what symbolic dimensions are.
func (b *builder) set(v *ingot.ValueInfo, val tensor.Value) error {
	if t, ok := val.(*tensor.Tensor); ok {
		if err := b.dims.learn(v, t.Dims()); err != nil {
			return err
		}
	}
	b.out.Values[v.Name] = val
	return nil
}

// leftovers finds inputs without a value, and options that changed nothing: they are mistyped more often than meant.
func (b *builder) leftovers() error {
	var missing []string
	for _, v := range b.model.Inputs {
		if b.out.Values[v.Name] == nil {
			missing = append(missing, v.Name+" "+v.String())
		}
	}
	if len(missing) > 0 {
		first, _, _ := strings.Cut(missing[0], " ")
		return wrong("missing: %s", strings.Join(missing, ", ")).hint("give a value with -i %s=@FILE, or -i rand to try the model out; ingot help inputs lists the forms", first)
	}
	for _, name := range slices.Sorted(maps.Keys(b.images)) {
		if !b.used["image "+name] {
			return wrong("--image describes input %q, but that isn't given as a picture", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.ranges)) {
		if !b.used["range "+name] {
			return wrong("--range is for random numbers, and input %q isn't random", name).hint("-i %s=rand", name)
		}
	}
	return b.dims.unused()
}
