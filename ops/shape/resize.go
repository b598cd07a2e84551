package shape

import (
	"errors"
	"fmt"
	"math"

	"ingot/internal/kernel/resample"
	"ingot/internal/num"
	"ingot/internal/sym"
	"ingot/ops"
	"ingot/tensor"
)

type resizeAttrs struct {
	Antialias                    bool `onnx:",0"`
	Axes                         []int
	CoordinateTransformationMode string  `onnx:",half_pixel"`
	CubicCoeffA                  float32 `onnx:",-0.75"`
	ExcludeOutside               bool    `onnx:",0"`
	ExtrapolationValue           float32 `onnx:",0"`
	KeepAspectRatioPolicy        string  `onnx:",stretch"`
	Mode                         string  `onnx:",nearest"`
	NearestMode                  string  `onnx:",round_prefer_floor"`
}

var _ = Ops.Add(ops.Def(ops.Spec[resizeAttrs]{
	Name: "Resize", In: "X:T1, roi:T2?, scales:float?, sizes:int64?", Out: "Y:T1", Types: "T1=all4; T2=floats",
	Vers: []ops.Ver{{Since: 19}, {Since: 18}, {Since: 13, Attrs: "-antialias -axes -keep_aspect_ratio_policy"},
		{Since: 11, In: "X:T1, roi:T2, scales:float, sizes:int64?", Types: "T1=all"},
		{Since: 10, In: "X:T, scales:float", Out: "Y:T", Types: "T=all",
			Attrs: "-coordinate_transformation_mode -cubic_coeff_a -exclude_outside -extrapolation_value -nearest_mode", Old: opResize10}},
	Infer: inferResize,
	Bind: func(b *ops.Bind, a *resizeAttrs) (ops.Kernel, error) {
		s, err := a.spec()
		if err != nil {
			return nil, err
		}
		return bindResize(b, &s, a.frame(b.In), a.ExtrapolationValue)
	},
	Layout: lastOf("ResizeNHWC"),
}))

type resize10Attrs struct {
	Mode string `onnx:",nearest"`
}

// opResize10 is the form in which there was nothing to choose but the filter. Upsample, which it replaced, is the same.
var opResize10 = ops.Def(ops.Spec[resize10Attrs]{
	Name: "Resize", In: "X:T, scales:float", Out: "Y:T", Types: "T=all", Vers: []ops.Ver{{Since: 10}},
	Infer: inferResize10, Bind: bindResize10,
})

// Upsample is deprecated since opset 10; it is taken there all the same.
var _ = Ops.Add(ops.Def(ops.Spec[resize10Attrs]{
	Name: "Upsample", In: "X:T, scales:float", Out: "Y:T", Types: "T=all",
	Vers: []ops.Ver{{Since: 9}, {Since: 7, In: "X:T", Attrs: "+scales:floats=required", Up: ops.AttrToInput("scales", 1)},
		{Since: 1, Types: "T=bool|int32|int64|floats", Attrs: "-scales +height_scale:float=required +width_scale:float=required", Up: func(r *ops.Rewrite) error {
			r.Attrs["scales"] = &ops.Attr{Kind: ops.AttrFloats, Floats: []float32{1, 1, r.Take("height_scale").F, r.Take("width_scale").F}}
			return nil
		}}},
	Infer: inferResize10, Bind: bindResize10,
}))

func (a *resize10Attrs) frame(in func(int) *ops.Type) frame {
	return frame{x: in(0), scales: given(in(1)), sizes: &noValue, roi: &noValue}
}

func (a *resize10Attrs) spec() (resample.Spec, error) {
	s := resample.Spec{Coordinates: resample.Asymmetric, Rounding: resample.Simple, A: -0.75}
	var err error
	s.Filter, err = filterOf(a.Mode)
	return s, err
}

func inferResize10(c *ops.Infer, a *resize10Attrs) error {
	if _, err := a.spec(); err != nil {
		return err
	}
	c.Data(1)
	f := a.frame(c.In)
	return f.infer(c)
}

func bindResize10(b *ops.Bind, a *resize10Attrs) (ops.Kernel, error) {
	s, err := a.spec()
	if err != nil {
		return nil, err
	}
	return bindResize(b, &s, a.frame(b.In), 0)
}

func filterOf(mode string) (resample.Filter, error) {
	switch mode {
	case "nearest":
		return resample.Nearest, nil
	case "linear", "bilinear", "trilinear":
		return resample.Linear, nil
	case "cubic", "bicubic":
		return resample.Cubic, nil
	}
	return 0, fmt.Errorf(`attribute mode: %q, must be "nearest", "linear" or "cubic"`, mode)
}

