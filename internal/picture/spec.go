package picture

import (
	"encoding/json"
	"fmt"
	"io"
	"math"

	"ingot/tensor"
)

// Spec says how a picture becomes a network's input. Its JSON form is the value of the metadata key "ingot.input.NAME". docs/metadata.md
// describes the fields; the zero value of each stands for its default.
type Spec struct {
	Kind   string    `json:"kind"`             // always "image"
	Layout string    `json:"layout,omitempty"` // NCHW or NHWC
	Color  string    `json:"color,omitempty"`  // gray, rgb or bgr
	Size   []int     `json:"size,omitempty"`   // height, width
	Fit    string    `json:"fit,omitempty"`    // stretch, cover or contain
	Resize string    `json:"resize,omitempty"` // bilinear-antialias, bilinear, nearest; also bicubic-, lanczos- and box-antialias
	Scale  *float64  `json:"scale,omitempty"`  // by default 1/255, and 1 when the input takes integers
	Mean   []float64 `json:"mean,omitempty"`   // for each channel in Color's order, or one for all
	Std    []float64 `json:"std,omitempty"`

	Limits Limits `json:"-"`
}

// SpecError says what is wrong with a description, or why it doesn't fit the input.
type SpecError struct{ Field, Reason string }

func (e *SpecError) Error() string {
	if e.Field == "" {
		return "picture description: " + e.Reason
	}
	return "picture description: " + e.Field + ": " + e.Reason
}

var filters = map[string]*filter{
	"":                   bilinear,
	"bilinear-antialias": bilinear,
	"bicubic-antialias":  bicubic,
	"lanczos-antialias":  lanczos,
	"box-antialias":      box,
	"bilinear":           bilinear4,
	"nearest":            nearest,
}

// maxSide bounds what a model may ask a picture to be enlarged to.
const maxSide = 1 << 15

// ParseSpec reads the JSON form and checks it. Keys that it doesn't know are ignored.
func ParseSpec(text string) (*Spec, error) {
	s := new(Spec)
	if err := json.Unmarshal([]byte(text), s); err != nil {
		return nil, &SpecError{"", err.Error()}
	}
	return s, s.check()
}

func (s *Spec) check() error {
	oneOf := func(field, got string, want ...string) error {
		for _, w := range want {
			if got == w {
				return nil
			}
		}
		return &SpecError{field, fmt.Sprintf("%q is none of %q", got, want)}
	}
	if err := oneOf("kind", s.Kind, "image"); err != nil {
		return err
	}
	if err := oneOf("layout", s.Layout, "NCHW", "NHWC", ""); err != nil {
		return err
	}
	if err := oneOf("color", s.Color, "gray", "rgb", "bgr", ""); err != nil {
		return err
	}
	if err := oneOf("fit", s.Fit, "stretch", "cover", "contain", ""); err != nil {
		return err
	}
	if filters[s.Resize] == nil {
		return &SpecError{"resize", fmt.Sprintf("%q is unknown", s.Resize)}
	}
	if s.Size != nil && len(s.Size) != 2 {
		return &SpecError{"size", "it must be [height, width]"}
	}
	for _, v := range s.Std {
		if v == 0 {
			return &SpecError{"std", "it can't be 0"}
		}
	}
	return nil
}

// geometry is a Spec made concrete for an input.
type geometry struct {
	h, w, c int
	shape   []int
	last    bool // channels stand last
}

// Tensor reads a picture and makes the tensor for an input of element type dt and of shape dims, in which a negative number stands for an open
// dimension; nil dims are open altogether. dims has the batch dimension, which becomes 1, or lacks it. Errors are a *[DecodeError], a
// *[SpecError] or the reader's own.
func (s *Spec) Tensor(r io.Reader, dt tensor.DType, dims []int) (*tensor.Tensor, error) {
	g, err := s.geometry(dims) // first, so that an input that no picture fits is told of at once
	if err != nil {
		return nil, err
	}
	table, err := s.table(g.c, dt)
	if err != nil {
		return nil, err
	}
	m, err := Decode(r, s.Limits)
	if err != nil {
		return nil, err
	}
	if g.c == 1 {
		m = m.Gray()
	} else {
		m = m.RGB()
	}
	return fill(s.place(m, g), g, dt, table, s.Color == "bgr")
}

