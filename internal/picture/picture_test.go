package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"ingot/tensor"
)

func pngOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := png.Encode(&buf, m); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// two is a picture of 2×1 pixels: an orange one and a blue one.
func two(t testing.TB) []byte {
	m := image.NewNRGBA(image.Rect(0, 0, 2, 1))
	m.SetNRGBA(0, 0, color.NRGBA{255, 127, 0, 255})
	m.SetNRGBA(1, 0, color.NRGBA{0, 51, 255, 255})
	return pngOf(t, m)
}

func parse(t *testing.T, text string) *Spec {
	t.Helper()
	s, err := ParseSpec(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTensor(t *testing.T) {
	f16 := func(vs ...float32) (out []tensor.F16) {
		for _, v := range vs {
			out = append(out, tensor.ToF16(v))
		}
		return out
	}
	for _, c := range []struct {
		name, spec string
		dt         tensor.DType
		dims       []int
		want       *tensor.Tensor
	}{
		{"defaults", `{"kind":"image"}`, tensor.Float32, []int{-1, 3, 1, 2}, tensor.Of([]float32{1, 0, 127.0 / 255, 0.2, 0, 1}, 1, 3, 1, 2)},
		{"NHWC", `{"kind":"image","layout":"NHWC"}`, tensor.Float32, []int{1, 1, 2, 3}, tensor.Of([]float32{1, 127.0 / 255, 0, 0, 0.2, 1}, 1, 1, 2, 3)},
		{"BGR", `{"kind":"image","color":"bgr","scale":1}`, tensor.Float32, []int{1, 3, 1, 2}, tensor.Of([]float32{0, 255, 127, 51, 255, 0}, 1, 3, 1, 2)},
		{"no batch", `{"kind":"image","scale":1}`, tensor.Float32, []int{3, 1, 2}, tensor.Of([]float32{255, 0, 127, 51, 0, 255}, 3, 1, 2)},
		{"gray", `{"kind":"image","scale":1}`, tensor.Float32, []int{-1, 1, 1, 2}, tensor.Of([]float32{151, 59}, 1, 1, 1, 2)},
		{"no shape", `{"kind":"image","color":"gray","size":[1,2],"scale":1}`, tensor.Float32, nil, tensor.Of([]float32{151, 59}, 1, 1, 1, 2)},
		{"open", `{"kind":"image","color":"gray","size":[1,2],"scale":1}`, tensor.Float32, []int{-1, -1, -1, -1}, tensor.Of([]float32{151, 59}, 1, 1, 1, 2)},
		{"mean and std", `{"kind":"image","scale":1,"mean":[5,7,1],"std":[2,4,8]}`, tensor.Float32, []int{1, 3, 1, 2},
			tensor.Of([]float32{125, -2.5, 30, 11, -0.125, 31.75}, 1, 3, 1, 2)},
		{"mean of BGR", `{"kind":"image","color":"bgr","scale":1,"mean":[1,2,3]}`, tensor.Float32, []int{1, 3, 1, 2}, tensor.Of([]float32{-1, 254, 125, 49, 252, -3}, 1, 3, 1, 2)},
		{"one mean for all", `{"kind":"image","scale":1,"mean":[1]}`, tensor.Float64, []int{1, 3, 1, 2}, tensor.Of([]float64{254, -1, 126, 50, -1, 254}, 1, 3, 1, 2)},
		{"bytes", `{"kind":"image"}`, tensor.Uint8, []int{1, 3, 1, 2}, tensor.Of([]uint8{255, 0, 127, 51, 0, 255}, 1, 3, 1, 2)},
		{"signed bytes", `{"kind":"image","mean":[128]}`, tensor.Int8, []int{1, 3, 1, 2}, tensor.Of([]int8{127, -128, -1, -77, -128, 127}, 1, 3, 1, 2)},
		{"saturated", `{"kind":"image","scale":2,"mean":[1]}`, tensor.Uint8, []int{1, 3, 1, 2}, tensor.Of([]uint8{255, 0, 253, 101, 0, 255}, 1, 3, 1, 2)},
		{"half", `{"kind":"image"}`, tensor.Float16, []int{1, 3, 1, 2}, tensor.Of(f16(1, 0, 127.0/255, 0.2, 0, 1), 1, 3, 1, 2)},
		{"int32", `{"kind":"image"}`, tensor.Int32, []int{1, 3, 1, 2}, tensor.Of([]int32{255, 0, 127, 51, 0, 255}, 1, 3, 1, 2)},
		{"contain", `{"kind":"image","fit":"contain","scale":1,"resize":"nearest"}`, tensor.Uint8, []int{1, 1, 4, 4},
			tensor.Of([]uint8{0, 0, 0, 0, 151, 151, 59, 59, 151, 151, 59, 59, 0, 0, 0, 0}, 1, 1, 4, 4)},
		{"cover", `{"kind":"image","fit":"cover","scale":1,"resize":"nearest"}`, tensor.Uint8, []int{1, 1, 2, 2}, tensor.Of([]uint8{151, 59, 151, 59}, 1, 1, 2, 2)},
		{"unknown keys", `{"kind":"image","colour":"blue","scale":1}`, tensor.Float32, []int{1, 1, 1, 2}, tensor.Of([]float32{151, 59}, 1, 1, 1, 2)},
	} {
		got, err := parse(t, c.spec).Tensor(bytes.NewReader(two(t)), c.dt, c.dims)
		if err != nil || !got.Equal(c.want) {
			t.Errorf("%s: %v, %v, want %v", c.name, got, err, c.want)
			if err == nil {
				t.Errorf("%v, want %v", got.Bytes(), c.want.Bytes())
			}
		}
	}
}

func TestBadSpecs(t *testing.T) {
	for _, c := range []struct {
		spec string
		dt   tensor.DType
		dims []int
		want string
	}{
		{`{`, tensor.Float32, nil, "JSON"},
		{`{"kind":"sound"}`, tensor.Float32, nil, "kind"},
		{`{}`, tensor.Float32, nil, "kind"},
		{`{"kind":"image","layout":"CHWN"}`, tensor.Float32, nil, "layout"},
		{`{"kind":"image","color":"cmyk"}`, tensor.Float32, nil, "color"},
		{`{"kind":"image","fit":"squash"}`, tensor.Float32, nil, "fit"},
		{`{"kind":"image","resize":"magic"}`, tensor.Float32, nil, "resize"},
		{`{"kind":"image","size":[3]}`, tensor.Float32, nil, "height, width"},
		{`{"kind":"image","std":[1,0,1]}`, tensor.Float32, nil, "std"},
		{`{"kind":"image","mean":[1,2]}`, tensor.Float32, []int{1, 3, 2, 2}, "2 numbers for 3 channels"},
		{`{"kind":"image"}`, tensor.Float32, []int{1, 4, 2, 2}, "4 channels"},
		{`{"kind":"image"}`, tensor.Float32, []int{1, -1, 2, 2}, "must be given"},
		{`{"kind":"image"}`, tensor.Float32, []int{1, 3, -1, 2}, "height is open"},
		{`{"kind":"image"}`, tensor.Float32, nil, "must be given"},
		{`{"kind":"image","color":"rgb"}`, tensor.Float32, []int{1, 1, 2, 2}, "rgb has 3 channels, the input 1"},
		{`{"kind":"image","size":[2,3]}`, tensor.Float32, []int{1, 1, 2, 2}, "width 3 contradicts"},
		{`{"kind":"image","size":[2,-3],"color":"gray"}`, tensor.Float32, nil, "must be given"},
		{`{"kind":"image","size":[0,3],"color":"gray"}`, tensor.Float32, nil, "isn't between"},
		{`{"kind":"image","size":[1,999999999],"color":"gray"}`, tensor.Float32, nil, "isn't between"},
		{`{"kind":"image"}`, tensor.Float32, []int{4, 3, 2, 2}, "batch of 4"},
		{`{"kind":"image"}`, tensor.Float32, []int{10}, "[10]"},
		{`{"kind":"image"}`, tensor.String, []int{1, 3, 2, 2}, "string"},
	} {
		s, err := ParseSpec(c.spec)
		if err == nil {
			_, err = s.Tensor(bytes.NewReader(two(t)), c.dt, c.dims)
		}
		var se *SpecError
		if !errors.As(err, &se) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: %v, want a SpecError about %q", c.spec, c.dims, err, c.want)
		}
	}
}

func TestBadPictures(t *testing.T) {
	big := pngOf(t, image.NewGray(image.Rect(0, 0, 200, 100)))
	huge := bytes.Clone(big)
	binary.BigEndian.PutUint32(huge[16:], math.MaxInt32) // the width; its checksum comes after
	for name, c := range map[string]struct {
		data   []byte
		limits Limits
		want   string
	}{
		"empty":       {nil, Limits{}, "empty"},
		"text":        {[]byte("hello"), Limits{}, "known format"},
		"cut":         {big[:len(big)-20], Limits{}, "png: can't be decoded"},
		"cut header":  {big[:20], Limits{}, "png: can't be decoded"},
		"damaged":     {huge, Limits{}, "png"},
		"many pixels": {big, Limits{Pixels: 19999}, "200×100 pixels are more than the limit of 19999"},
		"many bytes":  {big, Limits{Bytes: int64(len(big)) - 1}, "limit"},
	} {
		_, err := Decode(bytes.NewReader(c.data), c.limits)
		var de *DecodeError
		if !errors.As(err, &de) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want a DecodeError about %q", name, err, c.want)
		}
	}
	if _, err := Decode(bytes.NewReader(big), Limits{Pixels: 20000, Bytes: int64(len(big))}); err != nil {
		t.Errorf("at the limits: %v", err)
	}
	boom := errors.New("boom")
	if _, err := Decode(io.MultiReader(bytes.NewReader(big[:50]), iotest.ErrReader(boom)), Limits{}); err != boom {
		t.Errorf("err = %v", err)
	}
}

