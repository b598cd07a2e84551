package picture

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func jpegs(t testing.TB) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob("testdata/*.jpg")
	if err != nil || len(names) < 20 {
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

// TestInverseTransform compares with the definition.
func TestInverseTransform(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	scale := func(k int) float64 {
		if k == 0 {
			return math.Sqrt2 / 4
		}
		return 0.5
	}
	for range 200 {
		var b [64]int32
		for range 1 + r.IntN(20) {
			b[r.IntN(64)] = int32(r.IntN(601) - 300)
		}
		var want [64]float64
		for i := range want {
			for k, v := range b {
				u, w := k%8, k/8
				want[i] += float64(v) * scale(u) * scale(w) * math.Cos(float64((2*(i%8)+1)*u)*math.Pi/16) * math.Cos(float64((2*(i/8)+1)*w)*math.Pi/16)
			}
		}
		var got [64]uint8
		idct(got[:], 8, &b)
		for i, v := range got {
			if exact := min(255, max(0, want[i]+128)); math.Abs(float64(v)-exact) > 0.6 {
				t.Fatalf("sample %d is %d, want %.2f", i, v, exact)
			}
		}
	}
	for dc := int32(-2000); dc < 2000; dc++ {
		var a, b [64]uint8
		idct(a[:], 8, &[64]int32{dc})
		idctFlat(b[:], 8, dc)
		if a != b {
			t.Fatalf("DC %d: %d, flat %d", dc, a[0], b[0])
		}
	}
}

// TestJPEGCut cuts files everywhere. What is left is no picture, unless nothing but the end mark is missing.
func TestJPEGCut(t *testing.T) {
	for name, b := range jpegs(t) {
		whole, err := decodeJPEG(b, 1<<20)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for n := 2; n < len(b); n++ {
			m, err := decodeJPEG(b[:n], 1<<20)
			if (err == nil) != (n >= len(b)-2 && !strings.HasPrefix(name, "progressive")) {
				t.Errorf("%s, %d of %d bytes: %v", name, n, len(b), err)
			}
			if err == nil && !slices.Equal(m.Pix, whole.Pix) {
				t.Errorf("%s: another picture without its end mark", name)
			}
		}
	}
}

// TestJPEGDamaged changes bytes. The decoder may find a picture or an error, but does nothing else.
func TestJPEGDamaged(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, b := range jpegs(t) {
		for range 300 {
			d := bytes.Clone(b)
			for range 1 + r.IntN(4) {
				d[2+r.IntN(len(d)-2)] = byte(r.IntN(256))
			}
			_, _ = decodeJPEG(d, 1<<16)
		}
	}
}

func TestJPEGRefused(t *testing.T) {
	b := jpegs(t)["gray.jpg"]
	frame := bytes.Index(b, []byte{0xff, 0xc0})
	scan := bytes.Index(b, []byte{0xff, 0xda})
	set := func(at int, v ...byte) []byte {
		d := bytes.Clone(b)
		copy(d[at:], v)
		return d
	}
	without := func(marker byte) []byte { // segments of a kind become comments
		d := bytes.Clone(b)
		for i := range scan {
			if d[i] == 0xff && d[i+1] == marker {
				d[i+1] = 0xfe
			}
		}
		return d
	}
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"arithmetic":      {set(frame+1, 0xc9), "arithmetic"},
		"lossless":        {set(frame+1, 0xc3), "lossless"},
		"12 bits":         {set(frame+4, 12), "12 bits"},
		"no height":       {set(frame+5, 0, 0), "37×0 pixels"},
		"huge":            {set(frame+5, 0xff, 0xff, 0xff, 0xff), "more than the limit"},
		"two components":  {set(frame+9, 2), "damaged"}, // its segment is too short
		"sampling of 0":   {set(frame+11, 0x01), "damaged"},
		"table 9":         {set(frame+12, 9), "damaged"},
		"unknown channel": {set(scan+5, 99), "damaged"},
		"no codes":        {without(0xc4), "Huffman table is missing"},
		"no quantisation": {without(0xdb), "quantisation table is missing"},
		"no frame":        {without(0xc0), "damaged"},
		"two frames":      {append(bytes.Clone(b[:scan]), b[frame:]...), "several pictures"},
		"scans":           {append(append(bytes.Clone(b[:scan]), bytes.Repeat(b[scan:len(b)-2], maxScans+1)...), 0xff, 0xd9), "more than 500 scans"},
		"restarts":        {append(append(bytes.Clone(b[:scan]), 0xff, 0xdd, 0, 4, 0, 1), b[scan:]...), "damaged"},
	} {
		_, err := Decode(bytes.NewReader(c.data), Limits{})
		var de *DecodeError
		if !errors.As(err, &de) || de.Format != "jpeg" || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "failed") {
			t.Errorf("%s: %v, want a DecodeError about %q", name, err, c.want)
		}
	}
}

// TestJPEGMemory gives a header that promises much: memory is taken only for what a file of its length can hold.
func TestJPEGMemory(t *testing.T) {
	b := bytes.Clone(jpegs(t)["progressive444.jpg"])
	frame := bytes.Index(b, []byte{0xff, 0xc2})
	copy(b[frame+5:], []byte{0x20, 0, 0x20, 0}) // 8192 both ways
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := decodeJPEG(b, 1<<30); err != errJPEGShort {
		t.Errorf("err = %v", err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes were allocated", n)
	}
}

// FuzzJPEG has no net: [Decode] would make an error of a panic.
func FuzzJPEG(f *testing.F) {
	for _, b := range jpegs(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !isJPEG(data) {
			return
		}
		m, err := decodeJPEG(data, 1<<16)
		if err == nil && (len(m.Pix) != m.W*m.H*m.C || m.W*m.H > 1<<16 || m.C != 1 && m.C != 3) {
			t.Fatalf("%d×%d×%d, %d samples", m.W, m.H, m.C, len(m.Pix))
		}
	})
}
