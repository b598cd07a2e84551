package feed

import (
	"errors"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"ingot"
	"ingot/internal/onnxpb"
	"ingot/internal/safetensors"
	"ingot/npy"
	"ingot/tensor"
)

// in describes an input: a number is a size, a string a symbol.
func in(name string, dt tensor.DType, dims ...any) ingot.ValueInfo {
	v := ingot.ValueInfo{Name: name, DType: dt, Dims: []ingot.Dim{}}
	for _, d := range dims {
		switch d := d.(type) {
		case int:
			v.Dims = append(v.Dims, ingot.Dim{Size: int64(d)})
		case string:
			v.Dims = append(v.Dims, ingot.Dim{Size: -1, Sym: d})
		}
	}
	return v
}

// open is an input of unknown rank.
func open(name string, dt tensor.DType) ingot.ValueInfo {
	return ingot.ValueInfo{Name: name, DType: dt}
}

func build(t *testing.T, inputs []ingot.ValueInfo, args ...string) (*Feed, error) {
	t.Helper()
	return Build(Model{Inputs: inputs}, Request{Inputs: args})
}

// one builds a model's only input.
func one(t *testing.T, v ingot.ValueInfo, text string) (*tensor.Tensor, error) {
	t.Helper()
	f, err := build(t, []ingot.ValueInfo{v}, v.Name+"="+text)
	if err != nil {
		return nil, err
	}
	return f.Values[v.Name].(*tensor.Tensor), nil
}

func TestLiterals(t *testing.T) {
	tests := []struct {
		input ingot.ValueInfo
		text  string
		want  *tensor.Tensor
	}{
		{in("x", tensor.Float32, 1, 3), "1,2.5,-3e2", tensor.Of([]float32{1, 2.5, -300}, 1, 3)},
		{in("x", tensor.Float32, "batch", 3), "1,2,3,4,5,6", tensor.Of([]float32{1, 2, 3, 4, 5, 6}, 2, 3)},
		{in("x", tensor.Int64, "batch", "seq"), "7, 8, 9", tensor.Of([]int64{7, 8, 9}, 1, 3)},
		{in("x", tensor.Int64), "16000", tensor.Scalar(int64(16000))},
		{in("x", tensor.Int64, 1), "-9223372036854775808", tensor.Of([]int64{-1 << 63})},
		{in("x", tensor.Uint64, 1), "18446744073709551615", tensor.Of([]uint64{1<<64 - 1})},
		{in("x", tensor.Int4, 2), "-8,7", tensor.Of([]tensor.I4{-8, 7})},
		{in("x", tensor.Bool, 3), "true,0,false", tensor.Of([]bool{true, false, false})},
		{in("x", tensor.Float16, 2), "1,-2", tensor.Of([]tensor.F16{0x3c00, 0xc000})},
		{in("x", tensor.Complex64, 1), "1+2i", tensor.Of([]complex64{1 + 2i})},
		{in("x", tensor.Float64, "n"), "0.1", tensor.Of([]float64{0.1})},
		{open("x", tensor.Float32), "1,2", tensor.Of([]float32{1, 2})},
		{in("x", tensor.Float32, "a", "b"), "[[1,2],[3,4]]", tensor.Of([]float32{1, 2, 3, 4}, 2, 2)},
		{in("x", tensor.Float32), "[]", tensor.Of([]float32{}, 0)},
		{in("x", tensor.String, "n"), `"a,b","c \"d\""`, tensor.Of([]string{"a,b", `c "d"`})},
		{in("x", tensor.String, "n"), "one, text", tensor.Of([]string{"one, text"})},
		{in("x", tensor.String, "n", 1), `[["a"],["b"]]`, tensor.Of([]string{"a", "b"}, 2, 1)},
		{in("x", tensor.String, 1), "", tensor.Of([]string{""})},
		{in("a=b", tensor.Int64, 1), "3", tensor.Of([]int64{3})}, // a name with an equals sign
	}
	for _, tt := range tests {
		got, err := one(t, tt.input, tt.text)
		if err != nil || !got.Equal(tt.want) {
			t.Errorf("%s %s = %s: %v %v, want %v", tt.input.Name, tt.input, tt.text, got, err, tt.want)
		}
	}
}

