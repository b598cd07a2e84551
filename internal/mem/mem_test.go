package mem

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
	"unsafe"
)

func TestAlloc(t *testing.T) {
	for _, n := range []int{0, 1, 63, 64, 100, minMapping - 1, minMapping, minMapping + 1, 5<<20 + 3} {
		before := mapped.Load()
		b, err := Alloc(n)
		if err != nil {
			t.Fatalf("Alloc(%d): %v", n, err)
		}
		p := b.Bytes()
		if len(p) != n || cap(p) != n || p == nil {
			t.Fatalf("Alloc(%d): len %d, cap %d", n, len(p), cap(p))
		}
		if addr := uintptr(unsafe.Pointer(unsafe.SliceData(p))); n > 0 && addr%align != 0 {
			t.Errorf("Alloc(%d): address %#x", n, addr)
		} else if n >= minMapping && canMap && addr%uintptr(os.Getpagesize()) != 0 {
			t.Errorf("Alloc(%d): address %#x isn't a page's", n, addr)
		}
		if bytes.ContainsFunc(p, func(r rune) bool { return r != 0 }) {
			t.Errorf("Alloc(%d): not zero", n)
		}
		for i := range p {
			p[i] = 0xCD
		}
		if want := n >= minMapping && canMap; (mapped.Load() > before) != want {
			t.Errorf("Alloc(%d): mapped %v, want %v", n, !want, want)
		}
		for range 2 {
			b.Free()
		}
		if b.Bytes() != nil || mapped.Load() != before {
			t.Errorf("Alloc(%d): %d bytes and %d more mapped after Free", n, len(b.Bytes()), mapped.Load()-before)
		}
	}
}

func TestAllocRefuses(t *testing.T) {
	for _, n := range []int{-1, math.MinInt, math.MaxInt} {
		if b, err := Alloc(n); err == nil {
			t.Errorf("Alloc(%d) gave %d bytes", n, len(b.Bytes()))
		}
	}
}

func TestNilBlock(t *testing.T) {
	var b *Block
	b.Free()
	if b.Bytes() != nil {
		t.Error("a nil Block has bytes")
	}
}

func TestFreeFromManyGoroutines(t *testing.T) {
	before := mapped.Load()
	b, err := Alloc(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(b.Free)
	}
	wg.Wait()
	if got := mapped.Load(); got != before {
		t.Errorf("%d bytes mapped, want %d", got, before)
	}
}

// The collector frees what nobody has freed, and only once nobody holds the Block.
func TestCollectorFrees(t *testing.T) {
	if !canMap {
		t.Skip("no mappings on this platform")
	}
	before := mapped.Load()
	const n = 1 << 20
	kept, err := Alloc(n)
	if err != nil {
		t.Fatal(err)
	}
	func() {
		for range 10 {
			b, err := Alloc(n)
			if err != nil {
				t.Fatal(err)
			}
			b.Bytes()[n-1] = 1
		}
		f, _ := testFile(t, n)
		if _, err := MapFile(f, n, false); err != nil {
			t.Fatal(err)
		}
	}()
	for range 1000 {
		runtime.GC()
		if mapped.Load() == before+n {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if got := mapped.Load() - before; got != n {
		t.Fatalf("%d bytes are still mapped, want %d", got, n)
	}
	kept.Bytes()[n-1] = 1
	kept.Free()
}

// testFile makes a file of n bytes and returns it and its contents.
func testFile(t *testing.T, n int) (*os.File, []byte) {
	t.Helper()
	want := make([]byte, n)
	for i := range want {
		want[i] = byte(i*7 + i>>8)
	}
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, want, 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, want
}

func TestMapFile(t *testing.T) {
	if !canMap {
		f, _ := testFile(t, 10)
		if _, err := MapFile(f, 10, false); !errors.Is(err, errors.ErrUnsupported) {
			t.Errorf("got %v, want ErrUnsupported", err)
		}
		return
	}
	for _, n := range []int{0, 1, 4096, 100_001} {
		f, want := testFile(t, n)
		for _, size := range []int{n, n / 2} {
			b, err := MapFile(f, int64(size), false)
			if err != nil {
				t.Fatalf("%d of %d bytes: %v", size, n, err)
			}
			if !bytes.Equal(b.Bytes(), want[:size]) {
				t.Errorf("%d of %d bytes: wrong contents", size, n)
			}
			for range 2 {
				b.Free()
			}
			if b.Bytes() != nil {
				t.Errorf("%d of %d bytes: bytes after Free", size, n)
			}
		}
		b, err := MapFile(f, int64(n), false)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		if !bytes.Equal(b.Bytes(), want) {
			t.Errorf("%d bytes: wrong contents after the file was closed", n)
		}
		b.Free()
	}
	if len(files.ranges) != 0 {
		t.Errorf("%d files are still registered", len(files.ranges))
	}
}

func TestMapFilePrivate(t *testing.T) {
	if !canMap {
		t.Skip("files can't be mapped here")
	}
	f, want := testFile(t, 10_000)
	b, err := MapFile(f, 10_000, true)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Free()
	b.Bytes()[5000] ^= 0xff
	Discard(b.Bytes())
	if b.Bytes()[5000] != want[5000]^0xff {
		t.Error("what was written is lost")
	}
	got := make([]byte, len(want))
	if _, err := f.ReadAt(got, 0); err != nil || !bytes.Equal(got, want) {
		t.Errorf("the file changed (%v)", err)
	}
}

func TestMapFileRefuses(t *testing.T) {
	f, _ := testFile(t, 100)
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	closed, _ := testFile(t, 100)
	closed.Close()
	for _, c := range []struct {
		name string
		f    *os.File
		size int64
	}{
		{"past the end", f, 101},
		{"negative", f, -1},
		{"huge", f, math.MaxInt64},
		{"a folder", dir, 0},
		{"a closed file", closed, 100},
		{"nil", nil, 1},
	} {
		if _, err := MapFile(c.f, c.size, false); err == nil {
			t.Errorf("%s: no error", c.name)
		}
	}
}

func TestDiscard(t *testing.T) {
	const n = 1 << 20
	f, want := testFile(t, n)
	p := bytes.Clone(want)
	for _, s := range [][]byte{nil, {}, p, p[1:100], p[5000:]} {
		Discard(s) // the heap: must do nothing
	}
	if !bytes.Equal(p, want) {
		t.Fatal("Discard changed memory of the Go heap")
	}
	own, err := Alloc(n)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Free()
	copy(own.Bytes(), want)
	Discard(own.Bytes())
	if !bytes.Equal(own.Bytes(), want) {
		t.Fatal("Discard changed memory from Alloc")
	}
	if !canMap {
		return
	}
	b, err := MapFile(f, n, false)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Free()
	for _, r := range [][2]int{{0, n}, {0, 0}, {1, 2}, {4095, 4097}, {1, n - 1}, {n - 1, n}, {8192, 12288}} {
		Discard(b.Bytes()[r[0]:r[1]])
		if !bytes.Equal(b.Bytes(), want) {
			t.Fatalf("contents changed after Discard of %v", r)
		}
	}
}