// spec reads the modes.
func (a *resizeAttrs) spec() (resample.Spec, error) {
	s := resample.Spec{A: float64(a.CubicCoeffA), Antialias: a.Antialias, ExcludeOutside: a.ExcludeOutside}
	var err error
	if s.Filter, err = filterOf(a.Mode); err != nil {
		return s, err
	}
	if s.Filter == resample.Nearest && a.Antialias {
		return s, errors.New("attribute antialias: the nearest place has no filter to widen")
	}
	switch a.CoordinateTransformationMode {
	case "half_pixel":
	case "half_pixel_symmetric":
		s.Coordinates = resample.HalfPixelSymmetric
	case "pytorch_half_pixel":
		s.Coordinates = resample.PytorchHalfPixel
	case "align_corners":
		s.Coordinates = resample.AlignCorners
	case "asymmetric":
		s.Coordinates = resample.Asymmetric
	case "tf_half_pixel_for_nn":
		s.Coordinates = resample.TFHalfPixel
	case "tf_crop_and_resize":
		s.Coordinates = resample.CropAndResize
	default:
		return s, fmt.Errorf("attribute coordinate_transformation_mode: unknown mode %q", a.CoordinateTransformationMode)
	}
	switch a.NearestMode {
	case "round_prefer_floor":
	case "round_prefer_ceil":
		s.Rounding = resample.PreferCeil
	case "floor":
		s.Rounding = resample.Floor
	case "ceil":
		s.Rounding = resample.Ceil
	default:
		return s, fmt.Errorf("attribute nearest_mode: unknown mode %q", a.NearestMode)
	}
	switch a.KeepAspectRatioPolicy {
	case "stretch", "not_larger", "not_smaller":
	default:
		return s, fmt.Errorf("attribute keep_aspect_ratio_policy: unknown policy %q", a.KeepAspectRatioPolicy)
	}
	return s, nil
}

// frame is what decides the output's size: the inputs in their newest order, empty ones as absent.
type frame struct {
	x, roi, scales, sizes *ops.Type
	axes                  []int
	policy                string
	crop                  bool
}

var noValue = ops.Type{Kind: ops.KindNone}

// given makes an empty tensor absent: that is how version 11 leaves an input out.
func given(t *ops.Type) *ops.Type {
	if t.Ranked && len(t.Shape) == 1 && t.Shape[0].Is(0) {
		return &noValue
	}
	return t
}

func (a *resizeAttrs) frame(in func(int) *ops.Type) frame {
	return frame{x: in(0), roi: given(in(1)), scales: given(in(2)), sizes: given(in(3)), axes: a.Axes, policy: a.KeepAspectRatioPolicy,
		crop: a.CoordinateTransformationMode == "tf_crop_and_resize"}
}

func inferResize(c *ops.Infer, a *resizeAttrs) error {
	if _, err := a.spec(); err != nil {
		return err
	}
	f := a.frame(c.In)
	has := func(t *ops.Type) bool { return t.Kind != ops.KindNone }
	if has(f.scales) == has(f.sizes) {
		if has(f.scales) && (!f.scales.Known() || !f.sizes.Known()) {
			c.Data(2)
			c.Data(3)
			return f.undecided(c) // either may turn out to be empty
		}
		return errors.New("one of the inputs scales and sizes must be there, and not both")
	}
	if has(f.scales) {
		c.Data(2)
	} else {
		c.Ints(3)
	}
	if f.crop {
		if !has(f.roi) {
			return errors.New("the mode tf_crop_and_resize needs the input roi")
		}
		c.Data(1)
	}
	return f.infer(c)
}

// infer sets output 0 as far as it is known.
func (f *frame) infer(c *ops.Infer) error {
	if !f.x.Ranked {
		return f.undecided(c)
	}
	rank := len(f.x.Shape)
	if dims, ok := f.x.Dims(); ok && f.known() {
		g, err := f.geometry(dims)
		if err != nil {
			return err
		}
		return outSized(c, 0, f.x.DT, sym.Nums(g.out)...)
	}
	axes, err := axesOr(f.axes, rank)
	if err != nil {
		return err
	}
	out := append([]ops.Dim{}, f.x.Shape...)
	for i, a := range axes {
		switch {
		case f.scales.Data != nil:
			out[a] = scaledDim(out[a], f.scales.Data, i)
		case f.sizes.Val != nil && f.policy == "stretch" && i < len(f.sizes.Val):
			out[a] = f.sizes.Val[i]
		default:
			out[a] = sym.Unknown()
		}
	}
	return c.Out(0, f.x.DT, out...)
}

// undecided sets output 0 to what is known without scales and sizes.
func (f *frame) undecided(c *ops.Infer) error {
	if !f.x.Ranked {
		return c.OutUnranked(0, f.x.DT)
	}
	return c.OutRank(0, f.x.DT, len(f.x.Shape))
}

