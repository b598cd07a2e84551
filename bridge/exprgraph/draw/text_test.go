package draw

import (
	"slices"
	"strings"
	"testing"

	"ingot/internal/onnxpb"
	"ingot/loader"
	"ingot/ops/standard"
)

func TestShorten(t *testing.T) {
	for _, tt := range []struct {
		text string
		n    int
		want string
	}{{"short", 5, "short"}, {"longer name", 7, "lo…name"}, {"größeres", 4, "g…es"}} {
		if got := shorten(tt.text, tt.n); got != tt.want {
			t.Errorf("shorten(%q, %d) = %q, want %q", tt.text, tt.n, got, tt.want)
		}
	}
}

func TestShortType(t *testing.T) {
	for typ, want := range map[string]string{
		"float32[batch,3,224,224]":              "float32[batch,3,224,224]",
		"int64[]":                               "int64[]",
		"float32[…]":                            "float32[…]",
		"seq(float32[…])":                       "seq(float32[…])",
		"":                                      "",
		"float32[max(a,b),(height/2),64]":       "float32[max(a,b),(height/2),64]",
		"float32[a,max(height,width)/2*batch]":  "float32[a,…]",
		"float32[p2o.DynamicDimension.0,3]":     "float32[p2o.…mension.0,3]",
		"float32[1,2,3,4,5,6,7,8,9]":            "float32[1,2,3,4,5,6,7,…]",
		"map(int64,some very long type of all)": "map(int64,some very long type of all)",
	} {
		if got := shortType(typ); got != want {
			t.Errorf("shortType(%q) = %q, want %q", typ, got, want)
		}
	}
}

// TestAttributes: what is at its default says nothing.
func TestAttributes(t *testing.T) {
	set, err := standard.Set()
	if err != nil {
		t.Fatal(err)
	}
	ints := func(v ...int64) []int64 { return v }
	tests := []struct {
		op    string
		attrs []*loader.Attr
		want  string
	}{
		{"Conv", []*loader.Attr{onnxpb.Attr("kernel_shape", ints(3, 5)), onnxpb.Attr("strides", ints(1, 1)), onnxpb.Attr("pads", ints(0, 0, 0, 0)), onnxpb.Attr("group", 1), onnxpb.Attr("auto_pad", "NOTSET")}, "kernel 3×5"},
		{"Conv", []*loader.Attr{onnxpb.Attr("strides", ints(2, 2)), onnxpb.Attr("pads", ints(1, 1, 1, 1)), onnxpb.Attr("dilations", ints(2, 1)), onnxpb.Attr("group", 8)}, "stride 2×2, pad 1, dilation 2×1|group 8"},
		{"Conv", []*loader.Attr{onnxpb.Attr("pads", ints(0, 1, 2, 3)), onnxpb.Attr("auto_pad", "SAME_UPPER")}, `pad 0,1,2,3, auto_pad "SAME_UPPER"`},
		{"LeakyRelu", []*loader.Attr{onnxpb.Attr("alpha", float32(0.01))}, ""},
		{"LeakyRelu", []*loader.Attr{onnxpb.Attr("alpha", float32(0.2))}, "alpha 0.2"},
		{"Gemm", []*loader.Attr{onnxpb.Attr("transB", 1), onnxpb.Attr("transA", 0), onnxpb.Attr("beta", float32(1))}, "transB 1"},
		{"Cast", []*loader.Attr{onnxpb.Attr("to", 7)}, "to int64"},
		{"Unknown", []*loader.Attr{onnxpb.Attr("axes", ints(1, 2, 3, 4, 5, 6, 7, 8, 9)), onnxpb.Attr("mode", "a")}, `axes [1,2,3,4,5,6,7,8,…]|mode "a"`},
	}
	for _, tt := range tests {
		n := onnxpb.Node(tt.op, nil, nil, tt.attrs...)
		if got := strings.Join(attributes(n, set.Lookup("", tt.op)), "|"); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.op, got, tt.want)
		}
	}
}

func TestParamNames(t *testing.T) {
	set, err := standard.Set()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, tt := range []struct {
		op string
		k  int
	}{{"Conv", 1}, {"Concat", 2}, {"Conv", 9}, {"Nothing", 1}} {
		got = append(got, paramName(set.Lookup("", tt.op), tt.k))
	}
	if want := []string{"W", "inputs2", "#9", "#1"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestFamilies: the table names operators that exist.
func TestFamilies(t *testing.T) {
	set, err := standard.Set()
	if err != nil {
		t.Fatal(err)
	}
	known := 0
	for name := range families() {
		if set.Lookup("", name) != nil {
			known++
		}
	}
	if known < 100 {
		t.Errorf("%d operators of the default set have a family", known)
	}
	if familyOf("", "QLinearConv") != quant || familyOf("", "Quantile") == quant {
		t.Error("quantised operators aren't told by their names")
	}
}

// TestScopeOfMetadata reads what PyTorch's exporter notes.
func TestScopeOfMetadata(t *testing.T) {
	n := onnxpb.Node("Conv", nil, nil)
	n.Metadata = loader.Props{{Key: "pkg.torch.onnx.name_scopes", Value: "['', 'layer1', 'layer1.0.conv1', 'conv2d']"}}
	var got []string
	scope, ok := scopeOf(n)
	for _, p := range scope {
		got = append(got, p.label)
	}
	if want := []string{"layer1", "0", "conv1"}; !ok || !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