func TestBadLiterals(t *testing.T) {
	tests := []struct {
		input ingot.ValueInfo
		text  string
		want  string
	}{
		{in("x", tensor.Float32, 1, 3), "1,2", "2 values don't fill it"},
		{in("x", tensor.Float32, "batch", 3), "1,2,3,4", "4 values don't fill it"},
		{in("x", tensor.Float32, 0), "1", "don't fill it"},
		{in("x", tensor.Int8, 1), "128", `"128" isn't one`},
		{in("x", tensor.Uint8, 1), "-1", `"-1" isn't one`},
		{in("x", tensor.Int4, 1), "8", `"8" isn't one`},
		{in("x", tensor.Int64, 1), "1.0", `"1.0" isn't one`},
		{in("x", tensor.Float32, 1), "1e99", `"1e99" isn't one`},
		{in("x", tensor.Float32, 2), "1,", `"" isn't one`},
		{in("x", tensor.Bool, 1), "yes", `"yes" isn't one`},
		{in("x", tensor.Float32, 2), "[1,2", "isn't a list"},
		{in("x", tensor.Float32, 2), "[1,[2]]", "same length"},
		{in("x", tensor.Float32, 2), "[1,2] 3", "after the list"},
		{in("x", tensor.Float32, 2), "[1,null]", "neither a number nor a string"},
		{in("x", tensor.String, 2), `"a",b`, "isn't a list"},
		{in("x", tensor.Float32, 2), "rand[2", "no closing bracket"},
		{in("x", tensor.Float32, 2), "rand[2,x]", "isn't a size"},
		{open("x", tensor.Float32), "rand", "doesn't say which shape"},
	}
	for _, tt := range tests {
		got, err := one(t, tt.input, tt.text)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s = %s: %v, error %v, want %q", tt.input, tt.text, got, err, tt.want)
		}
	}
}

