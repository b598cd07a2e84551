package picture

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"ingot/npy"
	"ingot/tensor"
)

// expected is what Pillow made of the pictures in testdata (see make.py there).
func expected(t *testing.T) map[string]*Image {
	t.Helper()
	arrays, err := npy.ReadNpz("testdata/expected.npz")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*Image{}
	for _, a := range arrays {
		pix, err := tensor.Data[uint8](a.Tensor)
		if err != nil {
			t.Fatalf("%s: %v", a.Name, err)
		}
		m := &Image{H: a.Tensor.Dims()[0], W: a.Tensor.Dims()[1], C: 1, Pix: pix}
		if a.Tensor.Rank() == 3 {
			m.C = 3
		}
		out[a.Name] = m
	}
	return out
}

func load(t *testing.T, name string) *Image {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	m, err := Decode(bytes.NewReader(b), Limits{})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return m
}

// differ returns the largest difference of two samples, and how many differ.
func differ(a, b *Image) (largest, count int) {
	if a.W != b.W || a.H != b.H || a.C != b.C {
		return 256, 0
	}
	for i, v := range a.Pix {
		if d := int(v) - int(b.Pix[i]); d != 0 {
			count++
			largest = max(largest, d, -d)
		}
	}
	return largest, count
}

func TestDecodeLikePillow(t *testing.T) {
	for name, want := range expected(t) {
		if strings.Contains(name, "/") {
			continue
		}
		got := load(t, name)
		if d, n := differ(got, want); d != 0 {
			t.Errorf("%s: %d×%d×%d, want %d×%d×%d; %d samples differ, by up to %d", name, got.W, got.H, got.C, want.W, want.H, want.C, n, d)
		}
	}
}

func TestResizeLikePillow(t *testing.T) {
	named := map[string]string{"nearest": "nearest", "box": "box-antialias", "bilinear": "bilinear-antialias", "bicubic": "bicubic-antialias", "lanczos": "lanczos-antialias"}
	tests := 0
	for name, want := range expected(t) {
		p := strings.Split(name, "/")
		if len(p) < 3 {
			continue
		}
		tests++
		m := load(t, p[0])
		var got *Image
		if fit := p[1]; fit == "cover" || fit == "contain" {
			s := &Spec{Kind: "image", Fit: fit, Resize: named[p[2]]}
			got = s.place(m, geometry{h: want.H, w: want.W, c: want.C})
		} else {
			from := m.whole()
			if len(p) == 4 {
				if _, err := fmt.Sscanf(p[3], "%f,%f,%f,%f", &from.x0, &from.y0, &from.x1, &from.y1); err != nil {
					t.Fatal(err)
				}
			}
			got = m.resize(want.W, want.H, filters[named[p[1]]], from)
		}
		if d, n := differ(got, want); d > 0 {
			t.Errorf("%s: %d samples differ, by up to %d", name, n, d)
		}
	}
	if tests != 5*(8+1+1+8) {
		t.Errorf("%d tests", tests)
	}
}

func TestGrayLikePillow(t *testing.T) {
	got, want := load(t, "rgb.png").Gray(), expected(t)["rgb.png/gray"]
	if !slices.Equal(got.Pix, want.Pix) {
		t.Error("grey levels differ")
	}
}
