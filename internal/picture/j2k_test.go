package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func jpegs2000(t testing.TB) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("testdata/*.j[2p][2k]")
	if err != nil || len(names) < 14 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	out := map[string][]byte{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(name)] = b
	}
	return out
}

// TestTransforms compares the inverse wavelet transforms with the forward ones, by the standard's formulas.
func TestTransforms(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	mirror := func(i, n int) int {
		if i < 0 {
			i = -i
		}
		if i >= n {
			i = 2*(n-1) - i
		}
		return i
	}
	for n := 1; n < 20; n++ {
		for first := range 2 {
			x, f := make([]int32, n), make([]float64, n)
			for i := range x {
				x[i] = int32(r.IntN(512) - 256)
				f[i] = float64(x[i])
			}
			y, g := slices.Clone(x), make([]float32, n)
			if n == 1 {
				y[0] <<= first
				g[0] = float32(f[0])
			} else {
				for i := 1 - first; i < n; i += 2 {
					y[i] -= (y[mirror(i-1, n)] + y[mirror(i+1, n)]) >> 1
				}
				for i := first; i < n; i += 2 {
					y[i] += (y[mirror(i-1, n)] + y[mirror(i+1, n)] + 2) >> 2
				}
				for s := 3; s >= 0; s-- {
					for i := (first + s) & 1; i < n; i += 2 {
						f[i] += float64(lift97Steps[s]) * (f[mirror(i-1, n)] + f[mirror(i+1, n)])
					}
				}
				for i, v := range f {
					if g[i] = float32(v / lift97Low); i&1 != first {
						g[i] = float32(v / lift97High)
					}
				}
			}
			lift53(y, 1, first)
			lift97(g, 1, first)
			if !slices.Equal(x, y) {
				t.Errorf("%d from %d: %v, want %v", n, first, y, x)
			}
			for i, v := range g {
				if d := v - float32(x[i]); d > 1e-3 || d < -1e-3 {
					t.Errorf("%d from %d, irreversible: %v, want %v", n, first, g, x)
					break
				}
			}
		}
	}
}

// TestTagTree codes numbers as annex B has it.
func TestTagTree(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, size := range [][2]int{{1, 1}, {3, 2}, {5, 7}, {1, 9}} {
		w, h := size[0], size[1]
		leaves := make([]int, w*h)
		for i := range leaves {
			leaves[i] = r.IntN(6)
		}
		least := func(level, x, y int) int {
			m := 99
			for ly := y << level; ly < min(h, (y+1)<<level); ly++ {
				for lx := x << level; lx < min(w, (x+1)<<level); lx++ {
					m = min(m, leaves[ly*w+lx])
				}
			}
			return m
		}
		tree := newTagTree(w, h)
		var bits []byte // one each
		known := map[[3]int]int{}
		for i, v := range leaves {
			low := 0
			for k := len(tree.levels) - 1; k >= 0; k-- {
				node := [3]int{k, i % w >> k, i / w >> k}
				m := least(k, node[1], node[2])
				if _, seen := known[node]; !seen {
					bits = append(append(bits, make([]byte, m-low)...), 1)
				}
				known[node], low = m, m
			}
			_ = v
		}
		var packed []byte
		last, left := byte(0), 0
		for _, b := range bits {
			if left == 0 {
				packed = append(packed, 0)
				if left = 8; last == 0xff {
					left = 7
				}
			}
			left--
			packed[len(packed)-1] |= b << left
			last = packed[len(packed)-1]
		}
		reader := &j2kBits{data: packed}
		for i, v := range leaves {
			got := 0
			for !tree.below(reader, i%w, i/w, got+1) {
				got++
			}
			if got != v || reader.short {
				t.Fatalf("%d×%d: leaf %d is %d, want %d", w, h, i, got, v)
			}
		}
	}
}

func TestJPEG2000Cut(t *testing.T) {
	for name, b := range jpegs2000(t) {
		whole, err := decodeJPEG2000(b, 1<<20)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for n := 12; n < len(b); n++ {
			m, err := decodeJPEG2000(b[:n], 1<<20)
			if (err == nil) != (n >= len(b)-2) {
				t.Errorf("%s, %d of %d bytes: %v", name, n, len(b), err)
			}
			if err == nil && !slices.Equal(m.Pix, whole.Pix) {
				t.Errorf("%s: another picture without its end mark", name)
			}
		}
	}
}