// A header alone must be enough to refuse a picture, whatever the format.
func TestPixelLimitInEveryFormat(t *testing.T) {
	files, err := filepath.Glob("testdata/*.*")
	if err != nil {
		t.Fatal(err)
	}
	tried := map[string]bool{}
	for _, f := range files {
		switch ext := filepath.Ext(f); ext {
		case ".png", ".jpg", ".gif", ".bmp", ".tiff", ".webp":
			tried[ext] = true
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Decode(bytes.NewReader(b), Limits{Pixels: 14}); err == nil || !strings.Contains(err.Error(), "limit of 14") {
				t.Errorf("%s: %v", f, err)
			}
		}
	}
	if len(tried) != 6 {
		t.Errorf("formats: %v", tried)
	}
}

// The first frame of an animation may cover a part only.
func TestSmallFrame(t *testing.T) {
	m := image.NewPaletted(image.Rect(1, 1, 3, 2), color.Palette{color.RGBA{9, 8, 7, 255}, color.RGBA{200, 100, 50, 255}})
	m.Pix[1] = 1
	var buf bytes.Buffer
	err := gif.EncodeAll(&buf, &gif.GIF{Image: []*image.Paletted{m}, Delay: []int{0}, Config: image.Config{Width: 4, Height: 3}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(&buf, Limits{})
	want := newImage(4, 3, 3)
	copy(want.Pix[(4+1)*3:], []uint8{9, 8, 7, 200, 100, 50})
	if err != nil || got.W != 4 || got.H != 3 || !bytes.Equal(got.Pix, want.Pix) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestOrientationTag(t *testing.T) {
	exif := func(tiff string) []byte {
		body := "Exif\x00\x00" + tiff
		b := []byte{0xff, 0xd8, 0xff, 0xe0, 0, 4, 'x', 'y', 0xff, 0xff, 0xe1, 0, 0} // another segment, then a filling byte
		binary.BigEndian.PutUint16(b[11:], uint16(len(body)+2))
		return append(b, body...)
	}
	little := "II*\x00\x08\x00\x00\x00\x02\x00" + "\x00\x01\x03\x00\x01\x00\x00\x00\x07\x00\x00\x00" + "\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00"
	for name, c := range map[string]struct {
		data []byte
		want int
	}{
		"little":      {exif(little), 6},
		"big":         {exif("MM\x00*\x00\x00\x00\x08\x00\x01" + "\x01\x12\x00\x03\x00\x00\x00\x01\x00\x08\x00\x00"), 8},
		"nonsense":    {exif("MM\x00*\x00\x00\x00\x08\x00\x01" + "\x01\x12\x00\x03\x00\x00\x00\x01\x00\x63\x00\x00"), 1},
		"no TIFF":     {exif("hello, world"), 1},
		"far":         {exif("II*\x00\xff\xff\xff\xff\x02\x00"), 1},
		"other type":  {exif(strings.Replace(little, "\x12\x01\x03", "\x12\x01\x04", 1)), 1},
		"no tag":      {exif(little[:len(little)-12]), 1},
		"not a JPEG":  {[]byte("hello"), 1},
		"data first":  {append([]byte{0xff, 0xd8, 0xff, 0xda, 0, 2}, exif(little)[2:]...), 1},
		"bad segment": {[]byte{0xff, 0xd8, 0xff, 0xe1, 0, 0, 1, 2, 3}, 1},
	} {
		if got := orientation(c.data); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	whole := exif(little)
	for n := range whole {
		if got := orientation(whole[:n]); got != 1 && got != 6 {
			t.Errorf("cut at %d: %d", n, got)
		}
	}
}

// Bilinear without widening weighs the four neighbours, whatever lies between them.
func TestFourNeighbours(t *testing.T) {
	m := load(t, "gray.png")
	neighbours := func(i, out, in int) (int, int, float64) {
		p := min(max(0, (float64(i)+0.5)*float64(in)/float64(out)-0.5), float64(in-1))
		return int(p), min(int(p)+1, in-1), p - math.Floor(p)
	}
	for _, size := range [][2]int{{7, 9}, {12, 50}, {60, 11}, {80, 70}} {
		h, w := size[0], size[1]
		got := m.resize(w, h, bilinear4, m.whole())
		for y := range h {
			for x := range w {
				x0, x1, fx := neighbours(x, w, m.W)
				y0, y1, fy := neighbours(y, h, m.H)
				v := func(y, x int) float64 { return float64(m.Pix[y*m.W+x]) }
				want := (v(y0, x0)*(1-fx)+v(y0, x1)*fx)*(1-fy) + (v(y1, x0)*(1-fx)+v(y1, x1)*fx)*fy
				if d := math.Abs(want - float64(got.Pix[y*w+x])); d > 1 {
					t.Fatalf("%d×%d at %d,%d: %d, want %.2f", w, h, x, y, got.Pix[y*w+x], want)
				}
			}
		}
	}
}

// The digits' pictures become what the classifier was trained on: white on black, ink in the middle.
func TestDigits(t *testing.T) {
	s := parse(t, `{"kind":"image","layout":"NCHW","color":"gray","size":[16,16],"fit":"stretch","resize":"bilinear-antialias","scale":0.00392156862745098}`)
	f, err := os.Open("../../testdata/digits/seven.png")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	x, err := s.Tensor(f, tensor.Float32, []int{-1, 1, 16, 16})
	if err != nil || !slices.Equal(x.Dims(), []int{1, 1, 16, 16}) {
		t.Fatalf("%v, %v", x, err)
	}
	v, _ := tensor.Data[float32](x)
	if v[0] != 0 || slices.Max(v) < 0.9 || slices.Max(v) > 1 {
		t.Errorf("corner %v, largest %v", v[0], slices.Max(v))
	}
}

func FuzzDecode(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.*")
	for _, name := range files {
		if b, err := os.ReadFile(name); err == nil && len(b) < 1500 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Decode(bytes.NewReader(data), Limits{Pixels: 1 << 16})
		if err != nil {
			var de *DecodeError
			if !errors.As(err, &de) {
				t.Fatalf("%v isn't a DecodeError", err)
			}
			return
		}
		if len(m.Pix) != m.W*m.H*m.C || m.W*m.H > 1<<16 || m.C != 1 && m.C != 3 {
			t.Fatalf("%d×%d×%d, %d samples", m.W, m.H, m.C, len(m.Pix))
		}
		for name := range filters {
			s := &Spec{Kind: "image", Resize: name, Fit: "cover", Size: []int{5, 3}, Color: "rgb"}
			if m := s.place(m.RGB(), geometry{h: 5, w: 3, c: 3}); len(m.Pix) != 45 {
				t.Fatalf("%s: %d samples", name, len(m.Pix))
			}
		}
	})
}