// scaledDim scales a dimension by a factor that is a whole number, or one over one. Others give an unknown.
func scaledDim(d ops.Dim, scales *tensor.Tensor, i int) ops.Dim {
	s, err := tensor.Data[float32](scales)
	if err != nil || i >= len(s) {
		return sym.Unknown()
	}
	if n, ok := d.Int(); ok {
		return ops.Num(int64(math.Floor(float64(float32(n) * s[i]))))
	}
	v := float64(s[i])
	if v >= 1 && v == math.Trunc(v) && v < 1<<20 {
		return d.Mul(ops.Num(int64(v)))
	}
	if inv := math.Round(1 / v); v > 0 && v < 1 && float32(1/inv) == s[i] && inv < 1<<20 {
		return d.FloorDiv(ops.Num(int64(inv)))
	}
	return sym.Unknown()
}

// known reports whether all that the size depends on is.
func (f *frame) known() bool {
	if f.crop && f.roi.Data == nil {
		return false
	}
	if f.scales.Kind != ops.KindNone {
		return f.scales.Data != nil
	}
	_, ok := intsOf(f.sizes)
	return ok
}

// geometry is a Resize in numbers, dimension by dimension.
type geometry struct {
	in, out    []int
	scale      []float64
	begin, end []float64
}

// numbers is geometry, for kernels: everything must be known by now.
func (f *frame) numbers(dims []int) (*geometry, error) {
	if !f.known() {
		return nil, errLate("the output's size")
	}
	return f.geometry(dims)
}

func (f *frame) geometry(dims []int) (*geometry, error) {
	g := &geometry{in: dims, out: append([]int{}, dims...)}
	for range dims {
		g.scale, g.begin, g.end = append(g.scale, 1), append(g.begin, 0), append(g.end, 1)
	}
	axes, err := axesOr(f.axes, len(dims))
	if err != nil {
		return nil, err
	}
	if f.crop {
		roi := make([]float64, f.roi.Data.Len())
		num.Load64(roi, f.roi.Data, 0)
		if len(roi) != 2*len(axes) {
			return nil, fmt.Errorf("roi has %d numbers, must have %d", len(roi), 2*len(axes))
		}
		for i, a := range axes {
			g.begin[a], g.end[a] = roi[i], roi[i+len(axes)]
			if math.IsNaN(roi[i]+roi[i+len(axes)]) || math.IsInf(roi[i], 0) || math.IsInf(roi[i+len(axes)], 0) {
				return nil, fmt.Errorf("roi %v isn't finite", roi)
			}
		}
	}
	if f.scales.Kind != ops.KindNone {
		err = f.byScales(g, axes)
	} else {
		err = f.bySizes(g, axes)
	}
	if err != nil {
		return nil, err
	}
	for i, n := range g.out {
		if n > 0 && g.in[i] == 0 {
			return nil, fmt.Errorf("axis %d of %s is empty: nothing can be resized to %d", i, tensor.ShapeString(dims), n)
		}
	}
	return g, nil
}

// byScales leaves the region out of the sizes: the standard's text multiplies by it, but its own shape inference doesn't, nor does any runtime,
// and a model's declared sizes come from there.
func (f *frame) byScales(g *geometry, axes []int) error {
	s, err := tensor.Data[float32](f.scales.Data)
	if err != nil {
		return err
	}
	if len(s) != len(axes) {
		return fmt.Errorf("%d scales, must be %d", len(s), len(axes))
	}
	for i, a := range axes {
		if !(s[i] > 0) || math.IsInf(float64(s[i]), 0) {
			return fmt.Errorf("scales %v must be positive", s)
		}
		g.scale[a] = float64(s[i])
		v := float64(float32(g.in[a]) * s[i])
		if !(v < math.MaxInt32) {
			return fmt.Errorf("scales %v make an axis of %g", s, v)
		}
		g.out[a] = max(0, int(math.Floor(v)))
	}
	return nil
}

func (f *frame) bySizes(g *geometry, axes []int) error {
	v, ok := intsOf(f.sizes)
	if !ok {
		return errLate("sizes")
	}
	if len(v) != len(axes) {
		return fmt.Errorf("%d sizes, must be %d", len(v), len(axes))
	}
	common := 0.0
	for i, a := range axes {
		if v[i] < 0 || v[i] > math.MaxInt32 {
			return fmt.Errorf("sizes %v are out of range", v)
		}
		g.out[a] = int(v[i])
		if g.in[a] == 0 {
			continue
		}
		s := float64(v[i]) / float64(g.in[a])
		g.scale[a] = s
		if i == 0 || f.policy == "not_larger" && s < common || f.policy == "not_smaller" && s > common {
			common = s
		}
	}
	if f.policy == "stretch" || f.policy == "" {
		return nil
	}
	for _, a := range axes {
		g.scale[a] = common
		g.out[a] = int(math.Floor(common*float64(g.in[a]) + 0.5))
	}
	return nil
}

// axesFor computes the taps of each dimension.
func (g *geometry) axesFor(s *resample.Spec) []resample.Axis {
	out := make([]resample.Axis, len(g.in))
	for i := range out {
		out[i] = resample.New(g.in[i], g.out[i], g.scale[i], g.begin[i], g.end[i], s)
	}
	return out
}