// TestJPEG2000Damaged changes bytes. The decoder may find a picture or an error, but does nothing else.
func TestJPEG2000Damaged(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, b := range jpegs2000(t) {
		head := bytes.Index(b, []byte{0xff, 0x4f})
		for i := range 200 {
			d := bytes.Clone(b)
			for range 1 + r.IntN(4) {
				at := 12 + r.IntN(len(d)-12)
				if i%2 == 0 {
					at = head + 4 + r.IntN(100) // headers
				}
				d[at] = byte(r.IntN(256))
			}
			_, _ = decodeJPEG2000(d, 1<<16)
		}
	}
}

func TestJPEG2000Refused(t *testing.T) {
	files := jpegs2000(t)
	b, jp2 := files["bypass.j2k"], files["lossless.jp2"]
	at := func(data []byte, marker byte) int { return bytes.Index(data, []byte{0xff, marker}) }
	set := func(data []byte, at int, v ...byte) []byte {
		d := bytes.Clone(data)
		copy(d[at:], v)
		return d
	}
	size, style, tile := at(b, 0x51), at(b, 0x52), at(b, 0x90)
	colors := bytes.Index(jp2, []byte("colr")) + 4
	for name, c := range map[string]struct {
		data        []byte
		unsupported bool
		want        string
	}{
		"part 15":         {set(b, style+12, 0x40), true, "part 15"},
		"packed headers":  {set(b, style, 0xff, 0x60), true, "packed packet headers"},
		"five components": {set(b, size+38, 0, 5), false, "damaged"}, // its segment is too short
		"24 bits":         {set(b, size+40, 23), true, "24 bits"},
		"huge":            {set(b, size+6, 0, 0xff, 0xff, 0xff), false, "more than the limit"},
		"far":             {set(b, size+6, 0xff), false, "coordinate"},
		"no steps":        {set(b, at(b, 0x5c)+1, 0x64), false, "damaged"},
		"no style":        {set(b, style+1, 0x64), false, "damaged"},
		"tiles":           {set(b, size+22, 0, 0, 0, 1, 0, 0, 0, 1), false, "ends early"}, // for lack of the others
		"other tile":      {set(b, tile+4, 0, 9), false, "damaged"},
		"levels":          {set(b, style+9, 33), false, "damaged"},
		"Lab":             {set(jp2, colors+3, 0, 0, 0, 14), true, "colour space 14"},
		"no stream":       {bytes.Replace(jp2, []byte("jp2c"), []byte("free"), 1), false, "ends early"},
	} {
		_, err := Decode(bytes.NewReader(c.data), Limits{})
		var de *DecodeError
		if !errors.As(err, &de) || de.Format != "jpeg2000" || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "failed") {
			t.Errorf("%s: %v, want a DecodeError about %q", name, err, c.want)
		}
		if errors.Is(err, ErrUnsupported) != c.unsupported {
			t.Errorf("%s: %v is an ErrUnsupported: %t", name, err, !c.unsupported)
		}
	}
}

// TestJPEG2000Memory gives headers that promise much.
func TestJPEG2000Memory(t *testing.T) {
	b := jpegs2000(t)["bypass.j2k"]
	size := bytes.Index(b, []byte{0xff, 0x51})
	for name, put := range map[string]func(d []byte){
		"picture": func(d []byte) {
			binary.BigEndian.PutUint32(d[size+6:], 9000)
			binary.BigEndian.PutUint32(d[size+10:], 9000)
		},
		"tiles":     func(d []byte) { binary.BigEndian.PutUint32(d[size+22:], 1); binary.BigEndian.PutUint32(d[size+26:], 1) },
		"precincts": func(d []byte) { binary.BigEndian.PutUint16(d[bytes.Index(d, []byte{0xff, 0x52})+6:], 65535) }, // by their layers
	} {
		d := bytes.Clone(b)
		put(d)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := decodeJPEG2000(d, 1<<30); err == nil {
			t.Errorf("%s: no error", name)
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%s: %d bytes were allocated", name, n)
		}
	}
}

// FuzzJPEG2000 has no net, as [FuzzJPEG].
func FuzzJPEG2000(f *testing.F) {
	for _, b := range jpegs2000(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !isJPEG2000(data) {
			return
		}
		m, err := decodeJPEG2000(data, 1<<16)
		if err == nil && (len(m.Pix) != m.W*m.H*m.C || m.W*m.H > 1<<16 || m.C != 1 && m.C != 3) {
			t.Fatalf("%d×%d×%d, %d samples", m.W, m.H, m.C, len(m.Pix))
		}
	})
}
