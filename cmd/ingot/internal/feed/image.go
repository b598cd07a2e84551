package feed

import (
	"slices"
	"strconv"
	"strings"

	"ingot"
	"ingot/internal/picture"
)

// imageKey begins the metadata key that describes an input.
const imageKey = "ingot.input."

// imageOptions reads the --image options: "x:rgb,224x224,scale=1/255,mean=0.485/0.456/0.406,std=0.229/0.224/0.225,fit=cover".
func (b *builder) imageOptions() (map[string]*picture.Spec, error) {
	out := map[string]*picture.Spec{}
	for _, text := range b.req.Images {
		i := strings.LastIndexByte(text, ':')
		if i <= 0 {
			return nil, wrong("--image %s: an input's name comes first", text).hint("for example --image x:rgb,224x224,scale=1/255")
		}
		v, err := b.input(text[:i])
		if err != nil {
			return nil, err
		}
		s, err := parseImage(text, text[i+1:])
		if err != nil {
			return nil, err
		}
		out[v.Name] = s
	}
	return out, nil
}

// imageWords are the settings that are one word each.
var imageWords = map[string]func(*picture.Spec) *string{
	"layout": func(s *picture.Spec) *string { return &s.Layout },
	"color":  func(s *picture.Spec) *string { return &s.Color },
	"fit":    func(s *picture.Spec) *string { return &s.Fit },
	"resize": func(s *picture.Spec) *string { return &s.Resize },
}

func parseImage(text, settings string) (*picture.Spec, error) {
	s := &picture.Spec{Kind: "image"}
	for _, part := range strings.Split(settings, ",") {
		part = strings.TrimSpace(part)
		key, value, hasValue := strings.Cut(part, "=")
		ok := false
		switch {
		case !hasValue && slices.Contains([]string{"gray", "rgb", "bgr"}, key):
			s.Color, ok = key, true
		case !hasValue:
			h, w, cut := strings.Cut(key, "x")
			height, err1 := strconv.Atoi(h)
			width, err2 := strconv.Atoi(w)
			s.Size, ok = []int{height, width}, cut && err1 == nil && err2 == nil
		case imageWords[key] != nil:
			*imageWords[key](s), ok = value, true
		case key == "scale":
			var v float64
			v, ok = fraction(value)
			s.Scale = &v
		case key == "mean":
			s.Mean, ok = fractions(value)
		case key == "std":
			s.Std, ok = fractions(value)
		}
		if !ok {
			return nil, wrong("--image %s: %q isn't a setting", text, part).hint(
				"settings are gray|rgb|bgr, HEIGHTxWIDTH, scale=1/255, mean=A/B/C, std=A/B/C, layout=NCHW|NHWC, fit=stretch|cover|contain, resize=bilinear-antialias|bilinear|nearest")
		}
	}
	return s, nil
}

// fraction reads "0.5" or "1/255".
func fraction(text string) (float64, bool) {
	a, c, has := strings.Cut(text, "/")
	x, err := strconv.ParseFloat(a, 64)
	if !has {
		return x, err == nil
	}
	y, err2 := strconv.ParseFloat(c, 64)
	return x / y, err == nil && err2 == nil && y != 0
}

// fractions reads one number for each channel, with slashes between.
func fractions(text string) ([]float64, bool) {
	var out []float64
	for _, f := range strings.Split(text, "/") {
		v, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return nil, false
		}
		out = append(out, v)
	}
	return out, true
}

// imageSpec finds out how a picture becomes this input.
func (b *builder) imageSpec(v *ingot.ValueInfo) (*picture.Spec, error) {
	if s := b.images[v.Name]; s != nil {
		b.used["image "+v.Name] = true
		return s, nil
	}
	text, ok := b.model.Metadata[imageKey+v.Name]
	if !ok {
		size := "224x224,"
		if n := len(v.Dims); n >= 3 && v.Dims[n-1].Sym == "" && v.Dims[n-2].Sym == "" {
			size = "" // the input's own
		}
		return nil, wrong("input %q is given as a picture, but the model doesn't say how a picture becomes %s", v.Name, v).hint(
			"say it: --image '%s:rgb,%sscale=1/255,mean=0.485/0.456/0.406,std=0.229/0.224/0.225' (or keep it in the model: ingot convert --image)", v.Name, size)
	}
	s, err := picture.ParseSpec(text)
	if err != nil {
		return nil, wrong("the model's metadata %q is wrong: %v", imageKey+v.Name, err).hint("--image overrides it")
	}
	return s, nil
}