// TestRandom: the numbers depend on the seed and the name alone, and stay in their range.
func TestRandom(t *testing.T) {
	inputs := []ingot.ValueInfo{in("a", tensor.Float32, "n", 100), in("b", tensor.Float32, "n", 100), in("i", tensor.Int64, "n", 100), in("u", tensor.Uint8, 10_000)}
	req := Request{Inputs: []string{"rand"}, Dims: []string{"n=2"}, Ranges: []string{"i=5:8"}, Seed: 3}
	f, err := Build(Model{Inputs: inputs}, req)
	if err != nil {
		t.Fatal(err)
	}
	g, err := Build(Model{Inputs: []ingot.ValueInfo{inputs[1]}}, Request{Inputs: []string{"b=rand"}, Dims: []string{"b.n=2"}, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	a, b, again := f.Values["a"].(*tensor.Tensor), f.Values["b"].(*tensor.Tensor), g.Values["b"].(*tensor.Tensor)
	if a.Equal(b) {
		t.Error("two inputs have the same random numbers")
	}
	if !b.Equal(again) {
		t.Error("the numbers depend on the other inputs")
	}
	if len(f.Ones) > 0 || !reflect.DeepEqual(f.Random, []string{"a", "b", "i", "u"}) {
		t.Errorf("ones %v, random %v", f.Ones, f.Random)
	}
	for _, v := range tensor.View[float32](a) {
		if v < 0 || v >= 1 {
			t.Errorf("%v isn't in [0,1)", v)
		}
	}
	seen := map[int64]bool{}
	for _, v := range tensor.View[int64](f.Values["i"].(*tensor.Tensor)) {
		seen[v] = true
	}
	if !reflect.DeepEqual(seen, map[int64]bool{5: true, 6: true, 7: true}) {
		t.Errorf("integers %v, want 5, 6, 7", seen)
	}
	bytes := f.Values["u"].(*tensor.Tensor).Bytes()
	if slices.Min(bytes) != 0 || slices.Max(bytes) != 255 {
		t.Error("random bytes don't use their range")
	}
	req.Seed = 4
	if h, err := Build(Model{Inputs: inputs}, req); err != nil || h.Values["a"].(*tensor.Tensor).Equal(a) {
		t.Errorf("another seed gives the same numbers (%v)", err)
	}
}

// TestDims: arrays settle symbols for what is generated, then -d, then 1.
func TestDims(t *testing.T) {
	inputs := []ingot.ValueInfo{in("ids", tensor.Int64, "batch", "seq"), in("mask", tensor.Int64, "batch", "seq"), in("extra", tensor.Float32, "batch", "k", "?0")}
	shape := func(f *Feed, name string) []int { return f.Values[name].(*tensor.Tensor).Shape() }
	f, err := Build(Model{Inputs: inputs}, Request{Inputs: []string{"mask=zeros", "extra=rand", "ids=[[1,2,3],[4,5,6]]"}})
	if err != nil || !reflect.DeepEqual(shape(f, "mask"), []int{2, 3}) || !reflect.DeepEqual(shape(f, "extra"), []int{2, 1, 1}) {
		t.Fatalf("%v %v", f, err)
	}
	if len(f.Ones) != 1 || f.Ones[0] != "extra is float32[2,1,1] (k, axis 2)" {
		t.Errorf("%q", f.Ones)
	}
	f, err = Build(Model{Inputs: inputs}, Request{Inputs: []string{"rand"}, Dims: []string{"batch=2", "seq=5", "extra.k=7", "extra.2=9"}})
	if err != nil || !reflect.DeepEqual(shape(f, "ids"), []int{2, 5}) || !reflect.DeepEqual(shape(f, "extra"), []int{2, 7, 9}) || len(f.Ones) > 0 {
		t.Errorf("%v %v", f, err)
	}
	f, err = Build(Model{Inputs: inputs}, Request{Inputs: []string{"ids=1,2,3,4", "rand"}, Dims: []string{"batch=2"}})
	if err != nil || !reflect.DeepEqual(shape(f, "ids"), []int{2, 2}) || !reflect.DeepEqual(shape(f, "mask"), []int{2, 2}) {
		t.Errorf("%v %v", f, err)
	}
	for text, want := range map[string]string{
		"batsch=2": `did you mean "batch"?`, "x.batch=2": "no input has a dimension", "ids.k=2": `no dimension "k" of input "ids" is open`, "=3": "write NAME=NUMBER", "batch=two": "isn't a size",
	} {
		if _, err := Build(Model{Inputs: inputs}, Request{Inputs: []string{"rand"}, Dims: []string{text}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("-d %s: %v, want %q", text, err, want)
		}
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	x, y := tensor.Of([]float32{1, 2}), tensor.Of([]float32{3, 4})
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(npy.WriteFile(at("x.npy"), x))
	check(npy.WriteFile(at("odd:name.npy"), y))
	check(npy.WriteNpzFile(at("both.npz"), []npy.Named{{Name: "x", Tensor: x}, {Name: "y", Tensor: y}}))
	check(npy.WriteNpzFile(at("single.npz"), []npy.Named{{Name: "arr_0", Tensor: x}}))
	check(safetensors.WriteFile(at("both.safetensors"), []safetensors.Named{{Name: "x", Tensor: x}, {Name: "y", Tensor: y}}, nil))
	pb, err := onnxpb.EncodeTensor(y, "y")
	check(err)
	check(os.WriteFile(at("input_1.pb"), pb, 0o644))
	pb, err = onnxpb.EncodeTensor(x, "x")
	check(err)
	check(os.WriteFile(at("input_0.pb"), pb, 0o644))

	xy := []ingot.ValueInfo{in("x", tensor.Float32, "n"), in("y", tensor.Float32, "n")}
	both := map[string]*tensor.Tensor{"x": x, "y": y}
	tests := []struct {
		name   string
		inputs []ingot.ValueInfo
		req    Request
		want   map[string]*tensor.Tensor
		err    string
	}{
		{"npy", xy[:1], Request{Inputs: []string{"x=@" + at("x.npy")}}, map[string]*tensor.Tensor{"x": x}, ""},
		{"a colon in the name", xy[:1], Request{Inputs: []string{"x=@" + at("odd:name.npy")}}, map[string]*tensor.Tensor{"x": y}, ""},
		{"npz by the input's name", xy, Request{Inputs: []string{"x=@" + at("both.npz"), "y=@" + at("both.npz")}}, both, ""},
		{"npz by key", xy[:1], Request{Inputs: []string{"x=@" + at("both.npz") + ":y"}}, map[string]*tensor.Tensor{"x": y}, ""},
		{"npz with one array", xy[:1], Request{Inputs: []string{"x=@" + at("single.npz")}}, map[string]*tensor.Tensor{"x": x}, ""},
		{"npz without the array", xy[:1], Request{Inputs: []string{"x=@" + at("both.npz") + ":z"}}, nil, `no array "z"`},
		{"safetensors", xy, Request{Inputs: []string{"x=@" + at("both.safetensors") + ":y", "y=@" + at("both.safetensors")}}, map[string]*tensor.Tensor{"x": y, "y": y}, ""},
		{"whole npz", xy, Request{Inputs: []string{"@" + at("both.npz")}}, both, ""},
		{"whole safetensors", xy, Request{Inputs: []string{"@" + at("both.safetensors")}}, both, ""},
		{"whole npz with too much", xy[:1], Request{Inputs: []string{"@" + at("both.npz")}}, nil, `no input "y"`},
		{"no name is needed", xy[:1], Request{Inputs: []string{"@" + at("x.npy")}}, map[string]*tensor.Tensor{"x": x}, ""},
		{"no name but two inputs", xy, Request{Inputs: []string{"@" + at("x.npy")}}, nil, "which input is this for?"},
		{"pb", xy[:1], Request{Inputs: []string{"x=@" + at("input_1.pb")}}, map[string]*tensor.Tensor{"x": y}, ""},
		{"data folder", xy, Request{Data: dir}, both, ""},
		{"data folder with too much", xy[:1], Request{Data: dir}, nil, "is for input 1"},
		{"empty data folder", xy, Request{Data: t.TempDir()}, nil, "no input_N.pb"},
		{"a key in what has none", xy[:1], Request{Inputs: []string{"x=@" + at("x.npy") + ":y"}}, nil, `there is no "y" in it`},
		{"a folder", xy[:1], Request{Inputs: []string{"x=@" + dir}}, nil, "is a folder"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := Build(Model{Inputs: tt.inputs}, tt.req)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range tt.want {
				if got, ok := f.Values[name].(*tensor.Tensor); !ok || !got.Equal(want) {
					t.Errorf("%s = %v, want %v", name, f.Values[name], want)
				}
			}
		})
	}
	file, err := os.Open(at("x.npy"))
	check(err)
	defer file.Close()
	f, err := Build(Model{Inputs: xy[:1]}, Request{Inputs: []string{"x=@-"}, Stdin: file})
	if err != nil || !f.Values["x"].(*tensor.Tensor).Equal(x) {
		t.Errorf("standard input: %v %v", f, err)
	}
}

func TestPictures(t *testing.T) {
	path := filepath.Join(t.TempDir(), "red.png")
	img := image.NewRGBA(image.Rect(0, 0, 4, 4))
	for i := range 16 {
		img.Set(i%4, i/4, color.RGBA{255, 0, 0, 255})
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := png.Encode(file, img); err != nil {
		t.Fatal(err)
	}
	file.Close()
	v := in("x", tensor.Float32, "batch", 3, "height", "width")
	m := Model{Inputs: []ingot.ValueInfo{v}, Metadata: map[string]string{"ingot.input.x": `{"kind":"image","size":[2,3]}`}}
	f, err := Build(m, Request{Inputs: []string{"x=@" + path}})
	if err != nil {
		t.Fatal(err)
	}
	got := f.Values["x"].(*tensor.Tensor)
	if got.String() != "float32[1,3,2,3]" || tensor.View[float32](got)[0] != 1 || tensor.View[float32](got)[6] != 0 {
		t.Errorf("%v %v", got, tensor.View[float32](got))
	}
	// An option overrides the metadata, and -d gives sizes.
	f, err = Build(m, Request{Inputs: []string{"x=@" + path}, Images: []string{"x:bgr,scale=1/51,mean=1,std=2/2/2"}, Dims: []string{"height=2", "width=2"}})
	if err != nil {
		t.Fatal(err)
	}
	got = f.Values["x"].(*tensor.Tensor)
	if data := tensor.View[float32](got); got.String() != "float32[1,3,2,2]" || data[0] != -0.5 || data[8] != 2 {
		t.Errorf("%v %v", got, data)
	}
	for _, tt := range []struct {
		meta, image, want string
	}{
		{"", "", "doesn't say how a picture becomes"},
		{`{"kind":"sound"}`, "", "metadata"},
		{"", "x:rgb", "is open, so it must be given"},
		{"", "x:gray,2x2", "gray has 1 channels, the input 3"},
		{"", "x:rgb,2x2,fit=squeeze", "squeeze"},
		{"", "x:rgb,2", `"2" isn't a setting`},
		{"", "x:rgb,scale=1/0", "isn't a setting"},
		{"", "rgb,2x2", "an input's name comes first"},
		{"", "y:rgb", `no input "y"`},
	} {
		m := Model{Inputs: []ingot.ValueInfo{v}, Metadata: map[string]string{}}
		if tt.meta != "" {
			m.Metadata["ingot.input.x"] = tt.meta
		}
		req := Request{Inputs: []string{"x=@" + path}}
		if tt.image != "" {
			req.Images = []string{tt.image}
		}
		if _, err := Build(m, req); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("metadata %q, option %q: %v, want %q", tt.meta, tt.image, err, tt.want)
		}
	}
}

func TestExamples(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.npy")
	if err := npy.WriteFile(path, tensor.Of([]int64{1, 2}, 1, 2)); err != nil {
		t.Fatal(err)
	}
	npz := filepath.Join(dir, "x.npz")
	if err := npy.WriteNpzFile(npz, []npy.Named{{Name: "k", Tensor: tensor.Of([]float32{1, 2})}}); err != nil {
		t.Fatal(err)
	}
	got := Examples([]string{"a=@" + path, "b=@" + npz, "c=@" + npz + ":k", "d=rand[2,3]", "e=16000"})
	want := []string{"a=int64[1,2]", "b=float32[2]", "c=float32[2]", "d=float32[2,3]", "e=16000"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, none := range []string{"a=1,2", "a=rand", "rand", "a=@none.npy"} {
		if got := Examples([]string{"e=1", none}); got != nil {
			t.Errorf("%s: %q", none, got)
		}
	}
}

// FuzzLiteral: whatever is typed, the answer is a value or an *Error.
func FuzzLiteral(f *testing.F) {
	for _, text := range []string{"x=1,2,3", "x=[[1,2],[3]]", `s="a","b"`, "i=-9223372036854775808", "b=true", "x=nan", "c=1+2i", "q=1", "", "x", "=", `s="`} {
		f.Add(text)
	}
	inputs := []ingot.ValueInfo{in("x", tensor.Float32, "n", 2), in("i", tensor.Int64, 1), in("b", tensor.Bool, "n"), in("s", tensor.String, "n"),
		in("c", tensor.Complex128), in("q", tensor.Uint2, "n", "m"), open("o", tensor.Invalid)}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsAny(text, "@") || strings.Contains(text, "rand") || strings.Contains(text, "zeros") {
			t.Skip("reads files, or takes memory")
		}
		got, err := Build(Model{Inputs: inputs}, Request{Inputs: []string{text}, Missing: ""})
		var e *Error
		if err != nil && !errors.As(err, &e) || err == nil && got == nil {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	})
}