func (s *Spec) geometry(dims []int) (geometry, error) {
	if err := s.check(); err != nil {
		return geometry{}, err
	}
	g := geometry{h: -1, w: -1, c: -1, last: s.Layout == "NHWC"}
	batch := true
	if dims != nil {
		d := dims
		switch {
		case len(d) == 4 && d[0] > 1:
			return g, &SpecError{"", fmt.Sprintf("one picture can't fill a batch of %d", d[0])}
		case len(d) == 4:
			d = d[1:]
		case len(d) == 3:
			batch = false
		default:
			return g, &SpecError{"", fmt.Sprintf("a picture can't fill an input of shape %s", tensor.ShapeString(dims))}
		}
		g.c, g.h, g.w = d[0], d[1], d[2]
		if g.last {
			g.h, g.w, g.c = d[0], d[1], d[2]
		}
	}
	if err := s.settle(&g); err != nil {
		return g, err
	}
	g.shape = []int{g.c, g.h, g.w}
	if g.last {
		g.shape = []int{g.h, g.w, g.c}
	}
	if batch {
		g.shape = append([]int{1}, g.shape...)
	}
	return g, nil
}

// settle joins what the input's shape says with what the description says, which mustn't contradict each other.
func (s *Spec) settle(g *geometry) error {
	want := map[string]int{"gray": 1, "rgb": 3, "bgr": 3, "": g.c}[s.Color]
	switch {
	case want != 1 && want != 3 && s.Color == "" && g.c < 0:
		return &SpecError{"color", "the input's channels are open, so it must be given"}
	case want != 1 && want != 3:
		return &SpecError{"", fmt.Sprintf("the input has %d channels; a picture has 1 or 3 (is the layout right?)", g.c)}
	case g.c >= 0 && g.c != want:
		return &SpecError{"color", fmt.Sprintf("%s has %d channels, the input %d", s.Color, want, g.c)}
	}
	g.c = want
	for i, side := range []*int{&g.h, &g.w} {
		name := []string{"height", "width"}[i]
		if s.Size != nil {
			if *side >= 0 && *side != s.Size[i] {
				return &SpecError{"size", fmt.Sprintf("%s %d contradicts the input's %d", name, s.Size[i], *side)}
			}
			*side = s.Size[i]
		}
		switch {
		case *side < 0:
			return &SpecError{"size", "the input's " + name + " is open, so it must be given"}
		case *side == 0 || *side > maxSide:
			return &SpecError{"size", fmt.Sprintf("a %s of %d isn't between 1 and %d", name, *side, maxSide)}
		}
	}
	return nil
}

// place brings m to the input's height and width, as Pillow's resize, ImageOps.fit and ImageOps.pad do.
func (s *Spec) place(m *Image, g geometry) *Image {
	f := filters[s.Resize]
	ratio, want := float64(m.W)/float64(m.H), float64(g.w)/float64(g.h)
	if ratio == want {
		return m.resize(g.w, g.h, f, m.whole())
	}
	switch s.Fit {
	case "cover":
		w, h := float64(m.W), float64(m.H)
		if ratio > want {
			w = want * h
		} else {
			h = w / want
		}
		x, y := (float64(m.W)-w)*0.5, (float64(m.H)-h)*0.5
		return m.resize(g.w, g.h, f, rectangle{float32(x), float32(y), float32(x + w), float32(y + h)})
	case "contain":
		w, h := g.w, g.h
		if ratio > want {
			h = int(math.RoundToEven(float64(m.H) / float64(m.W) * float64(g.w)))
		} else {
			w = int(math.RoundToEven(ratio * float64(g.h)))
		}
		w, h = max(1, w), max(1, h)
		x, y := math.RoundToEven(float64(g.w-w)*0.5), math.RoundToEven(float64(g.h-h)*0.5)
		return m.resize(w, h, f, m.whole()).pad(g.w, g.h, int(x), int(y))
	}
	return m.resize(g.w, g.h, f, m.whole())
}
